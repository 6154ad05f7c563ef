"""The process that draws: `python -m ui.thumbnails.process`. A JSON line `[source, target, edge]` in, a line out.

A line out is "" for a picture that was drawn, else why it was not. It ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ui.thumbnails.picture import write_thumbnail

MEMORY_BYTES = 2 * 1024**3


def limit_memory() -> None:
    """Let a picture of absurd size fail here, rather than slow the computer; Windows has no such limit."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def answer(line: str) -> str:
    """Draw what a line asks for; why it could not be drawn, "" if it was."""
    source, target, edge = json.loads(line)
    try:
        write_thumbnail(Path(source), Path(target), edge)
    except Exception as fault:  # decoders raise nearly anything for broken files, and the next file is to be drawn
        return f"{type(fault).__name__}: {fault}".replace("\n", " ")[:200]
    return ""


def main() -> None:
    limit_memory()
    for line in sys.stdin:
        print(answer(line), flush=True)


if __name__ == "__main__":
    main()
