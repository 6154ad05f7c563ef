"""The samples are large and varied enough, the same everywhere, and in the wire's own form."""

from __future__ import annotations

import hashlib
import io
import json

import pytest

from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow, RowChecker
from batch.samples.sample_inputs import INLINE_PROMPTS, SAMPLES, Sample, handbook, write_sample


def lines_of(sample: Sample) -> list[bytes]:
    stream = io.BytesIO()
    rows = write_sample(sample, stream)
    lines = stream.getvalue().splitlines()
    assert rows == len(lines)
    return lines


@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_of_a_sample_is_sent_as_it_is(name: str) -> None:
    checker = RowChecker(EncodedSettings(Generation()))
    keys = set()
    for number, line in enumerate(lines_of(SAMPLES[name]), 1):
        row = checker.check_line(line, number)
        assert isinstance(row, CheckedRow), row
        assert row.line == line
        keys.add(row.key)
    assert len(keys) == number
    assert not checker.notes


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_the_same_every_time(name: str) -> None:
    first, second = (hashlib.sha256(b"".join(SAMPLES[name].lines())).hexdigest() for _ in range(2))
    assert first == second


def test_the_day_of_the_service_desk_is_long_and_varied() -> None:
    requests = [json.loads(line)["request"] for line in lines_of(SAMPLES["service-desk"])]
    assert len(requests) == 1200
    asked = {request["contents"][0]["parts"][-1]["text"] for request in requests}
    assert len(asked) > 1190
    assert sum("responseSchema" in request.get("generationConfig", {}) for request in requests) == 240
    shared = [parts[0]["text"] for request in requests if len(parts := request["contents"][0]["parts"]) == 2]
    assert len(shared) == 500
    assert len(set(shared)) == 1


def test_the_long_document_is_shared_by_all_questions() -> None:
    requests = [json.loads(line)["request"] for line in lines_of(SAMPLES["handbook-questions"])]
    assert len(requests) >= 20
    parts = [request["contents"][0]["parts"] for request in requests]
    assert {part[0]["text"] for part in parts} == {handbook()}
    assert len({part[1]["text"] for part in parts}) == len(parts)
    assert 5_000 < len(handbook()) / 4 < 7_000


def test_only_the_sample_of_mixed_outcomes_speaks_to_the_emulator() -> None:
    marked = {name: sum(b"[[emulate:" in line for line in lines_of(sample)) for name, sample in SAMPLES.items()}
    assert marked == {"service-desk": 0, "handbook-questions": 0, "mixed-outcomes": 37}
    assert not any("[[" in prompt for prompt in INLINE_PROMPTS)


def test_the_inline_prompts_fit_one_to_a_line() -> None:
    assert 8 <= len(INLINE_PROMPTS) <= 10
    assert all(prompt == prompt.strip() and "\n" not in prompt for prompt in INLINE_PROMPTS)
