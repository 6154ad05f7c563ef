"""One pass says what may be arranged, and keeps a bounded sample of the rows."""

from __future__ import annotations

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
    assert shared.rows == shared.texts == 3000
    assert 100 < len(shared.sample) <= shared_text.SAMPLE_ROWS
    assert lines.index(shared.sample[-1]) > 2000
