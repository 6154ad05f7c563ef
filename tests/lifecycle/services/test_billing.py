"""Bills of real runs: what the ledger charges, once, whatever was sent again, deleted, or lost on the way."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from batch.errors import NotFound
from batch.model import ContextMode, RunState, SendAs, Stage
from batch.pricing.costs import RunCost, overall, sum_run_costs, sum_spend
from lifecycle.core.models import RunSpec
from lifecycle.core.run_records import CacheRecord, RunRecord, ShardRecord, ShardStage
from lifecycle.services.billing import cost_of
from lifecycle.workflow.stages import release as release_stage
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until, wait_until_ended
from tests.lifecycle.run_fixture import RunFixture, answer, error, per_token
from tests.lifecycle.workflow.shards.test_run_caches import DOCUMENT, FAMILIES, billed, line, submit, tariff
from ui.results.run_cost import describe_parts

MIXED = [line(f"k{n}", DOCUMENT, f"{'' if n % 3 else '[[emulate: error:13]] '}Question {n}?") for n in range(30)]


def otherwise(emulator: EmulatorProcess) -> tuple[float, float]:
    """The ledger's usage as if there were no caches: in a batch, and at standard price."""
    at, batch, standard = tariff(), 0.0, 0.0
    for use in emulator.ledger()["usage"]:
        output = use["candidates"] + use["thoughts"]
        batch += (use["prompt"] * (at.input_batch or 0) + output * (at.output_batch or 0)) / 1e6
        standard += (use["prompt"] * (at.input_standard or 0) + output * (at.output_standard or 0)) / 1e6
    return batch, standard


def test_a_run_and_its_retry_cost_what_the_ledger_bills_once(bench: Bench, emulator: EmulatorProcess) -> None:
    """Both made caches; the retry's storage is in the sum as well, and the savings are against the real usage."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = submit(runner, account, MIXED, ContextMode.EXPLICIT)
    child = wait_until_ended(runner, account, runner.retries.retry(account, run.id, "again"))
    bills = runner.billing.run_costs(account, run.id)
    assert [bill.run for bill in bills] == [run.id, child.id]
    assert all(bill.caches_usd for bill in bills) and len(emulator.ledger()["cached_contents"]) == 2
    whole = sum_run_costs(bills)
    assert whole.usd == pytest.approx(billed(emulator), rel=0.01)
    assert whole.rows_usd == pytest.approx(runner.runs.results(account, run.id).totals().usd)
    assert (whole.uncached_usd, whole.standard_usd) == pytest.approx(otherwise(emulator))
    assert [bill.usd for bill in bills] == [run.actual_usd, child.actual_usd]
    assert runner.billing.run_costs(account, child.id) == bills[1:] and runner.billing.run_costs(account) == bills


def test_a_cache_for_too_few_rows_is_told_as_a_loss(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = submit(runner, account, MIXED[1:3], ContextMode.EXPLICIT)
    (bill,) = runner.billing.run_costs(account, run.id)
    assert bill.caches_usd and bill.saved_by_caching is not None and bill.saved_by_caching < 0
    assert bill.saved_by_caching == pytest.approx(otherwise(emulator)[0] - billed(emulator), rel=0.01)
    assert bill.saved_by_batching is not None and bill.saved_by_batching > 0


def test_what_was_spent_stays_on_the_bill_when_runs_are_deleted(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = submit(runner, account, MIXED, ContextMode.NONE)
    child = wait_until_ended(runner, account, runner.retries.retry(account, run.id, "again"))
    runner.runs.delete(account, child.id)
    assert sum_run_costs(runner.billing.run_costs(account, run.id)).usd == pytest.approx(billed(emulator))
    runner.runs.delete(account, run.id)
    assert sum_run_costs(runner.billing.run_costs(account)).usd == pytest.approx(billed(emulator))
    stranger = runner.accounts.register_key("another-key")
    assert runner.billing.run_costs(stranger) == []
    with pytest.raises(NotFound):
        runner.billing.run_costs(stranger, run.id)


def test_an_expired_cache_is_paid_for_until_it_expired(bench: Bench, emulator: EmulatorProcess) -> None:
    """Nobody was there to renew it for three hours: storage ended with the lease of 30 minutes."""
    emulator.settings(job_outcome="stuck")
    first = bench.open()
    draft = first.forecasts.prepare_draft("\n".join(FAMILIES["one document, many questions"]), kind="jsonl")
    spec = RunSpec(model=MODEL, context=ContextMode.EXPLICIT)
    run_id = first.submissions.submit(first.accounts.register_key(KEY), draft, spec, "")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    first.close(2)
    emulator.clock(3 * 3600)
    second = bench.open(start=False)
    account = second.accounts.register_key(KEY)
    second.runs.cancel(account, run_id)
    second.start()
    run = wait_until_ended(second, account, run_id)
    (bill,) = second.billing.run_costs(account, run_id)
    assert run.state is RunState.CANCELLED and not bill.finished and bill.estimate_error is None
    assert bill.caches_usd == pytest.approx(billed(emulator), rel=0.01)


def test_a_cache_that_cannot_be_deleted_is_paid_for_until_it_expires(
    bench: Bench, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cost is then known, as the most that it can be, and so is the run's."""
    monkeypatch.setattr(release_stage, "MAX_REFUSALS", 1)
    refuse = {"method": "DELETE", "route": "cachedContents", "times": -1, "do": "status", "status": 400}
    emulator.faults([refuse])
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = submit(runner, account, MIXED, ContextMode.EXPLICIT)
    (bill,) = runner.billing.run_costs(account)
    emulator.faults([])
    emulator.clock(3 * 3600)
    assert run.state is RunState.FINISHED and run.actual_usd is not None and run.actual_usd == bill.usd
    assert billed(emulator) <= run.actual_usd == pytest.approx(billed(emulator), rel=0.05)
    assert "an upper bound" in " ".join(event.text for event in runner.runs.events(account, run.id))


