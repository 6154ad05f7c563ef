"""Asks decoding processes: a few at once, each for one file after the other, none for longer than it may take."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec
from msgspec.structs import replace

from gemini.child_environment import child_environment
from lifecycle.inputs.decoding.messages import DecodingJob, DecodingReply

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "lifecycle.inputs.decoding.process"]
JOB_SECONDS = 120.0
_TOO_SLOW = DecodingReply("takes too long to read", "Save it again, or make it smaller.")
_ENDED = DecodingReply("breaks the program that reads it", "Save it again in a usual format.")
_decode = msgspec.json.Decoder(DecodingReply).decode


class Decoders:
    """Up to `size` decoding processes, started when they are first needed and ended with this context."""

    def __init__(self, size: int, job_seconds: float = JOB_SECONDS) -> None:
        self._decoders = [_Decoder(job_seconds) for _ in range(size)]
        self._idle: queue.LifoQueue[_Decoder] = queue.LifoQueue()
        for decoder in self._decoders:
            self._idle.put(decoder)

    def ask(self, job: DecodingJob) -> DecodingReply:
        """Have a job done. What goes wrong is in the reply, even that the process ended or took too long."""
        decoder = self._idle.get()
        try:
            return decoder.ask(job)
        finally:
            self._idle.put(decoder)

    def close(self) -> None:
        """End all processes. They start again if they are asked again."""
        for decoder in self._decoders:
            decoder.end()

    def __enter__(self) -> Decoders:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Decoder:
    """One process; after a job that broke it, the next one."""

    def __init__(self, job_seconds: float) -> None:
        self._job_seconds = job_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def ask(self, job: DecodingJob) -> DecodingReply:
        process = self._process if self._process is not None and self._process.poll() is None else self._start()
        # The process works in another folder, and a person names files from his own.
        job = replace(job, path=str(Path(job.path).absolute()), folder=str(Path(job.folder).absolute()))
        try:
            _stream(process.stdin).write(msgspec.json.encode(job) + b"\n")
            _stream(process.stdin).flush()
            line = self._replies.get(timeout=self._job_seconds)
        except queue.Empty:
            self.end()
            return _TOO_SLOW
        except OSError:
            line = b""
        if not line:
            self.end()
            return _ENDED
        return _decode(line)

    def end(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        with suppress(OSError):
            _stream(process.stdin).close()

    def _start(self) -> subprocess.Popen[bytes]:
        self.end()
        self._process = subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._replies = queue.SimpleQueue()
        threading.Thread(
            target=_read_lines, args=(_stream(self._process.stdout), self._replies), name="decoder", daemon=True
        ).start()
        return self._process


def _read_lines(stream: IO[bytes], replies: queue.SimpleQueue[bytes]) -> None:
    """Pass on every line, and an empty one at the end."""
    with stream:
        for line in stream:
            replies.put(line)
    replies.put(b"")


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise OSError("the process has no such stream")
    return stream
