"""A run from submission to results, through the real client and a real emulator."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from batch.errors import InputError, NotFound
from batch.model import RunState, SendAs
from cache_utils import CachedText, create_explicit_cache
from gemini.client import GeminiClient
from lifecycle.core.models import RunSpec
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until, wait_until_ended

PROMPTS = "What is two plus two?\nName a river.\nSay hello."


@pytest.mark.parametrize("transport", [SendAs.INLINE, SendAs.FILE])
def test_a_run_ends_with_every_row_answered_and_nothing_left_at_google(
    bench: Bench, emulator: EmulatorProcess, transport: SendAs
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS, send_as=transport))
    assert run.state is RunState.FINISHED
    assert run.counts["answered"] == 3
    assert sum(run.counts.values()) == 3
    ledger = emulator.ledger()
    assert len(ledger["batch_jobs"]) == 1
    assert all(file["deleted_at"] for file in ledger["files"] if file["source"] == "UPLOADED")
    assert run.actual_usd is not None and run.actual_usd > 0
    page, total = runner.runs.results(account, run.id).page()
    assert total == 3
    assert list(page["prompt"]) == PROMPTS.splitlines()


def test_the_same_ticket_submits_once(bench: Bench, emulator: EmulatorProcess) -> None:
    """A double click, or a second tab that repeats a submission."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    first = bench.submit(runner, account, PROMPTS, idempotency_key="t")
    assert bench.submit(runner, account, PROMPTS, idempotency_key="t") == first
    wait_until_ended(runner, account, first)
    assert len(emulator.ledger()["batch_jobs"]) == 1


def test_another_key_sees_nothing_of_a_run(bench: Bench) -> None:
    runner = bench.open()
    mine, theirs = runner.accounts.register_key(KEY), runner.accounts.register_key("another-made-up-key")
    run_id = bench.submit(runner, mine, PROMPTS)
    wait_until_ended(runner, mine, run_id)
    assert runner.runs.list_recent(theirs) == []
    for ask in (
        runner.runs.get,
        runner.runs.results,
        runner.runs.cancel,
        runner.runs.delete,
        runner.runs.events,
        runner.runs.draft_of,
    ):
        with pytest.raises(NotFound):
            ask(theirs, run_id)


def test_a_run_goes_on_in_the_next_process(bench: Bench, emulator: EmulatorProcess) -> None:
    """The first one is gone in mid-run; nobody sends anything twice."""
    emulator.settings(pace=2)
    first = bench.open()
    account = first.accounts.register_key(KEY)
    run_id = bench.submit(first, account, PROMPTS)
    wait_until(lambda: first.runs.get(account, run_id).progress.is_known)
    first.close(2)
    second = bench.open()
    run = wait_until_ended(second, second.accounts.register_key(KEY), run_id)
    assert run.state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 1


def test_a_lost_reply_is_one_job_and_a_finished_run(bench: Bench, emulator: EmulatorProcess) -> None:
    """The service accepted the job and the answer never arrived."""
    emulator.faults([{"method": "POST", "route": "batchGenerateContent", "do": "drop_after"}])
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS))
    assert run.state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 1


def test_a_request_that_never_arrived_is_sent_again_once_certain(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.faults([{"method": "POST", "route": "batchGenerateContent", "do": "drop_before"}])
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS))
    assert run.state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 1


def test_a_late_list_does_not_make_a_second_job(bench: Bench, emulator: EmulatorProcess) -> None:
    """The reply is lost and the job shows up in the list only after a while, within the settling time."""
    emulator.settings(list_lag_seconds=3)
    emulator.faults([{"method": "POST", "route": "batchGenerateContent", "do": "drop_after"}])
    runner = bench.open(settle_seconds=6.0)
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS))
    assert run.state is RunState.FINISHED
    assert len(emulator.ledger()["batch_jobs"]) == 1


def test_a_failed_poll_changes_nothing_that_is_known(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=1)
    emulator.faults([{"method": "GET", "route": "/batches/", "times": 2, "do": "status", "status": 503}])
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, PROMPTS)
    wait_until(lambda: "Could not check, trying again" in runner.runs.get(account, run_id).note)
    assert not runner.runs.get(account, run_id).state.ended
    assert wait_until_ended(runner, account, run_id).state is RunState.FINISHED


