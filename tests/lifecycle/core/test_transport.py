"""Inline or file: by size on both sides, refused with a reason where it cannot work, and cut by what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batch.errors import InputError
from batch.model import SendAs
from lifecycle.core.models import RunSpec
from lifecycle.core.transport import Freight, choose, refusal, result_bytes
from lifecycle.workflow.shards.context import Limits
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import MODEL, Bench, ended
from tests.lifecycle.simulation import World

SMALL = Freight(rows=5, size_bytes=1_000, largest_bytes=300, output_bytes=result_bytes("text", 1_200))
PICTURE = "gemini-3.1-flash-image"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("freight", "chosen"),
    [
        (SMALL, SendAs.INLINE),
        (replace(SMALL, rows=51), SendAs.FILE),
        (replace(SMALL, size_bytes=256_001), SendAs.FILE),
        (replace(SMALL, output_bytes=result_bytes("text", 60_000)), SendAs.FILE),
        (replace(SMALL, output_bytes=result_bytes("image", None)), SendAs.FILE),
    ],
)
def test_auto_sends_inline_only_what_is_tiny_both_ways(freight: Freight, chosen: SendAs) -> None:
    assert choose(SendAs.AUTO, freight, Limits()) is chosen
    assert choose(SendAs.INLINE, freight, Limits()) is SendAs.INLINE
    assert choose(SendAs.FILE, freight, Limits()) is SendAs.FILE


@pytest.mark.parametrize(
    ("freight", "why"),
    [
        (replace(SMALL, largest_bytes=19_000_000), "The largest request has 19 MB"),
        (replace(SMALL, output_bytes=result_bytes("image", 1290)), "One answer alone is expected to have 8 MB"),
        (replace(SMALL, rows=1_000_000, size_bytes=10**9), "The answers are expected to have 5,800 MB"),
        (replace(SMALL, rows=10_000, size_bytes=2 * 10**9), "The requests have 2,000 MB: inline, that takes 112 jobs"),
    ],
)
def test_inline_is_refused_with_the_reason_where_it_cannot_work(freight: Freight, why: str) -> None:
    found = refusal(SendAs.INLINE, freight, Limits())
    assert found is not None
    assert why in str(found)
    assert "File" in found.remedy
    assert refusal(SendAs.FILE, freight, Limits()) is refusal(SendAs.AUTO, freight, Limits()) is None


def test_what_can_work_inline_is_not_refused() -> None:
    assert refusal(SendAs.INLINE, SMALL, Limits()) is None
    assert refusal(SendAs.INLINE, replace(SMALL, rows=20_000, size_bytes=9 * 10**7), Limits()) is None


def test_a_run_is_cut_by_what_is_expected_to_come_back(world: World) -> None:
    """Twelve rows that return a third of what one inline job may: four jobs, each row once."""
    world.limits = Limits(inline_output_bytes=3_000)
    world.restart()
    run_id = world.submit(rows=12, send_as=SendAs.INLINE)  # 1,000 bytes a result are expected
    world.until_ended(run_id)
    assert [len(job.keys) for job in world.google.jobs] == [3, 3, 3, 3]
    assert len(world.answers(run_id)) == 12


def test_a_transport_that_cannot_work_is_refused_before_anything_is_recorded(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.hold_key("made-up-key")
    draft = runner.forecasts.prepare("Paint a cat.", kind="lines")
    with pytest.raises(InputError, match="One answer alone"):
        runner.submissions.submit(account, draft, RunSpec(model=PICTURE, send_as=SendAs.INLINE), "")
    assert runner.runs.runs(account) == []


@pytest.mark.parametrize(("model", "uploads"), [(MODEL, 0), (PICTURE, 1)])
def test_a_few_prompts_for_pictures_go_by_file(
    bench: Bench, emulator: EmulatorProcess, model: str, uploads: int
) -> None:
    runner = bench.open()
    account = runner.accounts.hold_key("made-up-key")
    draft = runner.forecasts.prepare("Paint a cat.\nPaint a dog.", kind="lines")
    assert (
        ended(runner, account, runner.submissions.submit(account, draft, RunSpec(model=model), "")).counts["answered"]
        == 2
    )
    assert sum(file["source"] == "UPLOADED" for file in emulator.ledger()["files"]) == uploads
