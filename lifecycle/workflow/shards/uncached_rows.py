"""Rows that were to use a cache of the run, sent without it: as the user gave them, at full price."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from batch.model import SendAs
from batch.prefixes.rewrite import waiting
from lifecycle.inputs.request_subset import key_of, keyed
from lifecycle.storage.store import Row
from lifecycle.workflow.shards.context import Work


def source(work: Work) -> Path:
    """The run's requests as given, the caches that they name themselves resolved."""
    resolved = work.folder / "resolved.jsonl"
    return resolved if resolved.exists() else work.folder / "requests.jsonl"


def rewrite(work: Work, shard: Row, groups: Collection[str] | None = None) -> None:
    """Take a shard's rows out of the caches of these groups (None: of all); its other rows keep theirs."""
    gone = set(shard["groups"] if groups is None else groups)
    path = work.shard_path(int(shard["n"]))
    part = path.with_suffix(".part")
    plain: set[str] = set()
    size = 0
    with path.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            if waiting(line) in gone:
                plain.add(key_of(line))
            else:
                size += out.write(line)
        for line in keyed(source(work), plain):
            size += out.write(line)
    part.replace(path)
    left = [group for group in shard["groups"] if group not in gone]
    inline = shard["transport"] == SendAs.INLINE.value and size <= work.options.limits.inline_bytes
    transport = SendAs.INLINE if inline else SendAs.FILE
    work.set_shard(shard, groups=left, size_bytes=size, file_name="", transport=transport.value)