def test_only_a_process_that_does_not_hold_the_key_says_that_a_run_waits_for_it(
    bench: Bench, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a laptop's sleep, or under load, runs are overdue although their key is here."""
    emulator.settings(job_outcome="stuck")
    runner, other = bench.open(), bench.open(start=False)
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, "one")
    wait_until(lambda: bool(runner.runs.get(account, run_id).jobs))
    later = time.time() + 3600
    monkeypatch.setattr("lifecycle.services.runs.time", SimpleNamespace(time=lambda: later))
    assert runner.runs.get(account, run_id).state is RunState.ACTIVE
    assert [run.state for run in runner.runs.list_recent(account)] == [RunState.ACTIVE]
    assert other.runs.get(account, run_id).state is RunState.WAITING_FOR_KEY
    other.accounts.register_key(KEY)
    assert other.runs.get(account, run_id).state is RunState.WAITING_FOR_KEY, "it holds the key, but only looks"
    other.start()
    assert other.runs.get(account, run_id).state is RunState.ACTIVE


def test_a_cancel_is_cancelled_when_google_says_so(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="stuck")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, PROMPTS)
    wait_until(
        lambda: bool(runner.runs.get(account, run_id).jobs) and bool(runner.runs.get(account, run_id).jobs[0].state)
    )
    runner.runs.cancel(account, run_id)
    run = wait_until_ended(runner, account, run_id)
    assert run.state is RunState.CANCELLED
    assert run.jobs[0].state == "JOB_STATE_CANCELLED"
    assert sum(run.counts.values()) == 3
    assert all(file["deleted_at"] for file in emulator.ledger()["files"] if file["source"] == "UPLOADED")


def test_a_failed_job_shows_googles_own_message(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="failed")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS))
    assert run.state is RunState.FAILED
    assert run.error
    assert run.counts["missing"] == 3


def test_a_state_google_invents_later_means_still_waiting(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="BATCH_STATE_DREAMING")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, PROMPTS)
    wait_until(lambda: any(job.state.endswith("DREAMING") for job in runner.runs.get(account, run_id).jobs))
    assert runner.runs.get(account, run_id).state is RunState.ACTIVE
    assert "do not know" in runner.runs.get(account, run_id).status_text


def test_a_refused_run_fails_with_googles_words_and_every_row_accounted_for(bench: Bench) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    draft = runner.forecasts.prepare_draft(PROMPTS, kind="lines")
    run = wait_until_ended(
        runner, account, runner.submissions.submit(account, draft, RunSpec(model="gemini-of-nowhere"), "")
    )
    assert run.state is RunState.FAILED
    assert "gemini-of-nowhere" in run.error
    assert sum(run.counts.values()) == 3


def test_mixed_outcomes_are_counted_row_by_row(bench: Bench) -> None:
    """SUCCEEDED is said of rows, not just of the job."""
    prompts = "fine\n[[emulate: safety]] a\n[[emulate: error:13]] b\n[[emulate: max_tokens]] c\n[[emulate: drop_row]] d"
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, prompts))
    expected = {"answered": 1, "answer_blocked": 1, "error_transient": 1, "truncated": 1, "missing": 1}
    assert {name: n for name, n in run.counts.items() if n} == expected


def test_only_an_ended_run_can_be_deleted(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="stuck")
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, PROMPTS)
    with pytest.raises(InputError):
        runner.runs.delete(account, run_id)
    runner.runs.cancel(account, run_id)
    wait_until_ended(runner, account, run_id)
    runner.runs.delete(account, run_id)
    assert runner.runs.list_recent(account) == []
    assert not runner.folder(run_id).exists()


def test_a_run_can_be_submitted_again_as_a_new_one(bench: Bench, emulator: EmulatorProcess) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    first = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS))
    second = wait_until_ended(runner, account, runner.retries.rerun(account, first.id, "again"))
    assert second.id != first.id
    assert second.counts == first.counts
    assert runner.runs.draft_of(account, first.id).rows == 3


def test_a_run_without_its_key_waits_for_it(bench: Bench, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=1)
    first = bench.open()
    account = first.accounts.register_key(KEY)
    run_id = bench.submit(first, account, PROMPTS)
    wait_until(lambda: bool(first.runs.get(account, run_id).jobs))
    first.close(2)
    second = bench.open()
    wait_until(lambda: second.runs.get(account, run_id).stage == first.runs.get(account, run_id).stage)
    assert not second.runs.get(account, run_id).state.ended
    second.accounts.register_key(KEY)
    assert wait_until_ended(second, account, run_id).state is RunState.FINISHED


