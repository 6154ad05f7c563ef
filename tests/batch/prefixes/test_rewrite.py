"""Rewriting for caches: nothing changes in meaning, nothing is lost, and what differs is left alone."""

from __future__ import annotations

import io
import json
from random import Random

import numpy as np
import pytest

from batch.errors import InputError
from batch.model import ContextMode, Tariff
from batch.planning.cost_model import PlanOptions
from batch.prefixes.forest import find_prefixes
from batch.prefixes.locate import Prefix, request_of, turns_of
from batch.prefixes.rewrite import PLACEHOLDER_START, RewriteResult, fill_placeholders, placeholder_group, use_cache
from gem_cache import CachingChoice, Plan, plan_survey
from tests.planner_reference import Json, lines, random_batch, random_json_dump, tokens_of_part

CHEAP = Tariff(
    input_standard=0.2,
    input_batch=0.1,
    output_standard=None,
    output_batch=None,
    cached=0.01,
    cached_best=None,
    storage=0.01,
    explicit_minimum=1,
)
ROOT = ("systemInstruction", "tools", "toolConfig")


def plan_of(data: list[bytes], split: str = "part", **how: object) -> Plan:
    survey = find_prefixes(lambda: io.BytesIO(b"".join(data)), split, tokens_of_part, min_tokens=0.0)
    return plan_survey(survey, CHEAP, PlanOptions(0.1, **how))  # type: ignore[arg-type]


def written(plan: Plan, rows: list[int] | None = None) -> tuple[RewriteResult, list[Json]]:
    out = io.BytesIO()
    done = plan.write(out, rows)
    return done, [json.loads(line) for line in out.getvalue().splitlines()]


def flat(contents: list[Json]) -> list[tuple[str, str]]:
    """The parts of contents with their roles."""
    return [(turn.get("role", "user"), json.dumps(part, sort_keys=True)) for turn in contents for part in turn["parts"]]


def joined(held: list[Json], rest: list[Json]) -> list[list[tuple[str, str]]]:
    """What a model may read as one: the parts in a row, or with the text that was cut put together again."""
    ways = [flat([*held, *rest])]
    if held and set(held[-1]["parts"][-1]) == {"text"} == set(rest[0]["parts"][0]):
        text = held[-1]["parts"][-1]["text"] + rest[0]["parts"][0]["text"]
        middle = {**rest[0], "parts": [{"text": text}, *rest[0]["parts"][1:]]}
        ways.append(flat([*held[:-1], {**held[-1], "parts": held[-1]["parts"][:-1]}, middle, *rest[1:]]))
    return ways


@pytest.mark.parametrize("split", ["turn", "part", "text"])
def test_cache_and_rest_are_the_request_again(split: str) -> None:
    """Every row once, by its key; what the cache holds and what is sent join to the request as it was."""
    served = 0
    for seed in range(60):
        random = Random(seed)
        requests = random_batch(random, 20)
        for request in requests:
            if random.random() < 0.5:
                request["generationConfig"] = {"temperature": random.random()}
            if random.random() < 0.2:
                request["safetySettings"] = [{"category": "A", "threshold": "BLOCK_NONE"}]
        plan = plan_of(lines(requests, random_json_dump(random)), split)
        done, rows = written(plan)
        assert done.rows == len(rows) == len(requests) and not done.mismatched
        assert {row["key"] for row in rows} == {f"k{n}" for n in range(len(requests))}
        contents = dict(plan.contents([group.id for group in plan.caches]))
        for row in rows:
            sent, original = row["request"], requests[int(row["key"][1:])]
            name = sent.pop("cachedContent", None)
            if name is None:
                assert sent == original
                continue
            served += 1
            cache = json.loads(contents[name.removeprefix("@group:")])
            assert not set(sent) & set(ROOT)
            assert {key: cache[key] for key in ROOT if key in cache} == {k: original[k] for k in ROOT if k in original}
            assert sent["contents"][0].get("role", "user") == "user"
            assert all(turn["parts"] for turn in sent["contents"])
            assert flat(original["contents"]) in joined(cache.get("contents", []), sent["contents"])
            settings = ("generationConfig", "safetySettings")
            assert {k: sent.get(k) for k in settings} == {k: original.get(k) for k in settings}
            assert set(sent) <= {"contents", *settings}
    assert served > 100