def test_a_job_recovered_after_its_run_was_deleted_is_on_the_bill_once(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, "one\ntwo", send_as=SendAs.INLINE))
    runner.runs.delete(account, run.id)
    for _ in range(2):  # the second time, it is the recovered run that was deleted
        recovered = wait_until_ended(runner, account, runner.imports.import_job(account, run.jobs[0].name).run_id)
        assert recovered.counts["answered"] == 2 and recovered.actual_usd == pytest.approx(run.actual_usd)
        bills = runner.billing.run_costs(account)
        assert sum(bill.usd or 0.0 for bill in bills) == pytest.approx(billed(emulator))
        assert [bill.again for bill in bills][:2] == [False, True]
        assert "not counted again" in describe_parts(runner.billing.run_costs(account, recovered.id)[0])
        runner.runs.delete(account, recovered.id)


def test_rows_executed_before_a_cancel_may_be_billed_though_nothing_came_back(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    emulator.settings(pace="100", cancel="discard")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "\n".join(f"Question {n}?" for n in range(10)))
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    emulator.clock(60)
    runner.runs.cancel(account, run_id)
    run = wait_until_ended(runner, account, run_id)
    (bill,) = runner.billing.run_costs(account)
    assert run.state is RunState.CANCELLED and billed(emulator) > 0 == run.actual_usd
    assert bill.usd == 0 and run.cost_is_lower_bound and bill.at_least and bill.unreturned == 10
    assert bill.saved is None and bill.estimate_error is None
    assert sum_spend([bill], overall)[0].at_least
    assert "may be billed" in " ".join(event.text for event in runner.runs.events(account, run_id)[-3:])


@pytest.mark.parametrize(("outcome", "least"), [("failed", True), ("expired", True), ("succeeded", False)])
def test_a_job_that_ended_badly_makes_the_sum_a_lower_bound(
    bench: Bench, emulator: EmulatorProcess, outcome: str, least: bool
) -> None:
    emulator.settings(job_outcome=outcome)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, "one\ntwo\nthree\nfour"))
    (bill,) = runner.billing.run_costs(account)
    assert bill.at_least is run.cost_is_lower_bound is least
    assert bill.unreturned == run.counts.get("missing", 0)


