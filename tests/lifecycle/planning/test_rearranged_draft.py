"""A draft that is sent otherwise than it was given: by consent, written down, and the same ever after."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch.arrangement.rules import Rule
from batch.model import ContextMode
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_files import PLAN, REQUESTS, shard_path
from lifecycle.inputs.drafts import Draft, open_draft
from lifecycle.planning.rearranged_draft import RearrangedDraft
from lifecycle.runner import Runner
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until_ended
from tests.shared_layouts import (
    Layout,
    everything_at_once,
    question,
    question_and_document_as_json,
    question_and_document_in_one_line,
    says_the_same,
    shared_texts,
    system,
    tools_in_any_order,
    user,
    written_and_best,
)

SPEC = RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5)
ROWS = 24
LABELS = ["About the text above:", "For this request:"]


@pytest.fixture
def runner(bench: Bench) -> Runner:
    return bench.open()


@pytest.fixture
def account(runner: Runner) -> Account:
    return runner.accounts.register_key(KEY)


@pytest.fixture
def draft(runner: Runner, tmp_path: Path) -> Draft:
    written, _ = written_and_best([everything_at_once], ROWS, shared_texts(1300, 2))
    (tmp_path / "q.jsonl").write_bytes(b"".join(written))
    return runner.forecasts.prepare_draft(tmp_path / "q.jsonl", kind="jsonl")


def rearranged(runner: Runner, draft: Draft, rules: frozenset[Rule] | None = None) -> RearrangedDraft:
    return runner.forecasts.rearrange(draft, runner.forecasts.for_draft(None, draft, SPEC).plan, rules)


def lines_of(folder: Path) -> list[bytes]:
    return (folder / REQUESTS).read_bytes().splitlines()


def as_google_reads_it(line: bytes, caches: dict[str, Any]) -> bytes:
    """A request with what its cache holds put back before it."""
    row = json.loads(line)
    request = row["request"]
    body = caches.get(request.pop("cachedContent", "").rpartition(":")[2], {})
    contents = [*body.get("contents", []), *request.pop("contents")]
    return json.dumps({"key": row["key"], "request": {**body, **request, "contents": contents}}).encode()


def test_what_is_sent_says_the_same_and_the_plan_keeps_its_word(
    bench: Bench, runner: Runner, account: Account, draft: Draft, emulator: EmulatorProcess
) -> None:
    """The best rules are found, the requests hold the same texts in caches and lines, and a retry sends them again."""
    given = lines_of(draft.folder)
    before = runner.forecasts.for_draft(None, draft, SPEC).plan
    done = rearranged(runner, draft)
    after = runner.forecasts.for_draft(None, done.draft, SPEC).plan
    assert done.rules == (Rule.DOCUMENT_FIRST, Rule.SYSTEM_APART) and done.rows == ROWS
    saved = (before.totals.usd.chosen or 0) - (after.totals.usd.chosen or 0)
    assert done.usd_saved == before.hints[0].usd_saved == pytest.approx(saved, rel=0.001) and saved > 0
    assert not [hint for hint in after.hints if hint.rules]
    assert lines_of(draft.folder) == given and open_draft(done.draft.folder).rearranged == done.draft.rearranged
    spec = RunSpec(**{**vars(SPEC), "rearrange": done.draft.rearranged})
    run_id = runner.submissions.submit(account, done.draft, spec, "")
    run = wait_until_ended(runner, account, run_id)
    assert run.counts == {"answered": ROWS} and len(run.caches) == 2
    folder = bench.folder / "runs" / run_id
    caches = {name: group["body"] for name, group in json.loads((folder / PLAN).read_bytes())["groups"].items()}
    sent = {json.loads(line)["key"]: line for line in shard_path(folder, 0).read_bytes().splitlines()}
    for line in given:
        whole = as_google_reads_it(sent[json.loads(line)["key"]], caches)
        assert says_the_same(line, whole, LABELS)
    recorded = runner.runs.draft_of(account, run_id)
    assert lines_of(recorded.folder) == lines_of(done.draft.folder) and recorded.rearranged == done.draft.rearranged
    found = runner.earlier_answers.find(account, rearranged(runner, draft).draft, SPEC)
    assert found.rows == ROWS
    offer = runner.retries.retry_forecast(account, run_id, keys=["r3"])
    assert lines_of(offer.draft.folder) == [lines_of(done.draft.folder)[3]]


def test_texts_in_one_line_in_json_and_tools_in_any_order_say_the_same_when_they_are_sent(
    bench: Bench, runner: Runner, account: Account, tmp_path: Path
) -> None:
    layouts: list[Layout] = [question_and_document_in_one_line, question_and_document_as_json, tools_in_any_order]
    written, _ = written_and_best(layouts, 14, shared_texts(1300, 1))
    (tmp_path / "q.jsonl").write_bytes(b"".join(written))
    draft = runner.forecasts.prepare_draft(tmp_path / "q.jsonl", kind="jsonl")
    done = rearranged(runner, draft)
    assert done.rules == (Rule.DOCUMENT_FIRST, Rule.MEMBERS_FIRST, Rule.TOOLS_IN_ORDER) and done.rows > 2 * 14
    run_id = runner.submissions.submit(account, done.draft, replace(SPEC, rearrange=done.draft.rearranged), "")
    run = wait_until_ended(runner, account, run_id)
    assert run.counts == {"answered": 3 * 14} and len(run.caches) == 3
    folder = bench.folder / "runs" / run_id
    caches = {name: group["body"] for name, group in json.loads((folder / PLAN).read_bytes())["groups"].items()}
    sent = {json.loads(line)["key"]: line for line in shard_path(folder, 0).read_bytes().splitlines()}
    for line in lines_of(draft.folder):
        whole = as_google_reads_it(sent[json.loads(line)["key"]], caches)
        assert says_the_same(line, whole, LABELS)
    retried = runner.retries.retry_forecast(account, run_id, keys=["r4"]).draft
    assert lines_of(retried.folder) == [lines_of(done.draft.folder)[4]]


def test_hints_of_a_plan_are_told_to_programs(runner: Runner, draft: Draft) -> None:
    told = runner.forecasts.plan_document(runner.forecasts.for_draft(None, draft, SPEC), MODEL)["hints"]
    assert [hint["kind"] for hint in told] == ["document-first+system-apart", "system-apart"]
    assert all(set(hint) == {"kind", "where", "rows", "tokens", "usd_saved", "words"} for hint in told)
    assert told[1]["where"] == "line 1 of the system instruction" and told[1]["rows"] == ROWS
    assert 1000 < told[1]["tokens"] < 1400 and 0 < told[1]["usd_saved"] < told[0]["usd_saved"]
    unpriced = runner.forecasts.for_draft(None, draft, RunSpec(model="gemini-unheard-of", hours=0.5))
    for hint in runner.forecasts.plan_document(unpriced, "gemini-unheard-of")["hints"]:
        assert hint["usd_saved"] is None and "$" not in hint["words"]


def test_a_rule_that_is_refused_is_not_followed(runner: Runner, draft: Draft) -> None:
    done = rearranged(runner, draft, frozenset([Rule.SYSTEM_APART]))
    assert done.rules == done.draft.rearranged == (Rule.SYSTEM_APART,)
    request = json.loads(lines_of(done.draft.folder)[5])["request"]
    assert request["contents"][0]["parts"][0]["text"].startswith(question(5))
    assert done.example is not None and done.example.key == "r0"
    assert done.example.before[0].startswith("[system] You work for Anna 0.")
    assert done.example.after[-1] == "For this request:\nYou work for Anna 0."
    assert "requests of 24 are sent rearranged (system-apart); by the plan that saves $" in done.describe()


def test_where_nothing_would_be_saved_the_draft_stays(runner: Runner, tmp_path: Path) -> None:
    rows = [{"systemInstruction": system(f"It is {n} o'clock."), "contents": user(question(n))} for n in range(9)]
    lines = [json.dumps({"key": str(n), "request": row}) for n, row in enumerate(rows)]
    draft = runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl")
    done = rearranged(runner, draft)
    assert done.draft is draft and not done.rules and done.example is None
    assert done.describe().startswith("No request is sent otherwise")
