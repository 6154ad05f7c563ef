"""Forty ended and unfinished runs of seven kinds in a data folder, written through the real store.

For looking at the page and for tests of it; results are built as real ones are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from batch.model import RunState, Stage
from lifecycle.core.models import RunSpec
from lifecycle.core.run_progress import Collected, Ending, RunProgress
from lifecycle.core.run_records import RunRecord, ShardRecord, ShardStage
from lifecycle.storage.run_table import RunTable
from lifecycle.storage.store import Store
from lifecycle.workflow.stages.merge_counts import merge_counts
from tests.lifecycle.run_fixture import RunFixture, answer, error

FLASH, PRO = "gemini-3.8-flash", "gemini-3.5-flash-lite"
DAY = 86_400.0
KINDS = ("invoices", "reviews", "captions", "scans", "glossary", "embed-handbook", "tickets")
TAGS = {"invoices": ["invoices"], "reviews": ["reviews"], "captions": ["pictures"], "scans": ["scans", "archive"]}


def seed(store: Store, owner_id: str, folder_of: Callable[[str], Path], now: float, number: int = 40) -> list[str]:
    """Write the runs, the newest last, and return their ids."""
    table, ids = RunTable(store, owner_id), []
    for record, lines, tags in records(owner_id, now, number):
        if lines:
            account = _results(folder_of(record.id), lines, record.rows)
            record.counts = {str(name): n for name, n in account.counts.items()}
            record.actual_usd = account.usd
            record.progress.collected = Collected(record.counts, account.usd, 0)
        store.add_run(record)
        store.add_event(record.id, f"Submitted: {record.rows:,} requests to {record.model}.")
        if tags:
            table.retag([record.id], tags, [])
        if record.stage is not Stage.FINISHED:
            _shard(store, record)
        if record.parent_id:
            merge_counts(store, owner_id, record.parent_id, folder_of)
        ids.append(record.id)
    table.mark_endings(ids[:-3], read=True)
    return ids


def records(owner_id: str, now: float, number: int) -> Iterator[tuple[RunRecord, list[Any], list[str]]]:
    """Each run with the lines that came back for it, and its tags."""
    chance = random.Random(7)
    parent: tuple[str, float] | None = None
    for n in range(number):
        kind = KINDS[n % len(KINDS)]
        created = now - (number - n) * 0.9 * DAY - chance.random() * 20_000
        rows, run_id = chance.randrange(12, 60), f"r{n:012x}"
        lines = [answer(f"answer {row}") for row in range(rows)]
        state, problem, failure = RunState.FINISHED, n % 9, ""
        if kind == "captions" and problem < 4:
            lines[:4] = [error(13)] * 4
        elif kind == "invoices" and problem in (1, 5):
            lines[:3] = [answer("", finish="SAFETY")] * 3
            lines[3:5] = [error(13)] * 2
        elif kind == "reviews" and problem == 3:
            lines[: rows // 3] = [answer("half of", finish="MAX_TOKENS")] * (rows // 3)
        elif kind == "glossary" and problem == 4:
            lines, state, failure = [], RunState.FAILED, "The API key was refused. Enter another."
        elif kind == "tickets" and problem == 6:
            lines, state = lines[: rows // 2], RunState.CANCELLED
        elif kind == "embed-handbook" and problem == 5:
            lines[:2] = [error(3)] * 2
        name = f"{kind}-{n}" if kind != "invoices" else f"invoices-week-{40 + n // 7}"
        retry = kind == "scans" and parent is not None and problem < 4
        record = RunRecord(
            id=run_id,
            owner_id=owner_id,
            spec=RunSpec(model=FLASH, name=name),
            model=PRO if kind == "glossary" else FLASH,
            rows=rows,
            created_at=created,
            idempotency_key=run_id,
            name=name,
            stage=Stage.FINISHED,
            state=state,
            error=failure,
            estimate={"usd": {"expected": rows * 4e-5, "worst": rows * 1e-4}},
            progress=RunProgress(ending=Ending(state, failure)),
            ended_at=created + chance.choice([120, 1100, 2460, 4320, 8000]),
        )
        if retry and parent is not None:
            record.parent_id, record.created_at = parent[0], parent[1] + 9000
            record.ended_at = record.created_at + 240
        elif kind == "captions" and n < number - 3:
            parent = (run_id, created)
        if n in (number - 1, number - 3):
            record.stage, record.state, record.ended_at, lines = Stage.RUNNING, RunState.ACTIVE, None, []
            record.created_at, record.due_at = now - 720, 0.0
            record.progress = RunProgress()
        yield record, lines, TAGS.get(kind, [])


def _results(folder: Path, lines: Sequence[Any], rows: int) -> Any:
    """Results of so many rows, of which the first came back."""
    keys = [f"row-{n:06d}" for n in range(1, rows + 1)]
    fixture = RunFixture(folder).send(keys)
    size = (folder / "requests.jsonl").stat().st_size
    draft = {"source_name": "", "kind": "jsonl", "rows": len(keys), "size_bytes": size}
    (folder / "draft.json").write_text(json.dumps(draft))
    return fixture.receive([{"key": key, **line} for key, line in zip(keys, lines, strict=False)]).build()


def _shard(store: Store, record: RunRecord) -> None:
    """The job of a run under way, two fifths done."""
    claimed = store.claim([record.owner_id], 60)
    shard = ShardRecord(
        run_id=record.id,
        n=0,
        rows=record.rows,
        size_bytes=1,
        tokens=1,
        transport="file",
        groups=[],
        display_name=record.id,
        stage=ShardStage.SUBMITTED,
        job_name=f"batches/{record.id}",
        job_state="JOB_STATE_RUNNING",
        job_created_at=record.created_at,
        stats={"requests": record.rows, "succeeded": record.rows * 2 // 5, "failed": 0},
    )
    if claimed is not None and claimed.id == record.id:
        store.add_shards(record.id, claimed.token, [shard])
        store.commit(record.id, claimed.token, {}, delay=10**7)
