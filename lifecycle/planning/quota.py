"""What occupies a key's limits, as far as this installation knows: a meter beside Google's own, which nobody can read.

Google counts jobs under way, and input tokens waiting in them per model; cancelled jobs have been reported to count
for two days more (python-genai issue 2495). What is metered here decides when a create is worth sending and what to
say when one is refused; only Google's answer decides what is possible.
"""

from __future__ import annotations

from typing import NamedTuple

from lifecycle.core.run_records import ShardRecord, ShardStage
from lifecycle.storage.store import Store

CANCELLED_QUOTA_SECONDS = 48 * 3600.0
LEARNED_LIMIT_TTL_SECONDS = 7 * 86_400.0
ENQUEUED_TOKENS = "enqueued_tokens"  # kinds of what is learned
FREED_AT = "freed_at"
FORGOTTEN = 0.0  # as a limit: what was learned before does not count
STORAGE_FULL_MESSAGE = (
    "Most likely the project's file storage, 20 GB, is full: each job that ends makes room for the next, and files "
    "expire after 48 hours."
)


class QuotaUsage(NamedTuple):
    """What is known to be occupied: jobs of all models, tokens of one; and jobs cancelled lately."""

    jobs: int
    tokens: int
    cancelled: int


def quota_usage(store: Store, owner_id: str, model: str, excluded_shard: ShardRecord, now: float) -> QuotaUsage:
    """The meter of an owner and a model, without one shard of its own."""
    freed_at = (store.latest_observation(owner_id, model, FREED_AT) or (0.0, 0.0))[0]
    since = max(freed_at, now - CANCELLED_QUOTA_SECONDS)
    shards = [
        (shard_model, shard)
        for shard_model, shard in store.quota_shards(owner_id, since)
        if (shard.run_id, shard.n) != (excluded_shard.run_id, excluded_shard.n)
    ]
    open_shards = [(shard_model, shard) for shard_model, shard in shards if shard.stage != ShardStage.ENDED]
    tokens = sum(shard.tokens for shard_model, shard in open_shards if shard_model == model)
    return QuotaUsage(len(open_shards), tokens, len(shards) - len(open_shards))


def enqueued_cap(store: Store, owner_id: str, model: str, listed: int | None, now: float) -> int | None:
    """Input tokens that may wait in a model's jobs: learned from a refusal within a week, else as listed."""
    learned = learned_cap(store, owner_id, model, now)
    return listed if learned is None else learned


def learned_cap(store: Store, owner_id: str, model: str, now: float) -> int | None:
    """The limit that a refusal within the last week has taught, unless it was forgotten; None if there is none."""
    learned = store.latest_observation(owner_id, model, ENQUEUED_TOKENS)
    if learned is None or now - learned[1] >= LEARNED_LIMIT_TTL_SECONDS or learned[0] == FORGOTTEN:
        return None
    return int(learned[0])


def forget_cap(store: Store, owner_id: str, model: str, accepted_tokens: int, now: float) -> int | None:
    """Forget a learned limit if more tokens than that were accepted; returns what is forgotten, None if nothing is."""
    learned = learned_cap(store, owner_id, model, now)
    if learned is None or accepted_tokens <= learned:
        return None
    store.add_observation(owner_id, model, ENQUEUED_TOKENS, FORGOTTEN)
    return learned


def why_full(usage: QuotaUsage, tokens: int, cap: int | None, max_jobs: int) -> str:
    """Why a create of so many tokens is not worth sending now; "" if it is. An idle model is always worth a try."""
    if usage.jobs >= max_jobs:
        return f"{usage.jobs} jobs are under way, as many as Google allows; the next goes when one ends."
    if cap is not None and usage.tokens and usage.tokens + tokens > cap:
        return (
            f"About {usage.tokens:,} tokens wait in jobs, and this model's limit is {cap:,}; "
            f"the next job, of about {tokens:,}, goes when one ends."
        )
    return ""


def likely_limit(usage: QuotaUsage, tokens: int) -> str:
    """Which limit a refusal without details probably means."""
    if usage.cancelled:
        return f"Most likely {usage.cancelled} jobs cancelled in the last two days still count."
    if usage.tokens:
        return (
            f"Most likely too many tokens wait in jobs: about {usage.tokens:,} do, and this job has about {tokens:,}."
        )
    return (
        f"Nothing of this installation is under way on this model: most likely this job, of about {tokens:,} tokens, "
        "is too large for the limit of waiting tokens, or others of the same project use it up."
    )
