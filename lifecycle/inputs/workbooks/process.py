"""The process that reads one sheet: `python -m lifecycle.inputs.workbooks.process`. A job in, a reply out.

It has its own limit of memory, and knows no key.
"""

from __future__ import annotations

import gc
import sys
from importlib.abc import MetaPathFinder

import msgspec

from lifecycle.inputs.workbooks.messages import SheetJob, SheetReply

MEMORY_BYTES = 4 * 1024**3
_NO_MEMORY = SheetReply(
    "takes more memory to read than it may", "Delete what is far from the table, or save it as CSV."
)


class LeaveOut(MetaPathFinder):
    """Arrow imports pandas just because it is there, which takes longer than all else here."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("This process does without pandas.", name=fullname)


_decode = msgspec.json.Decoder(SheetJob).decode


def limit_memory() -> None:
    """Let a sheet of absurd size fail here, rather than slow the computer; Windows has no such limit."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def answer(job: SheetJob) -> SheetReply:
    """Do a job. The reader raises nearly anything for broken workbooks, even panics."""
    from lifecycle.inputs.workbooks.sheet import read_sheet  # with the limit of memory in force

    try:
        return read_sheet(job)
    except MemoryError:
        return _NO_MEMORY
    except BaseException as error:
        reason = (str(error).splitlines() or [""])[0].strip()[:200].rstrip(".") or type(error).__name__
        return SheetReply(f"cannot be read: {reason}", "Save it again, or export it as CSV.")


def main() -> None:
    limit_memory()
    sys.meta_path.insert(0, LeaveOut())
    gc.disable()  # millions of cells are made, and none refers to another
    job = _decode(sys.stdin.buffer.read())
    sys.stdout.buffer.write(msgspec.json.encode(answer(job)))


if __name__ == "__main__":
    main()
