"""Rows that were to use a cache of the run, sent without it: as the user gave them, at full price."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from batch.model import SendAs
from batch.prefixes.rewrite import placeholder_group
from lifecycle.core.run_files import REQUESTS, RESOLVED_REQUESTS
from lifecycle.core.run_records import ShardRecord
from lifecycle.requests.request_subset import key_of_line, lines_for_keys
from lifecycle.sending.delivery import SentSizes
from lifecycle.workflow.shards.context import StageContext


def original_requests(ctx: StageContext) -> Path:
    """The run's requests as given, the caches that they name themselves resolved."""
    resolved = ctx.folder / RESOLVED_REQUESTS
    return resolved if resolved.exists() else ctx.folder / REQUESTS


def remove_caches(ctx: StageContext, shard: ShardRecord, groups: Collection[str] | None = None) -> None:
    """Take a shard's rows out of the caches of these groups (None: of all); its other rows keep theirs."""
    removed = set(shard.groups if groups is None else groups)
    path = ctx.shard_path(shard.n)
    part = path.with_suffix(".part")
    uncached_keys: set[str] = set()
    with path.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            if placeholder_group(line) in removed:
                uncached_keys.add(key_of_line(line))
            else:
                out.write(line)
        for line in lines_for_keys(original_requests(ctx), uncached_keys):
            out.write(line)
    part.replace(path)
    size = sum(SentSizes(ctx.folder).of_file(path))
    remaining = [group for group in shard.groups if group not in removed]
    inline = shard.transport == SendAs.INLINE.value and size <= ctx.options.limits.inline_bytes
    transport = SendAs.INLINE if inline else SendAs.FILE
    ctx.set_shard(shard, groups=remaining, size_bytes=size, file_name="", transport=transport.value)
