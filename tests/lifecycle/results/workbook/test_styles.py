"""Added cells look like their neighbours."""

from __future__ import annotations

from lifecycle.results.workbook.cells import DATE
from lifecycle.results.workbook.sheet_writer import QUOTED
from lifecycle.results.workbook.styles import Styles
from lifecycle.results.workbook.xml_outline import outline

XML = (
    b'<styleSheet><cellXfs count="2"><xf numFmtId="0"/>'
    b'<xf numFmtId="14" fontId="3" fillId="2" borderId="1" applyFill="1">'
    b'<alignment vertical="top" horizontal="right"/></xf></cellXfs></styleSheet>'
)


def test_a_plain_neighbour_needs_no_style() -> None:
    styles = Styles(XML)
    assert styles.beside(0, "") == 0
    assert styles.written() is None


def test_fill_border_and_height_are_the_neighbours_and_the_format_is_the_values() -> None:
    styles = Styles(XML)
    numbers = [styles.beside(1, kind) for kind in ("", DATE, QUOTED, DATE)]
    assert numbers == [2, 3, 4, 3]
    written = styles.written()
    assert written is not None and written.startswith(b'<styleSheet><cellXfs count="5"><xf numFmtId="0"/><xf')
    formats = outline(written).first("cellXfs")
    assert formats is not None
    plain, date, quoted = formats.children[2:]
    look = {
        (one.attribute("fillId"), one.attribute("borderId"), one.attribute("fontId")) for one in (plain, date, quoted)
    }
    assert look == {("2", "1", "0")}
    assert (plain.attribute("numFmtId"), date.attribute("numFmtId")) == ("0", "14")
    assert quoted.attribute("quotePrefix") == "1"
    assert [one.children[0].attributes for one in (plain, date)] == [{"vertical": "top"}] * 2


def test_without_styles_all_is_plain() -> None:
    styles = Styles(None)
    assert (styles.can_add, styles.beside(5, DATE), styles.written()) == (False, 0, None)
