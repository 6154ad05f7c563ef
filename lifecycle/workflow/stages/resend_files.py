"""Rows whose uploaded file was gone when they were worked on: sent again with a fresh upload, a few times at most."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.formatting import plural
from lifecycle.core.run_files import RESULTS
from lifecycle.core.run_records import ShardRecord, ShardStage
from lifecycle.requests.request_subset import copy_lines, keys_in_file
from lifecycle.sending.delivery import SentSizes, read_uploads
from lifecycle.workflow.shards import file_uploads
from lifecycle.workflow.shards.context import StageContext

MAX_RESENDS = 2
_FILE_GONE = re.compile(r"You do not have permission to access the File ([\w-]{1,80}) or it may not exist")


def resend(ctx: StageContext, shards: Sequence[ShardRecord]) -> bool:
    """Make shards of the rows that found their file gone, each from the shard it was in; False if there are none."""
    if not read_uploads(ctx.folder):
        return False
    keys = _rows_without_file(ctx)
    if not keys:
        return False
    if ctx.progress.file_resends >= MAX_RESENDS:
        ctx.log_event(f"{plural(len(keys), 'row')} found an uploaded file gone again, and stay errors.", "error")
        return False
    new_shards = list(_new_shards(ctx, shards, keys))
    for shard in new_shards:
        file_uploads.register(ctx, shard)
    ctx.progress.file_resends += 1
    ctx.progress.storage = None  # the list is read before anything is named again
    ctx.store.add_shards(ctx.id, ctx.run.token, new_shards)
    found = plural(len(keys), "row")
    ctx.log_event(f"{found} found an uploaded file gone, at no cost; sent again with a fresh upload.", "warning")
    return bool(new_shards)


def _new_shards(ctx: StageContext, shards: Sequence[ShardRecord], keys: set[str]) -> Iterator[ShardRecord]:
    attempt = 1 + max(shard.attempt for shard in shards)
    n = len(shards)
    left = set(keys)
    sizes = SentSizes(ctx.folder)
    for shard in sorted(shards, key=lambda shard: -shard.attempt):
        if shard.stage != ShardStage.ENDED or not (mine := left.intersection(keys_in_file(ctx.shard_path(shard.n)))):
            continue
        left -= mine
        rows, _ = copy_lines(ctx.shard_path(shard.n), mine, ctx.shard_path(n))
        yield ShardRecord(
            run_id=ctx.id,
            n=n,
            attempt=attempt,
            rows=rows,
            size_bytes=sum(sizes.of_file(ctx.shard_path(n))),
            tokens=shard.tokens * rows // max(1, shard.rows),
            transport=shard.transport,
            groups=shard.groups,
            display_name=ctx.shard_display_name(n),
        )
        n += 1


def _rows_without_file(ctx: StageContext) -> set[str]:
    """The rows whose error names a file that is gone. Only requests of ours name such files in a run that uploads."""
    table = pq.read_table(ctx.folder / RESULTS, columns=["key", "error_message"])
    texts = [text for text in pc.unique(table["error_message"]).to_pylist() if text and _FILE_GONE.search(text)]
    gone = pc.is_in(table["error_message"], value_set=pa.array(texts, pa.string()))
    return set(table.filter(gone).column("key").to_pylist())
