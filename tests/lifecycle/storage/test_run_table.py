"""The table of runs: no run twice or left out, in the order that Python gives, and only its owner's."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch.model import RunState, Stage
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import RunLine, RunQuery, RunSort
from lifecycle.core.run_progress import Collected, RunProgress
from lifecycle.storage.run_summary import sort_name
from lifecycle.storage.run_table import STATE_ORDER, RunTable
from lifecycle.storage.store import Store
from tests.lifecycle.storage.test_store import run_record


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'runs.db'}")
    yield made
    made.close()


def ended_run(run_id: str, counts: dict[str, int], **values: Any) -> Any:
    base = {"stage": Stage.FINISHED, "state": RunState.FINISHED, "rows": sum(counts.values()), "counts": counts}
    return run_record(run_id, **{**base, "ended_at": time.time() + 60, **values})


def mixed_runs(store: Store, seed: int, number: int = 60) -> None:
    """Runs of all kinds, some of them retries, with equal values among them."""
    random_ = random.Random(seed)
    roots: list[str] = []
    for n in range(number):
        counts = {"answered": random_.choice([3, 40]), "refused": random_.choice([0, 0, 2])}
        counts["truncated"] = random_.choice([0, 0, 1, 30])
        created = 1_000_000.0 + random_.choice([n, 5])
        values = {
            "name": random_.choice(["", "Äpfel", "week-9", "Week-10", "week-48", "%_x"]),
            "model": random_.choice(["flash", "pro"]),
            "parent_id": random_.choice(roots) if roots and random_.random() < 0.3 else "",
            "actual_usd": random_.choice([None, 0.0, 1.5, random_.random()]),
            "created_at": created,
            "ended_at": created + random_.choice([60.0, 3600.0]),
            "state": random_.choice([RunState.FINISHED] * 4 + [RunState.FAILED, RunState.CANCELLED]),
        }
        run_id = f"r{n:03d}"
        if random_.random() < 0.1:
            record = run_record(run_id, **{**values, "state": RunState.ACTIVE, "ended_at": None})
        else:
            record = ended_run(run_id, {k: v for k, v in counts.items() if v}, **values)
        store.add_run(record)
        if not values["parent_id"]:
            roots.append(run_id)
    store.add_run(ended_run("other", {"answered": 1}, owner_id="b", name="week-9"))


def in_pythons_order(lines: list[RunLine], query: RunQuery, now: float) -> list[str]:
    by_id = {line.id: line for line in lines}

    def value(line: RunLine) -> Any:
        took = line.took_seconds
        keys: dict[RunSort, Any] = {
            RunSort.NAME: sort_name(line.title),
            RunSort.STATE: STATE_ORDER.index(line.group),
            RunSort.ROWS: line.rows,
            RunSort.ATTENTION: line.attention,
            RunSort.COST: line.usd,
            RunSort.TOOK: now - line.created_at.timestamp() if took is None else took,
        }
        return keys.get(query.sort, line.created_at.timestamp())

    def last_keys(line: RunLine) -> Any:
        root = by_id[line.parent_id or line.id]
        return (-root.created_at.timestamp(), root.id, bool(line.parent_id), line.created_at.timestamp(), line.id)

    def key_of(line: RunLine) -> Any:
        return value(by_id[line.parent_id or line.id])

    ordered = sorted(lines, key=last_keys)
    known = [line for line in ordered if key_of(line) is not None]
    known.sort(key=key_of, reverse=query.descending)
    return [line.id for line in [*known, *(line for line in ordered if key_of(line) is None)]]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_order_is_pythons_and_pages_lose_nothing(store: Store, seed: int) -> None:
    mixed_runs(store, seed)
    table = RunTable(store, "a")
    everything = table.page(RunQuery(limit=1000))
    assert len({line.id for line in everything}) == len(everything) == 60
    for sort in RunSort:
        for descending in (True, False):
            query = RunQuery(sort=sort, descending=descending, limit=1000)
            ids = [line.id for line in table.page(query)]
            assert ids == in_pythons_order(everything, query, store.now()), (sort, descending)
            paged = [line.id for first in range(0, 60, 7) for line in table.page(replace(query, first=first, limit=7))]
            assert paged == ids


def test_each_run_is_in_one_group_and_the_counts_add_up(store: Store) -> None:
    mixed_runs(store, 3)
    table = RunTable(store, "a")
    for query in (RunQuery(), RunQuery(text="week"), RunQuery(retries=False), RunQuery(text="nothing")):
        counts = table.counts(query)
        seen: list[str] = []
        for group in RunGroup:
            lines = table.page(replace(query, group=group, limit=1000))
            assert {line.group for line in lines} <= {group} and len(lines) == counts[group]
            seen += [line.id for line in lines]
        assert sorted(seen) == sorted(line.id for line in table.page(replace(query, limit=1000)))
        ended = table.page(replace(query, ended_only=True, limit=1000))
        assert len(ended) == sum(counts.values()) - counts[RunGroup.RUNNING]


def test_retries_that_outlive_their_parent_are_counted(store: Store) -> None:
    for n, (owner, parent) in enumerate((("a", ""), ("a", "r0"), ("a", "r0"), ("b", "r0"))):
        store.add_run(ended_run(f"r{n}", {"answered": 1}, parent_id=parent, owner_id=owner))
    table = RunTable(store, "a")
    assert [table.count_retries(ids) for ids in (["r0"], ["r0", "r1"], ["r1"], [])] == [2, 1, 0, 0]


def test_retries_stand_under_their_parent_by_number(store: Store) -> None:
    store.add_run(ended_run("p", {"answered": 1}, name="scans", created_at=10.0))
    for n, created in enumerate((30.0, 20.0)):
        store.add_run(ended_run(f"c{n}", {"answered": 1}, name="scans", parent_id="p", created_at=created))
    store.add_run(ended_run("later", {"answered": 1}, created_at=40.0))
    table = RunTable(store, "a")
    lines = table.page(RunQuery())
    assert [(line.id, line.retry, line.parent_name) for line in lines] == [
        ("later", 0, ""),
        ("p", 0, ""),
        ("c1", 1, "scans"),
        ("c0", 2, "scans"),
    ]
    assert [line.id for line in table.page(RunQuery(retries=False))] == ["later", "p"]


def test_a_summary_follows_its_run_to_the_end(store: Store) -> None:
    store.add_run(run_record("r1", rows=8))
    table = RunTable(store, "a")
    claimed = store.claim(["a"], 60)
    assert claimed is not None
    (line,) = table.page(RunQuery())
    assert (line.group, line.attention, line.words) == (RunGroup.RUNNING, 0, "running")
    progress = RunProgress(no_result_rows={"batches/1": 1}, collected=Collected({}, 0.5, 0))
    counts = {"answered": 5, "refused": 2, "missing": 1}
    values = {"counts": counts, "actual_usd": 0.5, "progress": progress, "stage": Stage.RELEASING}
    store.commit("r1", claimed.token, values, delay=0.0, release=False)
    (line,) = table.page(RunQuery())
    assert (line.group, line.usd, line.usd_at_least) == (RunGroup.RUNNING, 0.5, True)
    ending = {"stage": Stage.FINISHED, "state": RunState.FINISHED, "ended_at": time.time()}
    store.commit("r1", claimed.token, ending, delay=0.0)
    (line,) = table.page(RunQuery())
    assert (line.group, line.attention, line.words) == (RunGroup.DECIDE, 3, "finished, 2 to decide")


def test_what_retries_mend_stays_when_the_run_is_written_again(store: Store) -> None:
    store.add_run(ended_run("p", {"answered": 3, "empty": 2}))
    table = RunTable(store, "a")
    table.merge("p", {"answered": 4, "empty": 1})
    (line,) = table.page(RunQuery())
    assert (line.attention, line.group) == (1, RunGroup.TRY_AGAIN)
    table.merge("p", None)
    assert table.page(RunQuery())[0].attention == 2


def test_names_and_tags_are_written_and_found(store: Store) -> None:
    store.add_run(ended_run("r1", {"answered": 1}, name="Invoices", model="gemini-flash"))
    store.add_run(ended_run("r2", {"answered": 1}, name="100% of_it"))
    table = RunTable(store, "a")
    table.rename("r1", "Straße 9")
    table.retag(["r1", "r2"], ["Quarter 3", "x"], [])
    table.retag(["r2"], ["quarter 3", "y"], ["X"])
    by_id = {line.id: line for line in table.page(RunQuery())}
    assert by_id["r1"].name == "Straße 9" and (run := store.run("r1")) and run.name == "Straße 9"
    assert (by_id["r1"].tags, by_id["r2"].tags) == (("Quarter 3", "x"), ("Quarter 3", "y"))
    assert table.tags() == ["Quarter 3", "x", "y"]
    found = {
        text: [line.id for line in table.page(RunQuery(text=text))]
        for text in ("STRASSE", "flash quarter", "invoices", "100%", "0_o", "r1")
    }
    assert found == {
        "STRASSE": ["r1"],
        "flash quarter": ["r1"],
        "invoices": [],
        "100%": ["r2"],
        "0_o": [],
        "r1": ["r1"],
    }


def test_nobody_reaches_a_run_of_another(store: Store) -> None:
    store.add_run(ended_run("r1", {"answered": 3, "empty": 2}, name="mine"))
    table = RunTable(store, "b")
    table.rename("r1", "yours")
    table.retag(["r1"], ["t"], [])
    table.mark_endings(["r1"], read=True)
    table.merge("r1", {})
    table.mark_merge_due("r1")
    assert table.page(RunQuery()) == table.lines(["r1"]) == table.tags() == table.merges_due(9) == []
    assert sum(table.counts(RunQuery()).values()) == 0 and table.unread_endings(9) == ([], 0)
    (line,) = RunTable(store, "a").lines(["r1"])
    assert (line.name, line.tags, line.attention) == ("mine", (), 2)
    assert RunTable(store, "a").unread_endings(9)[1] == 1 and RunTable(store, "a").merges_due(9) == []


def test_an_ending_is_told_until_it_was_read(store: Store) -> None:
    for n in range(3):
        store.add_run(ended_run(f"r{n}", {"answered": 1}, ended_at=100.0 + n))
    store.add_run(run_record("under-way"))
    table = RunTable(store, "a")
    lines, number = table.unread_endings(2)
    assert ([line.id for line in lines], number) == (["r2", "r1"], 3)
    table.mark_endings(["r2", "r0"], read=True)
    assert [line.id for line in table.unread_endings(9)[0]] == ["r1"]
    table.mark_endings(["r2"], read=False)
    assert table.unread_endings(9)[1] == 2


def test_a_removed_run_leaves_its_retries_as_runs_of_their_own(store: Store) -> None:
    store.add_run(ended_run("p", {"answered": 1}))
    store.add_run(ended_run("c", {"answered": 1}, parent_id="p"))
    store.remove_run("p")
    (line,) = RunTable(store, "a").page(RunQuery(retries=False))
    assert (line.id, line.parent_id, line.retry) == ("c", "", 0)
