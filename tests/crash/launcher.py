"""The terminal in a world that misbehaves: its clock is read from a file, and its disk takes only so much.

`python -m tests.crash.launcher VERB …`, with CLOCK_FILE and MOST_FILE_BYTES in the environment.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from pathlib import Path
from types import SimpleNamespace

from lifecycle.storage import store as store_module


def turn_clock(path: Path) -> None:
    """Let the store's clock be ahead by as many seconds as a file says, at any moment."""

    def now() -> float:
        try:
            return time.time() + float(path.read_text() or 0)
        except (OSError, ValueError):
            return time.time()

    setattr(store_module, "time", SimpleNamespace(time=now))  # noqa: B010


def limit_files(size: int) -> None:
    """No file may grow beyond that: whoever tries is told so, as by a disk that is full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


if __name__ == "__main__":
    if clock_file := os.environ.get("CLOCK_FILE"):
        turn_clock(Path(clock_file))
    if most := os.environ.get("MOST_FILE_BYTES"):
        limit_files(int(most))
    import cli

    cli.run()
