"""Hints: what would save more is said with its USD, and only where it would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from random import Random

import pytest

from batch.arrangement.rules import Rule
from batch.media.blob_uri import blob_part, blob_uri
from batch.media.facts import MediaFacts
from batch.media.scale import MediaScale
from batch.media.tokens import Weighing
from batch.model import ContextMode, Tariff
from batch.planning.hints import PAD, TEXT, UNSIZED, Hint
from batch.prefixes.request_parts import canonical_json, default_measure
from gem_cache import CachingChoice, Plan, plan_batches
from tests.planner_reference import Json, lines
from tests.shared_layouts import LAYOUTS, Layout, batch, one_line, question, shared_texts, user, written_and_best

FLASH = Tariff(0.30, 0.15, None, None, 0.03, None, 1.00, explicit_minimum=1024, implicit_minimum=2048)


def quarter(part: bytes) -> float:
    return len(json.loads(part)["text"]) / 4


def plan_of(contents: list[list[str]], split: str = "part", hours: float = 1.0) -> Plan:
    requests: list[Json] = [{"contents": [{"role": "user", "parts": [{"text": t} for t in row]}]} for row in contents]
    data = lines(requests)
    return plan_batches(lambda: data, FLASH, hours=hours, split=split, tokens=quarter)


@cache
def document(seed: int, size: int) -> str:
    random = Random(seed)
    words = (random.choice(["alpha", "beta", "gamma", "delta", "line\n"]) for _ in range(size // 5 + 1))
    return " ".join(words)[:size]


def usd(plan: Plan) -> float:
    return plan.totals.usd.chosen or 0.0


def hints_of(plan: Plan) -> dict[str, Hint]:
    return {hint.kind: hint for hint in plan.hints}


@pytest.mark.parametrize("last", [[], ["Answer briefly."]])
def test_a_question_before_its_document_is_noticed(last: list[str]) -> None:
    """The saving named is the saving that reordering brings."""
    docs = [document(g, 40_000) for g in range(5)]
    asked = [[f"What of {n}?", docs[n % 5], *last] for n in range(200)]
    plan, turned = plan_of(asked), plan_of([[doc, question, *rest] for question, doc, *rest in asked])
    hint = hints_of(plan)[Rule.PART_FIRST]
    assert hint.rows == 200 and hint.tokens == 10_000
    saved = (plan.totals.usd.chosen or 0) - (turned.totals.usd.chosen or 0)
    assert hint.usd_saved == pytest.approx(saved, rel=0.02)
    assert Rule.PART_FIRST not in hints_of(turned)
    assert str(hint).startswith("5 texts of up to 10,000 tokens stand behind part 1 in 200 rows; with them first")


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
    hint = hints_of(plan)[Rule.PART_FIRST]
    assert (hint.rows, hint.tokens, plan.caches) == (50, 30 * 560, [])
    (group,) = turned.caches
    assert (group.prefix_tokens, group.requests) == (30 * 560, 50)
    saved = (plan.totals.usd.chosen or 0) - (turned.totals.usd.chosen or 0)
    assert hint.usd_saved == pytest.approx(saved, rel=0.02) and not turned.hints


def test_what_is_saved_already_is_taken_off() -> None:
    """Behind a long prompt that is cached anyway, a document adds only what it is longer."""
    prompt, docs = document(99, 60_000), [document(g, 80_000) for g in range(2)]
    asked = [[prompt, f"What of {n}?", docs[n % 2]] for n in range(100)]
    plan = plan_of(asked, hours=0.25)
    turned = plan_of([[prompt, doc, question] for prompt, question, doc in asked], hours=0.25)
    hint = hints_of(plan)[Rule.PART_FIRST]
    assert plan.caches and hint.usd_saved == pytest.approx(usd(plan) - usd(turned), rel=0.01)


def test_a_beginning_just_too_short_is_noticed() -> None:
    """690 tokens before 5,000 rows: made long enough, they would save most of their price."""
    prompt = document(1, 690 * 4)
    plan = plan_of([[prompt, f"row {n}"] for n in range(5_000)])
    hint = hints_of(plan)[PAD]
    assert (hint.rows, hint.tokens, hint.group) == (5_000, 690, plan.groups[0].id)
    padded = plan_of([[prompt + "x" * (334 * 4), f"row {n}"] for n in range(5_000)])
    saved = (plan.totals.usd.chosen or 0) - (padded.totals.usd.chosen or 0)
    assert hint.usd_saved == pytest.approx(saved, rel=0.02)


def test_a_beginning_far_too_short_is_not() -> None:
    plan = plan_of([[document(1, 100 * 4), f"row {n}"] for n in range(5_000)])
    assert PAD not in hints_of(plan)


@pytest.mark.parametrize("size", [4_200, 5_000, 8_000, 20_000])
def test_one_text_a_message_is_noticed_and_cutting_inside_it_pays(size: int) -> None:
    """What is said is what cutting inside texts saves, whatever the size of the text."""
    docs = [document(g, size) for g in range(4)]
    texts = [[f"{docs[n % 4]}\n\nQuestion {n}"] for n in range(200)]
    plan, cut = plan_of(texts), plan_of(texts, "text")
    hint = hints_of(plan)[TEXT]
    assert hint.usd_saved == pytest.approx(usd(plan) - usd(cut), rel=0.001) and hint.rows == 200
    assert TEXT not in hints_of(cut)


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


# -- layouts that tools write, with the best arrangement known by construction --------------------------------------

ESTIMATED = default_measure()


def weigh(part: bytes) -> float:
    """A file of 20,000 tokens; texts as they are estimated."""
    return 20_000.0 if b"fileUri" in part else ESTIMATED(part)


def plan_lines(data: list[bytes], split: str = "part", hours: float = 0.25) -> Plan:
    return plan_batches(lambda: data, FLASH, hours=hours, split=split, tokens=weigh)


def moving(plan: Plan) -> list[Hint]:
    """The hints that are carried out by moving what is shared."""
    return [hint for hint in plan.hints if hint.rules]


CELLS = [(1_300, 4, "part"), (1_300, 4, "text"), (4_000, 1, "part"), (4_000, 2, "text")]


@pytest.mark.parametrize(
    ("layout", "cell"),
    [(layout, CELLS[n % 4]) for n, layout in enumerate(LAYOUTS)],
    ids=lambda value: getattr(value, "__name__", "-".join(map(str, value)) if isinstance(value, tuple) else ""),
)
def test_what_a_hint_says_is_what_the_rearranged_batch_costs(layout: Layout, cell: tuple[int, int, str]) -> None:
    """And it is what the best arrangement saves, within a hundredth of the cost."""
    tokens, documents, split = cell
    written, best = written_and_best([layout], 48, shared_texts(tokens, documents))
    plan, best_plan = plan_lines(written, split), plan_lines(best, split)
    possible = usd(plan) - usd(best_plan)
    hints = moving(plan)
    saved = hints[0].usd_saved if hints else 0.0
    assert saved == pytest.approx(possible, abs=0.01 * usd(plan))
    for hint in hints:
        arranged = rearranged(plan, hint, written, split, 0.25)
        assert hint.usd_saved == pytest.approx(usd(plan) - usd(arranged), rel=0.001)
        assert f"instead of ${usd(plan):.2g}"[:14] in str(hint) and 0 < hint.rows <= 48


@pytest.mark.parametrize("seed", range(14))
def test_of_any_batch_of_layouts_nothing_is_passed_by_and_nothing_promised_in_vain(seed: int) -> None:
    """Rows of one to three tools in one file, sizes, numbers and durations drawn: more than a tenth is never silent,
    nine tenths of what is possible are said, and what is said is what the rearranged batch costs."""
    draw = Random(seed)
    layouts = draw.sample(LAYOUTS, draw.randint(1, 3))
    shared = shared_texts(draw.choice([900, 1_100, 1_300, 2_500]), draw.randint(1, 3), seed=seed)
    rows, hours, split = draw.randint(16, 48), draw.choice([0.1, 0.25, 1.0, 3.0]), draw.choice(["part", "part", "text"])
    written, best = written_and_best(layouts, rows, shared)
    plan, best_plan = plan_lines(written, split, hours), plan_lines(best, split, hours)
    possible = usd(plan) - usd(best_plan)
    saved = max((hint.usd_saved for hint in moving(plan)), default=0.0)
    assert saved > 0.9 * possible or possible < 0.03 * usd(plan), [layout.__name__ for layout in layouts]
    for hint in moving(plan):
        assert hint.usd_saved == pytest.approx(usd(plan) - usd(rearranged(plan, hint, written, split, hours)), rel=0.01)
    whole = [re.escape(encoded(text)) for text in (*shared.documents, *map(one_line, shared.documents))]
    of_row = re.compile("|".join([r"What does number \d+ say of the rate\?", r"Firm \d+ paid \d+\.50\.", *whole]))
    for line, other in zip(written, plan.rearrangement.lines(written), strict=True):
        assert set(of_row.findall(line.decode())) <= set(of_row.findall(other.decode())), "nothing is torn apart"


def encoded(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def rearranged(plan: Plan, hint: Hint, written: list[bytes], split: str, hours: float) -> Plan:
    return plan_lines(list(plan.rearrangement.with_rules(frozenset(hint.rules)).lines(written)), split, hours)


@pytest.mark.parametrize("text", ["{'question': '%s', 'context': '%s'}", '[{"q": "%s"}, {"context": "%s"}]'])
def test_what_would_fall_apart_is_priced_and_said_to_stay(text: str) -> None:
    shared = shared_texts(1_600, 2)
    data = batch([{"contents": user(text % (question(n), one_line(shared.document(n))))} for n in range(40)])
    (hint,) = plan_lines(data).hints
    assert (hint.kind, hint.rules, hint.rows) == (Rule.NOT_MOVED, (), 40) and hint.usd_saved > 0.1 * hint.usd
    assert str(hint).endswith("but it is not moved: a list, an object or a conversation would fall apart.")


def test_a_document_in_a_later_turn_is_priced_and_stays() -> None:
    shared = shared_texts(1_300, 2)

    def turns(n: int) -> list[Json]:
        said = {"role": "model", "parts": [{"text": "Send it."}]}
        return [*user(f"I am number {n}."), said, *user(shared.document(n), question(n))]

    data = batch([{"contents": turns(n)} for n in range(40)])
    plan = plan_lines(data)
    (hint,) = plan.hints
    assert (hint.kind, hint.rules, hint.rows) == (Rule.NOT_MOVED, (), 40) and hint.usd_saved > 0.1 * hint.usd
    assert list(plan.rearrangement.lines(data)) == data


@pytest.mark.parametrize(("tokens", "hours"), [(500, 0.25), (1_300, 48.0)], ids=["too small", "too long"])
def test_where_no_arrangement_pays_none_is_advised(tokens: int, hours: float) -> None:
    """Texts below the smallest cache, and jobs so long that storage eats what caches save."""
    for layout in LAYOUTS:
        if "file" not in layout.__name__ and "everything" not in layout.__name__:
            written, _ = written_and_best([layout], 24, shared_texts(tokens, 2))
            assert moving(plan_lines(written, hours=hours)) == [], layout.__name__


def test_a_file_of_unknown_size_is_named_without_a_figure_until_it_is_known() -> None:
    file = {"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}
    data = batch([{"contents": user(f"What of {n}?", file)} for n in range(50)])
    plan = plan_batches(lambda: data, FLASH, hours=1.0)
    (hint,) = plan.hints
    assert (hint.kind, hint.rows, hint.rules, hint.is_priced) == (UNSIZED, 50, (), False)
    assert "stands behind part 1 in 50 rows; its size is not known" in str(hint) and "$" not in str(hint)
    sizes = {canonical_json(json.dumps(file).encode()): 20_000}
    known = plan_batches(lambda: data, FLASH, hours=1.0, tokens=default_measure(sizes=sizes))
    (hint,) = known.hints
    assert hint.kind == Rule.PART_FIRST and hint.tokens == 20_000 and hint.usd_saved > 0.6 * usd(known)


# -- cuts inside texts, where they save enough ---------------------------------------------------------------------


def one_text(rows: int) -> list[list[str]]:
    """A document of 10,000 tokens and a question of few, as one text a row."""
    return [[f"{document(1, 40_000)}\n\nQuestion {n}"] for n in range(rows)]


@pytest.mark.parametrize(("rows", "level"), [(30, "part"), (38, "part"), (39, "text"), (200, "text")])
def test_texts_are_cut_where_that_saves_a_twentieth_and_kept_whole_where_it_saves_less(rows: int, level: str) -> None:
    """Of 38 rows it saves 4.5 % in jobs of four hours, of 39 rows 6.5 %."""
    plan, by_part, by_text = (plan_of(one_text(rows), split, hours=4.0) for split in ("auto", "part", "text"))
    saved = usd(by_part) - usd(by_text)
    assert (saved >= 0.05 * usd(by_part)) == (level == "text")
    assert plan.survey.split == level
    assert usd(plan) == usd(by_text if level == "text" else by_part)
    assert plan.usd_saved_inside_texts == (pytest.approx(saved) if level == "text" else None)
    assert (TEXT in hints_of(plan)) == (rows == 38)


def test_another_duration_decides_anew_where_texts_are_cut() -> None:
    """Counts and choices are for groups of one level, and go with it."""
    plan = plan_of(one_text(60), "auto", hours=1.0)
    (cache,) = plan.caches
    counted = plan.replan(counts={cache.id: 12_000}, overrides={cache.id: CachingChoice.EXPLICIT})
    assert counted.survey.split == "text" and counted.caches[0].prefix_tokens == 12_000
    long = counted.replan(hours=40.0)
    assert long.survey.split == "part" and long.caches == [] and not long.options.counts and not long.overrides
    again = long.replan(hours=1.0)
    assert (again.survey.split, usd(again)) == ("text", usd(plan))
    assert again.replan(mode=ContextMode.NONE).survey.split == "part"


def test_short_rows_are_not_read_again_for_hints() -> None:
    readings = []
    data = lines([{"contents": [{"parts": [{"text": f"Row {n}"}]}]} for n in range(50)])

    def opened() -> list[bytes]:
        readings.append(1)
        return data

    plan = plan_batches(opened, FLASH, hours=1.0, split="auto", tokens=quarter)
    assert plan.hints == [] and readings == [1]
