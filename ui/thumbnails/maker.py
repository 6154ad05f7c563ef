"""Thumbnails on disk: found, or drawn by a process that may die without harm."""

from __future__ import annotations

import json
import logging
import queue
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, cast

from gemini.child_environment import child_environment

ROOT = Path(__file__).parents[2]
PROCESSES = 2
SECONDS_PER_PICTURE = 20.0
EDGES = (360, 1600)
"""Pixels of the longer side: of a tile, drawn twice as dense for sharp screens, and of a picture opened large."""
log = logging.getLogger("gemini_batch_runner")


class DrawingProcess:
    """One process that draws one picture at a time; started when it is needed, and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def draw(self, source: Path, target: Path, edge: int) -> str:
        """Why the picture was not drawn, "" if it was. A process that takes too long, or dies, is replaced."""
        process = self._running()
        questions, replies = cast(IO[str], process.stdin), cast(IO[str], process.stdout)
        timer = threading.Timer(SECONDS_PER_PICTURE, process.kill)
        timer.start()
        try:
            questions.write(json.dumps([str(source), str(target), edge]) + "\n")
            questions.flush()
            reply = replies.readline()
        except OSError:
            reply = ""
        finally:
            timer.cancel()
        if reply:
            return reply.strip()
        self.close()
        return "the process that draws pictures ended"

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ui.thumbnails.process"],
                cwd=ROOT,
                env=child_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self._process


_idle: queue.LifoQueue[DrawingProcess] = queue.LifoQueue()
for _ in range(PROCESSES):
    _idle.put(DrawingProcess())


def thumbnail(source: Path, folder: Path, edge: int) -> Path | None:
    """The thumbnail of a file in `folder`, drawn now if it is not there; None for what cannot be drawn.

    The name of `source` must tell its content, such as its SHA-256. Waits for a process that is idle. Thread-safe.
    """
    target = folder / f"{source.stem}-{edge}.jpg"
    if target.is_file():
        return target if target.stat().st_size else None
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{secrets.token_hex(8)}.part"
    process = _idle.get()
    try:
        fault = process.draw(source, partial, edge)
    finally:
        _idle.put(process)
    if fault:
        log.info("No thumbnail of %s: %s", source.name, fault)
        partial.write_bytes(b"")  # so that it is not tried again
    partial.replace(target)
    return None if fault else target