def test_only_what_failed_is_bought_again(bench: Bench, emulator: EmulatorProcess) -> None:
    """The child run has exactly the failed rows, under their own keys."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(
        runner, account, bench.submit(runner, account, "fine\n[[emulate: error:13]] b\n[[emulate: safety]] c")
    )
    child = wait_until_ended(runner, account, runner.retries.retry(account, run.id, "t"))
    assert child.parent_id == run.id
    assert child.rows == 1
    assert list(runner.runs.results(account, child.id).keys()) == ["row-000002"]
    with pytest.raises(InputError):
        runner.retries.retry(account, run.id, "u", outcomes=["no_such_outcome"])


def test_a_run_is_kept_while_its_rows_are_sent_again_and_leaves_the_retry_behind(
    bench: Bench, emulator: EmulatorProcess
) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, "fine\n[[emulate: error:13]] b"))
    emulator.settings(job_outcome="stuck")
    child = runner.retries.retry(account, run.id, "t")
    with pytest.raises(InputError, match="being sent again"):
        runner.runs.delete(account, run.id)
    runner.runs.cancel(account, child)
    wait_until_ended(runner, account, child)
    runner.runs.delete(account, run.id)
    assert [view.parent_id for view in runner.runs.list_recent(account)] == [""]
    assert list(runner.runs.results(account, child).keys()) == ["row-000002"]


def test_text_that_is_sent_beside_its_cache_is_suspected(bench: Bench, emulator: EmulatorProcess) -> None:
    """The service takes it without a word, and bills both."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    text = "A long shared text. " * 600
    create_explicit_cache(GeminiClient(KEY, emulator.base_url), CachedText(MODEL, text=text), display_name="once")
    for prompts, suspected in ((f"@use_cache once\n{text}Who signs?", True), ("@use_cache once\nWho signs?", False)):
        draft = runner.forecasts.prepare_draft(prompts, kind="blocks")
        run = wait_until_ended(runner, account, runner.submissions.submit(account, draft, RunSpec(model=MODEL), ""))
        said = [event.text for event in runner.runs.events(account, run.id) if event.level == "warning"]
        assert any("billed twice" in text for text in said) is suspected


def test_a_prompt_uses_a_cache_by_its_name(bench: Bench, emulator: EmulatorProcess) -> None:
    """`@use_cache` is stripped, the cache stands beside contents, and the ledger shows its tokens as cached."""
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    cache = create_explicit_cache(
        GeminiClient(KEY, emulator.base_url),
        CachedText(MODEL, text="A long shared text. " * 600),
        display_name="contract",
    )
    prompts = "@use_cache contract\nWho signs?\n\n@use_cache {contract}\nWhen?"
    draft = runner.forecasts.prepare_draft(prompts, kind="blocks")
    run = wait_until_ended(runner, account, runner.submissions.submit(account, draft, RunSpec(model=MODEL), ""))
    assert run.counts == {"answered": 2}
    usage = emulator.ledger()["usage"]
    assert sum(u["cached"] for u in usage if u["batch_job"]) == 2 * (cache.tokens or 0)
    with pytest.raises(InputError, match="no cache"):
        runner.submissions.submit(
            account, runner.forecasts.prepare_draft("@use_cache other\nhm", kind="blocks"), RunSpec(model=MODEL), ""
        )


def test_ended_runs_are_deleted_when_they_are_kept_no_longer_and_not_before_it_was_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = bench.open(retention_days=30)
    account = runner.accounts.register_key(KEY)
    run_id = bench.submit(runner, account, PROMPTS)
    run = wait_until_ended(runner, account, run_id)
    assert run.kept_until is not None and run.ended_at is not None
    assert (run.kept_until - run.ended_at).days == 30
    costs = [cost.usd for cost in runner.billing.run_costs(account)]
    store, days = runner._context.store, [0.0]
    real = store.now
    monkeypatch.setattr(store, "now", lambda: real() + days[0] * 86_400)
    assert runner.runs.delete_expired() == 0
    days[0] = 29
    assert runner.runs.delete_expired() == 0
    store.set_setting("retention:30", str(store.now() + 86_400 * 0.5))  # as if it had been set just now
    days[0] = 31
    assert runner.runs.delete_expired() == 0
    days[0] = 33
    assert runner.runs.delete_expired() == 1
    assert runner.runs.list_recent(account) == [] and not runner.folder(run_id).exists()
    assert [cost.usd for cost in runner.billing.run_costs(account)] == costs


def test_runs_are_kept_for_ever_unless_somebody_says_otherwise(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    run = wait_until_ended(runner, account, bench.submit(runner, account, PROMPTS))
    real = runner._context.store.now
    monkeypatch.setattr(runner._context.store, "now", lambda: real() + 10_000 * 86_400)
    assert runner.runs.delete_expired() == 0 and run.kept_until is None
