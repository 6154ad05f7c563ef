"""Stage `collecting`: join what came back to what was sent, by key, and account for every row."""

from __future__ import annotations

import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.model import RunState, Stage
from lifecycle import results
from lifecycle.results import Reconciliation
from lifecycle.stages import adopting, caching
from lifecycle.stages.planning import BLANK
from lifecycle.stages.work import Step, Work
from lifecycle.store import Row
from lifecycle.subset import copy_lines, keys_of

DURATION, IMPLICIT = "duration_hours", "implicit_rate"  # kinds of what is learned
MOST_ATTEMPTS = 3  # how often rows whose cache died are sent, all in all


def run(work: Work) -> Step:
    """Build the run's result table; send rows again whose cache died; decide how the run ended."""
    shards = work.shards()
    unsent = any(shard["stage"] in ("waiting", "intended") for shard in shards)
    if unsent and not work.cancelled:  # to be sent again; the process that recorded them died here
        return Step(Stage.SUBMITTING)
    joined = _build(work, shards)
    if joined.cache_lost and not work.cancelled and _send_again(work, shards):
        return Step(Stage.SUBMITTING)
    work.data["counts"] = {str(outcome): n for outcome, n in joined.counts.items()}
    work.data["rows_usd"] = joined.usd
    _learn(work, shards, joined)
    work.data["ending"], work.data["error"] = _ending(work, shards, joined.matched)
    work.tell(f"{joined.matched:,} of {joined.sent:,} requests have a response.")
    return Step(Stage.RELEASING)


def _learn(work: Work, shards: list[Row], joined: Reconciliation) -> None:
    """Remember how long this model's jobs take, and how often it found a prefix by itself."""
    owner = str(work.row["owner"])
    for shard in shards:
        if shard["job_state"] == "JOB_STATE_SUCCEEDED" and shard["job_created_at"] and shard["job_ended_at"]:
            hours = (float(shard["job_ended_at"]) - float(shard["job_created_at"])) / 3600
            work.store.learn(owner, work.model, DURATION, max(0.0, hours))
    requests, tokens = work.data.get("implicit_at_stake", (0, 0))
    if tokens and not any(shard["groups"] for shard in shards):
        work.store.learn(owner, work.model, IMPLICIT, min(1.0, joined.usage.cached / tokens), requests)


def _build(work: Work, shards: list[Row]) -> Reconciliation:
    schema = work.spec.generation.response_schema
    received = [path for shard in shards if (path := work.received_path(shard)).exists()]
    return results.build(
        work.folder,
        received=adopting.account_for(work, shards) if work.recovered else received,
        price=work.options.price(work.model),
        schema=orjson.loads(schema) if schema else None,
    )


def _send_again(work: Work, shards: list[Row]) -> bool:
    """Make shards of the rows whose cache died, each from the shard it was in. False when that was tried enough."""
    attempt = max(int(shard["attempt"]) for shard in shards) + 1
    if attempt >= MOST_ATTEMPTS:
        work.tell("The cache died again; the rows that needed it are left as errors.", "error")
        return False
    keys = _cache_lost_keys(work)
    again: list[Row] = []
    for shard in [s for s in shards if s["groups"] and s["attempt"] == attempt - 1]:
        mine = keys.intersection(keys_of(work.shard_path(int(shard["n"]))))
        if mine:
            n = len(shards) + len(again)
            rows, size = copy_lines(work.shard_path(int(shard["n"])), mine, work.shard_path(n))
            again.append(_shard_row(work, shard, n, attempt, rows, size))
            for group in shard["groups"]:
                caching.lost(work, group)
    work.store.add_shards(work.id, str(work.row["token"]), again)
    if again:
        work.tell(
            f"{len(keys):,} rows found their cache gone, at no cost; they are sent again with a new one.", "warning"
        )
    return bool(again)


def _shard_row(work: Work, origin: Row, n: int, attempt: int, rows: int, size: int) -> Row:
    tokens = int(origin["tokens"]) * rows // max(1, int(origin["rows"]))
    kept = {"transport": origin["transport"], "groups": origin["groups"], "tokens": tokens}
    new = {"n": n, "attempt": attempt, "rows": rows, "size_bytes": size}
    return {**BLANK, **kept, **new, "display_name": f"{work.display_prefix}s{n:04d}"}


def _cache_lost_keys(work: Work) -> set[str]:
    table = pq.read_table(work.folder / "results.parquet", columns=["key", "cache_lost"])
    return set(table.filter(pc.equal(table["cache_lost"], True)).column("key").to_pylist())


def _ending(work: Work, shards: list[Row], matched: int) -> tuple[str, str]:
    """What to call the run: cancelled if asked to, failed if no row came back because jobs failed, else finished."""
    if "ending" in work.data:
        return str(work.data["ending"]), str(work.data["error"])
    good = ("", "JOB_STATE_SUCCEEDED")
    errors = [str(s["error"] or s["job_state"]) for s in shards if s["error"] or s["job_state"] not in good]
    if work.cancelled:
        return RunState.CANCELLED.value, ""
    if not matched and errors:
        return RunState.FAILED.value, errors[0]
    return RunState.FINISHED.value, ""
