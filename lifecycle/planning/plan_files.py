"""What a run keeps of its plan: the caches' contents, and which rows share what and stand for whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from gem_cache import CachingChoice, Plan
from lifecycle.core.run_files import FANOUT, GROUPS, PLAN
from lifecycle.requests.request_subset import keys_in_file

BATCH_ROWS = 50_000


def write_plan(plan: Plan, folder: Path) -> None:
    """Write each explicit group's content and tokens; small enough to hold, since caches are few and bounded."""
    chosen = {group.id: group for group in plan.groups if group.choice is CachingChoice.EXPLICIT and group.served}
    groups = {
        ident: {"tokens": chosen[ident].prefix_tokens, "requests": chosen[ident].served, "body": msgspec.Raw(body)}
        for ident, body in plan.contents(list(chosen))
    }
    part = folder / f"{PLAN}.part"
    part.write_bytes(msgspec.json.encode({"groups": groups}))
    part.replace(folder / PLAN)


def write_rows(plan: Plan, requests: Path, folder: Path) -> None:
    """Write each row's group, and for a row that is not sent the equal one that is."""
    if plan.duplicates:
        _write(folder / FANOUT, ("key", "sent_key"), _copies(plan, requests))
    if plan.groups:
        _write(folder / GROUPS, ("key", "group"), row_groups(plan, requests))


def read_body(folder: Path, group: str) -> dict[str, object]:
    """The JSON of what a group's cache holds."""
    document = orjson.loads((folder / PLAN).read_bytes())
    body: dict[str, object] = document["groups"][group]["body"]
    return body


def row_groups(plan: Plan, requests: Path) -> Iterator[tuple[str, str | None]]:
    """Per row its key and its group: the one whose cache it uses, else its deepest shared prefix, else None."""
    groups = [group.id for group in plan.groups]
    cached, deepest = plan.cache_of_row.tolist(), plan.group_of_row.tolist()
    for key, cache_index, shared in zip(keys_in_file(requests), cached, deepest, strict=True):
        group_index = cache_index if cache_index >= 0 else shared
        yield key, groups[group_index] if group_index >= 0 else None


def _copies(plan: Plan, requests: Path) -> Iterator[tuple[str, str | None]]:
    sent = plan.cost_model.sent.tolist()
    keys = list(keys_in_file(requests))
    for row, first in enumerate(plan.survey.duplicate_of.tolist()):
        if not sent[row]:
            yield keys[row], keys[first]


def _write(path: Path, names: Sequence[str], rows: Iterator[tuple[str, str | None]]) -> None:
    """Write two columns of texts, streaming; appears whole or not at all."""
    schema, part = pa.schema([(name, pa.string()) for name in names]), path.with_suffix(".part")
    with pq.ParquetWriter(part, schema) as out:
        while batch := list(islice(rows, BATCH_ROWS)):
            columns = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
            out.write_batch(pa.record_batch(columns, schema=schema))
    part.replace(path)
