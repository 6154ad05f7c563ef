"""The rows of the README's layout, enforced: a row may import the rows below it, never above."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = ["main", "cli", "assembly", "settings", "terminal", "ui", "lifecycle"]
ROWS += ["cache_utils", "gemini", "gem_cache", "batch"]
SETTINGS_READERS = {"main", "cli", "assembly", "settings"}
ALONE = {  # an outside library -> the only rows that may know it
    "streamlit": {"main", "ui"},
    "extra_streamlit_components": {"ui"},
    "google": {"gemini", "cache_utils"},
    "httpx2": {"gemini"},
    "sqlalchemy": {"lifecycle"},
    "dotenv": {"settings"},
}
PURE = {"batch", "gem_cache"}
WORLD = {"os", "time", "socket", "subprocess", "requests", "urllib", "shutil", "tempfile", "threading", "random"}


def modules() -> Iterator[object]:
    for row in [*ROWS, "emulator"]:
        one = ROOT / f"{row}.py"
        for file in [one] if one.exists() else sorted((ROOT / row).rglob("*.py")):
            yield pytest.param(row, file, id=str(file.relative_to(ROOT)))


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(("row", "file"), list(modules()))
def test_imports_point_downward(row: str, file: Path) -> None:
    """Each folder keeps its import rule."""
    for name in imported(file):
        if row == "emulator":
            assert name not in ROWS, f"the emulator must not know the product: {name}"
        elif name in ROWS and name != row:
            assert ROWS.index(name) > ROWS.index(row), f"{row} looks up at {name}"
            assert name != "settings" or row in SETTINGS_READERS, f"{row} must be given values, not read settings"
        assert name != "emulator" or row == "emulator", f"{row} must reach the emulator by its address only"
        assert row == "emulator" or row in ALONE.get(name, {row}), f"{name} belongs to {ALONE[name]}"
        assert row not in PURE or name not in WORLD, f"{row} is pure and must not know {name}"


@pytest.mark.parametrize(("row", "file"), list(modules()))
def test_nothing_is_unpickled_and_no_shell_is_used(row: str, file: Path) -> None:
    """Stored bytes are never code, and no command passes through a shell."""
    names = set(imported(file))
    assert not names & {"pickle", "marshal", "shelve", "dill"}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            assert isinstance(node.value, ast.Constant) and node.value.value is False
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in ("system", "popen"), ast.unparse(node)
