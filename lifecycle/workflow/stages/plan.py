"""Stage `planned`: decide which shared text is cached, and cut the requests into shards, one batch job each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from batch.model import ContextMode, SendAs, Stage
from batch.planning import sharding
from batch.pricing.workload import canary_rows
from batch.requests.cache_reference import use_cache
from gem_cache import Choice, Plan
from lifecycle.core import transport
from lifecycle.core.transport import Freight
from lifecycle.inputs.request_subset import keys_of
from lifecycle.planning import plan_files
from lifecycle.planning.forecast import plan_of
from lifecycle.storage.store import Row
from lifecycle.workflow.shards.context import BLANK, Step, Work, terms


class Cut(NamedTuple):
    """One shard: what its file holds, its input tokens, and the groups whose caches it needs."""

    rows: int
    size_bytes: int
    tokens: int
    groups: list[str]


def run(work: Work) -> Step:
    """Write the shards' files and record them. The same requests and choices always give the same shards."""
    source = _resolved(work)
    plan = plan_of(
        source,
        work.spec,
        tariff=terms(work),
        hours=float(work.data.get("hours", 4.0)),
        counts=work.data.get("token_counts"),
        implicit_rate=float(work.data.get("implicit_rate", 0.0)),
    )
    work.data["implicit_at_stake"] = _implicit_at_stake(plan)
    send_as = choose_transport(work)
    cuts = list(_write_shards(work, plan, source, send_as))
    plan_files.write_plan(plan, work.folder)
    plan_files.write_rows(plan, source, work.folder)
    work.store.add_shards(
        work.id, str(work.row["token"]), [_shard(work, n, cut, send_as) for n, cut in enumerate(cuts)]
    )
    _tell(work, plan, cuts)
    return Step(Stage.SUBMITTING)


def choose_transport(work: Work) -> SendAs:
    """The transport in force: the user's, or by size on both sides."""
    size = (work.folder / "requests.jsonl").stat().st_size
    freight = Freight(int(work.row["rows"]), size, 0, _output_bytes(work))
    return transport.choose(work.spec.send_as, freight, work.options.limits)


def _output_bytes(work: Work) -> float:
    """Expected of one result, as it was forecast."""
    return float(work.data.get("output_bytes", transport.FRAME_BYTES))


def _resolved(work: Work) -> Path:
    """The requests with every `@use_cache` name replaced by the cache it means."""
    source, named = work.folder / "requests.jsonl", work.data.get("named_for_use")
    if not named:
        return source
    resolved = work.folder / "resolved.jsonl"
    with source.open("rb") as lines, resolved.open("wb") as out:
        for line in lines:
            row = orjson.loads(line)
            row["request"] = use_cache(row["request"], named)
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return resolved


def _write_shards(work: Work, plan: Plan, source: Path, send_as: SendAs) -> Iterator[Cut]:
    """Write one file a shard, each beside its place and renamed, so never half there."""
    folder = work.folder / "shards"
    folder.mkdir(exist_ok=True)
    sizes = np.diff(np.append(plan.survey.offset, source.stat().st_size))
    tokens = plan.stakes.prompt
    groups = [group.id for group in plan.groups]
    shards = _divide(work, plan, send_as, sizes)
    if len(shards) == 1 and not plan.caches and not plan.duplicates and work.spec.context is ContextMode.NONE:
        whole = folder / "0000.jsonl"
        whole.unlink(missing_ok=True)
        os.link(source, whole)
        yield Cut(len(sizes), source.stat().st_size, round(float(tokens.sum())), [])
        return
    for n, rows in enumerate(shards):
        part = folder / f"{n:04d}.part"
        with part.open("wb") as out:
            written = plan.write(out, rows)
        part.replace(folder / f"{n:04d}.jsonl")
        if n == 0 and work.data.get("canary"):
            work.data["canary_rows"] = dict(zip(keys_of(folder / "0000.jsonl"), rows.tolist(), strict=True))
        used = sorted({groups[place] for place in plan.cache_of_row[rows].tolist() if place >= 0})
        yield Cut(written.rows, written.size_bytes, round(float(tokens[rows].sum())), used)


def _divide(work: Work, plan: Plan, send_as: SendAs, sizes: Any) -> list[Any]:
    """Rows of each shard under the limits in force. A row that no shard can hold gets its own: Google decides."""
    limits = work.options.limits
    as_given = work.spec.context is ContextMode.NONE
    rows = min(limits.rows, work.spec.rows_per_job or limits.rows)
    ordered = np.flatnonzero(plan.stakes.sent) if as_given else plan.rows_in_order()
    first = ordered[canary_rows(len(ordered), work.spec.canary)] if work.data.get("canary") else ordered[:0]
    divided = sharding.divide(
        ordered[~np.isin(ordered, first)],
        sharding.Limits(
            file_bytes=limits.most_bytes(send_as),
            rows=rows,
            output_bytes=limits.most_output_bytes(send_as),
            tokens=work.options.enqueued_tokens(work.model),
        ),
        file_bytes=sizes.astype(np.float64),
        output_bytes=np.full(len(sizes), _output_bytes(work)),
        tokens=plan.stakes.prompt,
        cache_of_row=plan.cache_of_row,
        parent_of_cache=_parents(plan),
    )
    return [*([first] if len(first) else []), *divided.shards, *(np.array([row]) for row in divided.oversize)]


def _implicit_at_stake(plan: Plan) -> tuple[int, int]:
    """Requests without a cache whose prefix the service might find by itself, and those prefixes' tokens."""
    rate = plan.options.implicit_rate
    if not rate:
        return 0, 0
    leaf = plan.survey.forest.leaf[plan.stakes.sent & (plan.decision.used < 0)]
    tokens = np.append(plan.stakes.floor, 0.0)[leaf] / rate
    return int((tokens > 0).sum()), round(float(tokens.sum()))


def _parents(plan: Plan) -> list[int]:
    """Per group the place of the next shorter one that is cached; -1 for none."""
    place = {group.id: n for n, group in enumerate(plan.groups)}
    found: list[int] = []
    for group in plan.groups:  # a parent stands before its children
        above = place[group.parent] if group.parent else -1
        cached = above < 0 or plan.groups[above].choice is Choice.EXPLICIT
        found.append(above if cached else found[above])
    return found


def _shard(work: Work, n: int, cut: Cut, send_as: SendAs) -> Row:
    sizes = {"rows": cut.rows, "size_bytes": cut.size_bytes, "tokens": cut.tokens, "groups": cut.groups}
    return {**BLANK, "n": n, **sizes, "transport": send_as.value, "display_name": f"{work.display_prefix}s{n:04d}"}


def _tell(work: Work, plan: Plan, cuts: list[Cut]) -> None:
    if plan.duplicates:
        work.tell(f"{plan.duplicates:,} requests equal another one; each is sent once and its answer shared.")
    if plan.caches:
        work.tell(f"{len(plan.caches)} shared texts will be cached, each just before the job that needs it.")
    if len(cuts) > 1:
        work.tell(f"Split into {len(cuts)} batch jobs, to stay within Gemini's limits.")
