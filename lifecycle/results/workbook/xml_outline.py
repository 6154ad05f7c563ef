"""Where the elements of a small XML part are, so that it can be edited by its bytes and keeps all else as it was."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

PART_LIMIT = 64_000_000  # bytes of a part that is held in memory
_TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")


class UnusualPart(Exception):
    """A part of a workbook that is not edited: damaged, hostile, or of a form that no known program writes."""


@dataclass
class Element:
    """An element: its name without prefix, and where its start tag, its content and the whole of it end."""

    tag: str
    attributes: dict[str, str]
    start: int
    inner: int
    parent: Element | None
    inner_end: int = 0
    end: int = 0
    children: list[Element] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """The name without its prefix."""
        return self.tag.rpartition(":")[2]

    @property
    def prefix(self) -> str:
        """The prefix with its colon, or nothing."""
        return self.tag[: -len(self.name)]

    def attribute(self, name: str) -> str:
        """An attribute by its name, whatever its prefix; "" where there is none."""
        found = (value for key, value in self.attributes.items() if key.rpartition(":")[2] == name)
        return self.attributes.get(name) or next(found, "")

    def all(self, name: str) -> Iterator[Element]:
        """All elements of a name below this one, in order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def first(self, name: str) -> Element | None:
        """The first element of a name below this one."""
        return next(self.all(name), None)


class Edit(NamedTuple):
    """Bytes to stand in the place of others."""

    start: int
    end: int
    text: str


def outline(xml: bytes) -> Element:
    """The root element of a part, with all below it. Raises UnusualPart for what is not to be read."""
    if len(xml) > PART_LIMIT:
        raise UnusualPart("a part of it is too large")
    builder = _Builder(xml)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda tag, attributes: builder.start(tag, attributes, parser.CurrentByteIndex)
    parser.EndElementHandler = lambda tag: builder.end(parser.CurrentByteIndex)
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise UnusualPart(f"a part of it is damaged ({error})") from error
    if builder.root is None:
        raise UnusualPart("a part of it is empty")
    return builder.root


def _refuse_doctype(*_: object) -> None:
    raise UnusualPart("a part of it declares a document type")


class _Builder:
    DEEPEST = 200

    def __init__(self, xml: bytes) -> None:
        self._xml = xml
        self._open: list[Element] = []
        self.root: Element | None = None

    def start(self, tag: str, attributes: dict[str, str], position: int) -> None:
        match = _TAG.match(self._xml, position)
        if match is None or len(self._open) > self.DEEPEST:
            raise UnusualPart("a part of it is of an unusual form")
        parent = self._open[-1] if self._open else None
        element = Element(tag, attributes, position, match.end(), parent)
        if parent is None:
            self.root = element
        else:
            parent.children.append(element)
        self._open.append(element)

    def end(self, position: int) -> None:
        element = self._open.pop()
        if self._xml[element.inner - 2 : element.inner] == b"/>":
            element.inner_end = element.end = element.inner
            return
        match = _TAG.match(self._xml, position)
        element.inner_end = position
        element.end = match.end() if match else position


def utf8(xml: bytes) -> bytes:
    """A part as UTF-8, whatever it was written in."""
    if xml.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _DECLARATION.sub("", xml.decode("utf-16")).encode()
    return xml.removeprefix(codecs.BOM_UTF8)


def splice(xml: bytes, edits: Iterable[Edit]) -> bytes:
    """The part with all edits made; of two at the same place, the one given first comes first."""
    pieces, position = list[bytes](), 0
    for edit in sorted(edits, key=lambda one: one.start):
        pieces += [xml[position : edit.start], edit.text.encode()]
        position = edit.end
    return b"".join([*pieces, xml[position:]])


def append_child(xml: bytes, element: Element, text: str) -> Edit:
    """An edit that puts `text` at the end of an element's content, opening it if it is empty."""
    if element.inner_end == element.end:
        opened = xml[element.start : element.end].decode()[:-2].rstrip()
        return Edit(element.start, element.end, f"{opened}>{text}</{element.tag}>")
    return Edit(element.inner_end, element.inner_end, text)


def prepend_child(xml: bytes, element: Element, text: str) -> Edit:
    """The same, at the beginning of its content."""
    if element.inner_end == element.end:
        return append_child(xml, element, text)
    return Edit(element.inner, element.inner, text)


def start_tag(element: Element, changes: dict[str, str | None], *, closed: bool) -> str:
    """The element's start tag with some attributes changed, added, or (None) left out."""
    attributes = {name: value for name, value in {**element.attributes, **changes}.items() if value is not None}
    written = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{element.tag}{written}{'/>' if closed else '>'}"


def change_attributes(element: Element, **changes: str | None) -> Edit:
    """An edit of an element's start tag."""
    return Edit(element.start, element.inner, start_tag(element, changes, closed=element.inner == element.end))
