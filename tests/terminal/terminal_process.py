"""The terminal, for tests of its verbs: in this process, which spares starting one, and as a process of its own."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa

from cli import LEFT_OUT, LeaveOut
from cli import main as cli_main
from tests.emulator_process import EmulatorProcess
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
MODEL = "gemini-3.8-flash"
KEY = "made-up-canary-key-for-the-terminal"


class Terminal:
    """`python cli.py …`, with its own data folder."""

    def __init__(self, folder: Path, emulator: EmulatorProcess) -> None:
        self.folder = folder
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("G")},
            "GEMINI_API_KEY": KEY,
            "GOOGLE_GEMINI_BASE_URL": emulator.base_url,
            "DATA_DIR": str(folder / "data"),
            "SETTLE_SECONDS": "1",
        }

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """What a process would answer and print, in this one: without what a process leaves out."""
        out, err = StringIO(), StringIO()
        with ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ, {**self.environ, **environ}, clear=True))
            for context in (left_out(), redirect_stdout(out), redirect_stderr(err)):
                stack.enter_context(context)
            code = exit_code(words)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    def process(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The same as a process of its own."""
        command = [sys.executable, "cli.py", *words]
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


def exit_code(words: Sequence[str]) -> int:
    """The exit code of a verb, in this process."""
    try:
        return cli_main(words)
    except SystemExit as leaving:
        return int(leaving.code or 0)


@contextmanager
def left_out() -> Iterator[None]:
    """What a process of the terminal does without cannot be imported, also where it is loaded already.

    The SDK and Arrow look for it once and remember what they found, so they are let look before.
    """
    importlib.import_module("google.genai")
    pa.array([""])
    loaded = {name: sys.modules.pop(name) for name in LEFT_OUT & set(sys.modules)}
    sys.meta_path.insert(0, finder := LeaveOut())
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.update(loaded)
