"""One cache for all requests of a draft: priced before it is made, then used by every row."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batch.errors import InputError
from batch.model import ContextMode, Generation, RunState
from batch.pricing import catalog
from cache_utils import CachedText, CacheFile
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs import drafts
from lifecycle.planning import cache_estimate
from lifecycle.runner import Runner
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until_ended
from tests.lifecycle.whole_requests import whole_requests

DOCUMENT = "The lending library keeps tools on shelves and writes down who has them. " * 400
TARIFF = catalog.load().tariff(MODEL, datetime.now(UTC).date())


def requests_of(draft: drafts.Draft) -> list[dict[str, object]]:
    return [json.loads(line)["request"] for line in whole_requests(draft.folder / "requests.jsonl").splitlines()]


# -- before it is made -------------------------------------------------------------------------------------------------


def test_an_offer_says_what_making_and_keeping_a_cache_costs_and_when_it_pays() -> None:
    found = cache_estimate.estimate_cache(CachedText(MODEL, text="word " * 50_000), 2.0, TARIFF)
    assert TARIFF and TARIFF.input_standard and TARIFF.input_batch and TARIFF.cached and TARIFF.storage
    assert found.usd_to_make == pytest.approx(found.tokens * TARIFF.input_standard / 1e6)
    assert found.usd_per_hour == pytest.approx(found.tokens * TARIFF.storage / 1e6)
    saving = TARIFF.input_batch - TARIFF.cached
    assert found.break_even_requests is not None
    assert (
        (found.break_even_requests - 1) * saving
        <= TARIFF.input_standard + 2 * TARIFF.storage
        < found.break_even_requests * saving
    )
    assert not found.too_small and not found.size_unknown


def test_an_offer_below_the_models_minimum_says_so() -> None:
    assert cache_estimate.estimate_cache(CachedText(MODEL, text="too short"), 1.0, TARIFF).too_small


def test_an_offer_counts_pictures_and_pages_and_admits_what_it_cannot_size(tmp_path: Path) -> None:
    picture, pages, odd = tmp_path / "a.png", tmp_path / "b.pdf", tmp_path / "c.pdf"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 1000, 700))
    pages.write_bytes(b"%PDF-1.4\n1 0 obj << /Type /Pages /Count 12 >> endobj")
    odd.write_bytes(b"%PDF-1.7 compressed")
    files = (CacheFile(picture, "image/png"), CacheFile(pages, "application/pdf"))
    tokens = [
        cache_estimate.estimate_cache(CachedText(MODEL, files=files), 1.0, TARIFF, f).tokens for f in ("3", "2.5")
    ]
    assert tokens == [1120 + 12 * 560, 6 * 258 + 12 * 258]
    unsure = cache_estimate.estimate_cache(
        CachedText(MODEL, files=(*files, CacheFile(odd, "application/pdf"))), 1.0, TARIFF
    )
    assert unsure.size_unknown and not unsure.too_small


def test_an_offer_without_prices_has_none() -> None:
    found = cache_estimate.estimate_cache(CachedText("gemini-nobody-knows", text=DOCUMENT), 1.0, None)
    assert (found.usd_to_make, found.usd_per_hour, found.break_even_requests, found.minimum) == (None, None, None, None)


# -- used by every request ---------------------------------------------------------------------------------------------


def test_every_request_names_the_cache_and_those_that_name_another_keep_it(tmp_path: Path) -> None:
    text = '@use_cache theirs\nOne?\n\nTwo?\n\n"Three" with \\ and é?'
    draft = cache_estimate.apply_cache_to_all(drafts.prepare(text, tmp_path, kind="blocks"), "cachedContents/abc")
    names = [request["cachedContent"] for request in requests_of(draft)]
    assert names == ["@use_cache:theirs", "cachedContents/abc", "cachedContents/abc"]
    assert draft.uses_caches == ("cachedContents/abc", "theirs")
    assert draft.size_bytes == len(whole_requests(tmp_path / "requests.jsonl"))
    assert drafts.open_draft(tmp_path) == draft
    assert requests_of(draft)[2]["contents"] == [{"role": "user", "parts": [{"text": '"Three" with \\ and é?'}]}]


def test_a_display_name_is_looked_up_later(tmp_path: Path) -> None:
    draft = cache_estimate.apply_cache_to_all(drafts.prepare("One?", tmp_path, kind="lines"), "hand book")
    assert requests_of(draft)[0]["cachedContent"] == "@use_cache:hand book"


def test_requests_that_set_what_only_a_cache_may_are_refused_and_left_as_they_were(tmp_path: Path) -> None:
    draft = drafts.prepare("One?\nTwo?", tmp_path, kind="lines", generation=Generation(system_instruction="Be brief."))
    before = (tmp_path / "requests.jsonl").read_bytes()
    with pytest.raises(InputError, match="2 requests set their own system instruction"):
        cache_estimate.apply_cache_to_all(draft, "handbook")
    assert (tmp_path / "requests.jsonl").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "draft.json",
        "inputs.parquet",
        "requests.jsonl",
        "shared.json",
    ]


# -- through the runner ------------------------------------------------------------------------------------------------


@pytest.fixture
def runner(bench: Bench) -> Runner:
    return bench.open()


@pytest.fixture
def account(runner: Runner) -> Account:
    return runner.accounts.register_key(KEY)


def test_a_run_on_a_chosen_cache_reads_it_in_every_row_and_leaves_it_there(
    runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    wanted = CachedText(MODEL, text=DOCUMENT, system_instruction="Answer from the document.")
    cache = runner.caches.create(account, wanted, "handbook", 3600)
    settings = Generation(system_instruction="Answer from the document.", temperature=0.5)
    draft = runner.forecasts.prepare_draft("Who?\nWhere?", kind="lines", generation=settings, use_cache="handbook")
    spec = RunSpec(MODEL, context=ContextMode.EXPLICIT)
    found = runner.forecasts.for_draft(account, draft, spec, exact=False)
    assert found.estimate.cached == 2 * (cache.tokens or 0) > 0
    run = wait_until_ended(runner, account, runner.submissions.submit(account, draft, spec, "t", found))
    assert (run.state, dict(run.counts)) == (RunState.FINISHED, {"answered": 2})
    (usage,) = emulator.ledger()["usage"]
    assert usage["cached"] == 2 * (cache.tokens or 0)
    assert [known.name for known in runner.caches.list_all(account)] == [cache.name]
    again = wait_until_ended(runner, account, runner.retries.rerun(account, run.id, "u"))
    assert dict(again.counts) == {"answered": 2}


def test_a_cache_that_is_not_there_is_told_before_anything_is_sent(
    runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    draft = runner.forecasts.prepare_draft("Who?", kind="lines", use_cache="handbok")
    with pytest.raises(InputError, match="There is no cache 'handbok'"):
        runner.forecasts.for_draft(account, draft, RunSpec(MODEL), exact=False)
    assert emulator.ledger()["batch_jobs"] == []


def counts_of(emulator: EmulatorProcess) -> dict[str, int]:
    """How often tokens were counted; the worker may make other calls at any moment."""
    return {call: number for call, number in emulator.ledger()["calls"].items() if "countTokens" in call}


def test_a_forecast_goes_on_from_the_one_before_and_keeps_its_counts(
    runner: Runner, account: Account, emulator: EmulatorProcess
) -> None:
    draft = runner.forecasts.prepare_draft("\n".join(f"{n}?" for n in range(30)), kind="lines", shared_text=DOCUMENT)
    first = runner.forecasts.for_draft(account, draft, RunSpec(MODEL, context=ContextMode.AUTO, hours=1))
    (group,) = first.plan.groups
    counted = counts_of(emulator)
    choices = {group.id: "none", "00000000000000aa": "explicit"}
    spec = RunSpec(MODEL, context=ContextMode.AUTO, hours=1, overrides=choices)
    changed = runner.forecasts.for_draft(account, draft, spec, exact=False, previous=first)
    assert group.choice == "explicit" and changed.plan.groups[0].choice == "none"
    assert changed.counted_texts == first.counted_texts > 0 and changed.plan.survey is first.plan.survey
    assert changed.estimate.usd.expected == pytest.approx(first.estimate.uncached.expected)
    assert counts_of(emulator) == counted
