"""Text as a kind: how long answers are assumed to be, and how large their lines."""

from __future__ import annotations

from batch.kinds.text import OUTPUT_TOKEN_BYTES, RESPONSE_OVERHEAD_BYTES, TEXT
from batch.model import Generation
from batch.pricing import catalog
from batch.pricing.answer_sizes import TEXT_ANSWER, THOUGHTS, Task

MODELS = catalog.load()


def test_a_model_that_thinks_is_assumed_to_put_out_thoughts() -> None:
    expected = TEXT_ANSWER[1] + THOUGHTS["medium"]
    assert TEXT.assumed_output(None, Task()).expected == expected
    assert TEXT.assumed_output(MODELS.model("gemini-2.5-flash"), Task()).expected == expected
    assert TEXT.assumed_output(None, Task(thinking="off")).expected == TEXT_ANSWER[1]


def test_a_result_line_grows_with_its_answer() -> None:
    assert TEXT.result_bytes(None, Generation()) == RESPONSE_OVERHEAD_BYTES
    assert TEXT.result_bytes(100.0, Generation()) == RESPONSE_OVERHEAD_BYTES + 100 * OUTPUT_TOKEN_BYTES


def test_it_travels_either_way_and_has_no_files_of_its_own() -> None:
    assert not TEXT.file_only
    assert not TEXT.pictures
    assert not TEXT.vectors
