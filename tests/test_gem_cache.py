"""The planner against its definition: exact on small batches, and the promises that hold on all."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.errors import InputError, NotFound
from batch.model import ContextMode, Tariff
from batch.planning import groups
from batch.planning.cost_model import PlanOptions
from batch.prefixes import text_cuts
from gem_cache import CachingChoice, Plan, find_prefixes, plan_batches, plan_survey
from tests.planner_reference import (
    Json,
    PlannerCase,
    Prefix,
    canonical_body,
    is_close,
    lines,
    random_batch,
    random_json_dump,
    random_tariff,
    tokens_of_part,
)

FLASH = Tariff(  # Gemini 2.5 Flash
    input_standard=0.30,
    input_batch=0.15,
    output_standard=2.50,
    output_batch=1.25,
    cached=0.03,
    cached_best=None,
    storage=1.00,
    explicit_minimum=1024,
    implicit_minimum=2048,
)
PRO = replace(  # the shape of Gemini 2.5 Pro
    FLASH,
    input_standard=1.25,
    input_batch=0.625,
    cached=0.125,
    storage=4.5,
    long_context_threshold=200_000,
    long=replace(FLASH, input_standard=2.5, input_batch=1.25, cached=0.25, storage=4.5),
)


def text(size: int, letter: str = "x") -> Json:
    """A part of so many of the tests' tokens."""
    return {"text": letter * (size - 2)}


def ask(*parts: Json, **rest: object) -> Json:
    return {"contents": [{"role": "user", "parts": list(parts)}], **rest}


def questions(size: int, count: int, letter: str = "x") -> list[Json]:
    """One document of that size and so many questions."""
    return [ask(text(size, letter), {"text": f"What of {n}?"}) for n in range(count)]


def plan_of(requests: list[Json], tariff: Tariff = FLASH, **how: object) -> Plan:
    data = lines(requests)
    how = {"hours": 1.0, "tokens": tokens_of_part, **how}
    return plan_batches(lambda: data, tariff, **how)  # type: ignore[arg-type]  # keywords of the tests


def chosen(plan: Plan) -> float:
    usd = plan.totals.usd.chosen
    assert usd is not None
    return usd


def random_case(seed: int, split: str | None = None, with_tools: bool = False) -> tuple[PlannerCase, list[bytes]]:
    random = Random(seed)
    requests, tariff = random_batch(random, with_tools=with_tools), random_tariff(random)
    hours, rate = random.choice([0.0, 0.25, 1.0, 4.0]), random.choice([0.0, 0.0, 0.1, 0.3, 0.8])
    fixed = random.choice([0.0, 0.0, 0.001, 0.01])
    case = PlannerCase(requests, tariff, hours, rate, fixed, split or random.choice(["turn", "part", "text"]))
    return case, lines(requests, random_json_dump(random) if random.random() < 0.5 else json.dumps)


def plan_case(case: PlannerCase, data: list[bytes], mode: ContextMode = ContextMode.AUTO) -> Plan:
    survey = find_prefixes(lambda: data, case.split, tokens_of_part, min_tokens=0.0)
    return plan_survey(survey, case.tariff, PlanOptions(case.hours, case.implicit_rate, False, case.fixed), mode)


def caches_of(plan: Plan, case: PlannerCase) -> list[Prefix]:
    """The plan's caches as prefixes of the definition, found by what they hold."""
    by_content = {prefix.content: prefix for prefix in case.cacheable}
    found = plan.contents([group.id for group in plan.groups if group.choice == CachingChoice.EXPLICIT])
    return [by_content[canonical_body(json.loads(body))] for _, body in found]


def check(case: PlannerCase, data: list[bytes]) -> None:
    """The plan costs what the definition says of its caches, and that is the least there is."""
    plan = plan_case(case, data)
    usd = plan.totals.usd
    few = len(case.cacheable) <= 6
    least = case.brute_force() if few else case.integer_programme()
    assert usd.uncached == pytest.approx(case.cost_without_caches, rel=1e-9)
    assert usd.implicit == pytest.approx(case.cost([]), rel=1e-9)
    assert usd.chosen == pytest.approx(case.cost(caches_of(plan, case)), rel=1e-9)
    assert usd.chosen == pytest.approx(least, rel=1e-9 if few else 1e-7)


