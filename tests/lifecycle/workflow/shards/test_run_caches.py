"""Explicit caches in real runs: planned, leased, billed as the ledger says, and gone afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from batch.errors import OverBudget
from batch.model import ContextMode, Generation, RunState, Tariff, Usage
from batch.pricing import catalog, rates
from cache_utils import CachedText
from gemini.client import GeminiClient
from lifecycle.core.models import Account, RunSpec, RunView
from lifecycle.inputs.attachments import FileAccess
from lifecycle.planning.quota import ENQUEUED_TOKENS
from lifecycle.results.read.table import Filter
from lifecycle.runner import Runner
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until, wait_until_ended

DOCUMENT = "The parties agree on the following terms, and on nothing else. " * 120
TWO_DOCUMENTS = (DOCUMENT, DOCUMENT.replace("parties", "sellers"))


AUTO = ContextMode.AUTO


def tariff() -> Tariff:
    found = catalog.load().tariff(MODEL, datetime.now(UTC).date())
    assert found is not None
    return found


def line(key: str, *parts: str, **request: Any) -> str:
    contents = [{"role": "user", "parts": [{"text": part} for part in parts]}]
    return json.dumps({"key": key, "request": {"contents": contents, **request}})


def submit(runner: Runner, account: Account, lines: list[str], context: ContextMode, **spec: Any) -> RunView:
    draft = runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl")
    assert not draft.problem_count, draft.problems
    wanted = RunSpec(model=MODEL, context=context, **{"hours": 0.5, **spec})
    return wait_until_ended(runner, account, runner.submissions.submit(account, draft, wanted, ""))


def billed(emulator: EmulatorProcess) -> float:
    """The ledger's usage and caches, priced by hand."""
    ledger, at = emulator.ledger(), tariff()
    total = 0.0
    for use in ledger["usage"]:
        if use["batch_job"]:
            usage = Usage(use["prompt"], use["cached"], use["candidates"], use["thoughts"])
            total += rates.usage_usd(usage, at) or 0.0
    for cache in ledger["cached_contents"]:
        total += cache["token_count"] * (at.input_standard or 0) / 1e6 + cache["token_hours"] * (at.storage or 0) / 1e6
    return total


def nothing_left(emulator: EmulatorProcess) -> bool:
    ledger = emulator.ledger()
    files = [f for f in ledger["files"] if f["source"] == "UPLOADED"]
    return all(thing["deleted_at"] for thing in [*ledger["cached_contents"], *files])


FAMILIES = {
    "one document, many questions": [line(f"k{n}", DOCUMENT, f"Question {n}?") for n in range(30)],
    "two documents": [line(f"k{n}", TWO_DOCUMENTS[n % 2], f"Question {n}?") for n in range(40)],
    "a shared system instruction": [
        line(f"k{n}", f"Review {n}", systemInstruction={"parts": [{"text": DOCUMENT}]}) for n in range(30)
    ],
    "nothing shared": [line(f"k{n}", f"{n} is a number") for n in range(10)],
    "duplicates at temperature 0": [
        line(f"k{n}", f"Question {n % 5}?", generationConfig={"temperature": 0}) for n in range(20)
    ],
}