def test_a_row_that_differs_from_its_cache_is_sent_as_it_was_read() -> None:
    """As if hashes had collided: the plan says cache, the JSON says no."""
    requests = [{"contents": [{"role": "user", "parts": [{"text": "d" * 99}, {"text": f"{n}"}]}]} for n in range(9)]
    strange = {"contents": [{"role": "user", "parts": [{"text": "e" * 99}, {"text": "9"}]}]}
    plan = plan_of(lines([*requests, strange]))
    plan.decision.used[9] = plan.decision.used[0]
    done, rows = written(plan)
    assert done.mismatched == [9]
    assert [row["request"] for row in rows if row["key"] == "k9"] == [strange]
    assert sum("cachedContent" in row["request"] for row in rows) == 9


@pytest.mark.parametrize(
    "contents",
    [
        [{"role": "user", "parts": [{"text": "doc"}]}],
        [{"role": "user", "parts": [{"text": "doc"}]}, {"role": "model", "parts": [{"text": "q"}]}],
        [{"role": "user", "parts": [{"text": "doc"}]}, {"role": "user", "parts": []}],
        [{"role": "model", "parts": [{"text": "doc"}, {"text": "q"}]}],
        [{"role": "user", "parts": [{"text": "docs"}, {"text": "q"}]}],
        [{"role": "user", "parts": [{"text": "doc", "thought": True}, {"text": "q"}]}],
    ],
    ids=["nothing left", "a model next", "an empty turn", "another role", "another text", "more than text"],
)
def test_what_a_cache_cannot_stand_for_is_refused(contents: list[Json]) -> None:
    good = {"contents": [{"role": "user", "parts": [{"text": "doc"}, {"text": "q"}]}]}
    prefix = Prefix({}, turns_of(request_of(line({"contents": [{"role": "user", "parts": [{"text": "doc"}]}]}))))
    assert use_cache(line(good), prefix, b"@group:1")
    assert use_cache(line({"contents": contents}), prefix, b"@group:1") is None
    assert use_cache(line({**good, "tools": []}), prefix, b"@group:1") is None
    assert use_cache(line({**good, "cachedContent": "cachedContents/own"}), prefix, b"@group:1") is None
    assert use_cache(b"no json\n", prefix, b"@group:1") is None


def test_a_cut_text_must_go_on() -> None:
    """What is held of an open text is a beginning of the request's text, and something of it is left."""
    held = turns_of(request_of(line({"contents": [{"role": "user", "parts": [{"text": "a\n\n"}]}]})))
    prefix = Prefix({}, held, open_text=True)
    for text, rest in (("a\n\nb", "b"), ("a\n\n", None), ("a\nb", None), ("a", None), ("x\n\nb", None)):
        found = use_cache(line({"contents": [{"role": "user", "parts": [{"text": text}]}]}), prefix, b"@group:1")
        sent = json.loads(found)["request"]["contents"] if found else None
        assert sent == (rest and [{"role": "user", "parts": [{"text": rest}]}])


def test_members_that_we_do_not_know_are_kept() -> None:
    root = {"systemInstruction": {"parts": [{"text": "s"}]}}
    contents = [{"parts": [{"text": "doc"}, {"text": "q"}]}]
    request = {"contents": contents, "labels": {"a": "b"}, "store": False, **root}
    held = turns_of(request_of(line({"contents": [{"parts": [{"text": "doc"}]}]})))
    prefix = Prefix({"systemInstruction": b'{"parts": [{"text": "s"}]}'}, held)
    raw = json.dumps({"key": "k", "request": request, "metadata": {"m": 1}}).encode()
    found = json.loads(use_cache(raw, prefix, b"@group:1") or b"{}")
    assert found == {
        "key": "k",
        "metadata": {"m": 1},
        "request": {
            "cachedContent": "@group:1",
            "contents": [{"parts": [{"text": "q"}]}],
            "labels": {"a": "b"},
            "store": False,
        },
    }


def line(request: Json) -> bytes:
    return json.dumps({"key": "k", "request": request}).encode() + b"\n"