@pytest.mark.parametrize("block", range(6))
def test_no_set_of_caches_costs_less_than_the_plan(block: int) -> None:
    """Random batches of every split, with tiers, implicit hits, fixed sums, odd spellings, nested and equal rows."""
    for seed in range(block * 40, block * 40 + 40):
        check(*random_case(seed))


@pytest.mark.parametrize("block", range(4))
def test_cuts_inside_texts_are_all_found_wherever_the_fixed_places_fall(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With places every few bytes, rows leave the shared way before, at and after them."""
    grid = [4 + block]
    while grid[-1] < 5_000:
        grid.append(grid[-1] * 6 // 5 + 1)
    monkeypatch.setattr(text_cuts, "GRID", grid)
    for seed in range(block * 25, block * 25 + 25):
        check(*random_case(seed, "text"))


@pytest.mark.parametrize("block", range(3))
def test_with_tool_exchanges_no_allowed_set_of_caches_costs_less(block: int) -> None:
    """Random histories of calls and responses, where caches may end only outside an exchange."""
    for seed in range(block * 40, block * 40 + 40):
        check(*random_case(seed, with_tools=True))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(["turn", "part", "text"]))
def test_no_cache_ends_within_a_tool_exchange(seed: int, split: str) -> None:
    """Nothing that any mode caches, and no row that is rewritten, leaves responses without their call."""
    case, data = random_case(seed, split, with_tools=True)
    survey = find_prefixes(lambda: BytesIO(b"".join(data)), split, tokens_of_part, min_tokens=0.0)
    for mode in (ContextMode.AUTO, ContextMode.EXPLICIT):
        plan = plan_survey(survey, case.tariff, PlanOptions(case.hours), mode)
        for _, body in plan.contents([group.id for group in plan.caches]):
            assert not has_part(json.loads(body).get("contents", [])[-1:], "functionCall")
        out = BytesIO()
        assert plan.write(out).mismatched == []
        for line in out.getvalue().splitlines():
            request = json.loads(line)["request"]
            assert "cachedContent" not in request or not has_part(request["contents"][:1], "functionResponse")


def has_part(turns: list[Json], field: str) -> bool:
    return any(field in part for turn in turns for part in turn["parts"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_no_plan_is_dearer_than_none(seed: int) -> None:
    """Never above the better of plain and implicit, and no mode above what it forces."""
    case, data = random_case(seed)
    plan = plan_case(case, data)
    usd = plan.totals.usd
    assert usd.uncached is not None and usd.implicit is not None
    assert chosen(plan) <= min(usd.uncached, usd.implicit) + 1e-12
    for mode in ContextMode:
        assert chosen(plan.replan(mode=mode)) >= chosen(plan) - 1e-12


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_time_only_costs(seed: int) -> None:
    """The longer caches must live, the dearer the best plan, and any plan that has caches."""
    case, data = random_case(seed)
    plan = plan_case(case, data)
    curve = plan.curve([0.0, 0.25, 1.0, 4.0, 24.0, 48.0])
    for here, later in pairwise(curve):
        assert (here.chosen or 0) <= (later.chosen or 0) + 1e-12
        assert (here.optimum or 0) <= (later.optimum or 0) + 1e-12
    assert all((point.chosen or 0) >= (point.optimum or 0) - 1e-12 for point in curve)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(500, 5_000), st.floats(0.1, 30.0))
def test_more_requests_never_make_caching_worse(count: int, size: int, hours: float) -> None:
    """What caching saves grows with the group, and so does its break-even."""
    smaller, larger = (plan_of(questions(size, n), hours=hours) for n in (count, count + 1))
    saved = [(plan.totals.usd.uncached or 0) - chosen(plan) for plan in (smaller, larger)]
    assert saved[1] >= saved[0] - 1e-12
    if smaller.groups and smaller.groups[0].break_even_hours is not None:
        assert (larger.groups[0].break_even_hours or 0) >= smaller.groups[0].break_even_hours


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_a_groups_prices_are_what_its_choice_does_to_the_total(seed: int) -> None:
    """With every other choice held, the total changes by the difference of two of the group's prices."""
    case, data = random_case(seed)
    plan = plan_case(replace(case, implicit_rate=0.0), data)
    others = {f"{ident:016x}": CachingChoice.NONE for ident in plan.survey.forest.ids.tolist()}
    held = {**others, **{group.id: group.choice for group in plan.groups}}
    for group in plan.groups:
        if group.possible and group.usd.explicit is not None and group.usd.none is not None:
            with_cache, without = (
                chosen(plan.replan(overrides={**held, group.id: choice}))
                for choice in (CachingChoice.EXPLICIT, CachingChoice.NONE)
            )
            expected = group.usd.explicit - group.usd.none
            assert with_cache - without == pytest.approx(expected, rel=1e-9, abs=1e-9 * case.cost_without_caches)


def test_the_break_even_of_a_lone_group_does_not_hang_on_its_length() -> None:
    """(n × (batch - cached) - standard) / storage: 0.9 h for ten requests on 2.5 Flash, whatever their document."""
    for size in (1_100, 90_000):
        (group,) = plan_of(questions(size, 10)).groups
        assert group.break_even_hours == pytest.approx((10 * 0.12 - 0.30) / 1.00)
        assert group.choice == CachingChoice.NONE
    (group,) = plan_of(questions(1_100, 10), hours=0.5).groups
    assert group.choice == CachingChoice.EXPLICIT


def test_under_a_cached_prefix_only_the_rest_counts() -> None:
    """The break-even of a longer prefix is against the cache above it, not against sending it all."""
    shared = text(10_000, "s")
    requests = [ask(shared, text(10_000, letter), {"text": str(n)}) for letter in "abc" for n in range(40)]
    plan = plan_of(requests, hours=0.5)
    top, *inner = plan.groups
    overridden = plan.replan(
        overrides={top.id: CachingChoice.EXPLICIT, **{group.id: CachingChoice.NONE for group in inner}}
    )
    inner = overridden.groups[1:]
    for group in inner:
        assert group.parent == top.id
        expected = (40 * 0.12 * (1 - 10_000 / 20_000) - 0.30) / 1.00
        assert group.break_even_hours == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("size", "cached"), [(1_023, False), (1_024, True), (1_025, True)])
