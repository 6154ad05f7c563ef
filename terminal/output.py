"""Runs, plans, caches and spending as the terminal prints them: lines for people, and documents for `--json`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from batch.formatting import count
from batch.pricing.costs import Spent
from lifecycle.core.foreign_jobs import Elsewhere
from lifecycle.core.job_age import EXPIRY_SECONDS
from lifecycle.core.models import JobView, RunView
from lifecycle.services.caches import CacheInfo

GROUPS_SHOWN = 20  # of a plan in words; --json has them all


def run_document(run: RunView) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "stage": run.stage,
        "model": run.model,
        "rows": run.rows,
        "counts": dict(run.counts),
        "estimate_usd": run.estimate_usd,
        "actual_usd": run.actual_usd,
        "actual_at_least": run.at_least,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "parent_id": run.parent_id or None,
        "note": run.note,
        "error": run.error or None,
    }


def report_document(run: RunView) -> dict[str, Any]:
    """What `submit` and its like say at the end."""
    return {
        "run_id": run.id,
        "state": run.state,
        "stage": run.stage,
        "counts": dict(run.counts),
        "cost_usd": run.actual_usd,
        "error": run.error or None,
    }


def job_document(job: JobView) -> dict[str, Any]:
    expires = job.created_at and not job.ended_at and job.created_at + timedelta(seconds=EXPIRY_SECONDS)
    return {
        "name": job.name,
        "state": job.state,
        "stats": job.stats,
        "error": job.error,
        "created_at": job.created_at,
        "in_state_since": job.since,
        "ended_at": job.ended_at,
        "expires_at": expires or None,
    }


def spent_document(line: Spent) -> dict[str, Any]:
    """`usd` is of the runs whose cost is known; null if it is known of none."""
    return {
        "day": line.day,
        "model": line.model or None,
        "runs": line.runs,
        "rows": line.rows,
        "usd": line.usd,
        "runs_of_unknown_cost": line.unknown,
        "at_least": line.at_least,
        "saved_by_caching_usd": line.by_caching,
        "saved_by_batch_usd": line.by_batching,
    }


def run_line(run: RunView) -> str:
    counts = ", ".join(f"{n:,} {outcome}" for outcome, n in run.counts.items() if n)
    cost = "" if run.actual_usd is None else f"  {'at least ' if run.at_least else ''}${run.actual_usd:.4f}"
    return (
        f"{run.id}  {run.words}  {run.model}  {run.rows:,} rows{cost}  {counts}{'  ' + run.error if run.error else ''}"
    )


def cache_line(cache: CacheInfo) -> str:
    size = "size unknown" if cache.tokens is None else f"{cache.tokens:,} tokens"
    cost = "cost unknown" if cache.usd_per_hour is None else f"${cache.usd_per_hour:.4f} an hour"
    needed = f"  needed by {', '.join(cache.runs)}" if cache.runs else ""
    return f"{cache.name}  {cache.label}  {cache.model}  {size}  {cost}  until {cache.expire_at}{needed}"


def elsewhere_line(job: Elsewhere) -> str:
    requests = "an unknown number of" if job.requests is None else f"{job.requests:,}"
    return f"{job.name}  {job.display_name}  {job.model}  {requests} requests  {job.state}  made {job.created_at}"


def spent_line(line: Spent) -> str:
    known = "cost unknown" if line.usd is None else f"{'at least ' if line.at_least else ''}{money(line.usd)}"
    facts = [
        str(line.day or "all days"),
        line.model or "all models",
        count(line.runs, "run"),
        count(line.rows, "row"),
        known,
        f"{count(line.unknown, 'run')} of unknown cost" if line.unknown and line.usd is not None else "",
        "" if line.saved is None else f"{'saved' if line.saved >= 0 else 'lost'} {money(abs(line.saved))}",
    ]
    return "  ".join(fact for fact in facts if fact)


def plan_lines(document: dict[str, Any], assumptions: Sequence[str]) -> list[str]:
    usd, groups = document["totals"]["usd"], document["groups"]
    costs = (f"{name} {money(usd[name])}" for name in ("plain", "implicit", "chosen"))
    first = sorted(
        groups, key=lambda group: (group["choice"] != "explicit", -group["requests"] * group["prefix_tokens"])
    )
    more = [f"… and {len(groups) - GROUPS_SHOWN:,} more shared texts"] if len(groups) > GROUPS_SHOWN else []
    whole, standard = document["estimate"]["usd"], document["estimate"]["standard_usd"]["expected"]
    caution = [document["caution"]] if document["caution"] else []
    return [
        f"{document['totals']['requests']:,} requests, input cost: {', '.join(costs)}",
        f"The whole run: {money(whole['low'])} to {money(whole['worst'])}, {money(whole['expected'])} expected; "
        f"{money(standard)} at standard price without caches",
        *caution,
        *(_group_line(group) for group in first[:GROUPS_SHOWN]),
        *more,
        *document["hints"],
        f"Planned for jobs of {document['hours']:.1f} h.",
        *assumptions,
    ]


def money(usd: float | None) -> str:
    return "unknown" if usd is None else f"${usd:.4f}"


def _group_line(group: dict[str, Any]) -> str:
    usd, hours = group["usd"], group["break_even_hours"]
    costs = ", ".join(f"{name} {money(usd[name])}" for name in usd if usd[name] is not None)
    until = f"; a cache pays up to {hours:.1f} h" if hours else ""
    shared = f"{group['requests']:,} requests share {group['prefix_tokens']:,} tokens"
    return f"{group['id']}  {shared}: {group['choice']} ({costs}{until})"
