"""What the page says of a choice holds in the browser, even if a message to it was lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ElementTree

UI = Path(__file__).resolve().parents[2] / "ui"
REQUIRED_CHOICES = ("mode", "context", "send_as", "split")
CHOICES = {
    *("segmented_control", "radio", "selectbox", "multiselect", "pills", "toggle", "checkbox"),
    *("number_input", "slider", "text_input", "text_area"),
}
FOR_ONE_CLICK = {("ui/table/instruction.py", "pills"), ("ui/table/instruction.py", "selectbox")}
NEVER_KEPT = {"'typed_key'"}
NEVER_TOGETHER = {  # of each pair one is drawn, by the state of the run, the kind of input or the place
    *("'run-actions'", "'run-head'", "'run-bar'", "'live'"),
    *("'given'", "'remove-file'", "'row-files'", "'rehearse'"),
}


def forget_what_was_drawn(at: AppTest) -> AppTest:
    """Draw again for a browser that knows nothing of the last time: its messages were replaced by a newer run's."""
    at._tree = ElementTree()
    at._tree._runner = at
    at.run()
    assert not at.exception
    return at


def test_a_lost_message_leaves_no_choice_without_its_value(composer: AppTest) -> None:
    """A browser that is not told a value shows none, or the first option, and sends that with the next click."""
    composer.session_state["model"] = "gemini-3.7-flash"  # not the first, which is shown where nothing is known
    at = forget_what_was_drawn(forget_what_was_drawn(composer))
    drawn = {element.key: element for element in (*at.get("button_group"), *at.selectbox) if element.key}
    assert {*REQUIRED_CHOICES, "model"} <= drawn.keys()
    for key in (*REQUIRED_CHOICES, "model"):
        assert drawn[key].proto.set_value, key
    assert drawn["model"].proto.raw_value == "Gemini 3.7 Flash"


def test_every_value_that_code_sets_is_told_again_to_a_browser_that_missed_it() -> None:
    """Streamlit 1.67 does so for what has `persist_state`."""
    calls = list(_choices())
    assert len(calls) > 30
    set_by_code = _keys_set_by_code()
    missing = [
        f"{module}: {kind} {key}"
        for module, kind, key, is_kept in calls
        if _scope(module, key) in set_by_code
        and not is_kept
        and (module, kind) not in FOR_ONE_CLICK
        and key not in NEVER_KEPT
    ]
    assert not missing


def test_a_key_stands_at_one_place() -> None:
    """Streamlit refuses to draw a second element with a key: the page would end there."""
    places: dict[str, list[str]] = {}
    for module, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for word in node.keywords:
                    if word.arg == "key" and isinstance(word.value, ast.Constant | ast.JoinedStr):
                        places.setdefault(ast.unparse(word.value), []).append(module)
    assert {key for key, modules in places.items() if len(modules) > 1} == NEVER_TOGETHER


def _trees() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(UI.rglob("*.py")):
        yield f"ui/{path.relative_to(UI).as_posix()}", ast.parse(path.read_text())


def _choices() -> Iterator[tuple[str, str, str, bool]]:
    """Every widget with a value and a key: its module, kind, key as written, whether its value is kept."""
    for module, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHOICES:
                given = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
                if ast.unparse(node.func.value) == "st" and "key" in given:
                    yield module, node.func.attr, given["key"], bool({"persist_state", "default"} & given.keys())


def _scope(module: str, key: str) -> str:
    """A key written as a text is one on the whole page; a name or call is one in its module."""
    return key if key.startswith("'") else f"{module} {key}"


def _keys_set_by_code() -> set[str]:
    """Keys of session state that are assigned, or get their first value, in the page's code."""
    found = set()
    for module, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                if ast.unparse(node.value) == "st.session_state":
                    found.add(_scope(module, ast.unparse(node.slice)))
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "st.session_state.setdefault":
                found.add(_scope(module, ast.unparse(node.args[0])))
    return found
