"""A canary: a few rows go first, and what they really use corrects the estimate before the rest is sent."""

from __future__ import annotations

from collections.abc import Sequence

from batch.model import Stage, Usage
from batch.pricing.estimate import over_budget
from batch.responses.outcomes import Row as Answer
from batch.responses.outcomes import classify
from lifecycle.planning import cache_support
from lifecycle.planning.forecast import Forecast, Hours, forecast
from lifecycle.planning.plan_json import estimate_document
from lifecycle.storage.store import Row
from lifecycle.workflow.shards import run_caches, split_shard, uncached_rows
from lifecycle.workflow.shards.context import Failed, Step, Work, terms


def hold(work: Work, shards: list[Row]) -> Step | None:
    """Hold the rest back until the canary, the first shard or its parts, has ended; None when nothing is to be held.

    Raises Failed when no row of it was answered, when the corrected worst case exceeds the budget, and when its rows
    paid in full for what a cache holds although the user does not allow that price.
    """
    first = [shard for shard in shards if shard["n"] in _numbers(work) and shard["stage"] != split_shard.DIVIDED]
    if not work.data.get("canary") or work.cancelled or any(s["stage"] in ("waiting", "intended") for s in first):
        return None
    rows = sum(int(shard["rows"]) for shard in first)
    if any(shard["stage"] != "ended" for shard in first):
        return Step(Stage.SUBMITTING, 1.0, f"{rows:,} rows were sent first; the rest waits for them.")
    answers = [answer for shard in first for answer in _answers(work, shard)]
    used = {a.key: a.usage for a in answers if a.key is not None and a.usage is not None and a.usage.prompt}
    work.data["canary"] = False
    if used:
        _unread(work, first, list(used.values()))
        _correct(work, used)
    elif not any(answer.cache_lost for answer in answers):  # those are sent again with a new cache
        said = next((answer.error_message for answer in answers if answer.error_message), str(first[0]["error"]))
        raise Failed(f"None of the first {rows:,} rows was answered, so the rest was not sent. {said}")
    return None


def waits(work: Work, shard: Row) -> bool:
    """Whether a shard must not be sent yet."""
    return bool(work.data.get("canary")) and shard["n"] not in _numbers(work)


def _numbers(work: Work) -> list[int]:
    """The shards that have the canary's rows: the first, and what it was divided into."""
    return split_shard.parts_of(work, 0)


def _answers(work: Work, shard: Row) -> list[Answer]:
    received = work.received_path(shard)
    if not received.exists():
        return []
    with received.open("rb") as lines:
        return [classify(line) for line in lines]


def _unread(work: Work, first: Sequence[Row], used: Sequence[Usage]) -> None:
    """If rows that named a cache paid in full, make no more of them."""
    if not any(shard["groups"] for shard in first) or any(usage.cached for usage in used):
        return
    words = f"The first {len(used):,} rows named a cache, and Google read nothing from it."
    cache_support.ignored(work.store, str(work.row["owner"]), work.model)
    if not work.spec.allow_plain:
        raise Failed(f"{words} The rest was not sent at full price.")
    run_caches.hold_plain(work, words)
    work.data["without_caches"] = True
    work.tell(f"{words} The rest is sent without, at full price.", "warning")


def _correct(work: Work, used: dict[str, Usage]) -> None:
    """Price the whole run anew from what the canary used, and hold it against the budget."""
    guessed, rows = _forecast(work), dict(work.data.get("canary_rows", {}))
    predicted = [round(float(guessed.plan.stakes.prompt[rows[key]])) for key in used if key in rows]
    found = _forecast(work, guessed, list(used.values()), predicted)
    before = work.row["estimate"]
    work.data["estimate"] = {**estimate_document(found), "first_usd": before.get("first_usd") or before.get("usd")}
    expected = found.card.usd.expected
    words = "not known" if expected is None else f"{expected:,.4f} USD expected"
    work.tell(f"The first {len(used):,} rows have answered. Corrected estimate for the whole run: {words}.")
    over = over_budget(found.card, work.spec.max_usd) if work.spec.max_usd is not None else None
    if over:
        raise Failed(f"{over} Only the first rows were sent. {over.remedy}")


def _forecast(
    work: Work, before: Forecast | None = None, observed: Sequence[Usage] = (), predicted: Sequence[int] = ()
) -> Forecast:
    """The forecast that the run was submitted by, made again from its own facts."""
    return forecast(
        uncached_rows.source(work),
        work.spec,
        tariff=terms(work),
        model=work.options.model(work.model),
        hours=Hours(float(work.data.get("hours", 4.0)), 48.0, 0),
        known_caches=work.data.get("cache_sizes"),
        counts=work.data.get("token_counts"),
        implicit_rate=float(work.data.get("implicit_rate", 0.0)),
        observed=observed,
        predicted=predicted,
        before=before,
    )
