"""Prices, worked by hand beside the code's, and the laws that every price keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.model import Tariff, Usage
from batch.pricing import catalog, rates
from batch.pricing.rates import RunUsage

TODAY = date(2026, 11, 23)
CATALOG = catalog.load()


def of(name: str, on: date = TODAY) -> Tariff:
    found = CATALOG.tariff(name, on)
    assert found is not None
    return found


FLASH, PRO, LITE = of("gemini-3.8-flash"), of("gemini-2.5-pro"), of("gemini-3.5-flash-lite")
AUDIO, PICTURE = of("gemini-2.5-flash"), of("gemini-3.1-flash-image")

BY_HAND = [
    # 1,000 × 0.375 + 500 × 1.875 = 375 + 937.5 = 1,312.5 millionths
    pytest.param(Usage(1_000, 0, 500), FLASH, "batch", 0.0013125, id="batch"),
    # 1,000 × 0.75 + 500 × 3.75 = 750 + 1,875 = 2,625
    pytest.param(Usage(1_000, 0, 500), FLASH, "standard", 0.002625, id="standard"),
    # thoughts alone are output: 10 × 0.375 + 829 × 1.875 = 3.75 + 1,554.375
    pytest.param(Usage(10, 0, 0, 829), FLASH, "batch", 0.001558125, id="thoughts-only"),
    # 20,020 prompt of which 18,909 cached: 1,111 × 0.375 + 18,909 × 0.075 = 416.625 + 1,418.175; output 100 × 1.875
    pytest.param(Usage(20_020, 18_909, 100), FLASH, "batch", 0.0020223, id="explicit-cache-in-batch"),
    # tool prompt tokens are fresh input beside the prompt: (100 + 40) × 0.375
    pytest.param(Usage(100, 0, 0, 0, 40), FLASH, "batch", 0.0000525, id="tool-prompt"),
    # at the threshold the short rates hold: 200,000 × 0.625 + 1,000 × 5 = 125,000 + 5,000
    pytest.param(Usage(200_000, 0, 1_000), PRO, "batch", 0.13, id="200000"),
    # one token more and all of it is at the long rates: 200,001 × 1.25 + 1,000 × 7.5 = 250,001.25 + 7,500
    pytest.param(Usage(200_001, 0, 1_000), PRO, "batch", 0.25750125, id="200001"),
    # cached tokens count towards the threshold: 1 × 1.25 + 200,000 × 0.25
    pytest.param(Usage(200_001, 200_000), PRO, "batch", 0.05000125, id="200001-mostly-cached"),
    # the published case of user reports: 5,005 × 2.5 + 257,955 × 0.25 + 1,744 × 15 = 12,512.5 + 64,488.75 + 26,160
    pytest.param(Usage(262_960, 257_955, 1_744), PRO, "standard", 0.10316125, id="published-standard"),
    # the same in a batch: 5,005 × 1.25 + 257,955 × 0.25 + 1,744 × 7.5 = 6,256.25 + 64,488.75 + 13,080
    pytest.param(Usage(262_960, 257_955, 1_744), PRO, "batch", 0.083825, id="published-batch"),
    # a model without a long tier stays at one rate: 262,960 − 257,955 = 5,005 × 0.375 + 257,955 × 0.075
    pytest.param(Usage(262_960, 257_955), FLASH, "batch", 0.0212235, id="flash-has-no-long-tier"),
    # Flash from 2027: 1,000 × 0.75 + 500 × 3.75
    pytest.param(Usage(1_000, 0, 500), of("gemini-3.8-flash", date(2027, 1, 1)), "batch", 0.002625, id="2027"),
    # embeddings have no output price and need none: 1,000 × 0.1
    pytest.param(Usage(1_000), of("gemini-embedding-2"), "batch", 0.0001, id="embedding"),
    pytest.param(Usage(), FLASH, "batch", 0.0, id="nothing"),
    # sound at its own rate: 100 × 0.15 + 1,000,000 × 0.5 + 100 × 1.25 = 15 + 500,000 + 125
    pytest.param(Usage(1_000_100, 0, 100, audio=1_000_000), AUDIO, "batch", 0.50014, id="sound-in-batch"),
    # the same at standard price: 100 × 0.3 + 1,000,000 × 1 + 100 × 2.5
    pytest.param(Usage(1_000_100, 0, 100, audio=1_000_000), AUDIO, "standard", 1.00028, id="sound-at-standard"),
    # 900 with 500 cached: text 50 fresh, 50 cached; sound 350 fresh, 450 cached:
    # 50 × 0.15 + 350 × 0.5 + 50 × 0.03 + 450 × 0.1 = 7.5 + 175 + 1.5 + 45
    pytest.param(Usage(900, 500, audio=800, cached_audio=450), AUDIO, "batch", 0.000229, id="sound-cached"),
    # a model with one rate for all takes sound for text: 1,000 × 0.375
    pytest.param(Usage(1_000, audio=900), FLASH, "batch", 0.000375, id="sound-at-one-rate"),
    # a recorded picture: 9 × 0.25 + (346 + 337) × 1.5 + 1,120 × 30 = 2.25 + 1,024.5 + 33,600
    pytest.param(Usage(9, 0, 1_466, 337, image=1_120), PICTURE, "batch", 0.03462675, id="picture-beside-text"),
    # 50 tokens that Google counts and does not itemise are output: 10 × 0.375 + (5 + 50) × 1.875
    pytest.param(Usage(10, 0, 5, unitemised=50), FLASH, "batch", 0.000106875, id="unitemised"),
    # two searches at 14 per 1,000, the same in a batch and without: 10 × 0.375 millionths + 0.028
    pytest.param(Usage(10, search_queries=2, grounded_prompts=1), FLASH, "batch", 0.02800375, id="searches"),
    pytest.param(Usage(10, search_queries=2, grounded_prompts=1), FLASH, "standard", 0.0280075, id="searches-standard"),
    # 2.5 charges the prompt, whatever it searched: 10 × 0.15 millionths + 0.035
    pytest.param(Usage(10, search_queries=2, grounded_prompts=1), AUDIO, "batch", 0.0350015, id="grounded-prompt"),
    # the fee is the same above the threshold: 200,001 × 1.25 millionths + 0.035
    pytest.param(
        Usage(200_001, search_queries=1, grounded_prompts=1), PRO, "batch", 0.28500125, id="long-and-grounded"
    ),
]


@pytest.mark.parametrize(("usage", "tariff", "tier", "usd"), BY_HAND)
def test_a_request_costs_what_a_hand_works_out(usage: Usage, tariff: Tariff, tier: rates.Tier, usd: float) -> None:
    assert rates.usage_usd(usage, tariff, tier=tier) == pytest.approx(usd, rel=1e-12)


def test_the_printed_lower_rate_for_cached_tokens_is_a_best_case_of_batches_only() -> None:
    usage = Usage(1_000_000, 1_000_000)
    assert rates.usage_usd(usage, FLASH) == pytest.approx(0.075)
    assert rates.usage_usd(usage, FLASH, best_case=True) == pytest.approx(0.0375)
    assert rates.usage_usd(usage, FLASH, tier="standard", best_case=True) == pytest.approx(0.075)
    assert rates.usage_usd(usage, LITE, best_case=True) == pytest.approx(0.03)


def test_more_cached_than_prompt_tokens_never_make_a_negative_price() -> None:
    assert rates.usage_usd(Usage(100, 5_000), FLASH) == rates.usage_usd(Usage(100, 100), FLASH)
    assert rates.usage_usd(Usage(100, -5), FLASH) == rates.usage_usd(Usage(100), FLASH)


@pytest.mark.parametrize("missing", ["input_batch", "cached", "output_batch"])
def test_an_unknown_price_makes_the_sum_unknown_only_if_it_is_needed(missing: str) -> None:
    usage = Usage(100, 50, 10)
    unneeded = {"input_batch": Usage(50, 50, 10), "cached": Usage(100, 0, 10), "output_batch": Usage(100, 50)}[missing]
    tariff = replace(FLASH, **{missing: None})
    assert rates.usage_usd(usage, tariff) is None
    assert rates.usage_usd(unneeded, tariff) is not None


def test_a_cache_costs_a_standard_pass_and_its_storage() -> None:
    # 100,000 tokens for 3 h: 100,000 × 0.75 + 300,000 × 0.50 = 75,000 + 150,000 millionths
    assert rates.cache_usd(100_000, 3, FLASH) == pytest.approx(0.225)
    # 52 h unattended: 75,000 + 5,200,000 × 0.5
    assert rates.cache_usd(100_000, 52, FLASH) == pytest.approx(2.675)
    # 300,000 tokens are beyond the switch: 300,000 × 2.5 + 300,000 × 4.5
    assert rates.cache_usd(300_000, 1, PRO) == pytest.approx(2.1)
    assert rates.storage_usd(100_000, 1, FLASH) == pytest.approx(0.05)
    assert rates.cache_usd(0, 5, FLASH) == 0


def test_a_cache_whose_storage_price_is_unknown_has_no_price() -> None:
    assert rates.cache_usd(5_000, 1, LITE) is None
    assert rates.storage_usd(5_000, 1, LITE) is None
    assert rates.cache_usd(5_000, 0, LITE) == pytest.approx(0.0015)


def test_the_break_even_of_a_cache_held_an_hour_is_five_requests_on_current_flash() -> None:
    """Derived independently from the price list: creation and an hour of storage against 0.30 saved per token."""
    prefix = 50_000
    for rows, pays in ((4, False), (5, True)):
        plain, cached = RunUsage(rows, Usage(prefix * rows)), RunUsage(rows, Usage(prefix * rows, prefix * rows))
        assert (rates.run_usd(cached, FLASH) + rates.cache_usd(prefix, 1, FLASH) < rates.run_usd(plain, FLASH)) is pays


def test_a_run_costs_what_its_requests_cost_although_each_switches_tier_by_itself() -> None:
    short = [Usage(150_000, 0, 10)] * 3 + [Usage(200_000)]
    long = [Usage(250_000, 200_000, 20, 30)] * 2 + [Usage(200_001)]
    run = RunUsage(7, sum(short, Usage()), sum(long, Usage()))
    each = [rates.usage_usd(usage, PRO) or 0 for usage in (*short, *long)]
    assert run.total.cached == 400_000
    assert rates.run_usd(run, PRO) == pytest.approx(sum(each), rel=1e-12)


def test_savings_are_told_apart() -> None:
    # 10 rows of 10,000 prompt, 9,000 cached, 100 out; the cache costs 0.01 USD
    run = RunUsage(10, Usage(100_000, 90_000, 1_000))
    saved = rates.saving(run, FLASH, 0.01)
    # paid: 10,000 × .375 + 90,000 × .075 + 1,000 × 1.875 = 3,750 + 6,750 + 1,875 = 12,375 millionths, and the cache
    assert saved.paid == pytest.approx(0.022375)
    # in a batch without a cache: 100,000 × .375 + 1,875 = 39,375;  at standard price: 75,000 + 3,750 = 78,750
    assert (saved.uncached, saved.standard) == (pytest.approx(0.039375), pytest.approx(0.07875))
    assert (saved.saved_by_caching, saved.saved_by_batching) == (pytest.approx(0.017), pytest.approx(0.039375))
    assert rates.saving(run, FLASH, None).saved_by_caching is None


def test_the_formula_is_shown_with_its_numbers() -> None:
    assert (
        rates.explain_cost(Usage(1_500, 500, 30, 20), FLASH)
        == "1,000 fresh × 0.375 + 500 cached × 0.075 + 50 output × 1.875 per million = $0.00051"
    )
    assert rates.explain_cost(Usage(10), replace(FLASH, input_batch=None)) == "10 fresh × ? per million = not known"
    assert rates.explain_cost(Usage(), FLASH) == "no tokens per million = $0.00"


counts = st.integers(0, 400_000)
priced = st.sampled_from(
    [t for name in CATALOG.available_models(TODAY) if (t := CATALOG.tariff(name, TODAY)) and t.cached]
)
usages = st.builds(
    lambda fresh, cached, out, thoughts, tool: Usage(fresh + cached, cached, out, thoughts, tool), *[counts] * 5
)
tiers = st.sampled_from(["batch", "standard"])


@given(usages, usages, priced, tiers)
def test_cost_never_falls_when_any_kind_of_token_is_added(
    usage: Usage, more: Usage, tariff: Tariff, tier: rates.Tier
) -> None:
    """Added tokens come fresh or cached on top (`prompt` grows with `cached`), never by turning fresh into cached."""
    for added in (
        Usage(more.prompt), Usage(more.cached, more.cached), Usage(0, 0, more.candidates),
        Usage(0, 0, 0, more.thoughts), Usage(0, 0, 0, 0, more.tool_prompt), more,
    ):  # fmt: skip
        before, after = rates.usage_usd(usage, tariff, tier=tier), rates.usage_usd(usage + added, tariff, tier=tier)
        assert before is not None and after is not None
        assert after >= before - 1e-12


@given(usages, priced, tiers)
def test_caching_a_token_never_makes_its_request_dearer(usage: Usage, tariff: Tariff, tier: rates.Tier) -> None:
    plain = rates.usage_usd(replace(usage, cached=0), tariff, tier=tier)
    cached = rates.usage_usd(usage, tariff, tier=tier)
    best = rates.usage_usd(usage, tariff, tier=tier, best_case=True)
    assert plain is not None and cached is not None and best is not None
    assert best <= cached + 1e-12 and cached <= plain + 1e-12


@given(st.lists(usages, max_size=8), priced, tiers)
def test_a_run_is_the_sum_of_its_requests(rows: list[Usage], tariff: Tariff, tier: rates.Tier) -> None:
    taken = [replace(usage, cached=min(usage.cached, usage.prompt)) for usage in rows]
    short, long = (
        sum((usage for usage in taken if rates.is_long(usage.prompt, tariff) is beyond), Usage())
        for beyond in (False, True)
    )
    whole = rates.run_usd(RunUsage(len(rows), short, long), tariff, tier=tier)
    assert whole == pytest.approx(sum(rates.usage_usd(u, tariff, tier=tier) or 0 for u in rows), rel=1e-9, abs=1e-12)


@given(counts, st.floats(0, 100), st.floats(0, 100), priced)
def test_a_cache_never_gets_cheaper_by_living_longer(tokens: int, hours: float, more: float, tariff: Tariff) -> None:
    shorter, longer = rates.cache_usd(tokens, hours, tariff), rates.cache_usd(tokens, hours + more, tariff)
    if shorter is None or longer is None:
        assert tariff.storage is None
    else:
        assert longer >= shorter


def test_a_long_tier_without_a_storage_price_keeps_the_base_one() -> None:
    """As the planner does: a CATALOG_FILE need not repeat it."""
    long = Tariff(4.0, 2.0, 18.0, 9.0, 0.4, None, None)
    tariff = Tariff(2.0, 1.0, 12.0, 6.0, 0.2, None, 4.5, long_context_threshold=200_000, long=long)
    assert rates.storage_usd(1_000_000, 2, tariff) == 9.0


def test_sound_of_unknown_price_and_searches_of_unknown_fee_are_never_free() -> None:
    cached_sound = Usage(100, 60, audio=100, cached_audio=60)
    assert rates.usage_usd(cached_sound, replace(AUDIO, audio_cached=None)) is None
    searched, untold = Usage(10, search_queries=2, grounded_prompts=1), replace(FLASH, search_query=None)
    assert rates.usage_usd(searched, untold) == pytest.approx(10 * 0.375e-6)
    assert rates.excludes_search(searched, untold)
    assert not rates.excludes_search(Usage(10), untold)
    assert not rates.excludes_search(searched, FLASH)


def test_a_bill_names_what_is_not_text() -> None:
    assert rates.explain_cost(Usage(1_000, 0, 52, audio=900), AUDIO) == (
        "100 fresh × 0.15 + 900 fresh of sound × 0.5 + 52 output × 1.25 per million = $0.00053"
    )
    searched = Usage(10, 0, 5, search_queries=2, grounded_prompts=1)
    assert rates.explain_cost(searched, FLASH) == (
        "10 fresh × 0.375 + 5 output × 1.875 per million + 2 searches × 14 per 1,000 = $0.028"
    )
    assert "search fees, not included" in rates.explain_cost(searched, replace(FLASH, search_query=None))


@pytest.mark.parametrize("tariff", [FLASH, PRO, AUDIO, PICTURE])
def test_a_run_of_every_kind_costs_the_sum_of_its_requests(tariff: Tariff) -> None:
    rows = [
        Usage(900, 500, 7, audio=800, cached_audio=450),
        Usage(9, 0, 1_466, 337, image=1_120),
        Usage(10, 0, 5, unitemised=50, search_queries=3, grounded_prompts=1),
        Usage(200_001, 0, 1, search_queries=1, grounded_prompts=1),
    ]
    priced = [rates.usage_usd(usage, replace(tariff, cached=0.01)) for usage in rows]
    parts = [RunUsage(1, long=one) if rates.is_long(one.prompt, tariff) else RunUsage(1, short=one) for one in rows]
    assert rates.run_usd(sum(parts, RunUsage()), replace(tariff, cached=0.01)) == pytest.approx(
        sum(usd for usd in priced if usd is not None)
    )
