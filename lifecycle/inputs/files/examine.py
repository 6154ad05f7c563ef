"""Looks at one file: what it is by its bytes, what is sent in its place, or why nothing can be."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from batch.errors import Fault
from batch.media.blob_uri import blob_part
from batch.media.facts import MediaFacts
from batch.media.file_types import HEAD_BYTES, PDF, UNLISTED, file_type, kind_of, verdict_of
from lifecycle.inputs.decoding.decoders import Decoders
from lifecycle.inputs.decoding.messages import DecodedFile, DecodingJob, DecodingReply
from lifecycle.inputs.files.blobs import BlobStore
from lifecycle.inputs.files.completeness import may_be_cut_short
from lifecycle.inputs.files.file_entry import FileEntry
from lifecycle.inputs.files.found_file import FoundFile, Unavailable
from lifecycle.inputs.files.text_file import read_text

Pages = Literal["whole", "each"]
PAGES_A_JOB = 16
RENDER_DPI = 200
PDF_BYTES, PDF_PAGES = 50_000_000, 1_000  # of a whole PDF (page on documents)
PICTURE_BYTES = 20_000_000  # larger ones were refused ("total referenced files bytes are too large")
FILE_BYTES = 2_000_000_000  # of the Files API
SOUND_SECONDS = 9.5 * 3600  # of a prompt (page on audio)
DRAGGED_FACTOR, DRAGGED_SPARE = 2, 50_000  # pages that are so much larger together than their PDF drag something along
LIGHT_BYTES = 200_000

_UNLISTED = "Google lists no sound in MP4 (.m4a) among what Gemini takes; save it as MP3 if it is refused"
EMPTY = ("is empty", "Copy the file again, or leave it out.")


class Unit(NamedTuple):
    """What one request takes of a file: its parts as JSON; `page` is None where it takes the whole file."""

    page: int | None
    parts: tuple[bytes, ...]


class Examined(NamedTuple):
    """A file's entry, and what requests take of it."""

    entry: FileEntry
    units: tuple[Unit, ...] = ()


class Refused(Exception):
    """A file cannot be sent; the fault begins with a verb."""

    def __init__(self, fault: str, remedy: str) -> None:
        super().__init__(fault)
        self.fault, self.remedy = fault, remedy


