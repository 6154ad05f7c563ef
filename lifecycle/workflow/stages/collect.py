"""Stage `collecting`: join what came back to what was sent, by key, and account for every row."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.model import Outcome, RunState, Stage
from batch.pricing import costs
from batch.responses import service_errors
from lifecycle.inputs.request_subset import copy_lines, keys_of
from lifecycle.planning import cache_support
from lifecycle.results.collect.build import build
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.storage.store import Row
from lifecycle.workflow.shards import run_caches, uncached_rows
from lifecycle.workflow.shards.context import BLANK, UNRETURNED, Step, Work
from lifecycle.workflow.stages import import_job as import_job_stage

DURATION, IMPLICIT = "duration_hours", "implicit_rate"  # kinds of what is learned
MOST_ATTEMPTS = 3  # how often rows whose cache died are sent with one, all in all
_MAKE_ANEW = "Make one of the same name, and send them again."


def run(work: Work) -> Step:
    """Build the run's result table; send rows again whose cache died; decide how the run ended."""
    shards = work.shards()
    unsent = any(shard["stage"] in ("waiting", "intended") for shard in shards)
    if unsent and not work.cancelled:  # to be sent again; the process that recorded them died here
        return Step(Stage.SUBMITTING)
    joined = _build(work, shards)
    errors = joined.cache_lost or joined.counts.get(Outcome.ERROR_PERMANENT, 0)
    if errors and not work.cancelled and _send_again(work, shards):
        return Step(Stage.SUBMITTING)
    work.data["counts"] = {str(outcome): n for outcome, n in joined.counts.items()}
    work.data.update(rows_usd=joined.usd, unpriced=joined.unpriced)
    _learn(work, shards, joined)
    work.data["ending"], work.data["error"] = _ending(work, shards, joined.matched)
    work.tell(f"{joined.matched:,} of {joined.sent:,} requests have a response.")
    if unreturned := sum(work.data.get(UNRETURNED, {}).values()):
        work.tell(f"The cost is a lower bound: {costs.may_be_billed(unreturned)}", "warning")
    if work.data.get("borrowed") and (suspicion := service_errors.suspect_resent(joined.usage)):
        work.tell(suspicion, "warning")
    return Step(Stage.RELEASING)


def _learn(work: Work, shards: list[Row], joined: Reconciliation) -> None:
    """Remember how long this model's jobs take, and how often it found a prefix by itself."""
    owner = str(work.row["owner"])
    for shard in shards:
        if shard["job_state"] == "JOB_STATE_SUCCEEDED" and shard["job_created_at"] and shard["job_ended_at"]:
            hours = (float(shard["job_ended_at"]) - float(shard["job_created_at"])) / 3600
            work.learn(DURATION, max(0.0, hours))
    if any(shard["groups"] for shard in shards) and joined.usage.prompt and not joined.usage.cached:
        cache_support.ignored(work.store, owner, work.model)
        work.tell("Nothing was read from the caches: every row was paid in full.", "error")
    requests, tokens = work.data.get("implicit_at_stake", (0, 0))
    if tokens and not any(shard["groups"] for shard in shards):
        work.learn(IMPLICIT, min(1.0, joined.usage.cached / tokens), requests)


def _build(work: Work, shards: list[Row]) -> Reconciliation:
    schema = work.spec.generation.response_schema
    received = [path for shard in shards if (path := work.received_path(shard)).exists()]
    return build(
        work.folder,
        received=import_job_stage.account_for(work, shards) if work.recovered else received,
        price=work.options.price(work.model),
        schema=orjson.loads(schema) if schema else None,
    )


def _send_again(work: Work, shards: list[Row]) -> bool:
    """Make shards of the rows that could not read their cache, each from the shard it was in; False if that is over.

    With a cache made anew, a few times; then, or where the service takes none in batches, without, if the user
    allowed that price.
    """
    keys, refused = _kept_from_caches(work)
    attempt = max(int(shard["attempt"]) for shard in shards) + 1
    at_hand = [shard for shard in shards if shard["groups"] and shard["attempt"] == attempt - 1]
    if not keys or not at_hand:
        if keys and work.data.get("borrowed"):
            work.tell(f"{len(keys):,} rows found the cache that they name gone, at no cost. {_MAKE_ANEW}", "error")
        return False
    bare = refused or attempt >= MOST_ATTEMPTS
    if bare and (not work.spec.allow_plain or run_caches.too_dear(work)):
        words = run_caches.too_dear(work) or "They are not sent without a cache."
        work.tell(f"{len(keys):,} rows could not read their cache, and are left as errors. {words}", "error")
        return False
    again = list(_again(work, at_hand, keys, len(shards), attempt, bare=bare))
    work.store.add_shards(work.id, str(work.row["token"]), again)
    if again:
        how = "without one, at full price" if bare else "with a new one"
        work.tell(f"{len(keys):,} rows could not read their cache, at no cost; they are sent again {how}.", "warning")
    return bool(again)


def _again(work: Work, at_hand: list[Row], keys: set[str], first: int, attempt: int, *, bare: bool) -> Iterator[Row]:
    """Write and describe the new shards, numbered from `first`; `bare` ones have the rows as the user gave them."""
    for shard in at_hand:
        mine = keys.intersection(keys_of(work.shard_path(int(shard["n"]))))
        if mine:
            source = uncached_rows.source(work) if bare else work.shard_path(int(shard["n"]))
            rows, size = copy_lines(source, mine, work.shard_path(first))
            yield _shard_row(work, {**shard, "groups": [] if bare else shard["groups"]}, first, attempt, rows, size)
            first += 1
            for group in shard["groups"]:
                run_caches.lost(work, group)


def _shard_row(work: Work, origin: Row, n: int, attempt: int, rows: int, size: int) -> Row:
    tokens = int(origin["tokens"]) * rows // max(1, int(origin["rows"]))
    kept = {"transport": origin["transport"], "groups": origin["groups"], "tokens": tokens}
    new = {"n": n, "attempt": attempt, "rows": rows, "size_bytes": size}
    return {**BLANK, **kept, **new, "display_name": f"{work.display_prefix}s{n:04d}"}


def _kept_from_caches(work: Work) -> tuple[set[str], bool]:
    """The rows whose cache was gone, or is not taken in batches at all; and whether it is the latter."""
    table = pq.read_table(work.folder / "results.parquet", columns=["key", "cache_lost", "error_message"])
    texts = [text for text in pc.unique(table["error_message"]).to_pylist() if text and _takes_no_caches(text)]
    refused = pc.is_in(table["error_message"], value_set=pa.array(texts, pa.string()))
    wanted = pc.or_(pc.fill_null(table["cache_lost"], False), refused)
    if texts:
        cache_support.ignored(work.store, str(work.row["owner"]), work.model)
    return set(table.filter(wanted).column("key").to_pylist()), bool(texts)


def _takes_no_caches(text: str) -> bool:
    found = service_errors.recognise(text)
    return found is not None and found.kind in service_errors.NO_EXPLICIT_CACHES


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