def test_the_minimum_size_is_kept(size: int, cached: bool) -> None:
    """One token short is refused by the service, so it is not planned."""
    plan = plan_of(questions(size, 100), hours=0.1)
    assert bool(plan.caches) is cached


def test_a_cache_is_never_followed_by_a_models_turn() -> None:
    """Equal beginnings of which one goes on with a user's turn and another with a model's are two groups."""
    document = text(5_000)
    asked = {"role": "user", "parts": [document]}
    goes_on = [{"contents": [asked, {"role": "user", "parts": [{"text": str(n)}]}]} for n in range(30)]
    answered = [
        {"contents": [asked, {"role": "model", "parts": [text(10)]}, {"role": "user", "parts": [{"text": str(n)}]}]}
        for n in range(30)
    ]
    plan = plan_of([*goes_on, *answered], hours=0.25)
    served = plan.caches
    assert sorted(group.served for group in served) == [30, 30]
    bodies = [json.loads(body)["contents"] for _, body in plan.contents([group.id for group in served])]
    assert sorted(len(body) for body in bodies) == [1, 2]
    only_answers = plan_of(answered, hours=0.25)
    (cache,) = only_answers.caches
    assert [turn["role"] for turn in json.loads(only_answers.content(cache.id))["contents"]] == ["user", "model"]