@pytest.mark.parametrize("context", [ContextMode.AUTO, ContextMode.EXPLICIT, ContextMode.IMPLICIT, ContextMode.NONE])
@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_runs_cost_is_what_the_ledger_bills(
    bench: Bench, emulator: EmulatorProcess, family: str, context: ContextMode
) -> None:
    """To the cent, storage included; every key answered, in input order; no cache and no file left."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = submit(runner, account, FAMILIES[family], context)
    assert run.state is RunState.FINISHED
    assert run.counts == {"answered": len(FAMILIES[family])}
    page, _ = runner.runs.results(account, run.id).page(limit=100)
    assert list(page["key"]) == [json.loads(text)["key"] for text in FAMILIES[family]]
    assert run.actual_usd == pytest.approx(billed(emulator), abs=0.00002)
    assert nothing_left(emulator)


def test_a_file_that_many_rows_share_is_cached_once(bench: Bench, emulator: EmulatorProcess, tmp_path: Path) -> None:
    pages = [Image.new("L", (60, 80), shade) for shade in range(8)]
    pages[0].save(tmp_path / "book.pdf", save_all=True, append_images=pages[1:])
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    book = {"fileData": {"fileUri": "file:book.pdf"}}
    asked = [{"contents": [{"parts": [book, {"text": f"What is on page {n}?"}]}]} for n in range(50)]
    lines = "\n".join(json.dumps({"key": f"k{n}", "request": request}) for n, request in enumerate(asked))
    generation = Generation(media_resolution="low")
    draft = runner.forecasts.prepare_draft(lines, kind="jsonl", access=FileAccess(tmp_path), generation=generation)
    spec = RunSpec(model=MODEL, context=AUTO, hours=0.5, generation=generation)
    found = runner.forecasts.for_draft(account, draft, spec)
    (planned,) = found.plan.caches
    assert (planned.requests, planned.prefix_tokens) == (50, 8 * 280)
    run = wait_until_ended(runner, account, runner.submissions.submit(account, draft, spec, "", found))
    assert run.counts == {"answered": 50}
    (cache,) = emulator.ledger()["cached_contents"]
    assert cache["token_count"] == pytest.approx(8 * 280, rel=0.01), "a cache has no setting, so its files say it"
    (usage,) = [use for use in emulator.ledger()["usage"] if use["batch_job"]]
    assert usage["cached"] == 50 * cache["token_count"] > 0.99 * usage["prompt"]
    assert run.actual_usd == pytest.approx(billed(emulator), abs=0.00002)
    assert nothing_left(emulator)


def test_the_plan_that_was_shown_is_the_one_that_is_sent(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    lines = FAMILIES["two documents"]
    draft = runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl")
    spec = RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5)
    found = runner.forecasts.for_draft(account, draft, spec)
    assert len(found.plan.caches) == 2
    wait_until_ended(runner, account, runner.submissions.submit(account, draft, spec, "", found))
    ledger = emulator.ledger()
    assert sorted(c["token_count"] for c in ledger["cached_contents"]) == sorted(
        g.prefix_tokens for g in found.plan.caches
    )
    sent = emulator.sent_bytes("batch_jobs", ledger["batch_jobs"][0]["name"]).splitlines()
    for text in sent:
        request = json.loads(text)["request"]
        assert request["cachedContent"].startswith("cachedContents/")
        assert "systemInstruction" not in request
        assert DOCUMENT not in json.dumps(request["contents"])
    used = sum(u["prompt"] for u in ledger["usage"] if u["batch_job"])
    assert found.plan.totals.tokens.low <= used <= found.plan.totals.tokens.high


def test_an_override_is_obeyed(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("\n".join(FAMILIES["two documents"]), kind="jsonl")
    spec = RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5)
    groups = runner.forecasts.for_draft(account, draft, spec).plan.caches
    chosen = RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5, overrides={groups[0].id: "none"})
    wait_until_ended(runner, account, runner.submissions.submit(account, draft, chosen, ""))
    assert len(emulator.ledger()["cached_contents"]) == 1


@pytest.mark.parametrize("refusal", [{"free_tier": True}, {"explicit_caching": False}])
def test_where_caches_are_refused_the_run_goes_on_without_and_leaves_nothing(
    bench: Bench, emulator: EmulatorProcess, refusal: dict[str, Any]
) -> None:
    """Only if the user allowed that price."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    if "free_tier" in refusal:
        emulator.faults(
            [
                {
                    "method": "POST",
                    "route": "cachedContents",
                    "times": -1,
                    "do": "status",
                    "status": 429,
                    "body": FREE_TIER,
                }
            ]
        )
    else:
        emulator.settings(**refusal)
    run = submit(runner, account, FAMILIES["one document, many questions"], ContextMode.AUTO)
    assert run.counts == {"answered": 30}
    assert nothing_left(emulator)
    strict = submit(runner, account, FAMILIES["one document, many questions"], ContextMode.AUTO, allow_uncached=False)
    assert strict.state is RunState.FAILED
    assert len(emulator.ledger()["batch_jobs"]) == 1


