"""Has a sheet read by a process, which may take only so long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from lifecycle.inputs.workbooks.messages import SheetJob, SheetReply

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "lifecycle.inputs.workbooks.process"]
JOB_SECONDS = 600.0
_ENVIRONMENT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG")
_TOO_SLOW = SheetReply("takes too long to read", "Save it as CSV, or make it smaller.")
_ENDED = SheetReply("is too large to read, or breaks the program that reads it", "Save it as CSV.")
_decode = msgspec.json.Decoder(SheetReply).decode


def ask_for_sheet(job: SheetJob, seconds: float = JOB_SECONDS) -> SheetReply:
    """Have a job done. What goes wrong is in the reply, even that the process ended or took too long."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        done = subprocess.run(
            COMMAND,
            cwd=ROOT,
            env=environment,
            input=msgspec.json.encode(job),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _TOO_SLOW
    try:
        return _decode(done.stdout)
    except msgspec.MsgspecError:
        return _ENDED
