"""What the terminal prints: results on stdout, messages on stderr."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable

import orjson

from batch.errors import BatchRunnerError

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def escape_controls(text: str, newlines: bool = True) -> str:
    """Show what would move the cursor, colour, retitle or turn around a terminal as its number; tabs are kept.

    File names, answers and the service's messages come from outside. Without `newlines`, line feeds are shown, too.
    """
    shown = _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return shown if newlines else shown.replace("\n", "\\n")


def print_result(options: argparse.Namespace, document: object, lines: Callable[[], list[str]]) -> None:
    if options.json:
        print(escape_controls(orjson.dumps(document).decode()), flush=True)  # the same character to who reads JSON
    else:
        print("\n".join(escape_controls(line, newlines=False) for line in lines()), flush=True)


def print_run_id(options: argparse.Namespace, run_id: str) -> None:
    """With --json, the first line: a program that starts a run knows it before it is under way."""
    if options.json:
        print(orjson.dumps({"run_id": run_id}).decode(), flush=True)


def print_message(text: str) -> None:
    print(escape_controls(text), file=sys.stderr, flush=True)


def print_error(error: BatchRunnerError, code: int) -> int:
    print_message(error.describe())
    return code
