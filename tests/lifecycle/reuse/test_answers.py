"""The same table again: what was answered is not sent, and everything is in the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from batch.model import ContextMode, Generation, RunState
from lifecycle.core.models import Account, RunSpec, RunView
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.tables.reading import TableReading
from lifecycle.results.export.export import export
from lifecycle.reuse.answers import EarlierAnswers
from lifecycle.runner import Runner
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until_ended

HEADER, FINE = "id,review", "a,Fine product"
ENDLESS = "c,[[emulate: max_tokens]] endless"  # is not answered
LAST_WEEK = [HEADER, FINE, "b,Broken on arrival", ENDLESS, "d,So so"]
THIS_WEEK = [HEADER, "n,A new one", "d,So so", "b,Broken on arrival twice", FINE, ENDLESS, "m,A new one"]
NEXT_WEEK = [HEADER, FINE, "n,A new one", "z,A third"]
TEMPLATE = "Judge: {{review}}"


class Weeks:
    """One account that sends a table every week."""

    def __init__(self, runner: Runner, account: Account) -> None:
        self.runner, self.account = runner, account
        self.spec = RunSpec(model=MODEL)

    def draft(self, lines: list[str], template: str = TEMPLATE, key_column: str = "id", **settings: Any) -> Draft:
        return self.runner.forecasts.prepare_draft(
            "\n".join(lines),
            kind="csv",
            template=template,
            generation=Generation(**settings),
            model=MODEL,
            reading=TableReading(key_column=key_column),
        )

    def find(self, draft: Draft, spec: RunSpec | None = None, account: Account | None = None) -> EarlierAnswers:
        return self.runner.earlier_answers.find(account or self.account, draft, spec or self.spec)

    def send(self, draft: Draft, spec: RunSpec | None = None) -> str:
        run_id = self.runner.submissions.submit(self.account, draft, spec or self.spec, "")
        assert wait_until_ended(self.runner, self.account, run_id).state is RunState.FINISHED
        return run_id

    def rows(self, run_id: str, folder: Path) -> list[dict[str, Any]]:
        """The rows of a run as its JSONL export has them."""
        out = folder / f"{run_id}.jsonl"
        export(self.runner.runs.results(self.account, run_id), out, "jsonl")
        return [orjson.loads(line) for line in out.read_bytes().splitlines()]


@dataclass
class Story:
    """What was sent in three weeks: the first run is deleted after the second has taken over two of its answers."""

    first: RunView
    second: str
    third: str
    found: list[EarlierAnswers]
    rows_sent: list[int]
    first_rows: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory, shared_emulator: EmulatorProcess) -> Iterator[Weeks]:
    shared_emulator.reset()
    bench = Bench(tmp_path_factory.mktemp("weeks"), shared_emulator.base_url)
    runner = bench.open(settle_seconds=0.1)
    yield Weeks(runner, runner.accounts.register_key(KEY))
    bench.close()


@pytest.fixture(scope="module")
def story(weeks: Weeks, shared_emulator: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory) -> Story:
    def rows_sent() -> int:
        return sum(use["rows"] for use in shared_emulator.ledger()["usage"])

    runner, account, folder = weeks.runner, weeks.account, tmp_path_factory.mktemp("first")
    first, sent = weeks.send(weeks.draft(LAST_WEEK)), [rows_sent()]
    found = [weeks.find(weeks.draft(THIS_WEEK))]
    second = weeks.send(
        runner.earlier_answers.use(found[0]), replace(weeks.spec, dedupe=True, context=ContextMode.AUTO)
    )
    sent.append(rows_sent())
    view, rows = runner.runs.get(account, first), weeks.rows(first, folder)
    runner.runs.delete(account, first)
    found.append(weeks.find(weeks.draft(NEXT_WEEK)))
    third = weeks.send(runner.earlier_answers.use(found[1]))
    return Story(view, second, third, found, [*sent, rows_sent()], {row["key"]: row for row in rows})


def test_new_changed_and_failed_rows_are_sent_and_the_result_has_all(
    weeks: Weeks, story: Story, tmp_path: Path
) -> None:
    earlier, first = story.found[0], story.first
    assert earlier.describe() == "2 of 6 rows are answered already, 4 are sent."
    assert earlier.document()["runs"] == [{"run": first.id, "day": f"{first.ended_at:%Y-%m-%d}", "rows": 2}]
    assert story.rows_sent[1] - story.rows_sent[0] == 3  # of two that are the same, one is sent
    rows = weeks.rows(story.second, tmp_path)
    assert [row["key"] for row in rows] == ["n", "d", "b", "a", "c", "m"]
    assert [row["reused_from"] for row in rows] == [None, first.id, None, first.id, None, None]
    taken_over = [row for row in rows if row["reused_from"]]
    assert [row["response"] for row in taken_over] == [story.first_rows[row["key"]]["response"] for row in taken_over]
    assert [row["cost_usd"] for row in taken_over] == [0, 0]
    account = weeks.runner.runs.results(weeks.account, story.second).totals()
    assert (account.sent, account.reused, account.shared, account.missing) == (6, 2, 1, 0)
    assert account.usd == pytest.approx(sum(row["cost_usd"] for row in rows))
    view = weeks.runner.runs.get(weeks.account, story.second)
    assert (view.rows, view.reused_rows) == (6, 2)
    assert weeks.runner.billing.run_costs(weeks.account, story.second)[0].rows == 4


def test_what_was_taken_over_outlives_its_run_and_is_told_by_where_it_is_from(
    weeks: Weeks, story: Story, tmp_path: Path
) -> None:
    assert [(share.run.id, share.rows) for share in story.found[1].shares] == [(story.second, 2)]
    rows = weeks.rows(story.third, tmp_path)
    assert [row["reused_from"] for row in rows] == [story.first.id, story.second, None]
    detail = weeks.runner.runs.results(weeks.account, story.third).detail("a")
    assert detail.reused_from == story.first.id
    assert "Judge: Fine product" in detail.request
    assert "Fine product" in detail.response


def test_a_table_that_is_answered_whole_costs_nothing(
    weeks: Weeks, story: Story, shared_emulator: EmulatorProcess, tmp_path: Path
) -> None:
    draft = weeks.draft([NEXT_WEEK[0], NEXT_WEEK[1], NEXT_WEEK[2]])
    jobs = len(shared_emulator.ledger()["batch_jobs"])
    rest = weeks.runner.earlier_answers.use(weeks.find(draft))
    forecast = weeks.runner.forecasts.for_draft(weeks.account, rest, weeks.spec)
    assert forecast.estimate.usd.worst == 0
    run_id = weeks.send(rest)
    assert len(shared_emulator.ledger()["batch_jobs"]) == jobs
    assert [row["outcome"] for row in weeks.rows(run_id, tmp_path)] == ["answered", "answered"]
    assert weeks.runner.runs.get(weeks.account, run_id).actual_usd == 0


@pytest.mark.parametrize(
    ("change", "answered"),
    [
        ({}, 2),
        ({"key_column": ""}, 2),
        ({"template": "Judge kindly: {{review}}"}, 0),
        ({"system_instruction": "Be brief."}, 0),
        ({"temperature": 0.5}, 0),
        ({"response_schema": '{"type": "OBJECT", "properties": {"mood": {"type": "STRING"}}}'}, 0),
    ],
)
@pytest.mark.usefixtures("story")
def test_the_same_means_the_same_request(weeks: Weeks, change: dict[str, Any], answered: int) -> None:
    assert weeks.find(weeks.draft(NEXT_WEEK[:3], **change)).rows == answered


@pytest.mark.usefixtures("story")
def test_another_model_and_another_key_know_nothing(weeks: Weeks) -> None:
    draft = weeks.draft(NEXT_WEEK)
    assert weeks.find(draft, RunSpec(model="gemini-3.1-pro-preview")).rows == 0
    other = weeks.runner.accounts.register_key("another-made-up-key")
    assert weeks.find(draft, account=other).rows == 0
    rehearsal = weeks.runner.accounts.register_rehearsal("rehearsal-of-the-same-person")
    assert not weeks.runner.earlier_answers.could_have(rehearsal, weeks.spec)


def test_rows_taken_over_can_be_asked_again_and_all_rows_be_opened(weeks: Weeks, story: Story) -> None:
    assert weeks.runner.runs.draft_of(weeks.account, story.third).rows == 3
    assert weeks.runner.runs.sent_draft_of(weeks.account, story.third).rows == 1
    child = weeks.runner.retries.retry(weeks.account, story.third, "", keys=["a"])
    wait_until_ended(weeks.runner, weeks.account, child)
    merged = weeks.runner.runs.results(weeks.account, story.third)
    assert (merged.totals().reused, merged.detail("a").reused_from) == (1, "")
