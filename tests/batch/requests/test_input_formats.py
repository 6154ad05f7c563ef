"""Lines, blocks and cells read the same however they are cut, ended or encoded."""

from __future__ import annotations

import datetime
import decimal
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import InputError
from batch.requests.input_formats import (
    as_text,
    blocks,
    kind_of,
    numbered_lines,
    prompt_lines,
    text_lines,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jsonl", "jsonl"), ("A.NDJSON", "jsonl"), ("my.data.csv", "csv"), ("a.tsv", "tsv"), ("a.parquet", "parquet")],
)
def test_the_kind_is_guessed_by_the_suffix(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize("name", ["a.docx", "noSuffix", "a.", ""])
def test_an_unknown_suffix_is_refused_with_what_is_possible(name: str) -> None:
    with pytest.raises(InputError) as caught:
        kind_of(name)
    assert "Parquet" in caught.value.remedy


def read(content: bytes, chunk: int, limit: int = 1000) -> list[tuple[int, bytes | None]]:
    pieces = list(numbered_lines(io.BytesIO(content), limit, chunk))
    assert not pieces or pieces[-1].end >= len(content) - 3
    return [(piece.first + n, line) for piece in pieces for n, line in enumerate(piece.lines)]


@pytest.mark.parametrize("chunk", [*range(1, 8), 1000])
def test_lines_come_out_whole_however_the_stream_is_cut(chunk: int) -> None:
    content = "Größe 🚀\n漢字\n\nlast".encode()
    lines = [line for _, line in read(content, chunk)]
    assert [line for line in lines if line] == ["Größe 🚀".encode(), "漢字".encode(), b"last"]
    assert [n for n, _ in read(content, chunk)][-1] == 4


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=12),
    chunk=st.integers(1, 40),
    limit=st.integers(1, 10),
)
def test_a_line_over_the_limit_costs_itself_only(lines: list[bytes], chunk: int, limit: int) -> None:
    content = b"x\n" + b"\n".join(lines)
    expected = [b"x", *lines] if content and not content.endswith(b"\n") else [b"x", *lines][: content.count(b"\n")]
    wanted = [(n, line if len(line) <= limit else None) for n, line in enumerate(expected, 1)]
    assert read(content, chunk, limit) == wanted


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read(b"\xef\xbb\xbf{}\n", 1000)[0] == (1, b"{}")


@pytest.mark.parametrize("start", [b"\xff\xfe{\x00", b"\x1f\x8b\x08", b"PK\x03\x04", b"PAR1"])
def test_what_is_not_text_in_utf8_is_refused_as_a_whole(start: bytes) -> None:
    with pytest.raises(InputError):
        read(start, 1000)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blocks_are_parted_by_blank_lines(end: str) -> None:
    text = end.join(["", "one", "  still one", "", "   ", "two", "", ""])
    stream = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8", newline="")
    assert list(blocks(stream, 1000)) == [(2, "one\n  still one"), (6, "two")]


def test_a_text_without_line_ends_is_not_held() -> None:
    text = "x" * 50 + "\nshort\n" + "y" * 10 + "\n" + "z" * 30
    assert list(text_lines(io.StringIO(text), 10)) == [(1, None), (2, "short\n"), (3, None), (4, None)]
    assert list(text_lines(io.StringIO("exactly\n10 long 9\n"), 10)) == [(1, "exactly\n"), (2, "10 long 9\n")]


def test_a_block_over_the_limit_costs_itself_only() -> None:
    text = "one\n\n" + "line\n" * 9 + "\n" + "x" * 40 + "\n\ntwo"
    assert list(blocks(io.StringIO(text), 20)) == [(1, "one"), (3, None), (13, None), (15, "two")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("a\n", "a\n"),
        (3, "3"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (1e20, "1e+20"),
        (float("nan"), ""),
        (True, "TRUE"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.datetime(2026, 3, 1), "2026-03-01"),  # midnight: a date
        (datetime.datetime(2026, 3, 1, 14, 30), "2026-03-01 14:30:00"),
        (datetime.date(2026, 3, 1), "2026-03-01"),
        (datetime.time(14, 30), "14:30:00"),
        (["a", 1], '["a", 1]'),
        ({"a": datetime.date(2026, 3, 1)}, '{"a": "2026-03-01"}'),
        ("é".encode(), "é"),
    ],
)
def test_a_cell_reads_as_a_person_sees_it(value: object, text: str) -> None:
    assert as_text(value) == text


def test_a_line_that_names_a_cache_belongs_to_the_prompt_in_the_next_line() -> None:
    """One prompt a line leaves no other place for it; blank lines between do not matter."""
    text = "one\n@use_cache {The manual}\nWho?\r\n@use_cache b\n\nWhere?\n@use_cache b Why?\n@use_cache last"
    assert list(prompt_lines(io.StringIO(text, newline=""), 1000)) == [
        (1, "one\n"),
        (2, "@use_cache {The manual}\nWho?\r\n"),
        (4, "@use_cache b\nWhere?\n"),
        (7, "@use_cache b Why?\n@use_cache last"),
    ]
