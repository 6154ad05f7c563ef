"""A pile of files, examined one after the other; what was found out is used again by later drafts of the same pile."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from batch.media.blob_uri import blob_part
from lifecycle.core.run_files import BLOBS
from lifecycle.inputs.decoding.decoders import Decoders
from lifecycle.inputs.files.blobs import BlobStore
from lifecycle.inputs.files.examine import Examined, Examiner, Pages, Unit
from lifecycle.inputs.files.file_entry import EntryWriter, FileEntry, FileTotals, read_entries
from lifecycle.inputs.files.found_file import FoundFile
from lifecycle.inputs.files.gather import gather

EXAMINED_AT_ONCE = min(4, os.cpu_count() or 1)
_AHEAD = 4 * EXAMINED_AT_ONCE


@dataclass(frozen=True)
class ExaminedPile:
    """What became of the files of a pile, with their bytes in `folder`; PDFs were taken as `pages` says."""

    folder: Path
    pages: Pages
    totals: FileTotals

    def entries(self, start: int = 0, limit: int | None = None) -> Iterator[FileEntry]:
        """The files in their order."""
        return read_entries(self.folder, start, limit)


@dataclass
class Examination:
    """Looks at all files of `sources` once, in their natural order, and keeps what is sent of them in `folder`.

    Files in `left_out` are passed over. `known` was made of the same files in the same way: those are not read again,
    but for text, which stands in the requests themselves. `progress` is told the part done.
    """

    folder: Path
    sources: Sequence[Path]
    pages: Pages
    own: bool = False
    left_out: Collection[str] = ()
    known: ExaminedPile | None = None
    progress: Callable[[float], None] = lambda done: None
    hidden: int = 0
    totals: FileTotals = field(default_factory=FileTotals)

    def __iter__(self) -> Generator[Examined]:
        """Each file as it was found; at the end all of it is written down. What was begun is removed if it fails."""
        blobs, entries = BlobStore(self.folder), EntryWriter(self.folder)
        try:
            with ExitStack() as open_things:
                gathered = gather(self.sources, open_things)
                self.hidden = gathered.left_out
                found = [file for file in gathered.files if file.name not in self.left_out]
                decoders = open_things.enter_context(Decoders(EXAMINED_AT_ONCE))
                examiner = Examiner(blobs, decoders, self.folder, self.pages, self.own)
                open_things.callback(examiner.close)
                for examined in self._mark_copies(found, self._look(examiner)):
                    entries.add(examined.entry)
                    yield examined
            blobs.close()
        except BaseException:
            blobs.discard()
            raise
        finally:
            self.totals = entries.close()

    def _look(self, examiner: Examiner) -> Callable[[FoundFile], Examined]:
        known = {entry.name: entry for entry in self.known.entries()} if self.known else {}

        def look(found: FoundFile) -> Examined:
            entry = known.get(found.name)
            if self.known is None or entry is None or entry.kind == "text":
                return examiner.examine(found)
            return _take_known(entry, self.known, examiner.blobs)

        return look

    def _mark_copies(self, found: Sequence[FoundFile], look: Callable[[FoundFile], Examined]) -> Iterator[Examined]:
        first_with: dict[tuple[str, ...], str] = {}
        total, done = sum(file.size_bytes for file in found) or 1, 0
        for file, examined in zip(found, _examine_all(found, look), strict=True):
            entry = examined.entry
            first = first_with.setdefault(entry.blobs, entry.name) if entry.blobs else entry.name
            yield Examined(replace(entry, copy_of=first if first != entry.name else ""), examined.units)
            done += file.size_bytes
            self.progress(done / total)


def examine_pile(
    sources: Sequence[Path],
    folder: Path,
    *,
    pages: Pages = "whole",
    own: bool = False,
    progress: Callable[[float], None] | None = None,
) -> ExaminedPile:
    """Look at all files of a pile before anybody says what is to be done with them. Raises InputError."""
    folder.mkdir(parents=True, exist_ok=True)
    examination = Examination(folder, sources, pages, own, progress=progress or (lambda done: None))
    for _ in examination:
        pass
    return ExaminedPile(folder, pages, examination.totals)


def _take_known(entry: FileEntry, pile: ExaminedPile, blobs: BlobStore) -> Examined:
    """A file as it was found before: its bytes are linked."""
    for sha256, facts in zip(entry.blobs, entry.facts, strict=True):
        blobs.link(sha256, pile.folder / BLOBS / sha256, facts, entry.name)
    if not entry.blobs:
        return Examined(entry)
    parts = [blob_part(sha256, facts.mime_type) for sha256, facts in zip(entry.blobs, entry.facts, strict=True)]
    if pile.pages == "each" and entry.pages is not None:
        return Examined(entry, tuple(Unit(number, (part,)) for number, part in enumerate(parts, 1)))
    return Examined(entry, (Unit(None, tuple(parts)),))


def _examine_all(found: Sequence[FoundFile], look: Callable[[FoundFile], Examined]) -> Iterator[Examined]:
    """Examine a few files at once, and give what was found in order."""
    with ThreadPoolExecutor(EXAMINED_AT_ONCE, "examine") as pool:
        waiting: deque[Future[Examined]] = deque()
        try:
            for file in found:
                waiting.append(pool.submit(look, file))
                if len(waiting) >= _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
