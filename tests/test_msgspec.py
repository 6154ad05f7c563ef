"""msgspec learns a class at its first use; two threads that teach it one at once crash the process."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("batch", "gemini", "lifecycle", "terminal", "ui", "emulator")
BUILT_IN = {"str", "int", "float", "bool", "dict", "list"}
CONVERTING = {  # each has taught msgspec what it converts to, or runs in one thread
    "batch/pricing/catalog.py",
    "lifecycle/storage/store.py",
    "lifecycle/inputs/drafts.py",
}


def late_lessons(source: str) -> Iterator[str]:
    """Lines within functions that may be the first to show msgspec a class."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call):
                name = ast.unparse(call.func)
                types = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "type"]
                decodes = name.endswith("json.decode") and any(type_ not in BUILT_IN for type_ in types)
                if decodes or name.endswith(("msgspec.convert", "json.Decoder")):
                    yield f"{call.lineno}: {ast.unparse(call)}"


def test_classes_are_learnt_while_modules_are_imported() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if (lines := list(late_lessons(path.read_text(encoding="utf-8"))))
    }
    assert {name: lines for name, lines in found.items() if name not in CONVERTING} == {}


def test_a_late_lesson_is_seen() -> None:
    assert list(late_lessons("def f(x):\n    return msgspec.json.decode(x, type=Line)"))
    assert not list(late_lessons("def f(x):\n    return msgspec.json.decode(x, type=str)"))
