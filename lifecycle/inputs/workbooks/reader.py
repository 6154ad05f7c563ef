"""Has a sheet read by a process, which may take only so long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
from msgspec.structs import replace

from gemini.child_environment import child_environment
from lifecycle.inputs.workbooks.messages import SheetJob, SheetReply

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "lifecycle.inputs.workbooks.process"]
JOB_SECONDS = 600.0
_TOO_SLOW = SheetReply("takes too long to read", "Save it as CSV, or make it smaller.")
_ENDED = SheetReply("is too large to read, or breaks the program that reads it", "Save it as CSV.")
_decode = msgspec.json.Decoder(SheetReply).decode


def ask_for_sheet(job: SheetJob, seconds: float = JOB_SECONDS) -> SheetReply:
    """Have a job done. What goes wrong is in the reply, even that the process ended or took too long."""
    # The process works in another folder, and a person names files from his own.
    job = replace(job, path=str(Path(job.path).absolute()), spool=str(Path(job.spool).absolute()))
    try:
        done = subprocess.run(
            COMMAND,
            cwd=ROOT,
            env=child_environment(),
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