@dataclass
class Examiner:
    """Examines files of one draft; several threads may share it. `own`: the files are ours, and may be taken."""

    blobs: BlobStore
    decoders: Decoders
    folder: Path
    pages: Pages = "whole"
    own: bool = False
    spare: Path = field(init=False)

    def __post_init__(self) -> None:
        self.spare = self.folder / "unpacked"
        self.spare.mkdir(parents=True, exist_ok=True)

    def examine(self, found: FoundFile) -> Examined:
        """Look at a file, and take over what is to be sent of it."""
        kind = "file"
        spare = self.spare / secrets.token_hex(8)
        try:
            path = _on_disk(found, spare)
            found = replace(found, size_bytes=path.stat().st_size)
            head = _head(path)
            mime_type = file_type(head)
            kind = kind_of(mime_type)
            return self._take(_Given(found, path, head, mime_type, spare))
        except Refused as refusal:
            words, remedy = refusal.fault, refusal.remedy
        except OSError as error:
            words, remedy = f"cannot be read: {error.strerror or error}", "Check the file."
        finally:
            if spare.exists():
                shutil.rmtree(spare)
        return Examined(
            FileEntry(
                name=found.name,
                kind=kind,
                size_bytes=found.size_bytes,
                state="problem",
                words=f"{words}.",
                remedy=remedy,
            )
        )

    def close(self) -> None:
        shutil.rmtree(self.spare, ignore_errors=True)

    def _take(self, given: _Given) -> Examined:
        verdict = verdict_of(given.mime_type)
        if verdict.treatment == "refuse":
            raise Refused(f"is {verdict.noun}", verdict.remedy)
        if verdict.treatment == "text":
            return _take_text(given)
        if given.found.size_bytes > FILE_BYTES:
            raise Refused("is larger than the 2 GB that Gemini takes of a file", "Cut it into parts.")
        if given.mime_type == PDF:
            return self._take_pdf(given)
        if given.kind == "picture":
            return self._take_picture(given)
        return self._take_recording(given)

    # -- pictures ------------------------------------------------------------------------------------------------------

    def _take_picture(self, given: _Given) -> Examined:
        look = self._ask(given, DecodingJob("look", str(given.path), given.mime_type, check_end=_cut(given)))
        frames, size = look.pages or 1, given.found.size_bytes
        reasons = [
            "it was turned upright" if look.turned else "",
            f"{given.mime_type.removeprefix('image/').upper()} was converted"
            if verdict_of(given.mime_type).treatment == "convert"
            else "",
            f"{size / 1e6:,.0f} MB were made smaller" if size > PICTURE_BYTES else "",
        ]
        if not any(reasons) or given.mime_type in ("image/heic", "image/heif"):
            facts = MediaFacts(given.mime_type, size, look.width, look.height)
            return self._whole(given, facts)
        if given.mime_type == "image/gif" and frames > 1:
            reasons.append("only its first frame is sent")
            frames = 1
        files = self._decoded(given, "convert", frames)
        words = "; ".join(filter(None, reasons))
        taken = [self._add(given, file) for file in files]
        return _examined(given, taken, self.pages if frames > 1 else "whole", words, frames if frames > 1 else None)

    # -- documents -----------------------------------------------------------------------------------------------------

    def _take_pdf(self, given: _Given) -> Examined:
        look = self._ask(given, DecodingJob("look", str(given.path), PDF))
        pages, size = look.pages or 0, given.found.size_bytes
        if self.pages == "whole":
            if pages > PDF_PAGES or size > PDF_BYTES:
                raise Refused(
                    f"has {pages:,} pages and {size / 1e6:,.0f} MB; whole, Gemini takes up to {PDF_PAGES:,} and 50 MB",
                    "Send each page as a request: --pages each.",
                )
            return self._whole(given, MediaFacts(PDF, size, pages=pages), pages)
        files, rendered = self._split(given, pages)
        words = ""
        if rendered:
            words = (
                f"{rendered:,} of {pages:,} pages were drawn at {RENDER_DPI} dpi: each would have taken along what "
                "belongs to the others"
            )
        taken = [self._add(given, file) for file in files]
        return _examined(given, taken, "each", words, pages)

    def _split(self, given: _Given, pages: int) -> tuple[list[DecodedFile], int]:
        """Every page as a file. Pages that drag along what others use are made lighter; those drawn are counted."""
        fair_bytes = DRAGGED_FACTOR * given.found.size_bytes
        for light_bytes in (0, max(LIGHT_BYTES, fair_bytes // max(1, pages))):
            files: list[DecodedFile] = []
            written = 0
            for file in self._decoded(given, "split", pages, light_bytes):
                files.append(file)
                written += Path(file.path).stat().st_size
                if not light_bytes and written > fair_bytes + DRAGGED_SPARE * len(files):
                    break
            if len(files) == pages:
                break
        return files, sum(file.rendered for file in files)

    # -- recordings ----------------------------------------------------------------------------------------------------

    def _take_recording(self, given: _Given) -> Examined:
        look = self._ask(given, DecodingJob("look", str(given.path), given.mime_type))
        if given.kind == "sound" and (look.seconds or 0) > SOUND_SECONDS:
            raise Refused("is longer than the 9.5 hours of sound that Gemini takes in a request", "Cut it into parts.")
        words = _UNLISTED if given.mime_type in UNLISTED else ""
        return self._whole(
            given, MediaFacts(given.mime_type, given.found.size_bytes, seconds=look.seconds), words=words
        )

    # -- what all share ------------------------------------------------------------------------------------------------

    def _ask(self, given: _Given, job: DecodingJob) -> DecodingReply:
        reply = self.decoders.ask(job)
        if reply.fault:
            raise Refused(reply.fault, reply.remedy)
        return reply

    def _decoded(
        self, given: _Given, action: Literal["convert", "split"], pages: int, light_bytes: int = 0
    ) -> Iterator[DecodedFile]:
        """The files of all frames or pages, a few at a time."""
        given.spare.mkdir(exist_ok=True)
        for first in range(0, pages, PAGES_A_JOB):
            last = min(first + PAGES_A_JOB, pages)
            path, folder = str(given.path), str(given.spare)
            job = DecodingJob(action, path, given.mime_type, folder, first, last, light_bytes)
            yield from self._ask(given, job).files

    def _whole(self, given: _Given, facts: MediaFacts, pages: int | None = None, words: str = "") -> Examined:
        """A file that is sent as it is; `words` are what to know of it before."""
        sha256 = self.blobs.add(given.path, facts, given.found.name, own=self.own or given.found.path is None)
        return _examined(given, [(sha256, facts)], "whole", words, pages)

    def _add(self, given: _Given, file: DecodedFile) -> tuple[str, MediaFacts]:
        path = Path(file.path)
        pages = 1 if file.mime_type == PDF else None
        facts = MediaFacts(file.mime_type, path.stat().st_size, file.width, file.height, pages)
        return self.blobs.add(path, facts, given.found.name, own=True), facts


class _Given(NamedTuple):
    """A file on disk, its first bytes, and a folder for what is made of it, which may not be there yet."""

    found: FoundFile
    path: Path
    head: bytes
    mime_type: str
    spare: Path

    @property
    def kind(self) -> str:
        return kind_of(self.mime_type)


def _examined(
    given: _Given, taken: list[tuple[str, MediaFacts]], cut: Pages, words: str, pages: int | None
) -> Examined:
    parts = [blob_part(sha256, facts.mime_type) for sha256, facts in taken]
    by_page = tuple(Unit(number, (part,)) for number, part in enumerate(parts, 1))
    units = by_page if cut == "each" else (Unit(None, tuple(parts)),)
    entry = FileEntry(
        name=given.found.name,
        kind=given.kind,
        size_bytes=given.found.size_bytes,
        state="mended" if words else "fine",
        words=f"{words[0].upper()}{words[1:]}." if words else "",
        pages=pages,
        seconds=taken[0][1].seconds if taken else None,
        rows=len(units),
        blobs=tuple(sha256 for sha256, _ in taken),
        facts=tuple(facts for _, facts in taken),
    )
    return Examined(entry, units)


def _take_text(given: _Given) -> Examined:
    text, words = read_text(given.path, given.found.size_bytes)
    if isinstance(text, Fault):
        raise Refused(*text[:2])
    part = b'{"text":' + msgspec.json.encode(text) + b"}"
    state: Literal["fine", "mended"] = "mended" if words else "fine"
    size = given.found.size_bytes
    entry = FileEntry(name=given.found.name, kind="text", size_bytes=size, state=state, words=words, rows=1)
    return Examined(entry, (Unit(None, (part,)),))


def _cut(given: _Given) -> bool:
    return may_be_cut_short(given.path, given.mime_type, given.found.size_bytes)


def _on_disk(found: FoundFile, spare: Path) -> Path:
    """Where a file can be read; one of an archive is unpacked first."""
    if found.fault is not None:
        raise Refused(*found.fault[:2])
    if not found.size_bytes:
        raise Refused(*EMPTY)
    if found.path is not None:
        return found.path
    spare.mkdir()
    target = spare / "entry"
    if found.extract is not None:
        try:
            found.extract(target)
        except Unavailable as error:
            raise Refused(*error.fault[:2]) from None
    return target


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        if head := stream.read(HEAD_BYTES):
            return head
    raise Refused(*EMPTY)
