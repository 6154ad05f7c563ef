"""One pass says what may be arranged, and keeps a bounded sample of the rows."""

from __future__ import annotations

import numpy as np
import pytest

from batch.arrangement import shared_text
from batch.arrangement.shared_text import SharedText, arrangeable
from batch.prefixes.request_parts import RawLine, decode_line
from tests.planner_reference import Json
from tests.shared_layouts import batch, prose, user


def test_short_requests_are_passed_by_but_for_files_that_they_name() -> None:
    file = {"fileData": {"fileUri": "files/a", "mimeType": "application/pdf"}}
    short, named, long = batch([{"contents": user(*parts)} for parts in (["Why?"], ["Why?", file], [prose(0, 900)])])
    assert arrangeable(short) is None and arrangeable(b"no json" * 400) is None
    assert arrangeable(named) is not None and arrangeable(long) is not None


def test_the_sample_stays_small_and_reaches_to_the_end() -> None:
    text = prose(0, 600)
    lines = batch([{"contents": user(f"{n} {text}")} for n in range(3000)])
    shared = SharedText.of(lines)
    assert 1000 < shared.rows == shared.texts < 3000
    assert 100 < len(shared.sample) <= shared_text.SAMPLE_ROWS
    assert lines.index(shared.sample[-1]) > 2000


def test_of_many_rows_a_few_of_each_document_are_read() -> None:
    """Of 6,000 rows nearly every one of 500 documents is met at least twice, and far from all rows are read."""
    texts = [prose(n, 520) for n in range(500)]
    lines = batch([{"contents": user(f"What of {n}?\n\n{texts[n % 500]}")} for n in range(6000)])
    shared = SharedText.of(lines)
    assert shared.rows < 4000 and shared.frames.find(lines[77]) is not None
    names = np.array([hash(text.split("\n")[3].encode()) for text in texts], dtype=np.int64).view(np.uint64)
    assert (shared.counts.of(names) > 1).mean() > 0.95


class WithLeading:
    """Puts parts before the first that a line has, and a system instruction where a row has none of its own."""

    def __init__(self, parts: bytes, system: bytes) -> None:
        self._parts, self._system = parts, system

    def whole(self, line: bytes) -> bytes:
        line = line.replace(b'"parts":[', b'"parts":[' + self._parts, 1).replace(b"\t1\t", b"piece")
        if b'"systemInstruction"' in line or not self._system or not line.strip():
            return line
        return b'%b,"systemInstruction":%b}}\n' % (line[:-3], self._system)

    def decode(self, line: bytes) -> RawLine:
        return decode_line(self.whole(line))

    def resolve(self, stand_in: bytes) -> bytes:
        raise AssertionError(stand_in)


@pytest.mark.parametrize("system", [b"", b'{"parts":[{"text":"Be brief.\\nAlways."}]}'])
@pytest.mark.parametrize("leading", [b"", b'{"text":"%b"},' % (b"shared words\\n" * 300)])
def test_lines_that_leave_something_out_are_counted_as_if_they_were_whole(
    system: bytes, leading: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_text, "PARTS_REMEMBERED", 20)
    monkeypatch.setattr(shared_text, "SAMPLE_ROWS", 30)
    texts = [f"{n} {prose(n % 7, 520)}" if n % 3 else f"Why {n}?" for n in range(400)]
    rows: list[Json] = [
        {"contents": user(*(["first", text] if n % 5 == 0 else [text]))} for n, text in enumerate(texts)
    ]
    for n in (0, 1, 2, 41):
        rows[n]["contents"] = [*user(f"a {n}"), {"role": "model", "parts": [{"text": "b"}]}, *user("c" * 3000)]
    rows[50] |= {"systemInstruction": {"parts": [{"text": "Its own."}]}}
    rows[60] |= {"tools": [{"googleSearch": {}}]}
    rows[70]["contents"] = user('a "functionResponse" and a \\ and \\u00e9')
    written = batch(rows)
    written[80] = written[80].replace(b"Why", b"\t1\t")
    written[90] = b"\n"
    reader = WithLeading(leading, system)
    found, expected = SharedText.of(written, reader), SharedText.of(list(map(reader.whole, written)))
    assert (found.rows, found.texts, found.system_texts) == (expected.rows, expected.texts, expected.system_texts)
    assert found.sample == expected.sample
    assert np.array_equal(found.counts._table, expected.counts._table)
    assert np.array_equal(found.system_counts._table, expected.system_counts._table)
    assert found.led_frames._frames  # most rows were told by their bytes
