"""What occupies a key's limits, as far as this installation knows: a meter beside Google's own, which nobody can read.

Google counts jobs under way, and input tokens waiting in them per model; cancelled jobs have been reported to count
for two days more (python-genai issue 2495). What is metered here decides when a create is worth sending and what to
say when one is refused; only Google's answer decides what is possible.
"""

from __future__ import annotations

from typing import NamedTuple

from lifecycle.storage.store import Row, Store

CANCELLED_COUNTS_SECONDS = 48 * 3600.0
LEARNED_LASTS_SECONDS = 7 * 86_400.0
ENQUEUED = "enqueued_tokens"  # kinds of what is learned
FREED = "freed_at"
STORAGE = (
    "Most likely the project's file storage, 20 GB, is full: each job that ends makes room for the next, and files "
    "expire after 48 hours."
)


class Meter(NamedTuple):
    """What is known to be occupied: jobs of all models, tokens of one; and jobs cancelled lately."""

    jobs: int
    tokens: int
    cancelled: int


def read(store: Store, owner: str, model: str, but: Row, now: float) -> Meter:
    """The meter of an owner and a model, without one shard of its own."""
    freed_at = (store.latest(owner, model, FREED) or (0.0, 0.0))[0]
    since = max(freed_at, now - CANCELLED_COUNTS_SECONDS)
    rows = [r for r in store.occupying(owner, since) if (r["run_id"], r["n"]) != (but["run_id"], but["n"])]
    open_ = [r for r in rows if r["stage"] != "ended"]
    tokens = sum(int(r["tokens"]) for r in open_ if r["model"] == model)
    return Meter(len(open_), tokens, len(rows) - len(open_))


def enqueued_cap(store: Store, owner: str, model: str, listed: int | None, now: float) -> int | None:
    """Input tokens that may wait in a model's jobs: learned from a refusal within a week, else as listed."""
    learned = store.latest(owner, model, ENQUEUED)
    if learned is not None and now - learned[1] < LEARNED_LASTS_SECONDS:
        return int(learned[0])
    return listed


def full(meter: Meter, tokens: int, cap: int | None, most_jobs: int) -> str:
    """Why a create of so many tokens is not worth sending now; "" if it is. An idle model is always worth a try."""
    if meter.jobs >= most_jobs:
        return f"{meter.jobs} jobs are under way, as many as Google allows; the next goes when one ends."
    if cap is not None and meter.tokens and meter.tokens + tokens > cap:
        return (
            f"About {meter.tokens:,} tokens wait in jobs, and this model's limit is {cap:,}; "
            f"the next job, of about {tokens:,}, goes when one ends."
        )
    return ""


def guess(meter: Meter, tokens: int) -> str:
    """Which limit a refusal without details probably means."""
    if meter.cancelled:
        return f"Most likely {meter.cancelled} jobs cancelled in the last two days still count."
    if meter.tokens:
        return (
            f"Most likely too many tokens wait in jobs: about {meter.tokens:,} do, and this job has about {tokens:,}."
        )
    return (
        f"Nothing of this installation is under way on this model: most likely this job, of about {tokens:,} tokens, "
        "is too large for the limit of waiting tokens, or others of the same project use it up."
    )
