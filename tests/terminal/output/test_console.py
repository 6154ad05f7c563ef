"""A name, an answer or a message of somebody else's moves no cursor, and hides no line."""

from __future__ import annotations

import argparse
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import InputError
from terminal.output.console import escape_controls, print_error, print_message, print_result

HOSTILE = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x08\x08",
    "\r",
    "\x7f",
    "\x9b31m",
    "\u202egnp.exe",
    "\u2067x",
    "\u2028",
    "\ud800",
]
OPTIONS = argparse.Namespace(json=False)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_controls_are_shown_as_numbers(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In messages, in errors, and in lines of results."""
    print_message(f"Wrote {text}.")
    print_error(InputError(f"{text} cannot be read."), 2)
    print_result(OPTIONS, {}, lambda: [f"run {text}", "next"])
    printed = "".join(capsys.readouterr())
    assert text not in printed and f"\\u{ord(text[0]):04x}" in printed
    assert all(char == "\n" or char.isprintable() for char in printed)


def test_a_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_result(OPTIONS, {}, lambda: ["run\n1  finished", "next"])
    assert capsys.readouterr().out == "run\\n1  finished\nnext\n"


def test_messages_keep_their_lines_and_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    print_message("Line 1\n\tLine 2: é 日本 😀 עברית")
    assert capsys.readouterr().err == "Line 1\n\tLine 2: é 日本 😀 עברית\n"


@pytest.mark.parametrize("text", HOSTILE[:-1], ids=ascii)
def test_json_is_the_same_to_a_program(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_result(argparse.Namespace(json=True), {"name": text}, list)
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"name": text}
    assert printed.strip().isprintable()


@given(st.text())
def test_ordinary_text_is_untouched(text: str) -> None:
    assert escape_controls("".join(char for char in text if char.isprintable())) == "".join(
        char for char in text if char.isprintable()
    )
