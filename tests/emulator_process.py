"""Start a real emulator process for a test, and turn its knobs.

`start_emulator()` returns as soon as the process has printed its line; `stop()` ends that process and no other.
"""

import json
import os
import select
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class EmulatorProcess:
    """One emulator of one test. A context manager; every method that takes JSON is a call under /_emulator."""

    process: "subprocess.Popen[str]"
    base_url: str
    data_dir: Path | None = None
    _ended: bool = field(default=False, repr=False)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send one control request; return the parsed answer (bytes if it is not JSON)."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base_url + path, data=data, method=method, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as reply:
            raw = reply.read()
            return json.loads(raw) if "json" in reply.headers.get("Content-Type", "") else raw

    def ledger(self) -> dict[str, Any]:
        """What Google would know and bill."""
        answer: dict[str, Any] = self.control("GET", "/_emulator/ledger")
        return answer

    def settings(self, **values: Any) -> dict[str, Any]:
        """Change the named settings, or none; return all of them."""
        answer: dict[str, Any] = (
            self.control("POST", "/_emulator/settings", values)
            if values
            else self.control("GET", "/_emulator/settings")
        )
        return answer

    def faults(self, rules: list[dict[str, Any]]) -> None:
        """Add fault rules; an empty list clears them all."""
        self.control("POST", "/_emulator/faults", rules) if rules else self.control("DELETE", "/_emulator/faults")

    def clock(self, seconds: float) -> None:
        """Turn the emulator's time forward."""
        self.control("POST", "/_emulator/clock", {"advance_seconds": seconds})

    def reset(self) -> None:
        """Forget everything: things, ledger, settings, faults and the turned clock."""
        self.control("POST", "/_emulator/reset")

    def sent_bytes(self, kind: str, name: str) -> bytes:
        """The bytes a client really sent: kind is files, cached_contents or batch_jobs."""
        tail = "/requests" if kind == "batch_jobs" else ""
        url = f"{self.base_url}/_emulator/{kind}/{name.split('/')[-1]}{tail}"
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as reply:
            raw: bytes = reply.read()
            return raw

    def kill(self) -> None:
        """SIGKILL: the process has no chance to save anything."""
        self._end(self.process.kill)

    def stop(self) -> None:
        """Ask the process to end and wait for it."""
        self._end(self.process.terminate)

    def _end(self, signal: Any) -> None:
        if self._ended:
            return
        self._ended = True
        signal()
        try:
            self.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def __enter__(self) -> "EmulatorProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_emulator(
    data_dir: Path | str | None = None, pace: str | float = "instant", extra: tuple[str, ...] = ()
) -> EmulatorProcess:
    """Start `python -m emulator` on a free loopback port and wait for its line."""
    command = [sys.executable, "-m", "emulator", "--port", "0", "--pace", str(pace), *extra]
    if data_dir is not None:
        command += ["--data-dir", str(data_dir)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_SECONDS)
    line = process.stdout.readline() if ready else ""
    if not line:
        process.kill()
        process.wait()
        process.stdout.close()
        raise RuntimeError("the emulator did not start")
    return EmulatorProcess(process, json.loads(line)["base_url"], Path(data_dir) if data_dir else None)