# -- by hand -----------------------------------------------------------------------------------------------------

RUN = RunRecord(
    id="r1",
    owner_id="a",
    spec=RunSpec(model=MODEL),
    model=MODEL,
    rows=4,
    created_at=0.0,
    idempotency_key="r1",
    stage=Stage.FINISHED,
    state=RunState.FINISHED,
    ended_at=datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp(),
    estimate={"usd": {"expected": 0.2, "worst": 2.0}},
)
JOB = ShardRecord(
    run_id="r1",
    n=0,
    rows=4,
    size_bytes=1,
    tokens=1,
    transport="file",
    groups=[],
    display_name="s0",
    stage=ShardStage.ENDED,
    job_name="batches/1",
)
CACHE = CacheRecord(run_id="r1", group_id="g", attempt=0, name="cachedContents/1", usd=0.25)
TARIFF = replace(tariff(), input_batch=1.0, output_batch=2.0, input_standard=2.0, output_standard=4.0, cached=0.5)


def made(run: RunFixture, *caches: CacheRecord, prices: Any = TARIFF) -> RunCost:
    return cost_of(RUN, [JOB], caches, run.folder, lambda model, day: prices)


@pytest.fixture
def run(bench: Bench) -> RunFixture:
    """Two attempts of a, a duplicate of b, a stranger, and c that did not tell its usage; d is missing."""
    made = RunFixture(bench.folder / "r1").send("abcd")
    made.receive([{"key": "a", **error(7)}, {"key": "b", **answer("B", prompt=100, output=10)}])
    made.receive(
        [{"key": "b", **answer("B again", prompt=100, output=10)}, {"key": "c", "response": {"candidates": []}}]
    )
    made.receive([{"key": "x", **answer("X", prompt=30, output=3)}])
    made.receive([{"key": "a", **answer("A", prompt=200, output=20)}], attempt=1)
    return made


def test_every_line_that_was_bought_is_on_the_bill_once(run: RunFixture) -> None:
    run.build()
    bill = made(run, CACHE, replace(CACHE, name="", usd=None))
    # 330 prompt and 33 output tokens (a, b, x): 330 × 1 + 33 × 2 = 396 millionths; at standard price twice as much
    assert (bill.rows_usd, bill.caches_usd) == (pytest.approx(396e-6), 0.25)
    assert (bill.uncached_usd, bill.standard_usd) == (pytest.approx(396e-6), pytest.approx(792e-6))
    assert bill.saved_by_caching == pytest.approx(-0.25)
    assert bill.unpriced == 1
    assert (bill.first_usd, bill.expected_usd, bill.worst_usd) == (0.2, 0.2, 2.0)


def test_an_unknown_price_is_never_zero(run: RunFixture) -> None:
    run.build(price=lambda usage: None)
    bill = made(run, prices=None)
    assert (bill.rows_usd, bill.usd, bill.saved, bill.estimate_error) == (None, None, None, None)
    assert made(run, replace(CACHE, usd=None)).caches_usd is None


def test_prices_that_were_corrected_meanwhile_make_no_saving(run: RunFixture) -> None:
    run.build()
    bill = made(run, prices=replace(TARIFF, input_batch=1.1))
    assert bill.rows_usd == pytest.approx(396e-6) and bill.saved is None


@pytest.mark.parametrize(("jobs", "usd"), [([], 0.0), ([replace(JOB, job_name="")], 0.0), ([JOB], None)])
def test_without_results_nothing_was_bought_only_if_there_was_no_job(
    bench: Bench, jobs: list[ShardRecord], usd: float | None
) -> None:
    bill = cost_of(replace(RUN, state=RunState.FAILED), jobs, [], bench.folder / "nothing", lambda model, day: TARIFF)
    assert (bill.usd, bill.standard_usd, bill.finished) == (usd, usd, False)


