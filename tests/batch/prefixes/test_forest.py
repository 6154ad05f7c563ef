"""Mining: what is shared is found whatever its spelling, recovered from one row, and measured."""

from __future__ import annotations

import io
import json
from random import Random

import numpy as np
import pytest

from batch.prefixes import locate, scan, scan_text, text_cuts
from batch.prefixes.forest import PrefixSurvey, find_prefixes
from batch.prefixes.scan import HAS_OWN_CACHE, TEMPERATURE_0, UNKNOWN_SIZE, UNPARSED
from tests.planner_reference import (
    Json,
    canonical_body,
    lines,
    prefixes,
    random_batch,
    random_json_dump,
    tokens_of_part,
)


def ask(*parts: Json, **rest: object) -> Json:
    return {"contents": [{"role": "user", "parts": list(parts)}], **rest}


def survey_of(requests: list[Json], split: str = "part", **how: object) -> PrefixSurvey:
    data = lines(requests)
    return find_prefixes(lambda: data, split, tokens_of_part, min_tokens=0.0, **how)  # type: ignore[arg-type]


def spell(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def found_in(survey: PrefixSurvey) -> dict[str, tuple[int, float]]:
    """Every prefix found: what it holds, how many rows begin with it, its tokens."""
    forest = survey.forest
    counts = forest.counts(np.ones(len(survey), dtype=bool))
    wanted = [locate.PrefixQuery(str(n), int(forest.row[n]), int(forest.ids[n])) for n in range(len(forest))]
    held = dict(locate.locate_prefixes(survey.lines(), survey.offset, wanted, survey.split == "text"))
    return {
        canonical_body(json.loads(held[str(n)].json())) + str(bool(forest.can_end[n])): (
            int(counts[n]),
            float(forest.tokens[n]),
        )
        for n in range(len(forest))
    }


@pytest.mark.parametrize("split", ["turn", "part", "text"])
def test_every_shared_prefix_is_found_with_its_rows_and_tokens(split: str) -> None:
    """As the definition enumerates them, over random batches in random spellings."""
    for seed in range(60):
        random = Random(seed)
        requests = random_batch(random)
        data = lines(requests, random_json_dump(random))
        expected: dict[str, tuple[int, float]] = {}
        for request in requests:
            for prefix in prefixes(request, split):
                key = prefix.content + str(prefix.can_end)
                expected[key] = (expected.get(key, (0, 0.0))[0] + 1, prefix.tokens)
        expected = {key: value for key, value in expected.items() if value[0] > 1}
        found = found_in(find_prefixes(lambda d=data: d, split, tokens_of_part, min_tokens=0.0))
        assert found.keys() == expected.keys(), seed
        for key, (rows, tokens) in expected.items():
            assert found[key] == (rows, pytest.approx(tokens)), seed


def test_a_forest_is_in_preorder_and_its_leaves_are_the_deepest_prefixes() -> None:
    for seed in range(30):
        forest = survey_of(random_batch(Random(seed), 20)).forest
        for node in range(len(forest)):
            above = int(forest.parent[node])
            assert above < node < forest.end[node] <= len(forest)
            assert above < 0 or forest.end[node] <= forest.end[above]
            assert above < 0 or forest.tokens[above] <= forest.tokens[node]


@pytest.mark.parametrize("split", ["part", "text"])
def test_forgetting_costs_nothing_but_time(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for three parts only, the same prefixes are found."""
    batches = [random_batch(Random(seed), 30) for seed in range(20)]
    before = [found_in(survey_of(batch, split)) for batch in batches]
    for module in (scan, scan_text):
        monkeypatch.setattr(module, "REMEMBERED", 3)
    assert [found_in(survey_of(batch, split)) for batch in batches] == before


def test_spelling_does_not_matter() -> None:
    """White space, the order of keys, and escapes that JSON does not need."""
    line = b'{"key":"1","request":{"contents":[{"role":"user","parts":[%b,{"text":"q"}]}]}}\n'
    spellings = [
        b'{"text":"caf\xc3\xa9 \\"x\\"", "thought": true}',
        b'{ "thought":true,"text" : "caf\\u00e9 \\"x\\"" }',
        b'{"thought":true,"text":"caf\xc3\xa9 \\u0022x\\u0022"}',
    ]
    survey = find_prefixes(lambda: [line % part for part in spellings])
    assert len(survey.forest) == 1 and survey.forest.counts(np.ones(3, dtype=bool)).tolist() == [3]
    plain = [b'{"text":"a/b"}', b'{"text": "a/b"}', b'{ "text":"a\\/b" }', b'{"text":"a\\u002fb"}']
    assert len(find_prefixes(lambda: [line % part for part in plain]).forest) == 1


def test_a_lone_surrogate_is_no_trouble() -> None:
    line = rb'{"key":"1","request":{"contents":[{"parts":[{"text":"\ud800 \u00e9"},{"text":"q"}]}]}}' + b"\n"
    for split in ("turn", "part", "text"):
        assert len(find_prefixes(lambda: [line, line], split)) == 2


def test_roles_tell_prefixes_apart() -> None:
    """The same parts said by a user and by a model are not the same prefix; without a role it is a user's turn."""
    rows = [
        [{"role": role, "parts": [{"text": "a"}]}, {"role": "user", "parts": [{"text": "q"}]}]
        for role in ("user", "model", "user", "model")
    ]
    survey = survey_of([{"contents": contents} for contents in rows])
    assert len(survey.forest) == 2 and survey.forest.can_end.all()


def test_a_turn_that_ends_and_one_that_goes_on_share_what_a_cache_would_hold() -> None:
    """`[a, b]` in one turn and `[a]`, `[b]` in two have the same cache of `[a]`, if turns may be cut."""
    one = [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]
    two = [{"role": "user", "parts": [{"text": letter}]} for letter in "ab"]
    requests: list[Json] = [{"contents": one}, {"contents": two}]
    assert len(survey_of(requests).forest) == 1
    assert len(survey_of(requests, "turn").forest) == 0


def test_rows_that_cannot_be_cut_are_counted_and_left_alone() -> None:
    good = lines([ask({"text": "a"}, {"text": "b"})])[0]
    bad = b'{"key":"x","request":{"contents":"no list"}}\n'
    empty = b'{"key":"y","request":{"contents":[]}}\n'
    survey = find_prefixes(lambda: [good, b"\n", bad, good, empty, b"  \n"])
    assert survey.flags.tolist() == [0, UNPARSED, 0, UNPARSED]
    assert survey.offset.tolist() == [0, len(good) + 1, len(good) + 1 + len(bad), 2 * len(good) + 1 + len(bad)]
    assert len(survey.forest) == 1 and (survey.tokens[[1, 3]] > 0).all()


@pytest.mark.parametrize("split", ["part", "text"])
def test_rows_that_name_a_cache_are_marked(split: str) -> None:
    requests = [ask({"text": "a"}, {"text": "b"}, cachedContent="cachedContents/1"), ask({"text": "a"}, {"text": "b"})]
    survey = survey_of(requests, split, cache_tokens={"cachedContents/1": 5_000})
    assert survey.flags.tolist() == [HAS_OWN_CACHE, 0]
    assert (survey.own_cache_rows.tolist(), survey.own_cache_tokens.tolist()) == ([0], [5_000.0])
    assert not len(survey.forest)


@pytest.mark.parametrize("split", ["part", "text"])
def test_equal_requests_are_twins_whatever_their_keys(split: str) -> None:
    """Settings are part of a request; temperature 0 is marked."""
    cold = ask({"text": "a"}, generationConfig={"temperature": 0, "topP": 0.9})
    turned = ask({"text": "a"}, generationConfig={"topP": 0.9, "temperature": 0})
    safe = ask({"text": "a"}, safetySettings=[{"category": "X"}])
    requests = [cold, ask({"text": "a"}), turned, safe, ask({"text": "a"}), ask({"text": "a"}, systemInstruction={})]
    survey = survey_of(requests, split)
    assert survey.duplicate_of.tolist() == [0, 1, 0, 3, 1, 5]
    assert ((survey.flags & TEMPERATURE_0) > 0).tolist() == [True, False, True, False, False, False]


def test_supposed_twins_that_differ_are_found_out() -> None:
    """Names may collide; requests are compared before one stands for another."""
    data = lines([ask({"text": "a"}), ask({"text": "b"}), ask({"text": "a"})])
    for opened in (data, io.BytesIO(b"".join(data))):
        offset = np.array([0, len(data[0]), 2 * len(data[0])])
        assert locate.false_duplicates(opened, offset, np.array([0, 0, 0])).tolist() == [1]


def test_files_of_unknown_size_mark_their_rows_and_prefixes() -> None:
    file = {"fileData": {"fileUri": "files/1"}}

    def measure(part: bytes) -> float:
        return float("nan") if b"fileData" in part else float(len(part))

    data = lines([ask(file, {"text": "b"}), ask(file, {"text": "c"}), ask({"text": "a"}, file)])
    for split in ("part", "text"):
        survey = find_prefixes(lambda: data, split, measure)
        assert ((survey.flags & UNKNOWN_SIZE) > 0).all() and survey.forest.unknown_size.all()


def test_tools_have_a_size_of_their_own() -> None:
    tools = [{"functionDeclarations": [{"name": "f", "description": "Find a book by its title. " * 100}]}]
    data = lines([{**ask({"text": letter}), "tools": tools} for letter in "ab"])
    for split in ("part", "text"):
        (size,) = find_prefixes(lambda: data, split).forest.tokens
        assert 400 < size < 1_000


def test_many_texts_are_measured_by_the_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of thousands of rows some are measured, and their totals agree with measuring all."""
    monkeypatch.setattr(scan, "SURELY_MEASURED", 50)
    random = Random(3)
    requests = [ask({"text": "d"}, {"text": "x" * random.randint(10, 3_000)}) for _ in range(5_000)]
    calls = 0

    def measure(part: bytes) -> float:
        nonlocal calls
        calls += 1
        return len(part) / 4

    data = lines(requests)
    survey = find_prefixes(lambda: data, "part", measure)
    assert calls < 150
    exact = sum(len(json.dumps(turn)) / 4 for request in requests for turn in request["contents"][0]["parts"])
    assert float(survey.tokens.sum()) == pytest.approx(exact, rel=0.02)


def test_texts_are_cut_only_behind_whole_runs_of_newlines() -> None:
    """Never inside a run, never before it, never at the end; escapes are not mistaken for newlines."""
    text = "one\n\ntwo\r\n\r\nthree\\nfour\n five\rsix\n"
    token = json.dumps(text).encode()
    ends = [end for end, _ in text_cuts.find_cuts(token, 1, len(token)) if end]
    assert [json.loads(token[:end] + b'"') for end in ends] == [
        "one\n\n",
        "one\n\ntwo\r\n\r\n",
        "one\n\ntwo\r\n\r\nthree\\nfour\n",
    ]


def test_cuts_up_to_a_place_do_not_hang_on_what_follows() -> None:
    """Two texts equal up to a place have the same cuts there, and go on where the other would."""
    random = Random(1)
    for _ in range(2_000):
        head = "".join(random.choice(["\n", "\r", "\\", '"', "a", "é"]) for _ in range(random.randint(1, 12)))
        tokens = [json.dumps(head + tail, ensure_ascii=False).encode() for tail in ("\n\nx" * 3, "b" * 9)]
        until = len(json.dumps(head, ensure_ascii=False).encode()) - 1
        assert list(text_cuts.find_cuts(tokens[0], 1, until)) == list(text_cuts.find_cuts(tokens[1], 1, until))


def test_nothing_is_looked_for_inside_texts_too_short_to_cache() -> None:
    data = lines([ask({"text": f"one\n\ntwo {n}"}) for n in range(9)])
    assert len(find_prefixes(lambda: data, "text", tokens_of_part, min_tokens=600.0).forest) == 0
    assert len(find_prefixes(lambda: data, "text", tokens_of_part, min_tokens=0.0).forest) == 1


def test_a_prefix_that_is_not_there_is_an_error() -> None:
    data = lines([ask({"text": "a"}, {"text": "b"})])
    with pytest.raises(ValueError, match="no prefix"):
        list(locate.locate_prefixes(data, [0], [locate.PrefixQuery("x", 0, 2)], False))
