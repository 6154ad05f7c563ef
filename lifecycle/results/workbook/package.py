"""A workbook's file as a package of parts: read what is needed, change some, and write all others as they were."""

from __future__ import annotations

import posixpath
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import unquote
from xml.sax.saxutils import quoteattr

from lifecycle.results.workbook.xml_outline import (
    PART_LIMIT,
    Element,
    UnusualPart,
    append_child,
    outline,
    splice,
    utf8,
)

UNPACKED_LIMIT = 4_000_000_000
_TYPES = "[Content_Types].xml"
_BLOCK = 1 << 20
Write = Callable[[IO[bytes]], None]


class Relation(NamedTuple):
    """What one part says of another: its id, the last word of the type, and the other's path."""

    id: str
    kind: str
    path: str


class Package:
    """The parts of an open workbook by path. What is put into `changes` or `writers` replaces a part or adds one; what
    is in `last` is asked when all others are written, and answers with a part that replaces another, or None.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise UnusualPart("it is not a workbook") from error
        if sum(entry.file_size for entry in self._zip.infolist()) > UNPACKED_LIMIT:
            raise UnusualPart("it is too large")
        self._entries = {entry.filename.lower(): entry for entry in self._zip.infolist() if not entry.is_dir()}
        self.changes: dict[str, bytes] = {}
        self.writers: dict[str, Write] = {}
        self.last: dict[str, Callable[[], bytes | None]] = {}

    def close(self) -> None:
        self._zip.close()

    def __contains__(self, path: str) -> bool:
        return path.lower() in self._entries or path in self.changes or path in self.writers

    def read(self, path: str) -> bytes:
        """A small part as it now is, in UTF-8."""
        if path in self.changes:
            return self.changes[path]
        entry = self._entry(path)
        if entry.file_size > PART_LIMIT:
            raise UnusualPart("a part of it is too large")
        return utf8(self._zip.read(entry))

    def open(self, path: str) -> IO[bytes]:
        """A part as it was, as a stream."""
        return self._zip.open(self._entry(path))

    def _entry(self, path: str) -> zipfile.ZipInfo:
        try:
            return self._entries[path.lower()]
        except KeyError:
            raise UnusualPart(f"its part {path} is not there") from None

    # -- relations ---------------------------------------------------------------------------------------------------

    def relations(self, path: str) -> list[Relation]:
        """The other parts that a part speaks of."""
        source = relations_path(path)
        if source not in self:
            return []
        return [_relation(element, path) for element in outline(self.read(source)).all("Relationship")]

    def add_relation(self, path: str, kind: str, target: str) -> str:
        """Let a part speak of another; returns the id that it is given."""
        source = relations_path(path)
        xml = self.read(source)
        root = outline(xml)
        taken = {element.attribute("Id") for element in root.all("Relationship")}
        name = next(f"rIdFilled{n}" for n in range(1, len(taken) + 2) if f"rIdFilled{n}" not in taken)
        written = (
            f'<{root.prefix}Relationship Id="{name}" Type={quoteattr(kind)} '
            f"Target={quoteattr(posixpath.relpath(target, posixpath.dirname(path)))}/>"
        )
        self.changes[source] = splice(xml, [append_child(xml, root, written)])
        return name

    def add_type(self, path: str, content_type: str) -> None:
        """Say what a new part is."""
        xml = self.read(_TYPES)
        root = outline(xml)
        written = f'<{root.prefix}Override PartName="/{path}" ContentType="{content_type}"/>'
        self.changes[_TYPES] = splice(xml, [append_child(xml, root, written)])

    def content_type(self, path: str) -> str:
        """What a part is said to be, if it is named."""
        overrides = outline(self.read(_TYPES)).all("Override")
        found = (
            one.attribute("ContentType") for one in overrides if one.attribute("PartName").lower() == f"/{path}".lower()
        )
        return next(found, "")

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, stream: IO[bytes]) -> None:
        """Write all parts, those that were not changed byte for byte, in their order; new ones come last."""
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
            late = {path.lower() for path in self.last}
            for name, entry in self._entries.items():
                if name not in late:
                    self._write_part(out, entry)
            known = {entry.filename for entry in self._entries.values()}
            for path in [*self.changes, *self.writers]:
                if path not in known:
                    self._put(out, zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), path)
            for path, ask in self.last.items():
                if (part := ask()) is not None:
                    self.changes[self._entry(path).filename] = part
                self._write_part(out, self._entry(path))

    def _write_part(self, out: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        written = zipfile.ZipInfo(entry.filename, entry.date_time)
        written.external_attr = entry.external_attr
        if entry.filename in self.changes or entry.filename in self.writers:
            self._put(out, written, entry.filename)
            return
        written.compress_type = (
            entry.compress_type if entry.compress_type == zipfile.ZIP_STORED else zipfile.ZIP_DEFLATED
        )
        written.file_size = entry.file_size
        with self._zip.open(entry) as source, out.open(written, "w", force_zip64=entry.file_size > 1 << 30) as target:
            shutil.copyfileobj(source, target, _BLOCK)

    def _put(self, out: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str) -> None:
        entry.compress_type = zipfile.ZIP_DEFLATED
        if path in self.changes:
            out.writestr(entry, self.changes[path], compresslevel=6)
            return
        with out.open(entry, "w", force_zip64=True) as target:
            self.writers[path](target)


def relations_path(path: str) -> str:
    """Where the relations of a part are."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"


def _relation(element: Element, source: str) -> Relation:
    target = unquote(element.attribute("Target")).replace("\\", "/")
    if element.attribute("TargetMode") == "External":
        return Relation(element.attribute("Id"), "external", "")
    path = target.lstrip("/") if target.startswith("/") else posixpath.join(posixpath.dirname(source), target)
    return Relation(element.attribute("Id"), element.attribute("Type").rpartition("/")[2], posixpath.normpath(path))