def test_the_long_context_tier_prices_the_whole_request_and_the_whole_cache() -> None:
    """Exactly at the threshold nothing changes; one token more doubles every price but storage."""
    for size, factor in ((200_000, 1.0), (200_001, 2.0)):
        requests = [ask(text(size - 3), {"text": "q"})] * 20
        plan = plan_of(requests, PRO, hours=0.25)
        assert plan.totals.usd.uncached == pytest.approx(20 * size * 0.625 * factor / 1e6)
        cache = (size - 3) * (1.25 + 4.5 * 0.25) / 1e6  # what is cached stays within the threshold here
        served = 20 * (3 * 0.625 + (size - 3) * 0.125) * factor / 1e6
        assert chosen(plan) == pytest.approx(cache + served)
    requests = [ask(text(250_000), {"text": "q"})] * 20
    plan = plan_of(requests, PRO, hours=0.25)
    cache = 250_000 * (2.5 + 4.5 * 0.25) / 1e6
    assert chosen(plan) == pytest.approx(cache + 20 * (3 * 1.25 + 250_000 * 0.25) / 1e6)


def test_histories_of_two_thousand_turns_are_planned() -> None:
    """Each row is a beginning of one long conversation: a chain of prefixes as deep as the conversation."""
    turns = [{"role": "user" if n % 2 == 0 else "model", "parts": [text(40, chr(97 + n % 7))]} for n in range(2_001)]
    requests = [{"contents": turns[: n + 1]} for n in (*range(0, 2_000, 100), 2_000, 2_000)]
    plan = plan_of(requests, hours=1.0)
    assert len(plan.survey.forest) == 2_000
    assert chosen(plan) < (plan.totals.usd.uncached or 0)


def test_rows_of_one_root_share_it_and_rows_of_another_do_not() -> None:
    """A cache may be the root alone; another system instruction or other tools share nothing with it."""
    one, other = ({"systemInstruction": {"parts": [text(3_000, letter)]}} for letter in "so")
    tools = {**one, "tools": [{"functionDeclarations": [{"name": "look"}]}]}
    requests = [ask({"text": str(n)}, **root) for root in (one, other, tools) for n in range(25)]
    plan = plan_of(requests, hours=0.25)
    assert [group.served for group in plan.caches] == [25, 25, 25]
    contents = [json.loads(body) for _, body in plan.contents([group.id for group in plan.caches])]
    assert contents == [one, other, tools]


def test_a_fixed_sum_per_cache_is_weighed() -> None:
    requests = questions(2_000, 30)
    assert plan_of(requests, hours=0.5).caches
    assert not plan_of(requests, hours=0.5, cache_fixed_usd=1.0).caches


def test_modes_force_the_choice() -> None:
    """NONE counts on nothing, IMPLICIT on hits only, EXPLICIT caches what could pay at some duration."""
    requests = [*questions(3_000, 10), *questions(3_000, 2, "y"), ask({"text": "alone"})]
    plan = plan_of(requests, hours=24.0, implicit_rate=0.3)
    usd = plan.totals.usd
    assert not plan.caches and chosen(plan) == usd.implicit
    assert chosen(plan.replan(mode=ContextMode.NONE)) == usd.uncached
    assert chosen(plan.replan(mode=ContextMode.IMPLICIT)) == usd.implicit
    explicit = plan.replan(mode=ContextMode.EXPLICIT)
    assert [group.served for group in explicit.caches] == [10]
    assert (explicit.cache_of_row >= 0).sum() == 10


def test_explicit_mode_caches_the_best_group_even_if_none_could_pay() -> None:
    plan = plan_of([*questions(3_000, 2), *questions(5_000, 2, "y")], hours=1.0, mode=ContextMode.EXPLICIT)
    (cache,) = plan.caches
    assert cache.served == 2


def test_explicit_mode_works_without_prices() -> None:
    """With prices unknown caches go where the usual proportions put them, and no figure is made up."""
    unknown = Tariff(None, None, None, None, None, None, None, explicit_minimum=1024)
    plan = plan_of(questions(3_000, 50), unknown, mode=ContextMode.EXPLICIT)
    assert [group.served for group in plan.caches] == [50]
    assert set(plan.totals.usd) == {None}
    assert plan.cost_at(5.0).chosen is None
    assert not plan.replan(mode=ContextMode.AUTO).caches


