"""What the terminal prints: results on stdout, messages on stderr."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import orjson

from batch.errors import BatchRunnerError


def print_result(options: argparse.Namespace, document: object, lines: Callable[[], list[str]]) -> None:
    if options.json:
        print(orjson.dumps(document).decode(), flush=True)
    else:
        print("\n".join(lines()), flush=True)


def print_run_id(options: argparse.Namespace, run_id: str) -> None:
    """With --json, the first line: a program that starts a run knows it before it is under way."""
    if options.json:
        print(orjson.dumps({"run_id": run_id}).decode(), flush=True)


def print_message(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def print_error(error: BatchRunnerError, code: int) -> int:
    print_message(error.describe())
    return code