FREE_TIER = {
    "error": {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "message": "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for cached content: "
        "limit=0, requested=2316",
    }
}


def test_only_the_group_whose_cache_is_refused_is_sent_in_full(bench: Bench, emulator: EmulatorProcess) -> None:
    """The others keep theirs, and a row that names a cache of the user's own keeps that."""
    small = {"code": 400, "status": "INVALID_ARGUMENT", "message": TOO_SMALL}
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    mine = runner.caches.create(account, CachedText(MODEL, text=DOCUMENT), "mine", 3600)
    refuse = {"method": "POST", "route": "cachedContents", "do": "status", "status": 400, "body": {"error": small}}
    emulator.faults([refuse])
    run = submit(runner, account, [*FAMILIES["two documents"], line("own", "Mine?", cachedContent=mine.name)], AUTO)
    assert run.counts == {"answered": 41}
    job = emulator.ledger()["batch_jobs"][0]
    sent = [json.loads(text)["request"] for text in emulator.sent_bytes("batch_jobs", job["name"]).splitlines()]
    caches = [request.get("cachedContent") for request in sent]
    assert (caches.count(None), len(set(caches)), caches.count(mine.name)) == (20, 3, 1)
    assert len({json.dumps(request) for request in sent}) == 41
    assert [c["name"] for c in emulator.ledger()["cached_contents"] if not c["deleted_at"]] == [mine.name]


TOO_SMALL = "Cached content is too small. total_token_count=1000, min_total_token_count=1024"


def test_names_of_caches_are_resolved_in_rows_sent_in_full(bench: Bench, emulator: EmulatorProcess) -> None:
    """A shard written anew without caches still says which cache of the user's its rows mean."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    mine = runner.caches.create(account, CachedText(MODEL, text=DOCUMENT), "mine", 3600)
    emulator.settings(explicit_caching=False)
    named = line("own", "@use_cache mine\nWhat is it about?")
    assert submit(runner, account, [named, *FAMILIES["two documents"]], AUTO).counts == {"answered": 41}
    job = emulator.ledger()["batch_jobs"][0]["name"]
    sent = [json.loads(text)["request"] for text in emulator.sent_bytes("batch_jobs", job).splitlines()]
    assert [request["cachedContent"] for request in sent if "cachedContent" in request] == [mine.name]


def test_tools_are_counted_with_the_prefix_that_has_them(bench: Bench, emulator: EmulatorProcess) -> None:
    """Its size would be too small without them."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    tools = [{"functionDeclarations": [{"name": f"tool_{n}", "description": DOCUMENT[:200]} for n in range(40)]}]
    system = {"parts": [{"text": "Choose a tool."}]}
    lines = [line(f"k{n}", f"Question {n}?", systemInstruction=system, tools=tools) for n in range(60)]
    found = runner.forecasts.for_draft(
        account,
        runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl"),
        RunSpec(model=MODEL, context=AUTO, hours=0.5),
    )
    assert submit(runner, account, lines, AUTO).counts == {"answered": 60}
    (planned,) = found.plan.caches
    assert (planned.counted, planned.prefix_tokens) == (True, emulator.ledger()["cached_contents"][0]["token_count"])


@pytest.mark.parametrize(
    ("fault", "creates"),
    [
        ({"method": "POST", "route": "cachedContents", "do": "status", "status": 500}, 2),
        ({"method": "POST", "route": "cachedContents", "do": "drop_after"}, 1),
        ({"method": "GET", "route": "cachedContents", "do": "status", "status": 500}, 1),
    ],
)
def test_a_cache_is_made_once_whatever_befalls_its_creation_and_nothing_is_held_up(
    bench: Bench, emulator: EmulatorProcess, fault: dict[str, Any], creates: int
) -> None:
    """After a reply that says nothing the run waits as for a job, by the settling time, and in no thread."""
    emulator.faults([fault])
    runner = bench.open(settle_seconds=0.5)
    run = submit(
        runner, runner.accounts.register_key(KEY), FAMILIES["one document, many questions"], ContextMode.EXPLICIT
    )
    assert run.counts == {"answered": 30}
    ledger = emulator.ledger()
    assert ledger["calls"]["POST /cachedContents"] == creates
    assert len(ledger["cached_contents"]) == 1
    assert nothing_left(emulator)


