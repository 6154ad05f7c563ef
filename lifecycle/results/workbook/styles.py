"""Styles for cells that are added: they look like the cells beside them, and show what they hold as what it is."""

from __future__ import annotations

from lifecycle.results.workbook.cells import DATE, MOMENT
from lifecycle.results.workbook.sheet_writer import QUOTED
from lifecycle.results.workbook.xml_outline import Element, append_child, change_attributes, outline, splice

_FORMATS = {DATE: "14", MOMENT: "22"}  # a date, and a date with its time, as the reader's country writes them
_LOOK = ("fillId", "borderId", "applyFill", "applyBorder")


class Styles:
    """The styles of a workbook, with those that are added. Without a part of styles there is one, the plain one."""

    def __init__(self, xml: bytes | None) -> None:
        self._xml = xml
        root = outline(xml) if xml is not None else None
        self._formats = root.first("cellXfs") if root is not None else None
        self._known = [one for one in self._formats.children if one.name == "xf"] if self._formats else []
        self._added: list[str] = []
        self._numbers: dict[tuple[int, str], int] = {}

    @property
    def can_add(self) -> bool:
        """Whether dates can be shown as dates."""
        return bool(self._known)

    def beside(self, style: int, kind: str) -> int:
        """The number of a style that looks like a neighbour's, for a DATE, a MOMENT, QUOTED text or any other ("")."""
        number = self._numbers.get((style, kind))
        if number is None:
            number = self._numbers[style, kind] = self._add(style, kind)
        return number

    def _add(self, style: int, kind: str) -> int:
        if not self._known:
            return 0
        neighbour = self._known[style] if style < len(self._known) else self._known[0]
        look = {name: neighbour.attribute(name) for name in _LOOK if neighbour.attribute(name).isalnum()}
        changes = {name: value for name, value in look.items() if value not in ("0", "false")}
        alignment = _alignment(neighbour)
        if not kind and not changes and not alignment:
            return 0
        return self._append(
            {"numFmtId": "0", "fontId": "0", "fillId": "0", "borderId": "0", "xfId": "0"} | look, kind, alignment
        )

    def _append(self, attributes: dict[str, str], kind: str, alignment: str) -> int:
        if kind in _FORMATS:
            attributes |= {"numFmtId": _FORMATS[kind], "applyNumberFormat": "1"}
        if kind == QUOTED:
            attributes |= {"quotePrefix": "1"}
        if alignment:
            attributes |= {"applyAlignment": "1"}
        prefix = self._formats.prefix if self._formats else ""
        inner = f"<{prefix}alignment {alignment}/>" if alignment else ""
        written = "".join(f' {name}="{value}"' for name, value in attributes.items())
        text = f"<{prefix}xf{written}>{inner}</{prefix}xf>"
        if text in self._added:
            return len(self._known) + self._added.index(text)
        self._added.append(text)
        return len(self._known) + len(self._added) - 1

    def written(self) -> bytes | None:
        """The part with all that was added; None if nothing was."""
        if not self._added or self._xml is None or self._formats is None:
            return None
        count = change_attributes(self._formats, count=str(len(self._known) + len(self._added)))
        return splice(self._xml, [count, append_child(self._xml, self._formats, "".join(self._added))])


def _alignment(neighbour: Element) -> str:
    """Where a neighbour's text stands in the height of its row, as it is set."""
    found = neighbour.first("alignment")
    vertical = found.attribute("vertical") if found else ""
    return f'vertical="{vertical}"' if vertical in ("top", "center", "justify", "distributed") else ""
