"""A canary: a few rows go first, and what they really use corrects the estimate before the rest is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batch.estimate import over_budget
from batch.model import Stage, Usage
from batch.outcomes import classify
from lifecycle.forecast import Hours, forecast
from lifecycle.plan_report import estimate_document
from lifecycle.stages.work import Failed, Step, Work
from lifecycle.store import Row


def hold(work: Work, shards: list[Row]) -> Step | None:
    """Hold the rest back until the canary, the first shard, has ended; None when nothing is to be held.

    Raises Failed when the corrected worst case exceeds the budget.
    """
    if not work.data.get("canary") or work.cancelled or shards[0]["stage"] in ("waiting", "intended"):
        return None
    if shards[0]["stage"] != "ended":
        return Step(Stage.SUBMITTING, 1.0, f"{shards[0]['rows']:,} rows were sent first; the rest waits for them.")
    observed = list(_usages(work.received_path(shards[0])))
    work.data["canary"] = False
    if observed:
        _correct(work, observed)
    return None


def waits(work: Work, shard: Row, shards: list[Row]) -> bool:
    """Whether a shard must not be sent yet."""
    return bool(work.data.get("canary")) and shard["n"] != shards[0]["n"]


def _correct(work: Work, observed: list[Usage]) -> None:
    """Price the whole run anew from what the canary used, and hold it against the budget."""
    found = forecast(
        work.folder / "requests.jsonl",
        work.spec,
        tariff=work.options.tariff(work.model),
        model=work.options.model(work.model),
        hours=Hours(float(work.data.get("hours", 4.0)), 48.0, 0),
        observed=observed,
    )
    before = work.row["estimate"]
    work.data["estimate"] = {**estimate_document(found), "first_usd": before.get("first_usd") or before.get("usd")}
    expected = found.card.usd.expected
    words = "not known" if expected is None else f"{expected:,.4f} USD expected"
    work.tell(f"The first {len(observed):,} rows have answered. Corrected estimate for the whole run: {words}.")
    over = over_budget(found.card, work.spec.max_usd) if work.spec.max_usd is not None else None
    if over:
        raise Failed(f"{over} Only the first rows were sent. {over.remedy}")


def _usages(received: Path) -> Iterator[Usage]:
    if not received.exists():
        return
    with received.open("rb") as lines:
        for line in lines:
            usage = classify(line).usage
            if usage is not None and usage.prompt:
                yield usage
