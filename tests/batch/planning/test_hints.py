"""Hints: what would save more is said with its USD, and only where it would."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from batch.media.blob_uri import blob_part, blob_uri
from batch.media.facts import MediaFacts
from batch.media.scale import MediaScale
from batch.media.tokens import Weighing
from batch.model import Tariff
from batch.planning.hints import Hint, HintKind
from batch.prefixes.request_parts import default_measure
from gem_cache import Plan, plan_batches
from tests.planner_reference import Json, lines

FLASH = Tariff(0.30, 0.15, None, None, 0.03, None, 1.00, explicit_minimum=1024, implicit_minimum=2048)


def quarter(part: bytes) -> float:
    return len(json.loads(part)["text"]) / 4


def plan_of(contents: list[list[str]], split: str = "part", hours: float = 1.0) -> Plan:
    requests: list[Json] = [{"contents": [{"role": "user", "parts": [{"text": t} for t in row]}]} for row in contents]
    data = lines(requests)
    return plan_batches(lambda: data, FLASH, hours=hours, split=split, tokens=quarter)


def document(seed: int, size: int) -> str:
    random = Random(seed)
    words = " ".join(random.choice(["alpha", "beta", "gamma", "delta", "line\n"]) for _ in range(size))
    return words[:size]


def hints_of(plan: Plan) -> dict[HintKind, Hint]:
    return {hint.kind: hint for hint in plan.hints}


@pytest.mark.parametrize("last", [[], ["Answer briefly."]])
def test_a_question_before_its_document_is_noticed(last: list[str]) -> None:
    """The saving named is the saving that reordering brings."""
    docs = [document(g, 40_000) for g in range(5)]
    asked = [[f"What of {n}?", docs[n % 5], *last] for n in range(200)]
    plan, turned = plan_of(asked), plan_of([[doc, question, *rest] for question, doc, *rest in asked])
    hint = hints_of(plan)[HintKind.REORDER]
    assert hint.requests == 200 and hint.tokens == 10_000
    saved = (plan.totals.usd.chosen or 0) - (turned.totals.usd.chosen or 0)
    assert hint.usd == pytest.approx(saved, rel=0.02)
    assert HintKind.REORDER not in hints_of(turned)
    assert "put it first" in str(hint) and "200 requests" in str(hint)


@pytest.mark.parametrize("last", [[], [{"text": "Answer briefly."}]])
def test_a_question_before_its_file_is_noticed_and_a_file_before_its_questions_is_cached(last: list[Json]) -> None:
    """A file stands in its request by its name alone, and has the tokens of its pages."""
    name = "ab" * 32
    file = json.loads(blob_part(name, "application/pdf"))
    measure = default_measure(MediaScale(Weighing("3"), {blob_uri(name): MediaFacts("application/pdf", pages=30)}.get))

    def plan_with(parts: Callable[[Json], list[Json]]) -> Plan:
        data = lines([{"contents": [{"parts": [*parts({"text": f"What of {n}?"}), *last]}]} for n in range(50)])
        return plan_batches(lambda: data, FLASH, hours=4.0, tokens=measure)

    plan, turned = plan_with(lambda question: [question, file]), plan_with(lambda question: [file, question])
    hint = hints_of(plan)[HintKind.REORDER]
    assert (hint.requests, hint.tokens, plan.caches) == (50, 30 * 560, [])
    (group,) = turned.caches
    assert (group.prefix_tokens, group.requests) == (30 * 560, 50)
    saved = (plan.totals.usd.chosen or 0) - (turned.totals.usd.chosen or 0)
    assert hint.usd == pytest.approx(saved, rel=0.02) and not turned.hints


def test_what_is_saved_already_is_taken_off() -> None:
    """Under a long cached prompt, a document further back adds only what it is longer."""
    prompt, docs = document(99, 60_000), [document(g, 80_000) for g in range(2)]
    plan = plan_of([[prompt, f"What of {n}?", docs[n % 2]] for n in range(100)], hours=0.25)
    hint = hints_of(plan)[HintKind.REORDER]
    gain = 100 * 0.12 * (20_000 - 15_000) - 2 * 20_000 * (0.30 + 0.25)
    assert hint.usd == pytest.approx(gain / 1e6, rel=0.01)


def test_a_beginning_just_too_short_is_noticed() -> None:
    """690 tokens before 5,000 rows: made long enough, they would save most of their price."""
    prompt = document(1, 690 * 4)
    plan = plan_of([[prompt, f"row {n}"] for n in range(5_000)])
    hint = hints_of(plan)[HintKind.PAD]
    assert (hint.requests, hint.tokens, hint.group) == (5_000, 690, plan.groups[0].id)
    padded = plan_of([[prompt + "x" * (334 * 4), f"row {n}"] for n in range(5_000)])
    saved = (plan.totals.usd.chosen or 0) - (padded.totals.usd.chosen or 0)
    assert hint.usd == pytest.approx(saved, rel=0.02)


def test_a_beginning_far_too_short_is_not() -> None:
    plan = plan_of([[document(1, 100 * 4), f"row {n}"] for n in range(5_000)])
    assert HintKind.PAD not in hints_of(plan)


def test_one_text_a_message_is_noticed_and_cutting_inside_it_pays() -> None:
    """The hint is a lower bound of what `text` saves, and not a small one."""
    docs = [document(g, 40_000) for g in range(4)]
    texts = [[f"{docs[n % 4]}\n\nQuestion {n}"] for n in range(200)]
    plan, cut = plan_of(texts), plan_of(texts, "text")
    hint = hints_of(plan)[HintKind.TEXT]
    saved = (plan.totals.usd.chosen or 0) - (cut.totals.usd.chosen or 0)
    assert 0.3 * saved < hint.usd <= saved
    assert hint.requests == 200
    assert HintKind.TEXT not in hints_of(cut)


def test_where_the_plan_saves_already_there_is_nothing_to_say() -> None:
    docs = [document(g, 40_000) for g in range(4)]
    assert plan_of([[docs[n % 4], f"Question {n}"] for n in range(200)]).hints == []


def test_where_time_eats_the_saving_there_is_nothing_to_say() -> None:
    docs = [document(g, 40_000) for g in range(50)]
    assert plan_of([[f"Question {n}", docs[n % 50]] for n in range(200)], hours=24.0).hints == []


def test_hints_do_not_hang_on_prices_that_are_unknown() -> None:
    data = lines([{"contents": [{"parts": [{"text": f"q{n}"}, {"text": "x" * 9_000}]}]} for n in range(50)])
    unknown = Tariff(None, None, None, None, None, None, None, explicit_minimum=1024)
    assert plan_batches(lambda: data, unknown, hours=1.0).hints == []