def test_a_model_without_explicit_caches_gets_none() -> None:
    """No minimum, no cached price or no storage price known: nothing is planned that cannot be priced."""
    for missing in ("explicit_minimum", "cached", "storage"):
        plan = plan_of(questions(30_000, 100), replace(FLASH, **{missing: None}), hours=0.1)
        assert not plan.caches


def test_overrides_win_and_are_shown() -> None:
    requests = [*questions(3_000, 100), *questions(3_000, 4, "y")]
    plan = plan_of(requests, hours=1.0)
    first, second = plan.groups
    turned = plan.replan(overrides={first.id: CachingChoice.NONE, second.id: CachingChoice.EXPLICIT})
    assert [(group.choice, group.overridden) for group in turned.groups] == [
        (CachingChoice.NONE, True),
        (CachingChoice.EXPLICIT, True),
    ]
    assert chosen(turned) > chosen(plan)
    with pytest.raises(NotFound):
        chosen(plan.replan(overrides={"0" * 16: CachingChoice.NONE}))


def test_what_the_service_would_refuse_cannot_be_chosen() -> None:
    plan = plan_of(questions(900, 100))
    (group,) = plan.groups
    assert not group.possible and group.usd.explicit is None
    with pytest.raises(InputError, match="1024 or more"):
        chosen(plan.replan(overrides={group.id: CachingChoice.EXPLICIT}))


def test_implicit_caching_is_chosen_only_where_the_whole_group_would_pay_more_for_a_cache() -> None:
    plan = plan_of(questions(5_000, 8), hours=4.0, implicit_rate=0.1)
    (group,) = plan.groups
    assert group.choice == CachingChoice.IMPLICIT
    assert group.usd.implicit is not None and group.usd.none is not None
    assert group.usd.none - group.usd.implicit == pytest.approx(8 * 0.1 * (1 - 1 / 8) * 5_000 * 0.12 / 1e6)


def test_equal_requests_are_sent_once_if_wanted() -> None:
    """At temperature 0 by themselves, otherwise when the user says so; answers are for the first of them."""
    cold = [ask({"text": "same"}, generationConfig={"temperature": 0}), ask({"text": "other"})]
    warm = [ask({"text": "same"}, generationConfig={"temperature": 1.0})]
    requests = [*cold, *warm, *cold, *warm]
    plan = plan_of(requests)
    assert plan.duplicates == 0
    assert plan.replan(dedupe=True).duplicates == 3
    by_itself = plan.replan(dedupe=None)
    assert by_itself.cost_model.sent.tolist() == [True, True, True, False, True, True]
    assert by_itself.survey.duplicate_of.tolist() == [0, 1, 2, 0, 1, 2]


def test_a_request_that_only_looks_like_another_is_sent() -> None:
    """Names are 64 bits; before one request stands for another they are compared."""
    data = lines([ask({"text": "one"}), ask({"text": "two"}), ask({"text": "one"})])
    survey = replace(find_prefixes(lambda: data), duplicate_of=np.zeros(3, dtype=np.int64))
    plan = plan_survey(survey, FLASH, PlanOptions(dedupe=True))
    assert plan.cost_model.sent.tolist() == [True, True, False]


def test_a_prefix_of_equal_requests_alone_is_no_cache() -> None:
    """Sent once, nobody shares it."""
    plan = plan_of([ask(text(5_000), {"text": "same"})] * 5, hours=0.1, dedupe=True, mode=ContextMode.EXPLICIT)
    assert plan.caches == [] and plan.groups == []


def test_requests_with_a_cache_of_their_own_are_left_alone() -> None:
    """They are priced, with the cache's tokens if they are known, and are part of no group."""
    own = [ask(text(3_000), {"text": str(n)}, cachedContent="cachedContents/mine") for n in range(30)]
    plan = plan_of([*own, *questions(3_000, 30, "y")], hours=0.5, known={"cachedContents/mine": 7_000})
    assert [group.requests for group in plan.groups] == [30]
    assert plan.cache_of_row[:30].tolist() == [-1] * 30
    sizes = [3_000 + len(str(n)) + 2 for n in range(30)]
    pinned = sum(size * 0.15 + 7_000 * 0.03 for size in sizes) / 1e6
    alone = plan_of(own, known={"cachedContents/mine": 7_000})
    assert alone.totals.usd.uncached == pytest.approx(pinned)


