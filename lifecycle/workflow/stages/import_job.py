"""Watch a batch job that was made elsewhere, and account for what it returns.

The job is this run's only to look at: it is cancelled when the user says so, and nothing of it is ever deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.errors import ApiError
from batch.formatting import plural
from batch.model import RunState, Stage
from gemini.wire import timestamp
from lifecycle.core.foreign_jobs import DETACHED, IMPORTED
from lifecycle.inputs.draft_files import INPUTS, REQUESTS, ROW_COLUMNS
from lifecycle.inputs.request_subset import keys_in_file
from lifecycle.storage.store import Row
from lifecycle.workflow.shards import download
from lifecycle.workflow.shards.context import NEW_SHARD, StageContext, StageResult

IMPORTED_TRANSPORT = "recovered"


def run(ctx: StageContext) -> StageResult:
    """In the place of planning: record the job as this run's only shard."""
    job = ctx.data[IMPORTED]
    shard = {
        **NEW_SHARD,
        "n": 0,
        "rows": int(job["requests"] or ctx.row["rows"]),
        "size_bytes": 0,
        "tokens": 0,
        "transport": IMPORTED_TRANSPORT,
        "groups": [],
        "display_name": str(job["display_name"])[:80],
        "stage": "submitted",
        "job_name": job["job"],
        "job_created_at": job["created_at"],
    }
    ctx.store.add_shards(ctx.id, str(ctx.row["token"]), [shard])
    return StageResult(Stage.RUNNING)


def detach(ctx: StageContext, shards: Sequence[Row]) -> None:
    """Stop watching the job, as the user wished: nothing is cancelled, and its cost is not known here."""
    for shard in shards:
        if shard["stage"] == "submitted":
            download.record_missing_rows(ctx, shard)
            ctx.data.update(ending=RunState.CANCELLED.value, error="")
            ctx.log_event(
                f"Job {shard['job_name']} is left to itself: it goes on at Google, and is not watched any more."
            )
            ctx.save()
            ctx.set_shard(shard, stage=DETACHED)


def record_retention(ctx: StageContext, responses_file: str) -> None:
    """Note when Google deletes its copy of the results, if it tells: some such names are refused (issue 1759)."""
    with suppress(ApiError):
        expires_at = timestamp(ctx.client.get_file(responses_file).get("expirationTime"))
        ctx.data[IMPORTED]["results_until"] = expires_at and expires_at.timestamp()


def write_inputs(ctx: StageContext, shards: Sequence[Row]) -> list[Path]:
    """Write the run's inputs as far as they can be known, and return the files of received lines.

    With the requests' own file there is nothing to write, unless no result has one of its keys. Else the keys are
    those of the results; lines without a key get made ones, and requests that nothing came back for stand as rows
    without a name. May be done again after a crash.
    """
    received = [path for shard in shards if (path := ctx.received_path(shard)).exists()]
    keys, keyless = _result_keys(received)
    if ctx.data[IMPORTED]["inputs"]:
        if not keys or any(key in keys for key in keys_in_file(ctx.folder / REQUESTS)):
            return received
        ctx.data[IMPORTED]["inputs"] = False
        ctx.log_event(
            "No result has a key of the file that was given: it is left aside, and inputs are not shown.", "warning"
        )
    if keyless:
        prefix = _unused_prefix("response", keys)
        ctx.log_event(f"{plural(keyless, 'result')} came without a key; they are numbered as they came.", "warning")
        received = [_add_keys(path, prefix) for path in received]
        keys, keyless = _result_keys(received)
    reported = [int((shard["stats"] or {}).get("requests", 0)) for shard in shards]
    sent = max(len(keys), *(int(shard["rows"]) for shard in shards), *reported)
    unnamed_prefix = _unused_prefix("unknown", keys)
    names = [*keys, *(f"{unnamed_prefix}-{n:06d}" for n in range(1, sent - len(keys) + 1))]
    _write_keys_only(ctx.folder, names)
    ctx.data["rows"] = sent
    return received


def _result_keys(received: Sequence[Path]) -> tuple[dict[str, None], int]:
    """The different keys of all lines, in the order received, and how many lines have none."""
    keys: dict[str, None] = {}
    keyless = 0
    for key in chain.from_iterable(map(download.result_keys, received)):
        if key is None:
            keyless += 1
        else:
            keys[key] = None
    return keys, keyless


def _unused_prefix(prefix: str, keys: Sequence[str] | dict[str, None]) -> str:
    """A beginning for made keys that no key has."""
    while any(key.startswith(f"{prefix}-") for key in keys):
        prefix = f"our-{prefix}"
    return prefix


def _add_keys(path: Path, prefix: str) -> Path:
    """A copy of a file of result lines in which those without a key have one, by their place among them."""
    target = path.with_suffix(".keyed.jsonl")
    part, n = target.with_suffix(".part"), 0
    with path.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            try:
                keyless = download.result_key(line) is None
            except msgspec.MsgspecError:
                keyless = False
            if keyless:
                n += 1
                line = orjson.dumps({"key": f"{prefix}-{n:06d}", **_without_key(line)}) + b"\n"
            out.write(line)
    part.replace(target)
    return target


def _without_key(line: bytes) -> dict[str, object]:
    """A line's members but for a key that is null."""
    members: dict[str, object] = orjson.loads(line)
    return {name: value for name, value in members.items() if name != "key"}


def _write_keys_only(folder: Path, names: Sequence[str]) -> None:
    """Write inputs that are keys only, each file whole or not at all; no request is known."""
    schema = pa.schema(ROW_COLUMNS)
    columns = [pa.array(range(len(names)), pa.int64()), pa.array(names, pa.string())]
    columns += [pa.array([""] * len(names), pa.string()), pa.array([0] * len(names), pa.int64())]
    part = folder / f"{INPUTS}.part"
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), part, compression="lz4")
    part.replace(folder / INPUTS)
    part = folder / f"{REQUESTS}.part"
    part.write_bytes(b"")
    part.replace(folder / REQUESTS)
