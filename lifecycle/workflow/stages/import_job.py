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
from batch.formatting import count
from batch.model import RunState, Stage
from gemini.wire import timestamp
from lifecycle.core.foreign_jobs import DATA, LEFT
from lifecycle.inputs.draft_files import INPUTS, OWN, REQUESTS
from lifecycle.inputs.request_subset import keys_of
from lifecycle.storage.store import Row
from lifecycle.workflow.shards import download
from lifecycle.workflow.shards.context import BLANK, Step, Work

TRANSPORT = "recovered"


def run(work: Work) -> Step:
    """In the place of planning: record the job as this run's only shard."""
    found = work.data[DATA]
    shard = {
        **BLANK,
        "n": 0,
        "rows": int(found["requests"] or work.row["rows"]),
        "size_bytes": 0,
        "tokens": 0,
        "transport": TRANSPORT,
        "groups": [],
        "display_name": str(found["display_name"])[:80],
        "stage": "submitted",
        "job_name": found["job"],
        "job_created_at": found["created_at"],
    }
    work.store.add_shards(work.id, str(work.row["token"]), [shard])
    return Step(Stage.RUNNING)


def leave(work: Work, shards: Sequence[Row]) -> None:
    """Stop watching the job, as the user wished: nothing is cancelled, and its cost is not known here."""
    for shard in shards:
        if shard["stage"] == "submitted":
            download.note_unreturned(work, shard)
            work.data.update(ending=RunState.CANCELLED.value, error="")
            work.tell(f"Job {shard['job_name']} is left to itself: it goes on at Google, and is not watched any more.")
            work.save()
            work.set_shard(shard, stage=LEFT)


def note_retention(work: Work, responses_file: str) -> None:
    """Note when Google deletes its copy of the results, if it tells: some such names are refused (issue 1759)."""
    with suppress(ApiError):
        until = timestamp(work.gateway.get_file(responses_file).get("expirationTime"))
        work.data[DATA]["results_until"] = until and until.timestamp()


def account_for(work: Work, shards: Sequence[Row]) -> list[Path]:
    """Write the run's inputs as far as they can be known, and return the files of received lines.

    With the requests' own file there is nothing to write, unless no result has one of its keys. Else the keys are
    those of the results; lines without a key get made ones, and requests that nothing came back for stand as rows
    without a name. May be done again after a crash.
    """
    received = [path for shard in shards if (path := work.received_path(shard)).exists()]
    keys, keyless = _keys(received)
    if work.data[DATA]["inputs"]:
        if not keys or any(key in keys for key in keys_of(work.folder / REQUESTS)):
            return received
        work.data[DATA]["inputs"] = False
        work.tell(
            "No result has a key of the file that was given: it is left aside, and inputs are not shown.", "warning"
        )
    if keyless:
        made = _unused("response", keys)
        work.tell(f"{count(keyless, 'result')} came without a key; they are numbered as they came.", "warning")
        received = [_keyed(path, made) for path in received]
        keys, keyless = _keys(received)
    told = [int((shard["stats"] or {}).get("requests", 0)) for shard in shards]
    sent = max(len(keys), *(int(shard["rows"]) for shard in shards), *told)
    blank = _unused("unknown", keys)
    names = [*keys, *(f"{blank}-{n:06d}" for n in range(1, sent - len(keys) + 1))]
    _write(work.folder, names)
    work.data["rows"] = sent
    return received


def _keys(received: Sequence[Path]) -> tuple[dict[str, None], int]:
    """The different keys of all lines, in the order received, and how many lines have none."""
    keys: dict[str, None] = {}
    keyless = 0
    for key in chain.from_iterable(map(download.result_keys, received)):
        if key is None:
            keyless += 1
        else:
            keys[key] = None
    return keys, keyless


def _unused(word: str, keys: Sequence[str] | dict[str, None]) -> str:
    """A beginning for made keys that no key has."""
    while any(key.startswith(f"{word}-") for key in keys):
        word = f"our-{word}"
    return word


def _keyed(path: Path, made: str) -> Path:
    """A copy of a file of result lines in which those without a key have one, by their place among them."""
    target = path.with_suffix(".keyed.jsonl")
    part, n = target.with_suffix(".part"), 0
    with path.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            try:
                keyless = download.key_of_result(line) is None
            except msgspec.MsgspecError:
                keyless = False
            if keyless:
                n += 1
                line = orjson.dumps({"key": f"{made}-{n:06d}", **_without_key(line)}) + b"\n"
            out.write(line)
    part.replace(target)
    return target


def _without_key(line: bytes) -> dict[str, object]:
    """A line's members but for a key that is null."""
    found: dict[str, object] = orjson.loads(line)
    return {name: value for name, value in found.items() if name != "key"}


def _write(folder: Path, names: Sequence[str]) -> None:
    """Write inputs that are keys only, each file whole or not at all; no request is known."""
    schema = pa.schema(OWN)
    columns = [pa.array(range(len(names)), pa.int64()), pa.array(names, pa.string())]
    columns += [pa.array([""] * len(names), pa.string()), pa.array([0] * len(names), pa.int64())]
    part = folder / f"{INPUTS}.part"
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), part, compression="lz4")
    part.replace(folder / INPUTS)
    part = folder / f"{REQUESTS}.part"
    part.write_bytes(b"")
    part.replace(folder / REQUESTS)
