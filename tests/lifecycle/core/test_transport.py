"""Inline or file: by size on both sides, refused with a reason where it cannot work, and cut by what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from batch.errors import InputError
from batch.kinds.image import IMAGE
from batch.kinds.text import TEXT
from batch.model import Generation, SendAs
from lifecycle.core.models import RunSpec
from lifecycle.core.transport import BatchLimits, PayloadSize, choose_transport, transport_error
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import MODEL, Bench, wait_until_ended
from tests.lifecycle.simulation import Simulation

SMALL = PayloadSize(rows=5, size_bytes=1_000, largest_bytes=300, output_bytes=TEXT.result_bytes(1_200, Generation()))
PICTURE = "gemini-3.1-flash-image"


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    with Simulation(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("freight", "chosen"),
    [
        (SMALL, SendAs.INLINE),
        (replace(SMALL, rows=51), SendAs.FILE),
        (replace(SMALL, size_bytes=256_001), SendAs.FILE),
        (replace(SMALL, output_bytes=TEXT.result_bytes(60_000, Generation())), SendAs.FILE),
        (replace(SMALL, output_bytes=IMAGE.result_bytes(None, Generation())), SendAs.FILE),
    ],
)
def test_auto_sends_inline_only_what_is_tiny_both_ways(freight: PayloadSize, chosen: SendAs) -> None:
    assert choose_transport(SendAs.AUTO, freight, BatchLimits()) is chosen
    assert choose_transport(SendAs.INLINE, freight, BatchLimits()) is SendAs.INLINE
    assert choose_transport(SendAs.FILE, freight, BatchLimits()) is SendAs.FILE


@pytest.mark.parametrize(
    ("freight", "why"),
    [
        (replace(SMALL, largest_bytes=19_000_000), "The largest request has 19 MB"),
        (replace(SMALL, output_bytes=8e6), "One answer alone is expected to have 8 MB"),
        (replace(SMALL, rows=1_000_000, size_bytes=10**9), "The answers are expected to have 5,800 MB"),
        (replace(SMALL, rows=10_000, size_bytes=2 * 10**9), "The requests have 2,000 MB: inline, that takes 112 jobs"),
    ],
)
def test_inline_is_refused_with_the_reason_where_it_cannot_work(freight: PayloadSize, why: str) -> None:
    found = transport_error(SendAs.INLINE, freight, BatchLimits())
    assert found is not None
    assert why in str(found)
    assert "File" in found.remedy
    assert (
        transport_error(SendAs.FILE, freight, BatchLimits())
        is transport_error(SendAs.AUTO, freight, BatchLimits())
        is None
    )


def test_what_can_work_inline_is_not_refused() -> None:
    assert transport_error(SendAs.INLINE, SMALL, BatchLimits()) is None
    assert transport_error(SendAs.INLINE, replace(SMALL, rows=20_000, size_bytes=9 * 10**7), BatchLimits()) is None


def test_a_run_is_cut_by_what_is_expected_to_come_back(simulation: Simulation) -> None:
    """Twelve rows that return a third of what one inline job may: four jobs, each row once."""
    simulation.limits = BatchLimits(inline_output_bytes=3_000)
    simulation.restart()
    run_id = simulation.submit(rows=12, send_as=SendAs.INLINE)  # 1,000 bytes a result are expected
    simulation.run_until_ended(run_id)
    assert [len(job.keys) for job in simulation.google.jobs] == [3, 3, 3, 3]
    assert len(simulation.answers(run_id)) == 12


def test_a_transport_that_cannot_work_is_refused_before_anything_is_recorded(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key("made-up-key")
    draft = runner.forecasts.prepare_draft("Paint a cat.", kind="lines")
    with pytest.raises(InputError, match="travel as a file"):
        runner.submissions.submit(account, draft, RunSpec(model=PICTURE, send_as=SendAs.INLINE), "")
    assert runner.runs.list_recent(account) == []


@pytest.mark.parametrize(("model", "uploads"), [(MODEL, 0), (PICTURE, 1)])
def test_a_few_prompts_for_pictures_go_by_file(
    bench: Bench, emulator: EmulatorProcess, model: str, uploads: int
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key("made-up-key")
    draft = runner.forecasts.prepare_draft("Paint a cat.\nPaint a dog.", kind="lines")
    assert (
        wait_until_ended(runner, account, runner.submissions.submit(account, draft, RunSpec(model=model), "")).counts[
            "answered"
        ]
        == 2
    )
    assert sum(file["source"] == "UPLOADED" for file in emulator.ledger()["files"]) == uploads
