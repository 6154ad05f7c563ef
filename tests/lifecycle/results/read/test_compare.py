"""Two runs are compared row by row, by key, from both sides."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lifecycle.results.read.compare import compare, shared_keys
from lifecycle.results.read.table import ResultTable
from tests.lifecycle.run_fixture import PERSON, RunFixture, answer, asks_for, error


def test_two_runs_are_compared_by_key(tmp_path: Path) -> None:
    def person(key: str) -> dict[str, Any]:
        return asks_for(PERSON)

    one = RunFixture(tmp_path / "one").send("abcdx", prompts=["a?", "b?", "other c?", "d?", "x?"], request=person)
    one.receive(
        [
            {"key": "a", **answer('{"name": "A"}')},
            {"key": "b", **answer('{"name": "B"}', output=50)},
            {"key": "c", **answer("{}")},
            {"key": "d", **answer('{"name": "D"}')},
            {"key": "x", **answer('{"name": "X"}')},
        ]
    )
    two = RunFixture(tmp_path / "two").send("dcbay", prompts=["d?", "c?", "b?", "a?", "y?"], request=person)
    two.receive(
        [
            {"key": "a", **answer('{"name": "A"}')},
            {"key": "b", **answer('{"name": "Bea"}')},
            {"key": "c", **answer('{"name": "C"}')},
            {"key": "d", **error(13)},
        ]
    )
    one.build()
    two.build()
    comparison = compare(ResultTable(one.folder), ResultTable(two.folder))
    assert comparison.counts == {
        "both": 4,
        "only_one": 1,
        "only_two": 1,
        "same": 1,
        "changed": 3,
        "better": 1,
        "worse": 1,
        "better_formed": 1,
        "worse_formed": 0,
        "cheaper": 2,
        "dearer": 0,
        "asked_otherwise": 1,
    }
    assert list(comparison.page("asked_otherwise")[0]["key"]) == ["c"]
    assert shared_keys(one.folder, two.folder) == shared_keys(two.folder, one.folder) == 4
    page, total = comparison.page("changed", limit=2)
    assert (total, list(page["key"])) == (3, ["b", "c"])
    assert list(page["text_one"]) == ['{"name": "B"}', "{}"]
    assert list(page["text_two"]) == ['{"name": "Bea"}', '{"name": "C"}']
    assert comparison.page("dearer")[1] == 0
    assert comparison.usd == (pytest.approx(3 * 20e-6 + 110e-6), pytest.approx(3 * 20e-6))


def test_every_kind_of_difference_is_told_from_both_sides(tmp_path: Path) -> None:
    """What is better, better formed or cheaper one way is worse, worse formed or dearer the other way."""
    one = RunFixture(tmp_path / "one").send("abc", request=lambda key: asks_for(PERSON))
    one.receive([{"key": "a", **answer("{}")}, {"key": "b", **answer('{"name": "B"}')}])
    two = RunFixture(tmp_path / "two").send("cba", request=lambda key: asks_for(PERSON))
    two.receive([{"key": "a", **answer('{"name": "A"}', output=9)}, {"key": "b", **answer('{"name": "B"}')}])
    for run in (one, two):
        run.build()
    there, back = compare(one.table(), two.table()).counts, compare(two.table(), one.table()).counts
    assert (there["better"], there["better_formed"], there["dearer"], there["same"]) == (1, 1, 1, 2)
    opposite = {"better": "worse", "better_formed": "worse_formed", "cheaper": "dearer", "only_one": "only_two"}
    for good, bad in opposite.items():
        assert (there[good], there[bad]) == (back[bad], back[good])


def test_many_rows_are_compared_while_one_waits(tmp_path: Path) -> None:
    """Half of the answers changed; what is measured is the processor's time, whatever else the computer does."""
    keys = [f"k{n:06d}" for n in range(15_000)]
    runs = [RunFixture(tmp_path / name).send(keys) for name in ("one", "two")]
    for m, run in enumerate(runs):
        run.receive({"key": key, **answer(f"{key} {n % 2 * m}")} for n, key in enumerate(keys))
        run.build()
    began = time.process_time()
    comparison = compare(*(run.table() for run in runs))
    assert (comparison.counts["both"], comparison.counts["changed"]) == (15_000, 7_500)
    page, total = comparison.page("changed", offset=7_000, limit=50)
    assert (len(page), total) == (50, 7_500)
    assert time.process_time() - began < 1.5
