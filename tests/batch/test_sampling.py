"""A few counts correct many estimates, and the stated interval holds."""

from __future__ import annotations

import random
from collections.abc import Hashable

import pytest

from batch import sampling
from batch.sampling import Interval, SamplePlan

BIAS = {"system": 1.3, "user/last": 0.9, "user/mid": 1.0}


def offered(texts: int, seed: int, size: int = 100) -> tuple[SamplePlan, dict[Hashable, int]]:
    """A plan over texts whose true counts differ from their estimates by slot and at random (CV 15 %)."""
    rng = random.Random(seed)
    plan, truth = SamplePlan(size), {}
    for number in range(texts):
        slot = rng.choice(sorted(BIAS))
        guess = 1 + int(rng.lognormvariate(5, 1.1))
        truth[seed, number] = max(1, round(guess * BIAS[slot] * max(0.3, rng.gauss(1, 0.15))))
        plan.offer((seed, number), slot, guess)
    return plan, truth


def estimated(plan: SamplePlan, truth: dict[Hashable, int]) -> Interval:
    return sampling.combine(plan, {pick.ident: truth[pick.ident] for pick in plan.picks()})


def test_the_95_percent_interval_covers_the_truth_about_that_often_and_is_narrow() -> None:
    covered, widths = 0, []
    for seed in range(120):
        plan, truth = offered(1500, seed)
        total = sum(truth.values())
        interval = estimated(plan, truth)
        covered += interval.low <= total <= interval.high
        widths.append(interval.half_width / total)
    assert covered >= 0.9 * 120
    assert sum(widths) / len(widths) < 0.06


def test_never_more_than_size_are_counted_and_none_twice() -> None:
    for size in (1, 7, 100):
        plan, _ = offered(3000, 1, size)
        idents = [pick.ident for pick in plan.picks()]
        assert len(set(idents)) == len(idents) <= max(2, size)
        assert len(idents) >= size // 2


def test_few_texts_are_all_counted_and_the_total_is_exact() -> None:
    plan, truth = offered(40, 3)
    assert estimated(plan, truth) == Interval(float(sum(truth.values())), 0.0)


def test_the_choice_does_not_hang_on_the_order() -> None:
    texts = [(n, "user/last", 5 + n % 900) for n in range(2000)]
    forwards, backwards = SamplePlan(50), SamplePlan(50)
    for text in texts:
        forwards.offer(*text)
    for text in reversed(texts):
        backwards.offer(*text)
    assert forwards.picks() and sorted(forwards.picks()) == sorted(backwards.picks())


def test_slots_are_corrected_each_by_its_own_ratio() -> None:
    plan, truth = SamplePlan(60), {}
    for n in range(1000):
        for slot, factor in (("system", 2), ("user/last", 1)):
            plan.offer((slot, n), slot, 100 + n % 20)
            truth[slot, n] = (100 + n % 20) * factor
    assert estimated(plan, truth).total == pytest.approx(sum(truth.values()), rel=1e-9)
    assert estimated(plan, truth).half_width == pytest.approx(0, abs=1e-6)


def test_without_counts_the_interval_says_how_little_is_known() -> None:
    plan, truth = offered(500, 4)
    assert sampling.combine(plan, {}) == sampling.uncounted(plan.estimated)
    some = {pick.ident: truth[pick.ident] for pick in plan.picks()[:3]}
    few = sampling.combine(plan, some)
    assert few.half_width == pytest.approx(few.total * sampling.UNCOUNTED_MARGIN)


def test_lost_counts_widen_the_interval_and_do_not_bias_it() -> None:
    plan, truth = offered(2000, 5)
    all_counts = {pick.ident: truth[pick.ident] for pick in plan.picks()}
    half = dict(list(all_counts.items())[::2])
    assert sampling.combine(plan, half).half_width > sampling.combine(plan, all_counts).half_width
    assert sampling.combine(plan, half).total == pytest.approx(sum(truth.values()), rel=0.1)


def test_no_texts_have_no_tokens() -> None:
    assert sampling.combine(SamplePlan(), {}) == Interval(0, 0)


def test_the_reservoir_stays_small_however_many_texts_are_offered() -> None:
    plan = SamplePlan(20)
    for n in range(20_000):
        plan.offer(n, "user/last", n % 1000)
    assert sum(len(group.reservoir) for group in plan._groups.values()) <= 20 * len(plan.strata())


def test_intervals_add_as_independent_totals_and_scale() -> None:
    assert Interval(100, 3) + Interval(50, 4) == Interval(150, 5)
    assert Interval(100, 3).scaled(2) == Interval(200, 6)
    assert (Interval(100, 3).low, Interval(100, 3).high, Interval(1, 5).low) == (97, 103, 0)


@pytest.mark.parametrize(
    ("freedom", "table"), [(1, 12.706), (7, 2.365), (8, 2.306), (10, 2.228), (30, 2.042), (100, 1.984)]
)
def test_the_factor_of_the_interval_is_students(freedom: int, table: float) -> None:
    assert sampling._t(freedom) == pytest.approx(table, abs=0.01)


def test_a_canary_corrects_an_estimate_in_proportion_and_says_how_surely() -> None:
    exact = sampling.by_ratio([110, 220, 330], [100, 200, 300], 10_000)
    assert exact == Interval(pytest.approx(11_000), pytest.approx(0, abs=1e-6))
    # ratio 1; residuals 10, -10, 0: variance 100; error sqrt(100/3)/100; t(2) = 4.303
    rough = sampling.by_ratio([110, 90, 100], [100, 100, 100], 1_000)
    assert rough == Interval(pytest.approx(1_000), pytest.approx(4.303 * (100 / 3) ** 0.5 * 10))


@pytest.mark.parametrize(
    ("observed", "predicted"), [([], []), ([1, 2], [1, 2]), ([1, 2, 3], [1, 2]), ([0] * 3, [0] * 3)]
)
def test_too_few_rows_correct_nothing(observed: list[int], predicted: list[int]) -> None:
    assert sampling.by_ratio(observed, predicted, 100) is None


def test_the_mean_of_a_few_values_is_as_sure_as_they_agree() -> None:
    # mean 20, standard deviation 10, t(2) = 4.303
    assert sampling.mean([10, 20, 30]) == Interval(20, pytest.approx(4.303 * 10 / 3**0.5))
    assert sampling.mean([50]) == Interval(50, 50)
    assert sampling.mean([7, 7]) == Interval(7, 0)