def test_exact_counts_replace_estimates() -> None:
    """A prefix counted under the minimum is not cached; one counted above it is."""
    plan = plan_of(questions(1_100, 100), hours=0.1)
    (candidate,) = plan.candidates
    assert candidate.tokens == 1_100 and plan.caches
    short = plan.replan(counts={candidate.id: 1_000})
    assert not short.caches and short.groups[0].counted
    assert short.totals.tokens.total == pytest.approx(plan.totals.tokens.total - 100 * 100)
    near = plan_of(questions(900, 100), hours=0.1)
    assert not near.caches
    (candidate,) = near.candidates
    assert near.replan(counts={candidate.id: 1_030}).caches


def test_what_stands_before_a_counted_prefix_is_no_longer_than_it() -> None:
    """Estimates between two counts are drawn to both: an estimate never hides a counted prefix behind it."""
    parts = [text(400, letter) for letter in "abcdefgh"]
    plan = plan_of([ask(*parts, text(3, "q"), {"text": f"{n}"}) for n in range(30)], hours=0.1)
    (candidate,) = plan.candidates
    counted = plan.replan(counts={candidate.id: 2_000, **{sample.id: 90 for sample in plan.samples(10)}})
    places = np.flatnonzero(counted.cost_model.requests == 30)
    assert counted.cost_model.length[places].tolist() == pytest.approx(
        [2_000 * size / candidate.tokens for size in (*range(400, 3_201, 400), candidate.tokens)], rel=1e-9
    )
    assert [(group.id, group.prefix_tokens) for group in counted.caches] == [(candidate.id, 2_000)]


def test_a_turn_without_a_role_is_a_users() -> None:
    """So requests that say it and requests that do not share a cache."""
    rows = questions(3_000, 30)
    for row in rows[::2]:
        del row["contents"][0]["role"]
    (cache,) = plan_of(rows, hours=0.5).caches
    assert cache.served == 30


def test_tools_alone_are_no_cache() -> None:
    """The service takes no cached content without a system instruction or contents."""
    tools = {"tools": [{"functionDeclarations": [{"name": "f", "description": "d" * 5_000}]}]}
    alone = plan_of([ask({"text": f"{n}"}, **tools) for n in range(50)], hours=0.1)
    assert not alone.caches and not alone.replan(mode=ContextMode.EXPLICIT).caches
    system = {"systemInstruction": {"parts": [text(10)]}}
    assert plan_of([ask({"text": f"{n}"}, **tools, **system) for n in range(50)], hours=0.1).caches


def test_files_of_unknown_size_are_worth_a_count() -> None:
    """A file named by its URI has no estimate: it is counted on nothing, and offered for counting."""
    part = {"fileData": {"mimeType": "application/pdf", "fileUri": "https://files/1"}}
    data = lines([ask(part, {"text": str(n)}) for n in range(50)])
    plan = plan_batches(lambda: data, FLASH, hours=0.5)
    assert plan.totals.unknown_size == 50 and not plan.caches
    (candidate,) = plan.candidates
    counted = plan.replan(counts={candidate.id: 20_000})
    assert [group.served for group in counted.caches] == [50]
    assert not counted.candidates[1:] and counted.totals.unknown_size == 0


