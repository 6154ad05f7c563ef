"""The narrow row of each run that the table of runs reads: how it is made, and how it follows its run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from batch.model import RunState, Stage
from batch.responses.outcome_groups import RunGroup, needs_attention, run_group
from lifecycle.core.run_records import RunRecord
from lifecycle.storage.schema import run_summary

FOLLOWED = frozenset({"rows", "counts", "actual_usd"})  # fields of a run whose change its summary follows at once
DIGITS = 12  # to which a number in a name is filled up, so that week-9 comes before week-10


def columns_of(run: RunRecord) -> dict[str, Any]:
    """The summary of a run that is being recorded."""
    return {
        "run_id": run.id,
        "owner_id": run.owner_id,
        "parent_id": run.parent_id,
        "name": run.name,
        "sort_name": sort_name(run.name or run.id),
        "model": run.model,
        "tags": [],
        "search_text": search_text(run.name, run.model, run.id, []),
        "created_at": run.created_at,
        "counts": run.counts,
        "merged": False,
        "merge_due": False,
        "ending_read": False,
        **_facts(run, run.counts),
    }


def follow(c: Connection, run: RunRecord) -> None:
    """Bring a summary up to its run, which was just written; counts that retries have mended stay."""
    s = run_summary
    stored = c.execute(select(s.c.counts, s.c.merged).where(s.c.run_id == run.id)).first()
    if stored is None:
        return
    counts = stored.counts if stored.merged else run.counts
    c.execute(s.update().where(s.c.run_id == run.id).values(counts=counts, **_facts(run, counts)))


def merge(c: Connection, run: RunRecord, counts: Mapping[str, int], *, merged: bool) -> None:
    """Write what a run's rows came to over all its retries; not `merged` are its own counts, for want of others."""
    values = {"counts": dict(counts), "merged": merged, "merge_due": False, **_facts(run, counts)}
    c.execute(run_summary.update().where(run_summary.c.run_id == run.id).values(values))


def _facts(run: RunRecord, counts: Mapping[str, int]) -> dict[str, Any]:
    """What changes as a run goes on. Rows of a run under way are nobody's care yet."""
    ended = run.stage is Stage.FINISHED
    held_back = run.progress.held_back_rows if run.state is RunState.FINISHED else 0
    return {
        "rows": run.rows,
        "state": (run.state if ended else RunState.ACTIVE).value,
        "standing": (run_group(run.state, counts, run.rows, held_back) if ended else RunGroup.RUNNING).value,
        "attention": needs_attention(counts, run.rows) if ended else 0,
        "held_back": held_back if ended else 0,
        "usd": run.actual_usd,
        "usd_at_least": run.progress.cost_is_lower_bound,
        "error": run.error,
        "ended_at": run.ended_at,
    }


_NUMBER = re.compile("[0-9]+")


def sort_name(name: str) -> str:
    """A name as names are sorted: in any case, and numbers by their size."""
    return _NUMBER.sub(lambda match: match[0].zfill(DIGITS), name.casefold())


def search_text(name: str, model: str, run_id: str, tags: Sequence[str]) -> str:
    """What a search looks through, in one case."""
    return " ".join([name, model, run_id, *tags]).casefold()
