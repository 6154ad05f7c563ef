"""Start the local stand-in for the Gemini API as a process of its own, and find it again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from batch.errors import ApiError
from gemini.child_environment import child_environment

ROOT = Path(__file__).resolve().parents[1]
LIVENESS_SECONDS = 1.0  # for so long, one that answered is taken to be there


class EmulatorProcess:
    """The emulator process of one data folder.

    `base_url` starts it, or finds the one that already serves this folder, and is cheap while it lives. The process
    outlives this one on purpose: rehearsal jobs go on like Google's would. One that has ended, whoever started it, is
    started again on the same state.
    """

    def __init__(self, data_dir: Path, pace: str = "realistic") -> None:
        self._data_dir = data_dir
        self._pace = pace
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._url = ""
        self._checked_at = 0.0

    def base_url(self) -> str:
        """Where the emulator listens, on loopback. Raises ApiError if it does not start."""
        with self._lock:
            if not self._url or time.monotonic() - self._checked_at > LIVENESS_SECONDS:
                if not self._url or not _is_listening(self._url):
                    self._url = self._start()
                self._checked_at = time.monotonic()
            return self._url

    def _start(self) -> str:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "emulator", "--data-dir", str(self._data_dir), "--pace", self._pace]
        with (self._data_dir / "emulator.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=child_environment(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            url = str(json.loads(_first_line(process))["base_url"])
        except (ValueError, KeyError) as error:
            raise ApiError(
                "The rehearsal server did not start.", f"See {self._data_dir / 'emulator.log'}.", reason="REHEARSAL"
            ) from error
        if self._process is not None:
            self._process.poll()  # lets the operating system forget one that has ended
        self._process = process
        return url


def _first_line(process: subprocess.Popen[str]) -> str:
    """What a process says first; nothing after it is read."""
    if process.stdout is None:
        return ""
    with process.stdout as stdout:
        return stdout.readline()


def _is_listening(url: str) -> bool:
    """Whether anybody listens at an address of this computer."""
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2):
            return True
    except OSError:
        return False