def test_samples_correct_the_total_and_state_an_interval() -> None:
    """If every text has half more tokens than estimated, a sample says so, and the interval covers the truth."""
    random = Random(5)
    requests = [ask(text(5_000), text(random.randint(50, 4_000), chr(97 + n % 26))) for n in range(600)]
    plan = plan_of(requests)
    truth = {c.id: 1.5 * tokens_of_content(body) for c in plan.candidates for _, body in plan.contents([c.id])}
    samples = plan.samples(60)
    assert 40 <= len(samples) <= 60
    for sample in samples:
        truth[sample.id] = tokens_of_content(plan.content(sample.id)) * random.uniform(1.3, 1.7)
    counted = plan.replan(counts={key: round(value) for key, value in truth.items()})
    real = 1.5 * sum(plan.survey.tokens)
    tokens = counted.totals.tokens
    assert tokens.low <= real <= tokens.high
    assert abs(tokens.total - real) < 0.03 * real
    assert tokens.half_width < plan.totals.tokens.half_width / 10


def test_the_95_percent_interval_covers_the_truth_about_that_often_and_is_narrow() -> None:
    """Texts of very different lengths whose estimates err each by itself, and all alike."""
    covered, widths = 0, []
    for seed in range(60):
        random = Random(seed)
        requests = [ask({"text": f"{n} {'x' * int(random.lognormvariate(5, 1.1))}"}) for n in range(400)]
        plan = plan_of(requests)
        errs = np.array([max(0.3, random.gauss(1.15, 0.2)) for _ in requests])
        counts = {c.id: round(c.tokens * errs[int(c.id.partition("@")[0])]) for c in plan.samples(100)}
        tokens, real = plan.replan(counts=counts).totals.tokens, float(errs @ plan.survey.tokens)
        covered += tokens.low <= real <= tokens.high
        widths.append(tokens.half_width / real)
    assert covered >= 0.9 * 60
    assert sum(widths) / len(widths) < 0.06


def tokens_of_content(body: bytes) -> float:
    parts = [part for turn in json.loads(body)["contents"] for part in turn["parts"]]
    return sum(tokens_of_part(json.dumps(part).encode()) for part in parts)


def test_low_and_worst_bound_the_plan() -> None:
    """Low: fewer tokens and the cheaper cached rate. Worst: more tokens, 48 hours of storage, no implicit hit."""
    plan = plan_of(questions(30_000, 200), replace(FLASH, cached_best=0.015))
    usd = plan.totals.usd
    assert usd.low is not None and usd.worst is not None
    assert usd.low < chosen(plan) < usd.worst
    storage = plan.caches[0].prefix_tokens * 47 * 1.00 / 1e6
    assert usd.worst > chosen(plan) + storage
    assert plan.cost_at(48.0).chosen == pytest.approx(chosen(plan) + storage)


def test_each_row_knows_its_group_and_its_cache() -> None:
    requests = [*questions(3_000, 30), *questions(3_000, 3, "y"), ask({"text": "alone"})]
    plan = plan_of(requests, hours=0.5)
    assert plan.group_of_row.tolist() == [0] * 30 + [1] * 3 + [-1]
    assert plan.cache_of_row.tolist() == [0] * 30 + [-1] * 4
    assert sorted(plan.rows_in_order().tolist()) == list(range(34))


def test_a_batch_of_nothing_and_a_batch_of_one_have_a_plan() -> None:
    for requests in ([], [ask({"text": "hello"})]):
        plan = plan_of(requests, implicit_rate=0.1)
        assert plan.totals.requests == len(requests)
        assert plan.groups == [] and plan.hints == [] and plan.candidates == []
        assert chosen(plan) == plan.totals.usd.uncached
        assert plan.replan(mode=ContextMode.EXPLICIT).caches == []
        assert len(plan.samples()) == len(requests)


