"""What surrounds a sheet's rows: its size, its view, widths, and its filter. All else stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lifecycle.results.workbook.columns import LAST_COLUMN, Range, parse_range
from lifecycle.results.workbook.survey import Survey
from lifecycle.results.workbook.xml_outline import (
    Edit,
    Element,
    append_child,
    change_attributes,
    prepend_child,
    splice,
    start_tag,
)

FROZEN_ROWS = 10  # more of them would leave no room for the others
_BEFORE_VIEWS = ("sheetPr", "dimension")
_BEFORE_COLS = (*_BEFORE_VIEWS, "sheetViews", "sheetFormatPr")
_BEFORE_FILTER = (*_BEFORE_COLS, "cols", "sheetData", "sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios")


class SheetFrame:
    """The edits that a sheet's frame takes when columns are added at `place`. `filtered` is the new range of its
    filter; None where it has none, or keeps its own.
    """

    def __init__(self, found: Survey, place: int, widths: Sequence[float], *, in_table: bool) -> None:
        self._survey, self._place, self._widths = found, place, widths
        self._xml = found.frame
        self._root = found.root()
        self._right = place + len(widths) - 1
        self._in_table = in_table
        self.filtered: Range | None = None

    def written(self) -> tuple[bytes, bytes]:
        """The part of the sheet up to its rows, and the part behind them."""
        edits = [*self._dimension(), *self._view(), *self._columns(), *self._filter()]
        split = len(self._survey.head)
        return (
            splice(self._xml[:split], [edit for edit in edits if edit.start < split]),
            splice(
                self._xml[split:],
                [Edit(edit.start - split, edit.end - split, edit.text) for edit in edits if edit.start >= split],
            ),
        )

    def _child(self, name: str) -> Element | None:
        return next((child for child in self._root.children if child.name == name), None)

    def _insert(self, before: Sequence[str], text: str) -> Edit:
        """An edit that puts an element behind all those that must stand before it."""
        earlier = [child.end for child in self._root.children if child.name in before]
        place = max(earlier, default=self._root.inner)
        return Edit(place, place, text)

    def _dimension(self) -> Iterator[Edit]:
        found = self._child("dimension")
        size = parse_range(found.attribute("ref")) if found else None
        if found and size:
            wider = size._replace(right=max(size.right, self._right), bottom=max(size.bottom, self._survey.last_row))
            yield change_attributes(found, ref=str(wider))

    def _view(self) -> Iterator[Edit]:
        """Freeze the header, unless the view is divided already."""
        row = self._survey.header_row
        view = self._root.first("sheetView")
        if not 0 < row <= FROZEN_ROWS or view is None:
            return
        if view.first("pane") or view.attribute("view") == "pageLayout":
            return
        p = view.prefix
        text = f'<{p}pane ySplit="{row}" topLeftCell="A{row + 1}" activePane="bottomLeft" state="frozen"/>'
        text += f'<{p}selection pane="bottomLeft"/>'
        if view.inner == view.end:
            yield Edit(
                view.start,
                view.end,
                f"{start_tag(view, {'topLeftCell': None}, closed=False)}{text}</{view.tag}>",
            )
            return
        if view.attribute("topLeftCell"):
            yield change_attributes(view, topLeftCell=None)
        yield prepend_child(self._xml, view, text)

    def _columns(self) -> Iterator[Edit]:
        """Give the new columns their widths; what is said of columns there goes on holding for the others."""
        p = self._survey.prefix
        new = "".join(
            f'<{p}col min="{column}" max="{column}" width="{width:g}" customWidth="1"/>'
            for column, width in enumerate(self._widths, self._place)
        )
        group = self._child("cols")
        if group is None:
            yield self._insert(_BEFORE_COLS, f"<{p}cols>{new}</{p}cols>")
            return
        spans = [
            (self._number(col, "min"), self._number(col, "max"), col) for col in group.children if col.name == "col"
        ]
        for first, last, col in spans:
            if last >= self._place and first <= self._right:
                yield Edit(col.start, col.end, self._around(first, last, col))
        later = [col.start for first, _, col in spans if first > self._right]
        later += [col.end for first, last, col in spans if first <= self._right < last]
        place = min(later, default=group.inner_end)
        straddling = next((one for one in spans if one[0] <= self._right < one[1]), None)
        if straddling is None:
            yield Edit(place, place, new) if spans else append_child(self._xml, group, new)
            return
        first, last, col = straddling
        yield Edit(col.end, col.end, new + start_tag(col, {"min": str(self._right + 1), "max": str(last)}, closed=True))

    def _around(self, first: int, last: int, col: Element) -> str:
        """What is left of a span of columns before the new ones."""
        if first >= self._place:
            return ""
        return start_tag(col, {"min": str(first), "max": str(self._place - 1)}, closed=True)

    def _number(self, col: Element, name: str) -> int:
        text = col.attribute(name)
        return min(int(text), LAST_COLUMN) if text.isdecimal() else 0

    def _filter(self) -> Iterator[Edit]:
        """A filter over all columns, unless a list has its own or the sheet's is elsewhere."""
        found = self._child("autoFilter")
        row = self._survey.header_row
        if found is not None:
            old = parse_range(found.attribute("ref"))
            if old and old.top == row and old.right == self._place - 1:
                self.filtered = old._replace(right=self._right)
                yield change_attributes(found, ref=str(self.filtered))
            return
        if not row or self._in_table or self._child("tableParts") or self._survey.last_row <= row:
            return
        self.filtered = Range(self._survey.left, row, self._right, self._survey.last_row)
        yield self._insert(_BEFORE_FILTER, f'<{self._survey.prefix}autoFilter ref="{self.filtered}"/>')
