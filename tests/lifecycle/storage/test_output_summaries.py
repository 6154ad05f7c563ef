"""Summaries are an owner's own, one a run, and the oldest go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.storage import output_summaries
from lifecycle.storage.output_summaries import OutputSummaries, OutputSummary
from lifecycle.storage.store import LeaseLost, Store

ONE = OutputSummary("r1", "owner", "model", 1.0, "{}", "{}")


@pytest.fixture
def summaries(tmp_path: Path) -> OutputSummaries:
    return OutputSummaries(Store(f"sqlite:///{tmp_path / 'runs.db'}"))


def test_an_owner_sees_his_own_and_a_run_has_one(summaries: OutputSummaries) -> None:
    summaries.put(ONE)
    summaries.put(replace(ONE, run_id="r2", owner_id="another"))
    summaries.put(replace(ONE, at=2.0, lengths="[]"))
    assert summaries.newest("owner", "model") == [replace(ONE, at=2.0, lengths="[]")]
    assert summaries.newest("owner", "other model") == []


def test_the_oldest_go(summaries: OutputSummaries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_summaries, "MAX_KEPT", 3)
    for n in range(6):
        summaries.put(replace(ONE, run_id=f"r{n}", at=float(n)))
    assert [kept.run_id for kept in summaries.newest("owner", "model")] == ["r5", "r4", "r3"]


def test_only_the_holder_of_a_run_writes_for_it(summaries: OutputSummaries) -> None:
    with pytest.raises(LeaseLost):
        summaries.put_of_run("no token", ONE)
