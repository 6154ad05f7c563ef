"""A few rows are asked once each, read as results are, priced at the standard rate, and are in no list of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batch.errors import InputError
from batch.model import Generation, Outcome
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_files import TRIES
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench

SPEC = RunSpec(model=MODEL)
MOOD = {
    "type": "OBJECT",
    "properties": {"mood": {"type": "STRING"}, "urgent": {"type": "INTEGER"}},
    "required": ["mood"],
}


@pytest.fixture
def runner(bench: Bench) -> Runner:
    return bench.open(start=False)


@pytest.fixture
def account(runner: Runner) -> Account:
    return runner.accounts.register_key(KEY)


def table_draft(runner: Runner, folder: Path, comments: list[str], generation: Generation | None = None) -> Draft:
    path = folder / "reviews.csv"
    path.write_text("item,comment\n" + "".join(f"thing {n},{text}\n" for n, text in enumerate(comments)))
    return runner.forecasts.prepare_draft(
        path, kind="csv", template="What of {{comment}}?", generation=generation, model=MODEL
    )


def test_rows_spread_over_the_draft_are_answered_beside_their_own_columns(
    runner: Runner, account: Account, tmp_path: Path, emulator: EmulatorProcess
) -> None:
    draft = table_draft(runner, tmp_path, [f"comment {n}" for n in range(9)])
    tries = runner.tries.try_rows(account, draft, SPEC)
    assert [row.n for row in tries.rows] == [0, 2, 4, 6, 8]
    assert [row.own["item"] for row in tries.rows] == [f"thing {n}" for n in (0, 2, 4, 6, 8)]
    assert all(row.outcome is Outcome.ANSWERED and "comment" in row.text for row in tries.rows)
    assert (tries.fitting, tries.cut_off, tries.lost) == (5, 0, 0) and tries.usd
    assert runner.runs.list_recent(account) == [] and emulator.ledger()["batch_jobs"] == []
    assert len((draft.folder / TRIES).read_bytes().splitlines()) == 5


def test_fields_are_read_and_an_answer_without_them_does_not_fit(
    runner: Runner, account: Account, tmp_path: Path
) -> None:
    draft = table_draft(
        runner, tmp_path, ["fine", "[[emulate: invalid_json]] bad"], Generation(response_schema=json.dumps(MOOD))
    )
    tries = runner.tries.try_rows(account, draft, SPEC)
    assert tries.fields == ("mood", "urgent") and tries.asks_for_json
    good, bad = tries.rows
    assert isinstance(good.values["mood"], str) and good.outcome is Outcome.ANSWERED
    assert (
        bad.outcome is Outcome.INVALID_OUTPUT and bad.error.startswith("not in the form asked for") and not bad.values
    )
    assert tries.fitting == 1


def test_what_was_cut_off_is_counted_and_a_larger_limit_is_suggested(
    runner: Runner, account: Account, tmp_path: Path
) -> None:
    draft = table_draft(runner, tmp_path, ["Tell a long story of the sea"] * 3, Generation(max_output_tokens=12))
    tries = runner.tries.try_rows(account, draft, SPEC)
    assert tries.cut_off == 3 and tries.output_cap == 12
    assert tries.suggested_cap(65_536) == 256 and tries.suggested_cap(12) is None


def test_a_lost_reply_is_said_and_not_asked_again(runner: Runner, account: Account, emulator: EmulatorProcess) -> None:
    draft = runner.forecasts.prepare_draft("one\ntwo", kind="lines")
    emulator.faults([{"method": "POST", "route": "generateContent", "do": "drop_after"}])
    tries = runner.tries.try_rows(account, draft, SPEC)
    assert sorted(row.lost for row in tries.rows) == [False, True] and tries.lost == 1
    assert sum(count for call, count in emulator.ledger()["calls"].items() if "generateContent" in call) == 2
    assert "may have been charged" in next(row.error for row in tries.rows if row.lost)


def test_a_refused_row_says_why_and_costs_nothing(runner: Runner, account: Account, emulator: EmulatorProcess) -> None:
    draft = runner.forecasts.prepare_draft("one", kind="lines")
    emulator.faults([{"method": "POST", "route": "generateContent", "do": "status", "status": 429}])
    (row,) = runner.tries.try_rows(account, draft, SPEC).rows
    assert row.outcome is Outcome.ERROR_TRANSIENT and row.error and row.usd == 0 and not row.lost


def test_the_price_is_measured_on_the_tries(runner: Runner, account: Account) -> None:
    draft = runner.forecasts.prepare_draft("\n".join(f"Name river {n}" for n in range(200)), kind="lines")
    guess = runner.forecasts.for_draft(None, draft, SPEC)
    tries = runner.tries.try_rows(account, draft, SPEC)
    measured = runner.forecasts.for_draft(None, draft, SPEC, tries=tries, previous=guess)
    assert (guess.tries, measured.tries) == (0, 5)
    first, then = guess.estimate, measured.estimate
    assert then.output.expected == pytest.approx(200 * sum(usage.output for usage in tries.usages) / 5)
    assert first.likely_high_usd and then.likely_high_usd
    width = [card.likely_high_usd - card.usd.low for card in (first, then) if card.likely_high_usd and card.usd.low]
    assert width[1] < width[0]
    assert any("as in your 5 tries" in sentence for sentence in then.assumptions)


@pytest.mark.parametrize("model", ["gemini-3.1-flash-image", "gemini-embedding-001"])
def test_models_that_do_not_answer_in_words_are_refused_in_words(
    runner: Runner, account: Account, emulator: EmulatorProcess, model: str
) -> None:
    draft = runner.forecasts.prepare_draft("a lamp", kind="lines", model=model)
    with pytest.raises(InputError, match="answer in words"):
        runner.tries.try_rows(account, draft, RunSpec(model=model))
    assert not any("generateContent" in call for call in emulator.ledger()["calls"])


def test_without_rows_nothing_is_tried(runner: Runner, account: Account) -> None:
    draft = runner.forecasts.prepare_draft("not json", kind="jsonl")
    with pytest.raises(InputError):
        runner.tries.try_rows(account, draft, SPEC)