def test_a_cancelled_run_leaves_no_cache(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="stuck")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("\n".join(FAMILIES["one document, many questions"]), kind="jsonl")
    run_id = runner.submissions.submit(account, draft, RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5), "")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    runner.runs.cancel(account, run_id)
    assert wait_until_ended(runner, account, run_id).state is RunState.CANCELLED
    assert nothing_left(emulator)


def test_a_budget_blocks_before_anything_is_created(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("one\ntwo", kind="lines")
    with pytest.raises(OverBudget):
        runner.submissions.submit(account, draft, RunSpec(model=MODEL, max_usd=0.0001), "")
    assert runner.runs.list_recent(account) == []
    assert emulator.ledger()["batch_jobs"] == []


def test_results_can_be_narrowed_to_a_group(bench: Bench, emulator: EmulatorProcess, tmp_path: Path) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    lines = FAMILIES["two documents"]
    draft = runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl")
    spec = RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5)
    found = runner.forecasts.for_draft(account, draft, spec)
    run = wait_until_ended(runner, account, runner.submissions.submit(account, draft, spec, "", found))
    _, total = runner.runs.results(account, run.id).page(Filter(groups=(found.plan.caches[0].id,)))
    assert total == 20


def test_a_canary_goes_first_and_corrects_the_estimate(bench: Bench, emulator: EmulatorProcess) -> None:
    """The rest is sent only when the first rows have answered, and the estimate then rests on what they used."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("\n".join(line(f"k{n}", f"Question {n}?") for n in range(20)), kind="jsonl")
    guessed = runner.forecasts.for_draft(None, draft, RunSpec(model=MODEL)).estimate.usd.expected
    run = wait_until_ended(
        runner, account, runner.submissions.submit(account, draft, RunSpec(model=MODEL, canary=4), ""), 30
    )
    assert run.counts == {"answered": 20}
    jobs = emulator.ledger()["batch_jobs"]
    assert sorted(job["request_count"] for job in jobs) == [4, 16]
    assert run.estimate_usd is not None and guessed is not None and run.actual_usd is not None
    assert abs(run.estimate_usd - run.actual_usd) < abs(guessed - run.actual_usd)
    (bill,) = runner.billing.run_costs(account, run.id)
    assert (bill.first_usd, bill.expected_usd) == (guessed, run.estimate_usd)


def test_durations_are_learned_from_finished_jobs(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("one\ntwo", kind="lines")
    before = runner.forecasts.for_draft(account, draft, RunSpec(model=MODEL)).hours
    wait_until_ended(runner, account, runner.submissions.submit(account, draft, RunSpec(model=MODEL), ""))
    after = runner.forecasts.for_draft(account, draft, RunSpec(model=MODEL)).hours
    assert (before.jobs, after.jobs) == (0, 1)
    assert after.expected < before.expected


def test_unattended_runs_lease_for_the_whole_window_and_attended_ones_do_not(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    """52 hours where nobody stays to renew, unless a server is there; 30 minutes else."""
    emulator.settings(job_outcome="stuck")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft(
        "\n".join(line(f"k{n}", DOCUMENT, f"Question {n}?") for n in range(200)), kind="jsonl"
    )
    for n, (attended, hours) in enumerate([(False, 52.0), (True, 0.5)]):
        spec = RunSpec(model=MODEL, context=ContextMode.EXPLICIT)
        run_id = runner.submissions.submit(account, draft, spec, "", attended=attended)
        wait_until(lambda n=n: len(emulator.ledger()["batch_jobs"]) > n)
        cache = runner.runs.get(account, run_id).caches[0]
        assert cache.expire_at is not None
        left = (cache.expire_at - datetime.now(UTC)).total_seconds() / 3600
        assert left == pytest.approx(hours, abs=0.1)
        estimate: Any = runner.runs.get(account, run_id).estimate["usd"]
        assert estimate["low"] <= estimate["expected"] <= estimate["worst"]
        runner.runs.cancel(account, run_id)
    wait_until(lambda: nothing_left(emulator))


def test_leases_are_renewed_while_a_job_runs(bench: Bench, emulator: EmulatorProcess) -> None:
    """On a turned clock: the cache outlives its first lease, and storage is billed for the real duration only."""
    emulator.settings(job_outcome="stuck")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("\n".join(FAMILIES["one document, many questions"]), kind="jsonl")
    run_id = runner.submissions.submit(account, draft, RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5), "")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    for _ in range(4):
        before = runner.runs.get(account, run_id).caches[0].expire_at
        emulator.clock(800)
        runner._context.store.mark_due(run_id)
        wait_until(lambda before=before: runner.runs.get(account, run_id).caches[0].expire_at != before)
    runner.runs.cancel(account, run_id)
    wait_until_ended(runner, account, run_id)
    cache = emulator.ledger()["cached_contents"][0]
    hours = cache["token_hours"] / cache["token_count"]
    assert 4 * 800 / 3600 <= hours <= 4 * 800 / 3600 + 0.35


def test_a_cache_that_expired_while_nobody_was_there_is_billed_until_then(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    """Not until somebody came back and found it gone."""
    emulator.settings(pace=200)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft("\n".join(FAMILIES["one document, many questions"]), kind="jsonl")
    run_id = runner.submissions.submit(account, draft, RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5), "")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    wait_until(lambda: bool(runner.runs.get(account, run_id).jobs[0].name))
    bench.close()
    emulator.clock(201)
    wait_until(lambda: emulator.ledger()["batch_jobs"][0]["state"] == "BATCH_STATE_SUCCEEDED")
    emulator.clock(9 * 3600)
    runner = bench.open()
    run = wait_until_ended(runner, runner.accounts.register_key(KEY), run_id)
    assert run.counts == {"answered": 30}
    assert emulator.ledger()["cached_contents"][0]["token_hours"] > 0
    assert run.actual_usd == pytest.approx(billed(emulator), abs=0.0001)


def test_a_refusal_is_learned_and_the_next_plan_has_no_cache_unless_one_insists(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    emulator.settings(explicit_caching=False)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    lines = FAMILIES["one document, many questions"]
    submit(runner, account, lines, ContextMode.AUTO)
    draft = runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl")
    auto = runner.forecasts.for_draft(account, draft, RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5))
    insisted = runner.forecasts.for_draft(account, draft, RunSpec(model=MODEL, context=ContextMode.EXPLICIT, hours=0.5))
    assert (len(auto.plan.caches), len(insisted.plan.caches)) == (0, 1)
    assert auto.warning.endswith("so none is planned.") and insisted.warning.endswith("they are tried again.")
    emulator.settings(explicit_caching=True)
    submit(runner, account, lines, ContextMode.EXPLICIT)
    again = runner.forecasts.for_draft(account, draft, RunSpec(model=MODEL, context=ContextMode.AUTO, hours=0.5))
    assert (len(again.plan.caches), again.warning) == (1, "")


def test_the_budget_holds_when_caches_are_refused(bench: Bench, emulator: EmulatorProcess) -> None:
    """The price without them was allowed, but not beyond the budget."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    capped = [
        line(f"k{n}", DOCUMENT, f"Question {n}?", generationConfig={"maxOutputTokens": 20, "seed": n})
        for n in range(200)
    ]
    draft = runner.forecasts.prepare_draft("\n".join(capped), kind="jsonl")
    card = runner.forecasts.for_draft(account, draft, RunSpec(model=MODEL, context=ContextMode.EXPLICIT)).estimate
    cached, plain = card.usd.expected, card.uncached.expected
    assert cached is not None and plain is not None and cached < plain
    between = (cached + plain) / 2
    emulator.settings(explicit_caching=False)
    run = submit(runner, account, capped, ContextMode.EXPLICIT, hours=None, max_usd=between)
    assert run.state is RunState.FAILED
    assert "the budget is" in run.error
    assert emulator.ledger()["batch_jobs"] == []


