"""Cut a shard that is too large into smaller ones, when a refusal has taught how much a model's queue takes."""

from __future__ import annotations

from collections.abc import Iterator

from lifecycle.core.run_records import ShardRecord
from lifecycle.sending.delivery import SentSizes
from lifecycle.workflow.shards import file_uploads
from lifecycle.workflow.shards.context import StageContext


def exceeds_cap(ctx: StageContext, shard: ShardRecord, cap: int | None) -> bool:
    """Whether a shard that was never sent is larger than what is known to fit."""
    return cap is not None and shard.tokens > cap and shard.rows > 1 and not shard.creates


def split(ctx: StageContext, shard: ShardRecord, max_tokens: int) -> None:
    """Put shards of at most so many tokens in the place of one that has no job.

    The new ones have numbers, and so names, of their own: a job that should yet turn up under the old name is a
    stray, and stopped.
    """
    first = 1 + max(other.n for other in ctx.shards())
    max_bytes = max(1, shard.size_bytes * max_tokens // max(1, shard.tokens))
    parts = [_part(ctx, shard, n, lines) for n, lines in enumerate(_line_runs(ctx, shard, max_bytes), first)]
    ctx.progress.shard_parts[shard.n] = [part.n for part in parts]
    ctx.save()  # before there are such shards: whoever sends them must know whose they are
    for part in parts:
        file_uploads.register(ctx, part)
    ctx.store.replace_shard(ctx.id, ctx.run.token, shard.n, parts)
    ctx.log_event(f"The job was too large for the room there is; it is sent as {len(parts)} smaller ones.")


def part_numbers(ctx: StageContext, n: int) -> list[int]:
    """The number of a shard, and of all that it was divided into."""
    parts = ctx.progress.shard_parts.get(n, [])
    return [n, *(number for part in parts for number in part_numbers(ctx, part))]


def _line_runs(ctx: StageContext, shard: ShardRecord, max_bytes: int) -> Iterator[Iterator[bytes]]:
    """The shard's lines in runs of at most so many bytes as sent; each run must be read before the next."""
    size_of = SentSizes(ctx.folder).of_line
    with ctx.shard_path(shard.n).open("rb") as file:
        line = file.readline()

        def run_of_lines() -> Iterator[bytes]:
            nonlocal line
            room = max_bytes
            while line:
                yield line
                room -= size_of(line)
                line = file.readline()
                if line and size_of(line) > room:
                    return

        while line:
            yield run_of_lines()


def _part(ctx: StageContext, shard: ShardRecord, n: int, lines: Iterator[bytes]) -> ShardRecord:
    """Write one of the new shards' files, whole or not at all; the same shard always gives the same parts."""
    path = ctx.shard_path(n)
    rows = size = 0
    size_of = SentSizes(ctx.folder).of_line
    with path.with_suffix(".part").open("wb") as out:
        for line in lines:
            out.write(line)
            rows, size = rows + 1, size + size_of(line)
    path.with_suffix(".part").replace(path)
    return ShardRecord(
        run_id=ctx.id,
        n=n,
        attempt=shard.attempt,
        rows=rows,
        size_bytes=size,
        tokens=shard.tokens * size // max(1, shard.size_bytes),
        transport=shard.transport,
        groups=shard.groups,
        display_name=ctx.shard_display_name(n),
    )
