"""Every line is joined to the row it answers, by key and never by place, whatever comes back in whatever order."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.model import Usage
from batch.responses.outcome_tables import RANK
from batch.responses.outcomes import classify
from lifecycle.results.collect import build, match_rows, parse_lines
from tests.lifecycle.run_fixture import RunFixture, answer, balanced, error


def test_a_row_is_never_joined_by_position(run: RunFixture) -> None:
    run.send("ab").receive([answer("first"), answer("second")])
    account = run.build()
    assert [row["outcome"] for row in run.rows()] == ["missing", "missing"]
    assert account.unmatched == 2


def test_the_newest_success_of_a_row_counts(run: RunFixture) -> None:
    run.send("abcd")
    run.receive([{"key": "a", **error(7, "CachedContent not found")}, {"key": "b", **answer("B0")}], attempt=0)
    run.receive([{"key": "c", **answer("C0")}, {"key": "d", **error(13)}], attempt=0, shard=1)
    run.receive([{"key": "a", **answer("A1")}, {"key": "b", **error(13)}, {"key": "c", **answer("C1")}], attempt=1)
    run.receive([{"key": "d", **error(3, "newer")}], attempt=10)
    account = run.build()
    rows = run.rows()
    assert [row["text"] for row in rows] == ["A1", "B0", "C1", ""]
    assert [row["attempt"] for row in rows] == [1, 0, 1, 10]
    assert [row["attempts"] for row in rows] == [2, 2, 2, 2]
    assert rows[3]["error_message"] == "newer"
    assert (account.earlier, account.duplicate, account.cache_lost) == (4, 0, 0)
    assert balanced(account)


def test_every_attempt_is_paid_once_and_duplicates_are_not(run: RunFixture) -> None:
    run.send("ab")
    run.receive(
        [{"key": "a", **answer("cut", finish="MAX_TOKENS")}, {"key": "a", **answer("cut", finish="MAX_TOKENS")}]
    )
    run.receive([{"key": "a", **answer("whole", output=50)}, {"key": "who", **answer("stray", prompt=1000)}], attempt=1)
    account = run.build()
    assert account.usage == Usage(prompt=10 + 10 + 1000, candidates=5 + 50 + 5)
    assert account.usd == pytest.approx(1020e-6 + 60 * 2e-6)
    assert run.rows()[0]["cost_usd"] == pytest.approx(10e-6 + 100e-6)


def test_copies_take_the_answer_and_cost_nothing(run: RunFixture) -> None:
    run.send("abcd", fanout={"c": "a", "d": "b"}).receive([{"key": "a", **answer("A")}, {"key": "c", **answer("?")}])
    account = run.build()
    rows = run.rows()
    assert [row["text"] for row in rows] == ["A", "", "A", ""]
    assert [row["shared"] for row in rows] == [False, False, True, False]
    assert [row["cost_usd"] for row in rows] == [pytest.approx(20e-6), None, 0.0, None]
    assert rows[2]["prompt_tokens"] == 0
    assert (account.matched, account.missing, account.shared, account.unmatched) == (2, 2, 1, 1)
    assert account.usage == Usage(prompt=20, candidates=10)
    assert balanced(account)


KEYS = st.text(max_size=6) | st.sampled_from(["a", "b", "key", " a", "A", "é", "'", '"', "\\", "1"])


BODIES = st.sampled_from(
    [
        answer("fine"),
        answer("cut", finish="MAX_TOKENS"),
        answer(""),
        error(13),
        error(3),
        error(7, "CachedContent not found"),
        {"response": None},
        {"response": {"promptFeedback": {"blockReason": "OTHER"}}},
    ]
)


@st.composite
def damaged_runs(draw: st.DrawFn) -> tuple[list[str], dict[str, str], list[list[dict[str, Any]]]]:
    """(keys sent, copies, attempts): lines shuffled, dropped, doubled and renamed."""
    keys = draw(st.lists(KEYS, unique=True, max_size=12))
    copies = {}
    for position, key in enumerate(keys):
        originals = [one for one in keys[:position] if one not in copies]
        if originals and draw(st.integers(0, 5)) == 0:
            copies[key] = draw(st.sampled_from(originals))
    attempts = []
    for number in range(draw(st.integers(0, 3))):
        asked = draw(st.lists(st.sampled_from(keys or ["none"]), max_size=14))
        returned = [{"key": key, "id": f"{number}-{i}", **draw(BODIES)} for i, key in enumerate(asked)]
        for line in returned:
            if draw(st.integers(0, 7)) == 0:
                line["key"] = draw(st.none() | st.just("renamed") | st.sampled_from(keys or ["none"]))
        attempts.append(draw(st.permutations(returned)))
    return keys, copies, attempts


def expected(
    keys: list[str], copies: dict[str, str], attempts: list[list[dict[str, Any]]]
) -> dict[str, tuple[int, int] | None]:
    """The plain model: which line (attempt, position) each row shows."""
    shown: dict[str, tuple[int, int] | None] = dict.fromkeys(keys)
    for key in keys:
        firsts = []
        for number, returned in enumerate(attempts):
            mine = [place for place, line in enumerate(returned) if line["key"] == copies.get(key, key)]
            firsts += [(number, place) for place in mine[:1]]
        worth = {place: RANK[classify(json.dumps(attempts[place[0]][place[1]]).encode()).outcome] for place in firsts}
        shown[key] = max(firsts, key=lambda place: (worth[place], place[0]), default=None)
    return shown


@settings(max_examples=60, deadline=None)
@given(damaged_runs(), st.booleans())
def test_the_joined_table_is_right_or_flags_the_damage(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[Any, Any, Any], small: bool
) -> None:
    keys, copies, attempts = made
    with pytest.MonkeyPatch.context() as patch:
        if small:  # many passes, batches and buckets, as in a run of millions
            patch.setattr(match_rows, "PASS_ROWS", 3)
            patch.setattr(parse_lines, "BATCH_ROWS", 2)
            patch.setattr(parse_lines, "YIELD_ROWS", 1)
            patch.setattr(build, "BATCH_ROWS", 3)
            patch.setattr(build, "BUCKET_ROWS", 2)
        run = RunFixture(tmp_path_factory.mktemp("run")).send(keys, fanout=copies)
        for number, returned in enumerate(attempts):
            run.receive(returned, attempt=number)
        account = run.build()
    rows, others = run.rows(), run.others()
    assert [row["key"] for row in rows] == keys
    assert balanced(account)
    files = [path.read_bytes() for path in run.received]
    for row, (key, place) in zip(rows, expected(keys, copies, attempts).items(), strict=True):
        if place is None:
            assert (row["outcome"], row["file"]) == ("missing", None)
            continue
        raw = files[row["file"]][row["position"] : row["position"] + row["length"]]
        line = attempts[place[0]][place[1]]
        assert json.loads(raw) == line
        assert row["outcome"] == classify(raw).outcome
        assert row["text"] == classify(raw).text
        assert row["shared"] == (key in copies)
    kept = {(row["file"], row["position"]) for row in rows if row["file"] is not None}
    left = [(row["file"], row["position"]) for row in others]
    assert len(kept) + len(left) == len({*kept, *left}) == account.returned == sum(map(len, attempts))


def test_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    keys = [f"k{number}" for number in range(300)]
    returned = [{"key": key, **answer(key.upper())} for key in keys]
    in_order = RunFixture(tmp_path / "one").send(keys).receive(returned)
    random.Random(5).shuffle(returned)
    shuffled = RunFixture(tmp_path / "two").send(keys).receive(returned)
    assert in_order.build() == shuffled.build()
    told = ["key", "outcome", "text", "prompt_tokens", "cost_usd"]
    one, two = (pq.read_table(run.folder / "results.parquet", columns=told) for run in (in_order, shuffled))
    assert one.equals(two)
