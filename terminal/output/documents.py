"""Runs, jobs and spending as the documents that `--json` prints. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from batch.pricing.costs import Spend
from lifecycle.core.models import EXPIRY_SECONDS, JobView, RunView


def run_document(run: RunView) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "stage": run.stage,
        "model": run.model,
        "rows": run.rows,
        "counts": dict(run.counts),
        "need_attention": run.needs_attention,
        "group": run.group,
        "tags": list(run.tags),
        "budget_usd": run.spec.max_usd,
        "unsent_rows": run.unsent_rows,
        "rest_run": run.rest_run or None,
        "estimate_usd": run.estimate_usd,
        "estimate_at_least": run.estimate_is_lower_bound,
        "actual_usd": run.actual_usd,
        "actual_at_least": run.cost_is_lower_bound,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "parent_id": run.parent_id or None,
        "note": run.note,
        "error": run.error or None,
        "kept_until": run.kept_until,
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
        "in_state_since": job.state_since,
        "ended_at": job.ended_at,
        "expires_at": expires or None,
    }


def spend_document(spend: Spend) -> dict[str, Any]:
    """`usd` is of the runs whose cost is known; null if it is known of none."""
    return {
        "day": spend.day,
        "model": spend.model or None,
        "runs": spend.runs,
        "rows": spend.rows,
        "usd": spend.usd,
        "runs_of_unknown_cost": spend.runs_of_unknown_cost,
        "at_least": spend.at_least,
        "saved_by_caching_usd": spend.saved_by_caching,
        "saved_by_batch_usd": spend.saved_by_batching,
    }
