"""Bring a job's results to disk: beside their place, verified by key, and there whole or not at all."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import orjson

from batch.responses.outcomes import classify
from batch.responses.row_errors import as_cancelled
from gemini.wire import Operation, result_lines
from lifecycle.core.run_records import ShardRecord
from lifecycle.requests.request_subset import keys_in_file
from lifecycle.workflow.shards.context import StageContext


class _Line(msgspec.Struct):
    key: str | None = None


_decode = msgspec.json.Decoder(_Line).decode


def result_keys(path: Path) -> Iterator[str | None]:
    """The key of each result line, None where it has none; broken lines are passed over."""
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield _decode(line).key
            except msgspec.MsgspecError:
                continue


def has_output(op: Operation) -> bool:
    """Whether a job says where its results are."""
    return bool(op.responses_file) or op.inlined is not None


def download_results(ctx: StageContext, shard: ShardRecord, op: Operation) -> int:
    """Save what a job has returned; returns how many of the shard's rows are answered by what is saved.

    What an earlier look saved is replaced only by at least as much.
    """
    path = ctx.received_path(shard)
    if not has_output(op):
        return _count_answered(ctx, shard, path)
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    if op.responses_file:
        ctx.client.download_file(op.responses_file, part)
    else:
        with part.open("wb") as out:
            out.writelines(
                orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in result_lines(op.inlined or [])
            )
    answered_now, answered_before = _count_answered(ctx, shard, part), _count_answered(ctx, shard, path)
    if answered_now < answered_before:
        part.unlink()
        return answered_before
    _publish(part, path)
    if op.responses_file and not ctx.is_imported:
        ctx.progress.result_files[op.name] = op.responses_file
    return answered_now


def count_unserved(path: Path) -> int:
    """How many result lines say that their request was cancelled before it was served."""
    if not path.exists():
        return 0
    with path.open("rb") as lines:
        return sum(b'"error"' in line and as_cancelled(row := classify(line)) is not row for line in lines)


def record_missing_rows(ctx: StageContext, shard: ShardRecord) -> None:
    """Note how many rows of an ended job nothing came back for: those that Google had finished may be billed."""
    missing = shard.rows - _count_answered(ctx, shard, ctx.received_path(shard))
    if missing > 0:
        ctx.progress.no_result_rows[shard.job_name] = missing


def _count_answered(ctx: StageContext, shard: ShardRecord, path: Path) -> int:
    """How many rows of a shard a result file answers; a line without a key counts as one, a broken line as none.

    Of a job made elsewhere, it is not known which keys were sent. Keys are counted by their hashes: a million of them
    are 8 MB so, and 200 as texts.
    """
    if not path.exists():
        return 0
    hashes, keyless = array("q"), 0
    for key in result_keys(path):
        if key is None:
            keyless += 1
        else:
            hashes.append(hash(key))
    answered = np.unique(np.frombuffer(hashes, np.int64))
    if ctx.is_imported:
        return len(answered) + keyless
    sent = np.unique(np.fromiter(map(hash, keys_in_file(ctx.shard_path(shard.n))), np.int64))
    return min(len(sent), int(np.isin(answered, sent, assume_unique=True).sum()) + keyless)


def _publish(part: Path, path: Path) -> None:
    """Give a complete file its name, and have it on the disk before anything at Google may be deleted."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
