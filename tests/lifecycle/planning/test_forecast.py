"""Sizes that only the service knows are asked for, and every figure is true then."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.arrangement.rules import Rule
from batch.model import ContextMode
from batch.planning.hints import UNSIZED
from lifecycle.core.models import RunSpec
from lifecycle.planning.forecast import ExpectedHours, Forecast, forecast
from lifecycle.planning.media_scale import TokenCounter, UnknownSize
from tests.lifecycle.planning.test_media_levels import CATALOG, MODEL, TARIFF
from tests.shared_layouts import batch, question, user

FILE = {
    "fileData": {"mimeType": "application/pdf", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"}
}


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    (tmp_path / "requests.jsonl").write_bytes(
        b"".join(batch([{"contents": user(question(n), FILE)} for n in range(40)]))
    )
    return tmp_path / "requests.jsonl"


def planned(requests: Path, count: TokenCounter | None = None) -> Forecast:
    hours = ExpectedHours(0.5, 0.5, 0)
    return forecast(
        requests,
        RunSpec(MODEL, context=ContextMode.AUTO),
        tariff=TARIFF,
        model=CATALOG.models[MODEL],
        hours=hours,
        count=count,
    )


def test_a_file_that_rows_share_is_counted_where_there_is_a_key(requests: Path) -> None:
    counted = planned(requests, lambda prefix: 30_000 if b"fileUri" in prefix else 20)
    (hint,) = counted.plan.hints
    assert (hint.kind, hint.rows, hint.tokens) == (Rule.PART_FIRST, 40, 30_000)
    assert hint.usd_saved > 0.5 * hint.usd > 0.5 * 40 * 30_000 * 0.3e-6 and not counted.estimate.at_least


def test_without_a_key_or_where_it_is_refused_no_figure_is_made_up(requests: Path) -> None:
    def refused(prefix: bytes) -> int:
        raise UnknownSize

    for count in (None, refused):
        told = planned(requests, count)
        (hint,) = told.plan.hints
        assert hint.kind == UNSIZED and not hint.is_priced and told.estimate.at_least