def test_a_plan_lists_the_groups_with_most_at_stake(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many besides the caches, which are always listed."""
    monkeypatch.setattr(groups, "MAX_LISTED_GROUPS", 3)
    requests = [row for g in range(8) for row in questions(2_000 + 100 * g, 4 if g < 6 else 60, chr(97 + g))]
    plan = plan_of(requests, hours=1.0)
    assert [(group.requests, bool(group.served)) for group in plan.groups] == [(4, False), (60, True), (60, True)]
    assert [len(plan.replan(hours=0.0).groups), len(plan.replan(hours=0.0).caches)] == [8, 8]


class TestDefectsOfOthers:
    """Planning mistakes that earlier tools made, each with the batch on which it shows."""

    def test_storage_is_not_forgotten(self) -> None:
        """200 documents with 20 questions: caching all of them at 24 h costs eight times what it saves."""
        requests = [row for g in range(20) for row in questions(8_000, 20, chr(97 + g))]
        plan = plan_of(requests, hours=24.0)
        assert not plan.caches
        every = plan.replan(mode=ContextMode.EXPLICIT)
        assert len(every.caches) == 20
        assert chosen(every) > 7 * chosen(plan)

    def test_no_cache_holds_what_its_requests_do_not_begin_with(self) -> None:
        """One cache of every text that occurs twice would exceed the context window, and each request would pay it."""
        requests = [row for g in range(10) for row in questions(150_000, 20, chr(97 + g))]
        plan = plan_of(requests, hours=0.25)
        assert len(plan.caches) == 10
        assert max(group.prefix_tokens for group in plan.caches) < 151_000
        assert chosen(plan) < 0.5 * (plan.totals.usd.uncached or 0)

    def test_the_batch_price_is_not_forgotten(self) -> None:
        """At standard price five requests pay for a cache of an hour; at batch price they do not."""
        plan = plan_of(questions(10_000, 6), hours=1.0)
        assert 6 * (0.30 - 0.03) > 0.30 + 1.00 > 6 * (0.15 - 0.03)
        assert not plan.caches

    def test_cached_tokens_are_not_counted_twice(self) -> None:
        """The prompt includes them: a served request pays batch price for the rest only."""
        plan = plan_of(questions(10_000, 100), hours=0.0)
        (cache,) = plan.caches
        expected = cache.prefix_tokens * 0.30 + 100 * cache.prefix_tokens * 0.03
        tails = plan.totals.tokens.total - 100 * cache.prefix_tokens
        assert chosen(plan) == pytest.approx((expected + tails * 0.15) / 1e6)
        assert tails == sum(len(f"What of {n}?") + 2 for n in range(100))

    def test_a_prefix_common_to_all_is_not_the_only_one(self) -> None:
        """Tools that look for one common prefix find nothing in many documents × questions."""
        requests = [row for g in range(10) for row in questions(8_000, 40, chr(97 + g))]
        assert len(plan_of(requests, hours=0.5).caches) == 10

    def test_implicit_hits_are_not_promised(self) -> None:
        """Without evidence the rate is 0, and the worst case never counts on hits."""
        plan = plan_of(questions(10_000, 5), hours=4.0, implicit_rate=0.5)
        usd = plan.totals.usd
        assert chosen(plan) < (usd.uncached or 0) <= (usd.worst or 0)
        assert plan.replan(implicit_rate=0.0).totals.usd.implicit == usd.uncached

    def test_greedy_choices_are_undone(self) -> None:
        """Where the longest prefixes pay only without the shorter, or the other way round, the better is found."""
        shared, sections = text(6_000, "s"), [text(5_500, letter) for letter in "abcd"]
        requests = [ask(shared, part, {"text": f"{n}"}) for part in sections for n in range(14)]
        for hours in np.linspace(0.0, 2.0, 9):
            data = lines(requests)
            case = PlannerCase(requests, FLASH, float(hours))
            plan = plan_batches(lambda d=data: d, FLASH, hours=float(hours), tokens=tokens_of_part)
            assert is_close(chosen(plan), case.brute_force()) or math.isclose(
                chosen(plan), case.integer_programme(), rel_tol=1e-7
            )


def test_implicit_hits_do_not_care_where_turns_end() -> None:
    """A document and a question in one turn: no cache of ours ends between them at turn level, Google's own may."""
    by_turn, by_part = (plan_of(questions(8_000, 50), implicit_rate=0.5, split=split) for split in ("turn", "part"))
    assert by_turn.totals.usd.implicit == by_part.totals.usd.implicit
    assert by_turn.totals.usd.implicit < by_turn.totals.usd.uncached
    assert by_turn.caches == [] and len(by_part.caches) == 1
