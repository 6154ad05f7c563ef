"""A file that was found, before anything is known of it but its name and size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batch.errors import Fault


@dataclass(frozen=True)
class FoundFile:
    """One file. It is at `path`, or `extract` writes it to a path; with a `fault` it is refused unseen."""

    name: str
    size_bytes: int
    path: Path | None = None
    extract: Callable[[Path], None] | None = None
    fault: Fault | None = None
