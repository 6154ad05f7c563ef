"""Whatever a decoder raises is an answer, and the next job is done."""

from __future__ import annotations

import pytest

from lifecycle.inputs.decoding import process, recordings
from lifecycle.inputs.decoding.messages import DecodingJob


@pytest.mark.parametrize(("error", "words"), [(ValueError("odd"), "cannot be read"), (MemoryError(), "memory")])
def test_what_decoders_raise_is_told_in_words(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(recordings, "look", broken)
    reply = process.answer(DecodingJob("look", "a", "audio/wav"))
    assert words in reply.fault and reply.remedy
