"""Leases, fencing tokens, and a database that does not grow with polls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from batch.pricing.costs import RunCost
from lifecycle.storage.store import LeaseLost, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'runs.db'}")
    yield made
    made.close()


def run_row(run_id: str, **values: Any) -> dict[str, Any]:
    blank = {"rehearsal": False, "identity": "", "parent_id": "", "name": "", "model": "m", "rows": 1, "ending": ""}
    times = {"created_at": time.time(), "due_at": 0.0, "lease_until": 0.0, "token": "", "failures": 0, "cancel": False}
    documents: dict[str, Any] = {"spec": {}, "data": {}, "estimate": {}, "counts": {}, "note": "", "error": ""}
    state = {"stage": "planned", "state": "active", "owner": "a", "ticket": run_id}
    return {"id": run_id, **blank, **times, **documents, **state, **values}


def test_the_same_ticket_records_one_run(store: Store) -> None:
    """A double click is one submission."""
    assert store.add_run(run_row("r1", ticket="t")) == "r1"
    assert store.add_run(run_row("r2", ticket="t")) == "r1"
    assert store.add_run(run_row("r3", ticket="t", owner="b")) == "r3"


def test_a_live_lease_cannot_be_claimed_and_an_expired_one_can(store: Store) -> None:
    store.add_run(run_row("r1"))
    first = store.claim(["a"], 60)
    assert first is not None
    assert store.claim(["a"], 60) is None
    store.commit("r1", first["token"], {}, delay=0)
    second = store.claim(["a"], 0.0)
    assert second is not None
    assert second["token"] != first["token"]


def test_only_runs_whose_key_is_held_are_claimed(store: Store) -> None:
    store.add_run(run_row("r1", owner="a"))
    assert store.claim(["b"], 60) is None
    assert store.claim([], 60) is None


def test_a_holder_whose_run_was_taken_writes_nothing(store: Store) -> None:
    """Every write is fenced: run, shard and cache."""
    store.add_run(run_row("r1"))
    old = store.claim(["a"], 0.0)
    new = store.claim(["a"], 60)
    assert old is not None and new is not None
    for write in (
        lambda: store.commit("r1", old["token"], {"note": "stale"}, delay=1),
        lambda: store.add_shards("r1", old["token"], [{"n": 0}]),
        lambda: store.set_shard("r1", old["token"], 0, job_name="stale"),
        lambda: store.put_cache("r1", old["token"], "g", 0, name="stale"),
        lambda: store.extend_lease("r1", old["token"], 60),
    ):
        with pytest.raises(LeaseLost):
            write()
    row = store.run("r1")
    assert row is not None and row["note"] == ""


def test_a_lease_is_never_shortened(store: Store) -> None:
    store.add_run(run_row("r1"))
    row = store.claim(["a"], 60)
    assert row is not None
    store.extend_lease("r1", row["token"], 5)
    after = store.run("r1")
    assert after is not None and after["lease_until"] > time.time() + 50


def test_a_cancel_that_lands_during_a_stage_is_seen_at_once(store: Store) -> None:
    store.add_run(run_row("r1"))
    row = store.claim(["a"], 60)
    assert row is not None
    store.request_cancel("r1")
    store.commit("r1", row["token"], {}, delay=300)
    assert store.claim(["a"], 60) is not None


def test_a_cancel_already_seen_does_not_hurry_the_run(store: Store) -> None:
    store.add_run(run_row("r1", cancel=True))
    row = store.claim(["a"], 60)
    assert row is not None
    store.commit("r1", row["token"], {"cancel_seen": True}, delay=300)
    assert store.claim(["a"], 60) is None


def test_two_processes_share_one_database_and_its_constants(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    one, two = Store(url), Store(url)
    assert one.get_or_create_setting("salt", lambda: "x") == two.get_or_create_setting("salt", lambda: "y") == "x"
    one.add_run(run_row("r1"))
    assert two.claim(["a"], 60) is not None
    assert one.claim(["a"], 60) is None
    one.close()
    two.close()


def test_polls_do_not_make_the_database_grow(store: Store) -> None:
    """Looking again writes one row in place; a repeated line of the log is not written again."""
    store.add_run(run_row("r1"))
    for _ in range(50):
        row = store.claim(["a"], 60)
        assert row is not None
        store.add_event("r1", "Still running.")
        store.commit("r1", row["token"], {"note": "n"}, delay=0)
    assert len(store.events("r1")) == 1


def test_an_owner_with_many_runs_does_not_starve_others(store: Store) -> None:
    for n in range(3):
        store.add_run(run_row(f"a{n}", owner="a"))
    store.add_run(run_row("b0", owner="b"))
    claimed = [store.claim(["a", "b"], 60, max_per_owner=2) for _ in range(3)]
    assert [row["owner"] for row in claimed if row] == ["a", "a", "b"]
    assert store.claim(["a", "b"], 60, max_per_owner=2) is None


def test_what_an_ended_run_may_have_sent_takes_up_no_room(store: Store) -> None:
    """A create that was never answered counts while its run looks for the job, and no longer."""
    blank = {"attempt": 0, "rows": 1, "size_bytes": 1, "tokens": 7, "transport": "file", "groups": [], "creates": 1}
    texts = dict.fromkeys(("display_name", "file_name", "job_name", "job_state", "error"), "")
    store.add_run(run_row("r1", stage="submitting"))
    row = store.claim(["a"], 60)
    assert row is not None
    sent = {**blank, **texts, "n": 0, "stage": "intended", "settle_at": 1.0, "misses": 0}
    store.add_shards("r1", row["token"], [sent])
    assert [shard["tokens"] for shard in store.quota_shards("a", 0.0)] == [7]
    store.commit("r1", row["token"], {"stage": "finished"})
    assert store.quota_shards("a", 0.0) == []


def test_removing_a_run_leaves_nothing_of_it(store: Store) -> None:
    store.add_run(run_row("r1", stage="finished"))
    store.add_event("r1", "x")
    store.remove_run("r1")
    assert store.run("r1") is None
    assert store.events("r1") == []


def test_a_database_of_the_first_version_learns_to_keep_bills(store: Store) -> None:
    """Also of the runs that ended before."""
    store.add_run(run_row("r1", stage="finished", state="finished"))
    with store.engine.begin() as c:
        c.execute(text("DROP TABLE bill"))
        c.execute(text("UPDATE meta SET value = '1' WHERE name = 'schema'"))
    new = Store(store.engine.url.render_as_string(hide_password=False))
    assert [row["id"] for row in new.runs_without_cost("a")] == ["r1"]
    for usd in (0.5, 0.7):
        new.add_run_cost("a", asdict(RunCost("r1", rows_usd=usd)))
    assert [row["rows_usd"] for row in new.run_costs("a")] == [0.5]
    assert new.runs_without_cost("a") == [] and new.run_costs("b") == []
    new.close()


def test_bills_of_the_second_version_are_kept_when_they_learn_to_tell_more(store: Store) -> None:
    store.add_run_cost("a", asdict(RunCost("r1", rows_usd=0.5)))
    with store.engine.begin() as c:
        for column in ("unreturned", "jobs", "again"):
            c.execute(text(f"ALTER TABLE bill DROP COLUMN {column}"))
        c.execute(text("UPDATE meta SET value = '2' WHERE name = 'schema'"))
    new = Store(store.engine.url.render_as_string(hide_password=False))
    assert [RunCost(**row) for row in new.run_costs("a")] == [RunCost("r1", rows_usd=0.5, jobs=[])]
    new.close()