def test_the_price_is_of_the_day_on_which_the_run_ended(run: RunFixture) -> None:
    run.build(price=per_token)
    asked: list[Any] = []
    cost_of(RUN, [JOB], [], run.folder, lambda *about: asked.append(about))
    assert asked == [(MODEL, datetime(2026, 11, 23).date())]


def test_results_that_cannot_be_read_now_are_not_known_and_are_read_the_next_time(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = submit(runner, account, [line("k1", "Question?")], ContextMode.NONE)
    path = runner.folder(run.id) / "results.parquet"
    whole = path.read_bytes()
    again = submit(runner, account, [line("k1", "Question?")], ContextMode.NONE)
    for broken in (path, runner.folder(again.id) / "results.parquet"):
        broken.write_bytes(b"broken")
    assert [bill.usd for bill in runner.billing.run_costs(account)] == [None, None]
    runner.runs.delete(account, again.id)
    assert [bill.usd for bill in runner.billing.run_costs(account)] == [None, None]
    path.write_bytes(whole)
    assert [bill.usd for bill in runner.billing.run_costs(account)] == [run.actual_usd, None]
    path.write_bytes(b"broken")
    runner.runs.delete(account, run.id)
    assert [bill.usd for bill in runner.billing.run_costs(account)] == [run.actual_usd, None]


def recording(seconds: int) -> str:
    """A WAV of silence, 100 bytes a second, as base64."""
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 100, 100, 1, 8) + b"data" + struct.pack("<I", 100 * seconds)
    whole = b"RIFF" + struct.pack("<I", len(head) + 100 * seconds) + head + bytes(100 * seconds)
    return base64.b64encode(whole).decode()


def test_sound_and_several_answers_cost_what_the_service_counted(bench: Bench, emulator: EmulatorProcess) -> None:
    """Priced from what was received with nothing but the price list's figures; the ledger counts the same tokens."""
    sound = {"inlineData": {"mimeType": "audio/wav", "data": recording(60)}}
    contents = {"heard": [sound, {"text": "What is said?"}], "three": [{"text": "Tell a story."}]}
    rows = [
        {"key": key, "request": {"contents": [{"role": "user", "parts": parts}]}} for key, parts in contents.items()
    ]
    rows[1]["request"]["generationConfig"] = {"candidateCount": 3, "maxOutputTokens": 500}  # type: ignore[index]
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("\n".join(json.dumps(row) for row in rows), kind="jsonl")
    spec = RunSpec(model="gemini-2.5-flash", context=ContextMode.NONE)
    run = wait_until_ended(runner, account, runner.submissions.submit(account, draft, spec, ""))
    usd, prompt, output, sound_tokens = 0.0, 0, 0, 0
    for path in (bench.folder / "runs" / run.id / "received").iterdir():
        for received in path.read_text(encoding="utf-8").splitlines():
            used = json.loads(received)["response"]["usageMetadata"]
            audio = sum(one["tokenCount"] for one in used["promptTokensDetails"] if one["modality"] == "AUDIO")
            put_out = used["candidatesTokenCount"] + used.get("thoughtsTokenCount", 0)
            usd += ((used["promptTokenCount"] - audio) * 0.15 + audio * 0.50 + put_out * 1.25) / 1e6
            prompt, output, sound_tokens = prompt + used["promptTokenCount"], output + put_out, sound_tokens + audio
    (ledger,) = emulator.ledger()["usage"]
    assert (ledger["prompt"], ledger["candidates"] + ledger["thoughts"]) == (prompt, output)
    assert sound_tokens > 1_000
    (bill,) = runner.billing.run_costs(account, run.id)
    assert bill.usd == pytest.approx(usd)
    assert bill.standard_usd == pytest.approx(2 * usd)
    assert bill.worst_usd is not None and usd <= bill.worst_usd
    three = runner.runs.results(account, run.id).detail("three")
    assert three.text and len(three.other_answers) == 2
