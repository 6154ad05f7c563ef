"""A file that was found, before anything is known of it but its name and size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batch.errors import Fault


class Unavailable(Exception):
    """A file that was found cannot be had; the fault begins with a verb ("is damaged in the archive")."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.fault)
        self.fault = fault


@dataclass(frozen=True)
class FoundFile:
    """One file. It is at `path`, or `extract` writes it to a path, or raises Unavailable; with a `fault` it is refused
    unseen. Its size may be told wrong where it is extracted.
    """

    name: str
    size_bytes: int
    path: Path | None = None
    extract: Callable[[Path], None] | None = None
    fault: Fault | None = None
