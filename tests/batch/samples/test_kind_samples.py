"""Samples of pictures and vectors are sent as they are, by their own kinds."""

from __future__ import annotations

import io

import pytest

from batch.kinds.registry import KINDS
from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings
from batch.requests.row_checker import CheckedRow
from batch.samples.kind_samples import KIND_SAMPLES
from batch.samples.sample_inputs import write_sample


@pytest.mark.parametrize("name", KIND_SAMPLES)
def test_every_row_can_be_sent(name: str) -> None:
    sample, stream = KIND_SAMPLES[name], io.BytesIO()
    rows = write_sample(sample, stream)
    check = KINDS[sample.kind].make_check(EncodedSettings(Generation()))
    checked = [check.check_line(line, number) for number, line in enumerate(stream.getvalue().splitlines(), 1)]
    assert all(isinstance(row, CheckedRow) for row in checked)
    assert len({row.key for row in checked if isinstance(row, CheckedRow)}) == rows
    assert str(rows) in sample.description
