"""What became of each file that was given: fine, mended, or a problem with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from batch.errors import Fault
from batch.media.facts import MediaFacts
from batch.media.tokens import Weighing, media_tokens
from lifecycle.core.run_files import FILES

FileState = Literal["fine", "mended", "problem"]


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file as a person gave it, under the `name` that its rows carry.

    `kind` is "picture", "PDF", "sound", "video", "text" or "file". `words` say what was mended, or go on after the name
    and say what is wrong ("is empty."), and `remedy` what to do about it. `rows` were made of it; `facts` are those of
    what is sent in its place, one a blob, whose SHA-256 are `blobs`. `copy_of` is an earlier file with equal content.
    """

    name: str
    kind: str = "file"
    size_bytes: int = 0
    state: FileState = "fine"
    words: str = ""
    remedy: str = ""
    pages: int | None = None
    seconds: float | None = None
    rows: int = 0
    blobs: tuple[str, ...] = ()
    facts: tuple[MediaFacts, ...] = ()
    copy_of: str = ""

    @property
    def fault(self) -> Fault:
        """What is wrong with it, naming it."""
        return Fault(f"{self.name} {self.words}", self.remedy)

    def tokens(self, weighing: Weighing) -> int | None:
        """Tokens of all that is sent of it; None if those of any part cannot be told."""
        weights = [media_tokens(facts, weighing) for facts in self.facts]
        return None if None in weights else sum(weight.tokens for weight in weights if weight is not None)


_decode = msgspec.json.Decoder(FileEntry).decode


@dataclass(frozen=True)
class FileTotals:
    """The files of a draft, counted. `copies` have the same content as an earlier file, `several_pages` are documents
    of more than one page."""

    files: int = 0
    mended: int = 0
    problems: int = 0
    copies: int = 0
    size_bytes: int = 0
    pages: int = 0
    several_pages: int = 0


class EntryWriter:
    """Writes down what became of each file, in their order, and counts them."""

    def __init__(self, folder: Path) -> None:
        self._out = (folder / FILES).open("wb")
        self._counts = dict.fromkeys(FileTotals.__dataclass_fields__, 0)

    def add(self, entry: FileEntry) -> None:
        self._out.write(msgspec.json.encode(entry) + b"\n")
        self._counts["files"] += 1
        self._counts["mended"] += entry.state == "mended"
        self._counts["problems"] += entry.state == "problem"
        self._counts["copies"] += bool(entry.copy_of)
        self._counts["size_bytes"] += entry.size_bytes
        self._counts["pages"] += entry.pages or 0
        self._counts["several_pages"] += (entry.pages or 0) > 1

    def close(self) -> FileTotals:
        self._out.close()
        return FileTotals(**self._counts)


def read_entries(folder: Path, start: int = 0, limit: int | None = None) -> Iterator[FileEntry]:
    """The files of a draft or run in their order; none where it was not made of files."""
    path = folder / FILES
    if not path.exists():
        return
    with path.open("rb") as lines:
        yield from map(_decode, islice(lines, start, None if limit is None else start + limit))
