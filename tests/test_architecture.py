"""The house, enforced: a folder imports the folders below it, a room only the rooms named beside it here.

`ROOMS` is the whole plan. Each room says what it is for in the first sentence of its `__init__`.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FOLDERS = ["main", "cli", "assembly", "settings", "terminal", "ui", "lifecycle"]
FOLDERS += ["cache_utils", "gemini", "gem_cache", "batch"]
SETTINGS_READERS = {"main", "cli", "assembly", "settings"}

# room -> the rooms of the same folder that it may import. Modules directly in a folder are named one by one.
ROOMS: dict[str, set[str]] = {
    "ui.page": {
        "ui.login",
        "ui.files",
        "ui.layout",
        "ui.monitor",
        "ui.submit",
        "ui.account",
        "ui.run",
        "ui.shared",
    },
    "ui.layout": {"ui.shared"},
    "ui.monitor": {"ui.layout", "ui.runs", "ui.answers", "ui.submit", "ui.files", "ui.shared"},
    "ui.runs": {"ui.shared"},
    "ui.submit": {"ui.pile", "ui.table", "ui.answers", "ui.files", "ui.pricing", "ui.account", "ui.shared"},
    "ui.pile": {"ui.answers", "ui.files", "ui.thumbnails", "ui.shared"},
    "ui.table": {"ui.answers", "ui.files", "ui.thumbnails", "ui.shared"},
    "ui.answers": {"ui.files", "ui.shared"},
    "ui.files": {"ui.shared"},
    "ui.account": {"ui.results", "ui.shared"},
    "ui.run": {"ui.monitor", "ui.results", "ui.rows", "ui.media", "ui.shared"},
    "ui.results": {"ui.rows", "ui.media", "ui.thumbnails", "ui.shared"},
    "ui.rows": {"ui.media", "ui.thumbnails", "ui.shared"},
    "ui.media": {"ui.thumbnails", "ui.shared"},
    "ui.pricing": {"ui.answers", "ui.shared"},
    "ui.http": {"ui.limits", "ui.login", "ui.thumbnails", "ui.shared"},
    "ui.thumbnails": {"ui.shared"},
    "ui.shared": {"ui.limits", "ui.login"},
    "ui.login": set(),
    "ui.limits": set(),
    "terminal.verbs": {"terminal.steps", "terminal.output"},
    "terminal.steps": {"terminal.output"},
    "terminal.output": set(),
    "terminal.arguments": set(),
    "lifecycle.runner": {
        "lifecycle.reuse",
        "lifecycle.run_list",
        "lifecycle.services",
        "lifecycle.workflow",
        "lifecycle.workflow.shards",
        "lifecycle.storage",
        "lifecycle.storage.copies",
        "lifecycle.core",
    },
    "lifecycle.services": {
        "lifecycle.planning.history",
        "lifecycle.workflow",
        "lifecycle.workflow.stages",
        "lifecycle.workflow.shards",
        "lifecycle.planning",
        "lifecycle.inputs",
        "lifecycle.inputs.tables",
        "lifecycle.inputs.files",
        "lifecycle.requests",
        "lifecycle.sending",
        "lifecycle.results.read",
        "lifecycle.results.store",
        "lifecycle.storage",
        "lifecycle.storage.copies",
        "lifecycle.core",
    },
    "lifecycle.reuse": {
        "lifecycle.services",
        "lifecycle.inputs",
        "lifecycle.requests",
        "lifecycle.results.store",
        "lifecycle.core",
    },
    "lifecycle.run_list": {
        "lifecycle.services",
        "lifecycle.workflow.stages",
        "lifecycle.results.fill",
        "lifecycle.results.export",
        "lifecycle.storage",
        "lifecycle.core",
    },
    "lifecycle.workflow": {
        "lifecycle.workflow.stages",
        "lifecycle.workflow.shards",
        "lifecycle.storage",
        "lifecycle.storage.copies",
        "lifecycle.core",
    },
    "lifecycle.workflow.stages": {
        "lifecycle.workflow.shards",
        "lifecycle.planning",
        "lifecycle.planning.history",
        "lifecycle.requests",
        "lifecycle.sending",
        "lifecycle.inputs",
        "lifecycle.inputs.tables",
        "lifecycle.results.read",
        "lifecycle.results.collect",
        "lifecycle.results.store",
        "lifecycle.storage",
        "lifecycle.core",
    },
    "lifecycle.workflow.shards": {
        "lifecycle.planning",
        "lifecycle.requests",
        "lifecycle.sending",
        "lifecycle.inputs",
        "lifecycle.storage",
        "lifecycle.core",
    },
    "lifecycle.planning": {
        "lifecycle.planning.history",
        "lifecycle.requests",
        "lifecycle.sending",
        "lifecycle.inputs",
        "lifecycle.inputs.tables",
        "lifecycle.inputs.files",
        "lifecycle.results.read",
        "lifecycle.results.store",
        "lifecycle.storage",
        "lifecycle.core",
    },
    "lifecycle.planning.history": {
        "lifecycle.requests",
        "lifecycle.results.read",
        "lifecycle.results.store",
        "lifecycle.storage",
        "lifecycle.core",
    },
    "lifecycle.sending": {"lifecycle.inputs.files", "lifecycle.requests", "lifecycle.core"},
    "lifecycle.inputs": {
        "lifecycle.inputs.columns",
        "lifecycle.inputs.tables",
        "lifecycle.inputs.files",
        "lifecycle.inputs.decoding",
        "lifecycle.inputs.fetching",
        "lifecycle.requests",
        "lifecycle.results.store",
        "lifecycle.core",
    },
    "lifecycle.inputs.files": {"lifecycle.inputs.decoding", "lifecycle.core"},
    "lifecycle.inputs.decoding": set(),
    "lifecycle.inputs.fetching": set(),
    "lifecycle.inputs.tables": {"lifecycle.inputs.columns", "lifecycle.inputs.workbooks", "lifecycle.core"},
    "lifecycle.inputs.columns": set(),
    "lifecycle.inputs.workbooks": set(),
    "lifecycle.results.fill": {
        "lifecycle.inputs.tables",
        "lifecycle.results.export",
        "lifecycle.results.workbook",
        "lifecycle.results.read",
        "lifecycle.results.store",
        "lifecycle.core",
    },
    "lifecycle.results.export": {
        "lifecycle.results.workbook",
        "lifecycle.results.read",
        "lifecycle.results.store",
        "lifecycle.core",
    },
    "lifecycle.results.workbook": set(),
    "lifecycle.results.read": {
        "lifecycle.results.collect",
        "lifecycle.results.store",
        "lifecycle.requests",
        "lifecycle.core",
    },
    "lifecycle.results.collect": {"lifecycle.results.store", "lifecycle.requests", "lifecycle.core"},
    "lifecycle.results.store": set(),
    "lifecycle.storage": {"lifecycle.core"},
    "lifecycle.storage.copies": {"lifecycle.storage", "lifecycle.core"},
    "lifecycle.requests": {"lifecycle.core"},
    "lifecycle.core": set(),
    "batch.samples": set(),
    "batch.kinds": {
        "batch.requests",
        "batch.rules",
        "batch.responses",
        "batch.pricing",
        "batch.model",
        "batch.errors",
        "batch.tokens",
        "batch.formatting",
    },
    "batch.sniffing": {"batch.errors"},
    "batch.fields": {"batch.requests", "batch.rules", "batch.errors", "batch.formatting"},
    "batch.dialects": {"batch.rules", "batch.model", "batch.errors", "batch.formatting"},
    "batch.responses": {"batch.rules", "batch.pricing", "batch.model", "batch.errors"},
    "batch.planning": {
        "batch.arrangement",
        "batch.prefixes",
        "batch.pricing",
        "batch.media",
        "batch.model",
        "batch.formatting",
    },
    "batch.arrangement": {"batch.prefixes", "batch.errors", "batch.formatting"},
    "batch.prefixes": {"batch.tokens", "batch.media", "batch.errors"},
    "batch.requests": {
        "batch.requests.shared",
        "batch.dialects",
        "batch.rules",
        "batch.media",
        "batch.model",
        "batch.errors",
        "batch.formatting",
    },
    "batch.requests.shared": {"batch.requests"},
    "batch.rules": {"batch.pricing", "batch.media", "batch.model", "batch.errors", "batch.formatting"},
    "batch.pricing": {"batch.model", "batch.errors", "batch.formatting"},
    "batch.tokens": {"batch.media"},
    "batch.media": set(),
    "batch.model": set(),
    "batch.errors": set(),
    "batch.formatting": set(),
    "batch.text_diff": set(),
    "emulator.__main__": {"emulator.http", "emulator.core"},
    "emulator.http": {"emulator.api", "emulator.call", "emulator.jobs", "emulator.core"},
    "emulator.api": {"emulator.call", "emulator.jobs", "emulator.answers", "emulator.schema", "emulator.core"},
    "emulator.call": {"emulator.jobs", "emulator.schema", "emulator.core"},
    "emulator.jobs": {"emulator.answers", "emulator.schema", "emulator.core"},
    "emulator.answers": {"emulator.schema", "emulator.core"},
    "emulator.schema": {"emulator.core"},
    "emulator.core": set(),
}
MOST_FILES = 13  # in a room, beside its `__init__`

ALONE = {  # an outside library -> the only folders that may know it
    "streamlit": {"main", "ui"},
    "extra_streamlit_components": {"ui"},
    "google": {"gemini", "cache_utils"},
    "httpx2": {"gemini"},
    "sqlalchemy": {"lifecycle"},
    "dotenv": {"settings"},
}
PURE = {"batch", "gem_cache"}
WORLD = {"os", "time", "socket", "subprocess", "requests", "urllib", "shutil", "tempfile", "threading", "random"}


def product_modules() -> dict[str, Path]:
    """Every module of the product by its dotted name; packages by their `__init__`."""
    modules = {}
    for folder in [*FOLDERS, "emulator"]:
        single = ROOT / f"{folder}.py"
        for path in [single] if single.exists() else sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


MODULES = product_modules()
BY_NAME = [pytest.param(name, id=name) for name in MODULES]


def syntax_tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@cache
def imported_names(name: str) -> frozenset[str]:
    """What a module imports anywhere in its text: lazily and for types, too. Of ours, whole module names."""
    names: set[str] = set()
    for node in ast.walk(syntax_tree(name)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{name}: relative imports hide which room is meant"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {whole if whole in MODULES else node.module for whole in inner}
    return frozenset(names)


def folder_of(name: str) -> str:
    return name.split(".")[0]


def room_of(name: str) -> str | None:
    """The room of a module: the longest name in `ROOMS` that it begins with. None for a module without rooms."""
    fitting = [room for room in ROOMS if name == room or name.startswith(room + ".")]
    return max(fitting, key=len) if fitting else None


def forbidden(name: str, imported: str) -> str | None:
    """Why a module must not import another of the same folder. None where it may."""
    own, other = room_of(name), room_of(imported)
    if own == other or own is None:
        return None
    return None if other in ROOMS[own] else f"{own} must not import {other} ({name} imports {imported})"


@pytest.mark.parametrize("name", BY_NAME)
def test_imports_point_downward(name: str) -> None:
    """Each folder keeps its import rule, and inside a folder each room."""
    folder = folder_of(name)
    for imported in imported_names(name):
        other = folder_of(imported)
        if folder == "emulator":
            assert other not in FOLDERS, f"the emulator must not know the product: {imported}"
        elif other in FOLDERS and other != folder:
            assert FOLDERS.index(other) > FOLDERS.index(folder), f"{folder} looks up at {imported}"
            assert other != "settings" or folder in SETTINGS_READERS, (
                f"{folder} must be given values, not read settings"
            )
        assert other != "emulator" or folder == "emulator", f"{folder} must reach the emulator by its address only"
        assert folder == "emulator" or folder in ALONE.get(other, {folder}), f"{other} belongs to {ALONE[other]}"
        assert folder not in PURE or other not in WORLD, f"{folder} is pure and must not know {other}"
        if other == folder and imported in MODULES:
            assert (fault := forbidden(name, imported)) is None, fault


def test_every_module_is_in_a_room() -> None:
    """A folder of rooms has no file beside them that the plan does not name."""
    folders = {folder_of(room) for room in ROOMS}
    homeless = [name for name in MODULES if folder_of(name) in folders and room_of(name) is None]
    assert [name for name in homeless if MODULES[name].name != "__init__.py"] == []
    assert [room for room in ROOMS if not any(room_of(name) == room for name in MODULES)] == []


def test_rooms_are_small_and_say_what_they_are_for() -> None:
    """A room has one sentence, and few enough files to be read at a glance."""
    for room in ROOMS:
        path = ROOT / room.replace(".", "/")
        if not path.is_dir():
            continue
        sentence = ast.get_docstring(syntax_tree(room))
        assert sentence and sentence.endswith("."), f"{room} does not say what it is for"
        files = [file.name for file in path.glob("*.py") if file.name != "__init__.py"]
        assert len(files) <= MOST_FILES, f"{room} has {len(files)} files"


def test_no_two_modules_import_each_other() -> None:
    """There is no circle, however long, lazy imports and those for types included."""
    arrows = {name: {other for other in imported_names(name) if other in MODULES and other != name} for name in MODULES}
    while leaves := [name for name, others in arrows.items() if not others & arrows.keys()]:
        for name in leaves:
            del arrows[name]
    assert sorted(arrows) == [], "these import each other in a circle"


def test_a_file_in_the_wrong_room_is_seen() -> None:
    """Every module that imports a neighbouring room is told apart from the lowest room, were it put there."""
    lowest = {
        "ui": "ui.limits",
        "terminal": "terminal.output",
        "lifecycle": "lifecycle.core",
        "batch": "batch.media",
        "emulator": "emulator.core",
    }
    for name in MODULES:
        bottom, own = lowest.get(folder_of(name)), room_of(name)
        others = {room_of(other) for other in imported_names(name) if folder_of(other) == folder_of(name)}
        if bottom and own not in (None, bottom) and others - {None, own, bottom}:
            moved = f"{bottom}.{name.rsplit('.', 1)[-1]}"
            assert any(forbidden(moved, other) for other in imported_names(name) if other in MODULES), name


@pytest.mark.parametrize("name", BY_NAME)
def test_nothing_is_unpickled_and_no_shell_is_used(name: str) -> None:
    """Stored bytes are never code, and no command passes through a shell."""
    assert not {folder_of(imported) for imported in imported_names(name)} & {"pickle", "marshal", "shelve", "dill"}
    for node in ast.walk(syntax_tree(name)):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            assert isinstance(node.value, ast.Constant) and node.value.value is False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ("system", "popen"), ast.unparse(node)