def test_only_the_group_whose_cache_is_too_small_goes_without(bench: Bench, emulator: EmulatorProcess) -> None:
    """The minimum is read from the reply and kept for plans to come; a cache named by the user stays named."""
    emulator.faults([{**BELOW_9000, "route": "cachedContents", "method": "POST", "do": "status", "times": 1}])
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    lines = FAMILIES["two documents"]
    run = submit(runner, account, lines, ContextMode.EXPLICIT)
    assert run.counts == {"answered": 40}
    ledger = emulator.ledger()
    assert len(ledger["cached_contents"]) == 1
    sent = [
        json.loads(text)["request"]
        for text in emulator.sent_bytes("batch_jobs", ledger["batch_jobs"][0]["name"]).splitlines()
    ]
    assert sum("cachedContent" in request for request in sent) == 20
    assert run.actual_usd == pytest.approx(billed(emulator), abs=0.0001)
    draft = runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl")
    later = runner.forecasts.for_draft(account, draft, RunSpec(model=MODEL, context=ContextMode.EXPLICIT, hours=0.5))
    assert later.plan.tariff.explicit_minimum == 9000 and not later.plan.caches


BELOW_9000 = {
    "status": 400,
    "body": {
        "error": {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "message": "Cached content is too small. total_token_count=1601, min_total_token_count=9000",
        }
    },
}


