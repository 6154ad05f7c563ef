"""The terminal as a process of its own, for tests of its verbs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.emulator_process import EmulatorProcess
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
MODEL = "gemini-3.8-flash"
KEY = "made-up-canary-key-for-the-terminal"


class Terminal:
    """`python cli.py …` in a process of its own, with its own data folder."""

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