def test_names_take_the_places_of_placeholders_and_of_nothing_else() -> None:
    """User data that looks like a placeholder is user data: in texts, in arguments, in keys."""
    trap = {"request": {"cachedContent": "@group:0123456789abcdef"}}
    requests = [
        {
            "contents": [
                {"role": "user", "parts": [{"text": "d" * 99}, {"text": json.dumps(trap)}]},
                {"role": "model", "parts": [{"functionCall": {"name": "f", "args": trap}}]},
                {"role": "user", "parts": [{"text": str(n)}]},
            ]
        }
        for n in range(20)
    ]
    plain = [{"contents": [{"parts": [{"functionCall": {"name": "f", "args": trap}}]}]}]
    plan = plan_of(lines([*requests, *plain]))
    out, done = io.BytesIO(), io.BytesIO()
    plan.write(out)
    (group,) = plan.caches
    out.seek(0)
    assert {placeholder_group(row) for row in out} == {group.id, None}
    out.seek(0)
    assert fill_placeholders(out, done, {group.id: "cachedContents/abc"}) == 20
    rows = [json.loads(row) for row in done.getvalue().splitlines()]
    assert sum(row["request"].get("cachedContent") == "cachedContents/abc" for row in rows) == 20
    assert PLACEHOLDER_START not in done.getvalue()
    before, after = out.getvalue(), done.getvalue()
    assert after == before.replace(
        PLACEHOLDER_START + group.id.encode(), PLACEHOLDER_START[: -len("@group:")] + b"cachedContents/abc"
    )


def test_a_placeholder_without_a_name_stops_everything() -> None:
    with pytest.raises(InputError, match="0123456789abcdef"):
        fill_placeholders([PLACEHOLDER_START + b'0123456789abcdef"}}\n'], io.BytesIO(), {})


def test_equal_requests_are_written_once() -> None:
    requests = [{"contents": [{"parts": [{"text": "a" * 50}, {"text": str(n % 3)}]}]} for n in range(9)]
    done, rows = written(plan_of(lines(requests), dedupe=True))
    assert done.rows == 3 and sorted(row["key"] for row in rows) == ["k0", "k1", "k2"]


def test_plain_rows_are_ordered_by_what_they_share() -> None:
    """Implicit hits want equal beginnings close in time; rows of one prefix stand together."""
    requests = [
        {"contents": [{"parts": [{"text": letter * 50}, {"text": str(n)}]}]} for n in range(5) for letter in "ab"
    ]
    data = lines(requests)
    plan = plan_survey(
        find_prefixes(lambda: io.BytesIO(b"".join(data)), "part", tokens_of_part),
        CHEAP,
        PlanOptions(1.0),
        ContextMode.NONE,
    )
    order = plan.rows_in_order()
    assert order.tolist() == [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
    assert [int(row["key"][1:]) for row in written(plan)[1]] == order.tolist()


def test_any_rows_are_written_in_any_order() -> None:
    requests = [{"contents": [{"parts": [{"text": "a" * 50}, {"text": str(n)}]}]} for n in range(30)]
    data = lines(requests)
    data[-1] = data[-1].rstrip(b"\n")
    plan = plan_of(data)
    rows = np.random.default_rng(1).permutation(30)[:17].tolist()
    done, found = written(plan, rows)
    assert [int(row["key"][1:]) for row in found] == rows
    out = io.BytesIO()
    assert plan.write(out, rows).size_bytes == len(out.getvalue()) == done.size_bytes


def test_a_stream_that_cannot_seek_is_refused() -> None:
    data = lines([{"contents": [{"parts": [{"text": "a"}]}]}])
    plan = plan_survey(find_prefixes(lambda: data, "part", tokens_of_part), CHEAP, PlanOptions(1.0))
    with pytest.raises(TypeError, match="seek"):
        plan.write(io.BytesIO())


def test_forced_choices_are_written_as_forced() -> None:
    requests = [{"contents": [{"parts": [{"text": "a" * 50}, {"text": str(n)}]}]} for n in range(30)]
    plan = plan_of(lines(requests))
    (group,) = plan.caches
    _, rows = written(plan.replan(overrides={group.id: CachingChoice.NONE}))
    assert [row["request"] for row in rows] == requests