def test_a_free_tier_key_is_told_so_at_once(bench: Bench, emulator: EmulatorProcess) -> None:
    """Neither caches nor batches are for it: the run fails in plain words and waits for no room."""
    runner = bench.open()
    account = runner.accounts.register_key("free-of-charge")
    run = submit(runner, account, FAMILIES["one document, many questions"], ContextMode.EXPLICIT)
    assert run.state is RunState.FAILED
    assert "batch jobs are not available" in run.error
    assert emulator.ledger()["batch_jobs"] == []


def test_a_canary_that_nobody_answers_holds_the_rest_back(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    lines = [line(f"k{n}", f"Question {n}? [[emulate: error:3]]") for n in range(20)]
    run = submit(runner, account, lines, ContextMode.NONE, canary=3)
    assert run.state is RunState.FAILED and "None of the first 3 rows was answered" in run.error
    assert [job["request_count"] for job in emulator.ledger()["batch_jobs"]] == [3]


def test_a_canary_that_is_cut_to_fit_the_queue_is_still_the_canary(bench: Bench, emulator: EmulatorProcess) -> None:
    """Its parts go before the rest, whatever their numbers, and all of them correct the estimate."""
    runner = bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    asked = "x " * 1000
    draft = runner.forecasts.prepare_draft("\n".join(line(f"k{n}", f"{asked} {n}?") for n in range(8)), kind="jsonl")
    run_id = runner.submissions.submit(account, draft, RunSpec(model=MODEL, context=ContextMode.NONE, canary=4), "")
    one = runner.runs.get(account, run_id).estimate["prompt_tokens"]
    assert isinstance(one, dict)
    cap = one["high"] / 8 * 2.5
    runner._context.store.add_observation(account.owner_id, MODEL, ENQUEUED_TOKENS, cap)
    contents = [{"role": "user", "parts": [{"text": f"{asked} 0?"}]}]
    row = GeminiClient(KEY, emulator.base_url).count_tokens(MODEL, contents)
    emulator.settings(enqueued_tokens={MODEL: 3 * row})  # else the larger job would end what was learned
    runner.start()
    run = wait_until_ended(runner, account, run_id)
    assert run.counts == {"answered": 8}
    told = [event.text for event in runner.runs.events(account, run_id)]
    (corrected,) = [n for n, text in enumerate(told) if text.startswith("The first 4 rows have answered")]
    created = [int(text.split(" for ")[1].split()[0]) for text in told[:corrected] if "was created" in text]
    assert len(created) == 2 and sum(created) == 4


def test_a_canary_corrects_prompts_too_and_keeps_what_was_counted(bench: Bench, emulator: EmulatorProcess) -> None:
    """Unusual texts are estimated badly: what the first rows really had corrects all, caches and all."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    odd = "\u2603\u2603 1234567890 {{[[((" * 20
    lines = [line(f"k{n}", DOCUMENT, f"{odd} {n}?") for n in range(40)]
    run = submit(runner, account, lines, ContextMode.EXPLICIT, canary=6)
    used = sum(u["prompt"] for u in emulator.ledger()["usage"] if u["batch_job"])
    said = run.estimate["prompt_tokens"]
    assert isinstance(said, dict) and said["low"] * 0.99 <= used <= said["high"] * 1.01
    assert said["high"] - said["low"] < used * 0.02
    assert run.counts == {"answered": 40} and nothing_left(emulator)


def submit_on(runner: Runner, account: Account, lines: list[str]) -> str:
    draft = runner.forecasts.prepare_draft("\n".join(lines), kind="jsonl")
    return runner.submissions.submit(account, draft, RunSpec(model=MODEL, context=ContextMode.EXPLICIT, hours=0.5), "")


def test_a_cache_that_dies_in_mid_run_ends_in_all_rows_answered(bench: Bench, emulator: EmulatorProcess) -> None:
    """Its rows fail with code 7 at no cost, and just those are sent again: with a new cache, at last without one."""
    emulator.settings(pace=0.8)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = submit_on(runner, account, FAMILIES["one document, many questions"])
    for n in range(3):
        wait_until(lambda n=n: len(emulator.ledger()["batch_jobs"]) > n)
        emulator.control("DELETE", f"/v1beta/{emulator.ledger()['cached_contents'][-1]['name']}?key={KEY}")
    run = wait_until_ended(runner, account, run_id)
    assert run.counts == {"answered": 30}
    assert [len(job["cached_contents"]) for job in emulator.ledger()["batch_jobs"]] == [1, 1, 1, 0]
    assert run.actual_usd == pytest.approx(billed(emulator), abs=0.0005)
    assert nothing_left(emulator)


def test_a_cache_of_the_users_own_that_dies_is_told_with_the_remedy(bench: Bench, emulator: EmulatorProcess) -> None:
    """What it held is not known here, so its rows stay errors at no cost, and a retry finds the new one by name."""
    emulator.settings(pace=0.8)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    wanted = CachedText(MODEL, text=DOCUMENT)
    made = runner.caches.create(account, wanted, "terms", 3600)
    run_id = submit_on(runner, account, [line(f"k{n}", f"@use_cache terms\nQuestion {n}?") for n in range(5)])
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    runner._context.client(account).delete_cache(made.name)
    run = wait_until_ended(runner, account, run_id)
    assert run.counts == {"error_transient": 5} and run.actual_usd == 0
    assert any("Make one of the same name" in event.text for event in runner.runs.events(account, run_id))
    runner.caches.create(account, wanted, "terms", 3600)
    wait_until_ended(runner, account, runner.retries.retry(account, run_id, ""))
    assert set(runner.runs.results(account, run_id).page()[0]["outcome"]) == {"answered"}


def test_a_cache_of_the_users_own_goes_with_the_run_if_that_was_chosen(bench: Bench, emulator: EmulatorProcess) -> None:
    """A short-lived one is kept alive until then, and one that vanishes meanwhile stops nothing else."""
    emulator.settings(pace=1)
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    names = [runner.caches.create(account, CachedText(MODEL, text=text), name, 900).name for name, text in OWN.items()]
    lines = [line(f"k{n}", f"@use_cache {name}\nQuestion {n}?") for n, name in enumerate([*OWN, *OWN])]
    draft = runner.forecasts.prepare_draft("\n".join([*lines, line("plain", "No cache")]), kind="jsonl")
    run_id = runner.submissions.submit(account, draft, RunSpec(model=MODEL, delete_user_caches=True), "")
    wait_until(lambda: bool(emulator.ledger()["batch_jobs"]))
    runner._context.client(account).delete_cache(names[1])
    run = wait_until_ended(runner, account, run_id)
    assert run.state is RunState.FINISHED
    assert run.counts == {"answered": 3, "error_transient": 2}
    assert nothing_left(emulator)


OWN = dict(zip(("one", "two"), TWO_DOCUMENTS, strict=True))
