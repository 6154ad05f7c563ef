"""One pass says what may be arranged, and keeps a bounded sample of the rows."""

from __future__ import annotations

import numpy as np

from batch.arrangement import shared_text
from batch.arrangement.shared_text import SharedText, arrangeable
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
