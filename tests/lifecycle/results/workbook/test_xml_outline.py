"""Parts are edited by their bytes: what is not edited stays byte for byte, and what is hostile is not read."""

from __future__ import annotations

import pytest

from lifecycle.results.workbook.xml_outline import (
    Edit,
    UnusualPart,
    append_child,
    change_attributes,
    outline,
    prepend_child,
    splice,
    utf8,
)

XML = b'<?xml version="1.0"?>\n<x:a  b=\'1\'><!-- <c> --><x:c/><d e="&lt;>" >t</d ></x:a>'


def test_elements_are_where_they_stand() -> None:
    root = outline(XML)
    c, d = root.children
    assert (root.name, root.prefix, root.attribute("b")) == ("a", "x:", "1")
    assert XML[c.start : c.end] == b"<x:c/>"
    assert (XML[d.inner : d.inner_end], XML[d.start : d.end]) == (b"t", b'<d e="&lt;>" >t</d >')
    assert d.attribute("e") == "<>"
    assert root.first("d") is d and list(root.all("z")) == []


def test_edits_leave_all_else_as_it_was() -> None:
    root = outline(XML)
    c, d = root.children
    edits = [append_child(XML, c, "<n/>"), change_attributes(d, e='"', f="2"), prepend_child(XML, d, "<p/>")]
    assert splice(XML, edits) == (
        b'<?xml version="1.0"?>\n<x:a  b=\'1\'><!-- <c> --><x:c><n/></x:c><d e=\'"\' f="2"><p/>t</d ></x:a>'
    )
    assert splice(b"abc", [Edit(1, 1, "x"), Edit(1, 1, "y"), Edit(2, 3, "")]) == b"axyb"


BOMB = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>'


@pytest.mark.parametrize("xml", [BOMB, b"<a>", b"", b"<a></b>", b"<a>" * 300 + b"</a>" * 300, b"<a>&x;</a>"])
def test_what_is_hostile_or_damaged_is_refused(xml: bytes) -> None:
    with pytest.raises(UnusualPart):
        outline(xml)


def test_other_encodings_become_utf_8() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><a>\u00e4</a>'
    assert utf8(text.encode("utf-16")) == "<a>\u00e4</a>".encode()
    assert utf8(b"\xef\xbb\xbf<a/>") == b"<a/>"
