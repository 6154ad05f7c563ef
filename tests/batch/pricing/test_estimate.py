"""The cost card: worked by hand, bounded, honest about what it does not know, and corrected by a canary."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.model import Tariff, Usage
from batch.pricing import catalog, estimate, workload
from batch.pricing.estimate import CostRange
from batch.pricing.rates import is_long
from batch.pricing.sampling import Interval
from batch.pricing.workload import CachePlan, OutputAssumption, TierTotals, Workload

approx: Any = pytest.approx  # stands for a number inside values that are compared

CATALOG = catalog.load()


NO_OUTPUT = OutputAssumption(0, 0, "None.", has_output=False)
PICTURES = OutputAssumption(1_290, 1_290, "A picture.", image_share=1.0, measured_high=1_290, measured_worst=1_500)


def of(name: str) -> Tariff:
    found = CATALOG.tariff(name, date(2026, 11, 23))
    assert found is not None
    return found


FLASH, PRO = of("gemini-3.8-flash"), of("gemini-2.5-pro")
GUESS = OutputAssumption(10, 100, "Output: a hundred.")


def hundred_rows(**changes: object) -> Workload:
    """100 rows of 1,000 prompt tokens ± 5 %, up to 500 out, 100 expected."""
    plain = Workload(TierTotals(100, 100_000, 0, 50_000), prompt=Interval(100_000, 5_000), output=GUESS)
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_the_card_is_what_a_hand_works_out() -> None:
    card = estimate.estimate_cost(hundred_rows(), FLASH)
    assert card.output == CostRange(1_000, 10_000, 30_000)
    # low 95,000 × .375 + 1,000 × 1.875; expected 100,000 × .375 + 10,000 × 1.875; worst 105,000 × .375 + 30,000 × 1.875
    assert card.usd == CostRange(approx(0.0375), approx(0.05625), approx(0.095625))
    assert card.uncached == card.usd
    assert card.standard == CostRange(approx(0.075), approx(0.1125), approx(0.19125))
    assert card.caches_usd == CostRange(0, 0, 0)
    assert card.prompt_usd == CostRange(approx(0.035625), approx(0.0375), approx(0.039375))
    # every answer at its limit: 105,000 × .375 + 50,000 × 1.875
    assert card.unbounded_usd == approx(0.133125)


def test_explicit_caches_are_in_the_price_and_beside_it_what_it_is_without_them() -> None:
    cached = hundred_rows(
        short=TierTotals(100, 100_000, 90_000, 50_000),
        prompt=Interval(100_000),
        caches=(CachePlan(900, 0.25, 4, 24, 48),),
    )
    card = estimate.estimate_cost(cached, FLASH)
    # cache: 900 × .75 to make, and 900 × .5 × hours: 675 + 112.5 | 1,800 | 10,800 | 21,600 millionths
    assert card.caches_usd == CostRange(approx(0.0007875), approx(0.002475), approx(0.011475))
    # at worst 10,000 × .375 + 90,000 × .075 + 30,000 × 1.875, without bounds 50,000 × 1.875
    assert card.usd.worst == approx(0.06675 + 0.011475)
    assert card.unbounded_usd == approx(0.10425 + 0.022275)
    # low at the printed cached rate: 10,000 × .375 + 90,000 × .0375 + 1,000 × 1.875 = 3,750 + 3,375 + 1,875
    assert card.usd.low == approx(0.009 + 0.0007875)
    # expected at the standard cached rate: 3,750 + 90,000 × .075 + 18,750 = 29,250
    assert card.usd.expected == approx(0.02925 + 0.002475)
    assert card.uncached.expected == approx(0.05625)
    assert card.standard.expected == approx(0.1125)
    assert any("1 with 900 tokens, held for 4 hours (24 at worst)" in said for said in card.assumptions)


def test_rows_beyond_the_long_context_switch_are_priced_by_it() -> None:
    mixed = Workload(
        TierTotals(1, 200_000, 0, 1_000),
        TierTotals(1, 200_001, 0, 1_000),
        Interval(400_001),
        OutputAssumption(0, 1_000, ""),
    )
    # 200,000 × .625 + 1,000 × 5 + 200,001 × 1.25 + 1,000 × 7.5 = 125,000 + 5,000 + 250,001.25 + 7,500
    assert estimate.estimate_cost(mixed, PRO).usd.expected == approx(0.38750125)


def test_a_guess_of_output_never_exceeds_the_rows_limits() -> None:
    small = replace(hundred_rows(), short=TierTotals(100, 100_000, 0, 2_000))
    assert estimate.estimate_cost(small, FLASH).output == CostRange(1_000, 2_000, 2_000)


def test_an_unknown_limit_of_output_leaves_only_the_cost_at_the_limit_unknown() -> None:
    card = estimate.estimate_cost(replace(hundred_rows(), short=TierTotals(100, 100_000, 0, None)), FLASH)
    assert card.unbounded_usd is None and card.usd.worst == approx(0.095625)


def test_without_a_price_every_figure_is_unknown_and_none_is_zero() -> None:
    card = estimate.estimate_cost(hundred_rows(), None)
    nothing = CostRange(None, None, None)
    assert (card.usd, card.uncached, card.standard, card.caches_usd) == (nothing,) * 4
    assert card.prompt.total == 100_000
    assert card.assumptions[0] == "The price of this model is unknown."


def test_an_unknown_storage_price_makes_only_the_cached_figures_unknown() -> None:
    card = estimate.estimate_cost(hundred_rows(caches=(CachePlan(900, 1, 2, 3, 4),)), of("gemini-3.5-flash-lite"))
    assert card.usd == card.caches_usd == CostRange(None, None, None)
    assert card.uncached.expected is not None


def test_embeddings_need_no_output_price() -> None:
    embedded = hundred_rows(short=TierTotals(100, 100_000, 0, None), output=NO_OUTPUT)
    # 100,000 × .1 ± 5 %
    assert estimate.estimate_cost(embedded, of("gemini-embedding-2")).usd == CostRange(
        approx(0.0095), approx(0.01), approx(0.0105)
    )


def test_what_is_assumed_is_said() -> None:
    said = " ".join(estimate.estimate_cost(hundred_rows(media=16, unknown_size=2), FLASH).assumptions)
    for words in (
        "in 0.375, out 1.875, cached 0.075",
        "none were counted",
        "Output: a hundred.",
        "No implicit cache hits are counted on",
        "16 requests hold media",
        "2 requests hold files whose tokens cannot be told",
        "counted as nothing, at worst unknown",
    ):
        assert words in said


def test_files_of_unknown_size_count_as_nothing_and_at_worst_as_all_that_a_request_may_hold() -> None:
    plain, open_ = (
        estimate.estimate_cost(hundred_rows(unknown_size=rows, unknown_tokens=1_000_000), FLASH) for rows in (0, 2)
    )
    assert (plain.at_least, open_.at_least) == (False, True) and open_.usd.expected == plain.usd.expected
    assert open_.usd.worst == approx((plain.usd.worst or 0) + 2 * 0.375)
    assert open_.assumptions[-1].endswith("at worst as 1,000,000 tokens each.")


class TestBudget:
    """A cap in USD."""

    def test_files_of_unknown_size_leave_no_worst_case_where_the_models_limit_is_unknown(self) -> None:
        refusal = estimate.over_budget(estimate.estimate_cost(hundred_rows(unknown_size=1), FLASH), 1_000.0)
        assert refusal is not None and str(refusal).startswith("1 request holds files whose tokens cannot be told")

    def test_that_the_expected_cost_fits_lets_the_run_start(self) -> None:
        card = estimate.estimate_cost(hundred_rows(), FLASH)
        assert card.usd.expected is not None and card.usd.worst is not None
        assert estimate.over_budget(card, card.usd.expected) is None

    def test_that_a_bad_case_exceeds_is_a_warning(self) -> None:
        card = estimate.estimate_cost(hundred_rows(), FLASH)
        assert estimate.budget_warning(card, 0.06) == (
            "It may come to $0.096. Sending stops at $0.060, and the rest can be sent later."
        )
        assert estimate.budget_warning(card, 0.10) == estimate.budget_warning(card, None) == ""

    def test_that_it_exceeds_stops_it_and_never_asks_for_shorter_answers(self) -> None:
        refused = estimate.over_budget(estimate.estimate_cost(hundred_rows(), FLASH), 0.05)
        assert refused is not None
        assert str(refused) == "About $0.056 is expected; the budget is $0.050."
        assert "tokens" not in refused.remedy

    def test_cannot_be_kept_where_the_price_is_unknown(self) -> None:
        refused = estimate.over_budget(estimate.estimate_cost(hundred_rows(), None), 1_000)
        assert refused is not None and "not known" in str(refused)


class TestCanary:
    """A few rows that were tried."""

    def test_rows_are_spread_over_the_whole_input(self) -> None:
        assert workload.canary_rows(100, 4) == [12, 37, 62, 87]
        assert workload.canary_rows(3, 10) == [0, 1, 2]
        assert workload.canary_rows(0, 3) == workload.canary_rows(5, 0) == []

    def test_output_is_what_was_seen_and_a_bad_case_is_some_way_beyond_it(self) -> None:
        seen = [Usage(1_000, 0, 150, 50), Usage(1_000, 0, 250, 50), Usage(1_000, 0, 350, 50)]
        card = estimate.estimate_cost(workload.apply_canary(hundred_rows(), seen), FLASH)
        # mean 300; half width 4.303 × 100 / √3 = 248.4; at worst one and a half times that, but never above the limits
        assert card.output == CostRange(approx(5_156, rel=0.001), 30_000, 50_000)
        roomy = replace(hundred_rows(), short=TierTotals(100, 100_000, 0, 6_000_000))
        card = estimate.estimate_cost(workload.apply_canary(roomy, seen), FLASH)
        assert card.output.worst == approx(30_000 + 1.5 * 24_840, rel=0.001)
        assert any("300 tokens a row, as in the canary's 3 rows" in said for said in card.assumptions)

    def test_prompts_are_corrected_in_proportion_if_that_is_surer(self) -> None:
        seen = [Usage(1_200, 0, 1)] * 5
        corrected = workload.apply_canary(hundred_rows(), seen, [1_000] * 5)
        assert corrected.prompt == Interval(approx(120_000), 0)
        assert estimate.estimate_cost(corrected, FLASH).usd.expected == approx((120_000 * 0.375 + 100 * 1.875) / 1e6)
        counted = hundred_rows(prompt=Interval(100_000, 10))
        wild = [Usage(500, 0, 1), Usage(1_500, 0, 1), Usage(1_000, 0, 1)]
        assert workload.apply_canary(counted, wild, [1_000] * 3).prompt == counted.prompt

    def test_a_cache_that_nobody_read_is_no_longer_counted_on_but_still_paid(self) -> None:
        cached = hundred_rows(short=TierTotals(100, 100_000, 90_000, 50_000), caches=(CachePlan(900, 1, 1, 1, 1),))
        corrected = workload.apply_canary(cached, [Usage(1_000, 0, 100)] * 3)
        card = estimate.estimate_cost(corrected, FLASH)
        assert (card.cached, card.caches_usd.expected) == (0, approx(0.001125))
        assert any("read nothing from the cache" in said for said in card.assumptions)
        assert workload.apply_canary(cached, [Usage(1_000, 900, 100)] * 3).cached == 90_000

    def test_without_rows_changes_nothing(self) -> None:
        assert workload.apply_canary(hundred_rows(), []) == hundred_rows()


def test_the_guess_before_anything_is_known_hangs_on_the_kind_of_model() -> None:
    assert workload.assumed_output().expected == 1_200
    assert workload.assumed_output(thinking=False).expected == 400


rows = st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 300_000), st.integers(1, 70_000)), max_size=6)


@given(rows, st.sampled_from([FLASH, PRO]), st.floats(0, 0.5), st.floats(0, 3), st.floats(0, 50))
def test_low_never_exceeds_expected_nor_expected_the_worst(
    sizes: list[tuple[int, int, int]], tariff: Tariff, margin: float, hours: float, more: float
) -> None:
    short, long = (
        TierTotals(len(rows), sum(f + c for f, c, _ in rows), sum(c for _, c, _ in rows), sum(cap for *_, cap in rows))
        for rows in ([row for row in sizes if beyond is is_long(row[0] + row[1], tariff)] for beyond in (False, True))
    )
    total = short.prompt + long.prompt
    caches = (CachePlan(5_000, hours, hours, hours + more, hours + 2 * more),)
    work = Workload(short, long, Interval(total, total * margin), caches=caches)
    card = estimate.estimate_cost(work, tariff)
    assert card.unbounded_usd is not None and card.usd.worst is not None
    assert card.usd.worst <= card.unbounded_usd + 1e-12
    for figures in (card.usd, card.uncached, card.standard, card.output, card.caches_usd):
        assert figures.low is not None and figures.expected is not None and figures.worst is not None
        assert figures.low <= figures.expected + 1e-12 and figures.expected <= figures.worst + 1e-12


class TestKinds:
    """What is not one answer of text for text: several answers, sound, pictures, searches."""

    def test_every_answer_that_is_asked_for_is_in_each_case(self) -> None:
        four = replace(hundred_rows(), short=TierTotals(100, 100_000, 0, 4 * 50_000, extra_answers=300))
        one, cards = estimate.estimate_cost(hundred_rows(), FLASH), estimate.estimate_cost(four, FLASH)
        for case in ("low", "expected", "worst"):
            assert getattr(cards.output, case) == pytest.approx(4 * getattr(one.output, case))

    def test_a_canarys_rows_hold_all_their_answers(self) -> None:
        four = replace(hundred_rows(), short=TierTotals(100, 100_000, 0, 4 * 50_000, extra_answers=300))
        corrected = workload.apply_canary(four, [Usage(1_000, 0, 400)] * 5)
        assert estimate.estimate_cost(corrected, FLASH).output.expected == pytest.approx(100 * 400)

    def test_sound_is_at_its_own_rate(self) -> None:
        at = CATALOG.tariff("gemini-2.5-flash", date(2026, 11, 28))
        heard = Workload(
            TierTotals(1, 1_000, 0, 0, audio=800), prompt=Interval(1_000), output=OutputAssumption(0, 0, "")
        )
        # 200 × 0.15 + 800 × 0.5; at standard price 200 × 0.3 + 800 × 1
        card = estimate.estimate_cost(heard, at)
        assert card.usd.expected == pytest.approx(430e-6)
        assert card.standard.expected == pytest.approx(860e-6)
        assert "sound in 0.5" in card.assumptions[0]
        # 700 of 1,000 cached: 300 of the sound are fresh, and 500 cached: 300 × 0.5 + 200 × 0.03 + 500 × 0.1
        cached = replace(heard, short=replace(heard.short, cached=700))
        assert estimate.estimate_cost(cached, at).usd.expected == pytest.approx(206e-6)

    def test_pictures_are_at_their_own_rate_and_a_canary_tells_their_share(self) -> None:
        at = CATALOG.tariff("gemini-3.1-flash-image", date(2026, 11, 28))
        drawn = Workload(TierTotals(10, 0, 0, 20_000), output=PICTURES)
        assert estimate.estimate_cost(drawn, at).usd.expected == pytest.approx(10 * 1_290 * 30e-6)
        seen = workload.apply_canary(drawn, [Usage(0, 0, 1_466, 334, image=1_120)] * 3)
        card = estimate.estimate_cost(seen, at)
        assert card.usd.expected == pytest.approx(10 * (1_120 * 30 + 680 * 1.5) * 1e-6)
        assert card.unbounded_usd == pytest.approx(20_000 * 30e-6)
        # Text may run on, but no more pictures come than expected.
        assert estimate.estimate_cost(drawn, at).usd.worst == pytest.approx(10 * (1_290 * 30 + 210 * 1.5) * 1e-6)

    def test_searches_at_a_fee_each_have_no_bound_but_a_bad_case(self) -> None:
        searching = replace(hundred_rows(), searching=40, searches=40.0)
        card, plain = estimate.estimate_cost(searching, FLASH), estimate.estimate_cost(hundred_rows(), FLASH)
        assert card.at_least and not plain.at_least
        assert (card.usd.low, card.unbounded_usd) == (plain.usd.low, None)
        assert plain.usd.expected is not None and plain.usd.worst is not None
        assert card.usd.worst == pytest.approx(plain.usd.worst + 3 * 40 * 0.014)
        assert estimate.over_budget(card, 1e9) is None
        assert card.usd.expected == pytest.approx(plain.usd.expected + 40 * 0.014)
        seen = workload.apply_canary(searching, [Usage(1_000, 0, 100, search_queries=3, grounded_prompts=1)] * 5)
        again = estimate.estimate_cost(seen, FLASH)
        assert again.usd.expected == pytest.approx(plain.usd.expected + 300 * 0.014)

    def test_searches_at_a_fee_a_prompt_are_bounded(self) -> None:
        at = CATALOG.tariff("gemini-2.5-flash", date(2026, 11, 28))
        plain = estimate.estimate_cost(hundred_rows(), at)
        card = estimate.estimate_cost(replace(hundred_rows(), searching=40, searches=40.0), at)
        assert plain.usd.worst is not None
        assert (card.at_least, card.usd.worst) == (False, pytest.approx(plain.usd.worst + 40 * 0.035))

    def test_searches_of_unknown_fee_are_not_included_and_it_says_so(self) -> None:
        card = estimate.estimate_cost(
            replace(hundred_rows(), searching=40, searches=40.0), replace(FLASH, search_query=None)
        )
        assert card.at_least
        over = estimate.over_budget(card, 1e9)
        assert over is not None and "search" in str(over)
        assert card.usd.expected == estimate.estimate_cost(hundred_rows(), FLASH).usd.expected
        assert any("search fees are not included" in line for line in card.assumptions)
