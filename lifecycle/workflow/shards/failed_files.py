"""Rows whose file Google cannot use: they fail with its reason, at no cost, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from batch.formatting import plural
from batch.media.blob_uri import line_blobs
from lifecycle.core.run_records import ShardRecord, ShardStage
from lifecycle.requests.request_subset import key_of_line
from lifecycle.sending.delivery import SentSizes
from lifecycle.workflow.shards.context import StageContext

INVALID_ARGUMENT = 3  # as a row's error has it that Google cannot use


def fail_rows(ctx: StageContext, shard: ShardRecord, reasons: Mapping[str, str]) -> int:
    """Take the rows with these contents out of a shard that was not sent; returns how many.

    Two shards come in its place: one of the other rows, and one that has ended, with an error for each row. The same
    shard always gives the same two, so this may be done again after a crash.
    """
    first = 1 + max(other.n for other in ctx.shards())
    bad, good = _Part(ctx, shard, first), _Part(ctx, shard, first + 1)  # no number is left out if all rows are bad
    received = ctx.received_path(bad.record)
    received.parent.mkdir(exist_ok=True)
    with ctx.shard_path(shard.n).open("rb") as lines, received.open("wb") as errors:
        for line in lines:
            reason = next((reasons[blob] for blob in line_blobs(line) if blob in reasons), "")
            (bad if reason else good).write(line)
            if reason:
                error = {"code": INVALID_ARGUMENT, "message": f"Google could not process the file. {reason}".strip()}
                errors.write(orjson.dumps({"key": key_of_line(line), "error": error}) + b"\n")
    failed, others = bad.close(), good.close()
    if not failed.rows:
        return 0
    failed.stage = ShardStage.ENDED
    failed.stats = {"requests": failed.rows, "succeeded": 0, "failed": failed.rows, "pending": 0}
    kept = [failed, others] if others.rows else [failed]
    ctx.progress.shard_parts[shard.n] = [part.n for part in kept]
    ctx.save()
    ctx.store.replace_shard(ctx.id, ctx.run.token, shard.n, kept)
    found = plural(failed.rows, "row")
    ctx.log_event(f"Google could not process the files of {found}, which fail at no cost.", "error")
    return failed.rows


class _Part:
    """One of the two shards, being written."""

    def __init__(self, ctx: StageContext, origin: ShardRecord, n: int) -> None:
        self._path, self._origin = ctx.shard_path(n), origin
        self._out = self._path.with_suffix(".part").open("wb")
        self._size_of = SentSizes(ctx.folder).of_line
        self.record = ShardRecord(
            run_id=ctx.id,
            n=n,
            attempt=origin.attempt,
            rows=0,
            size_bytes=0,
            tokens=0,
            transport=origin.transport,
            groups=origin.groups,
            display_name=ctx.shard_display_name(n),
        )

    def write(self, line: bytes) -> None:
        self._out.write(line)
        self.record.rows += 1
        self.record.size_bytes += self._size_of(line)

    def close(self) -> ShardRecord:
        self._out.close()
        self._path.with_suffix(".part").replace(self._path)
        origin = self._origin
        self.record.tokens = origin.tokens * self.record.size_bytes // max(1, origin.size_bytes)
        return self.record
