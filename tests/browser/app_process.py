"""Start the real app, `streamlit run main.py`, in its own process with its own data folder, and stop it again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = PATIENCE_SECONDS


@dataclass
class AppProcess:
    """The app on one data folder; it can be killed and started again, on the same port."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    cpu_until_ready: float = 0.0
    script: Path = ROOT / "main.py"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir.with_suffix(".log")

    def start(self) -> AppProcess:
        """Return as soon as the server says that it is healthy."""
        self.port = self.port or _free_port()
        command = [sys.executable, "-m", "streamlit", "run", str(self.script), "--server.port", str(self.port)]
        started_at = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.data_dir.parent, env=self._environment(), stdout=log, stderr=subprocess.STDOUT
            )
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() - started_at > READY_SECONDS:
                raise AssertionError(f"The app did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        cpu_times = psutil.Process(self.process.pid).cpu_times()
        self.cpu_until_ready = cpu_times.user + cpu_times.system
        return self

    @contextmanager
    def held_jobs(self) -> Iterator[None]:
        """No job of the rehearsal, in which somebody is, ends before the block does, however long that takes."""
        self._set_pace(24 * 3600)
        yield
        self._set_pace(1)

    def stop(self, number: int = signal.SIGTERM, seconds: float = PATIENCE_SECONDS) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.stop(signal.SIGKILL)

    def stop_all(self) -> None:
        """Stop the app, and the rehearsal server of its data folder, which outlives it on purpose.

        What went wrong in our code while a page was drawn is an error of the test that drew it, seen there or not.
        """
        if self.process is not None and self.process.poll() is None:
            self.stop()
        folder = str(self.data_dir / "emulator")
        for process in psutil.process_iter(["cmdline"]):
            if folder in (process.info["cmdline"] or ()):
                process.terminate()
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        failures = [text for text in log.split("The page failed")[1:] if str(ROOT / "ui") in text]
        assert not failures, failures[0][:4000]

    def _set_pace(self, seconds: float) -> None:
        """Have the rehearsal's jobs, those under way too, take so long."""
        running, deadline = self.data_dir / "emulator" / "running.json", time.monotonic() + PATIENCE_SECONDS
        while not running.exists():
            assert time.monotonic() < deadline, "the rehearsal has not begun"
            time.sleep(0.05)
        address = json.loads(running.read_text())["base_url"]
        body = json.dumps({"pace": seconds}).encode()
        wanted = urllib.request.Request(
            f"{address}/_emulator/settings", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(wanted, timeout=PATIENCE_SECONDS):
            pass

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("GEMINI", "GOOGLE", "STREAMLIT"))
        }
        return {
            **inherited,
            "DATA_DIR": str(self.data_dir),
            "GEMINI_API_KEY": "",
            "DATABASE_URL": "",
            **self.environment,
        }

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
