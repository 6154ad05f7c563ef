"""Start the local stand-in for the Gemini API as a process of its own, and find it again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from batch.errors import ApiError

ROOT = Path(__file__).resolve().parents[1]


class Rehearsal:
    """The emulator process of one data folder.

    `base_url` starts it, or finds the one that already serves this folder, and is cheap while it lives. The process
    outlives this one on purpose: rehearsal jobs go on like Google's would.
    """

    def __init__(self, data_dir: Path, pace: str = "realistic") -> None:
        self._data_dir = data_dir
        self._pace = pace
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    def base_url(self) -> str:
        """Where the emulator listens, on loopback. Raises ApiError if it does not start."""
        with self._lock:
            if not self._url or (self._process is not None and self._process.poll() is not None):
                self._url = self._start()
            return self._url

    def lost(self, url: str) -> None:
        """Nobody answers at `url`: look again at the next need."""
        with self._lock:
            if url == self._url:
                self._url = ""

    def _start(self) -> str:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "emulator", "--data-dir", str(self._data_dir), "--pace", self._pace]
        with (self._data_dir / "emulator.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        line = process.stdout.readline() if process.stdout else ""
        try:
            url = str(json.loads(line)["base_url"])
        except (ValueError, KeyError) as error:
            raise ApiError(
                "The rehearsal server did not start.", f"See {self._data_dir / 'emulator.log'}.", reason="REHEARSAL"
            ) from error
        self._process = process if process.poll() is None else None
        return url
