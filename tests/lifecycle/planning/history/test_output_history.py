"""A run that ended teaches what the next one like it will cost."""

from __future__ import annotations

import pytest

from batch.model import Generation
from lifecycle.core.models import RunSpec
from lifecycle.planning.history import output_history
from lifecycle.planning.history.prompt_sketch import PromptSketch
from lifecycle.storage.output_summaries import OutputSummaries
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until_ended

ASK = "Describe in a few words how the weather in this place is in spring and in autumn: town number"


def test_the_next_run_like_it_is_priced_by_what_the_first_one_used(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    spec = RunSpec(model=MODEL)
    first = runner.forecasts.prepare_draft("\n".join(f"{ASK} {n}" for n in range(30)), kind="lines")
    guess = runner.forecasts.for_draft(account, first, spec, exact=False)
    assert guess.estimate.answers.source == "guess"
    run = wait_until_ended(runner, account, runner.submissions.submit(account, first, spec, ""))
    again = runner.forecasts.prepare_draft("\n".join(f"{ASK} {n}" for n in range(100, 140)), kind="lines")
    learned = runner.forecasts.for_draft(account, again, spec, exact=False)
    assert (learned.estimate.answers.source, learned.estimate.answers.measured_on) == ("runs", 1)
    measured = output_history.lengths_of_run(runner.folder(run.id))
    assert measured is not None and measured.rows == 30
    assert learned.estimate.output.expected == pytest.approx(40 * measured.mean)
    assert learned.estimate.usd.worst is not None and guess.estimate.usd.worst is not None
    assert learned.estimate.usd.worst / 40 < guess.estimate.usd.worst / 30
    other = runner.forecasts.prepare_draft("\n".join(f"Write an essay about {n}" for n in range(40)), kind="lines")
    assert runner.forecasts.for_draft(account, other, spec, exact=False).estimate.answers.source == "guess"
    stranger = runner.accounts.register_key(f"{KEY}-2")
    assert runner.forecasts.for_draft(stranger, again, spec, exact=False).estimate.answers.source == "guess"


def test_tries_are_remembered_for_drafts_to_come_with_what_a_limit_cut(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    lines = "\n".join(f"{ASK} {n}" for n in range(8))
    draft = runner.forecasts.prepare_draft(lines, kind="lines", generation=Generation(max_output_tokens=4))
    runner.tries.try_rows(account, draft, RunSpec(model=MODEL))
    store = bench.runners[0]._context.store
    (seen,) = output_history.runs_like(OutputSummaries(store), account.owner_id, MODEL, _sketch(draft.folder))
    assert (seen.lengths.rows, seen.lengths.cut) == (5, 1.0)


def _sketch(folder: object) -> PromptSketch:
    from pathlib import Path

    from lifecycle.planning.history.prompt_sketch import sample_requests

    return sample_requests(Path(str(folder)) / "requests.jsonl").sketch
