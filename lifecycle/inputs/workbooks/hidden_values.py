"""Cells of an XLSX file whose value is not there: a formula that was never calculated, or one that failed.

Whoever reads only values sees such cells as empty. They are found in the sheet's XML, a piece at a time.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

MOST_CELLS = 200_000
CHUNK_BYTES = 1 << 20
_OVERLAP = 4096
_CELL = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]{1,3})(\d{1,7})"(?:[^<>]{0,80}>(?:<(?:\w+:)?f[^<>]*>[^<]{0,2000}</(?:\w+:)?f>'
    rb"|<(?:\w+:)?f[^<>]*/>)(?:<(?:\w+:)?v ?/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
    rb'|[^<>]{0,40} t="e")'
)


def hidden_cells(path: Path, sheet: str) -> set[tuple[int, int]]:
    """Row and column (from 1 and from 0) of such cells in a sheet; at most `MOST_CELLS`."""
    found: set[tuple[int, int]] = set()
    with zipfile.ZipFile(path) as archive:
        member = _member(archive, sheet)
        if member is None:
            return found
        with archive.open(member) as stream:
            held = b""
            while block := stream.read(CHUNK_BYTES):
                held += block
                for match in _CELL.finditer(held):
                    found.add((int(match[2]), _column(match[1])))
                if len(found) >= MOST_CELLS:
                    break
                held = held[-_OVERLAP:]
    return found


def _member(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The file of a sheet in the archive, by the workbook's list and its relations."""
    identity = next((one for name, one in _sheet_ids(archive) if name == sheet), None)
    if identity is None:
        return None
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - small, and in a process with a limit of memory
    for relation in relations:
        if relation.get("Id") == identity:
            target = (relation.get("Target") or "").lstrip("/")
            return target if target.startswith("xl/") else f"xl/{target}"
    return None


def _sheet_ids(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    for element in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter():  # noqa: S314 - as above
        if element.tag.endswith("}sheet"):
            key = next((value for name, value in element.attrib.items() if name.endswith("}id")), "")
            yield element.get("name") or "", key


def _column(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place - 1
