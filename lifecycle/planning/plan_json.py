"""A plan as a document: for `plan --json`, for the run's record, and for the file of groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batch.model import Tariff
from batch.planning.file_delivery import FileDelivery
from batch.pricing.estimate import CostEstimate
from gem_cache import Hint, Plan
from lifecycle.planning.forecast import Forecast
from lifecycle.planning.media_levels import MediaLevels


def plan_document(forecast: Forecast, model: str, tariff: Tariff | None) -> dict[str, Any]:
    """What `plan --json` prints; USD are of the input side, None where a price is unknown.

    `worst` is to be believed, `unbounded` has caches that live for as long as a job may take.
    `split` is where shared beginnings may end; `split_usd_saved` is what cuts inside texts save of the input, where the
    plan chose them for it.
    `estimate` has the whole run's, output and caches included, and its `usd.unbounded` every answer at its limit.
    """
    plan, totals = forecast.plan, forecast.plan.totals
    usd = totals.usd
    return {
        "model": model,
        "hours": plan.options.hours,
        "assumptions": {
            "prices": _prices(tariff),
            "storage": tariff.storage if tariff else None,
            "min_tokens": tariff.explicit_minimum if tariff else None,
            "implicit_rate": plan.options.implicit_rate,
            "words": list(forecast.estimate.assumptions),
        },
        "totals": {
            "requests": totals.requests,
            "sent": totals.sent,
            "tokens": {
                "low": round(totals.tokens.low),
                "expected": round(totals.tokens.total),
                "high": round(totals.tokens.high),
            },
            "usd": {
                "plain": _priced(usd.uncached, tariff),
                "implicit": _priced(usd.implicit, tariff),
                "chosen": _priced(usd.chosen, tariff),
                "low": _priced(usd.low, tariff),
                "worst": _priced(_input_worst(forecast.estimate), tariff),
                "standard": _priced(usd.standard, tariff),
                "unbounded": _priced(usd.worst, tariff),
            },
        },
        "estimate": estimate_document(forecast),
        "files": _files(forecast.levels, tariff) if forecast.levels else None,
        "caution": forecast.warning or None,
        "split": plan.survey.split,
        "split_usd_saved": _priced(plan.usd_saved_inside_texts, tariff),
        "delivery": _delivery(forecast.delivery),
        "groups": list(_groups(plan, tariff)),
        "hints": [_hint(hint, tariff) for hint in plan.hints],
    }


def estimate_document(forecast: Forecast) -> dict[str, Any]:
    """What a run remembers of its estimate, output included, so that the actual cost can be held against it.

    `prompt_usd` and `caches_usd` are parts of `usd`, by which a budget prices the jobs under way; `source` says what
    the answers' length was taken from, and from how many of them.
    """
    estimate = forecast.estimate
    ranges = {
        "usd": estimate.usd,
        "uncached_usd": estimate.uncached,
        "standard_usd": estimate.standard,
        "output_tokens": estimate.output,
    }
    document = {name: {"low": r.low, "expected": r.expected, "worst": r.worst} for name, r in ranges.items()}
    document["usd"]["unbounded"] = estimate.unbounded_usd
    return {
        **document,
        "prompt_usd": {"expected": estimate.prompt_usd.expected, "worst": estimate.prompt_usd.worst},
        "caches_usd": {"expected": estimate.caches_usd.expected, "worst": estimate.caches_usd.worst},
        "source": {"from": estimate.answers.source, "count": estimate.answers.measured_on},
        "prompt_tokens": {"low": estimate.prompt.low, "expected": estimate.prompt.total, "high": estimate.prompt.high},
        "cached_tokens": estimate.cached,
        "hours": forecast.hours.expected,
        "at_least": estimate.at_least,
    }


def _input_worst(estimate: CostEstimate) -> float | None:
    """What reading the requests, and their caches, may come to."""
    prompt, caches = estimate.prompt_usd.worst, estimate.caches_usd.worst
    return None if prompt is None or caches is None else prompt + caches


def _delivery(delivery: FileDelivery | None) -> dict[str, Any] | None:
    """How the files beside the requests travel."""
    if delivery is None:
        return None
    return {
        "inline": delivery.inline_files,
        "inline_bytes": delivery.inline_bytes,
        "uploaded": len(delivery.uploads),
        "upload_bytes": delivery.upload_bytes,
        "words": delivery.describe(),
    }


def _files(levels: MediaLevels, tariff: Tariff | None) -> dict[str, Any]:
    """The files beside the requests, and what they would be at each media resolution; "default" is the model's own."""
    return {
        "kinds": dict(levels.kinds),
        "sent": levels.sent,
        "unknown": levels.unknown,
        "media_resolution": levels.level or "default",
        "levels": {
            level or "default": {"tokens": tokens, "usd_expected": _priced(levels.usd[level], tariff)}
            for level, tokens in levels.tokens.items()
        },
    }


def _hint(hint: Hint, tariff: Tariff | None) -> dict[str, Any]:
    """What would save more if the requests were arranged otherwise."""
    return {
        "kind": hint.kind,
        "where": hint.where,
        "rows": hint.rows,
        "tokens": hint.tokens,
        "usd_saved": _priced(hint.usd_saved, tariff) if hint.is_priced else None,
        "words": hint.words(priced=tariff is not None),
    }


def _groups(plan: Plan, tariff: Tariff | None) -> Iterator[dict[str, Any]]:
    for group in plan.groups:
        yield {
            "id": group.id,
            "parent": group.parent,
            "requests": group.requests,
            "prefix_tokens": group.prefix_tokens,
            "choice": group.choice.value,
            "usd": {name: _priced(usd, tariff) for name, usd in group.usd._asdict().items()},
            "break_even_hours": group.break_even_hours if tariff else None,
        }


def _priced(usd: float | None, tariff: Tariff | None) -> float | None:
    return usd if tariff else None


def _prices(tariff: Tariff | None) -> dict[str, float | None]:
    if tariff is None:
        return {}
    return {"input_batch": tariff.input_batch, "input_standard": tariff.input_standard, "cached": tariff.cached}
