"""Runs, plans, caches and spending as lines for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from batch.formatting import money, plural
from batch.model import RunState
from batch.pricing.costs import Spend
from lifecycle.core.foreign_jobs import ForeignJob
from lifecycle.core.models import RunView
from lifecycle.services.caches import CacheInfo

MAX_GROUPS_SHOWN = 20  # of a plan in words; --json has them all


def run_line(run: RunView) -> str:
    counts = ", ".join(f"{n:,} {outcome}" for outcome, n in run.newest_counts.items() if n)
    cost_text = (
        "" if run.actual_usd is None else f"  {'at least ' if run.cost_is_lower_bound else ''}{money(run.actual_usd)}"
    )
    error = f"  {run.error}" if run.error else ""
    attention = f"  {run.needs_attention:,} need attention" if run.needs_attention else ""
    words = run.status_text if run.state is RunState.FAILED else run.state_words  # the error itself follows
    tags = f"  [{', '.join(run.tags)}]" if run.tags else ""
    name = f"  {run.name}" if run.name else ""
    return f"{run.id}  {words}{attention}  {run.model}  {run.rows:,} rows{cost_text}  {counts}{name}{tags}{error}"


def cache_line(cache: CacheInfo) -> str:
    size = "size unknown" if cache.tokens is None else f"{cache.tokens:,} tokens"
    cost_text = f"{money(cache.usd_per_hour)} an hour"
    needed_by = f"  needed by {', '.join(cache.runs)}" if cache.runs else ""
    return f"{cache.name}  {cache.label}  {cache.model}  {size}  {cost_text}  until {cache.expire_at}{needed_by}"


def foreign_job_line(job: ForeignJob) -> str:
    requests = "an unknown number of" if job.requests is None else f"{job.requests:,}"
    return f"{job.name}  {job.display_name}  {job.model}  {requests} requests  {job.state}  made {job.created_at}"


def spend_line(spend: Spend) -> str:
    cost = f"{'at least ' if spend.at_least and spend.usd is not None else ''}{money(spend.usd)}"
    facts = [
        str(spend.day or "all days"),
        spend.model or "all models",
        plural(spend.runs, "run"),
        plural(spend.rows, "row"),
        cost,
        f"{plural(spend.runs_of_unknown_cost, 'run')} of unknown cost"
        if spend.runs_of_unknown_cost and spend.usd is not None
        else "",
        "" if spend.saved is None else f"{'saved' if spend.saved >= 0 else 'lost'} {money(abs(spend.saved))}",
    ]
    return "  ".join(fact for fact in facts if fact)


def plan_lines(document: dict[str, Any], assumptions: Sequence[str]) -> list[str]:
    usd, groups = document["totals"]["usd"], document["groups"]
    costs = (f"{name} {money(usd[name])}" for name in ("plain", "implicit", "chosen"))
    ordered_groups = sorted(
        groups, key=lambda group: (group["choice"] != "explicit", -group["requests"] * group["prefix_tokens"])
    )
    hidden_groups = (
        [f"… and {len(groups) - MAX_GROUPS_SHOWN:,} more shared texts"] if len(groups) > MAX_GROUPS_SHOWN else []
    )
    cut = [document["cap_warning"]] if document.get("cap_warning") else []
    run_usd, standard_usd = document["estimate"]["usd"], document["estimate"]["standard_usd"]["expected"]
    at_least = "at least " if document["estimate"]["at_least"] else ""
    caution = [document["caution"]] if document["caution"] else []
    return [
        f"{document['totals']['requests']:,} requests, input cost: {', '.join(costs)}",
        f"The whole run: {at_least}{money(run_usd['low'])}, at worst {money(run_usd['worst'])}, "
        f"{at_least}{money(run_usd['expected'])} expected; "
        f"{at_least}{money(standard_usd)} at standard price without caches",
        f"If every answer ran to its limit: {money(run_usd['unbounded'])}",
        *([document["delivery"]["words"]] if document["delivery"] else []),
        *caution,
        *cut,
        *(_file_lines(document["files"]) if document["files"] else ()),
        *(_group_line(group) for group in ordered_groups[:MAX_GROUPS_SHOWN]),
        *hidden_groups,
        *_split_lines(document),
        *map(_hint_line, document["hints"]),
        *(_tried_lines(document["tried"]) if "tried" in document else ()),
        f"Planned for jobs of {document['hours']:.1f} h.",
        *assumptions,
    ]


def _split_lines(document: dict[str, Any]) -> list[str]:
    """That texts are cut, where the plan chose so."""
    saved = document["split_usd_saved"]
    if saved is None:
        return []
    return [
        f"Shared beginnings of texts are cached: what follows is sent as a part of its own, cut at an empty line or a "
        f"line end. That saves {money(saved)}; --split part keeps texts whole."
    ]


def _hint_line(hint: dict[str, Any]) -> str:
    """What would save more, with the option that does it where there is one."""
    options = {"pad": "", "text": "--split text", "not-moved": "", "size-unknown": ""}
    option = options.get(hint["kind"], "--rearrange=" + hint["kind"].replace("+", ","))
    return f"{hint['words']} {option} does it." if option else str(hint["words"])


def _tried_lines(tried: list[dict[str, Any]]) -> Iterator[str]:
    """The same for people, with what it cost."""
    for one in tried:
        yield f"Row {one['row']:,}, {one['key']}:"
        for way, answer in one["answers"].items():
            yield f"  {way}: {answer['text'] or answer['error']}"
    amounts = [answer["usd"] for one in tried for answer in one["answers"].values()]
    total = None if None in amounts else sum(amounts)
    yield f"These tries cost {money(total)}." if total != 0 else "These tries cost nothing."


def _file_lines(files: dict[str, Any]) -> list[str]:
    """The files beside the requests, and the whole run at other levels of detail, if they differ."""
    now = files["levels"][files["media_resolution"]]
    unknown = f", without {plural(files['unknown'], 'file')} that cannot be weighed" if files["unknown"] else ""
    told = f"{now['tokens']:,} tokens at {files['media_resolution']} media resolution{unknown}"
    lines = [f"{plural(files['sent'], 'file goes', 'files go')} with the requests: {told}"]
    others = [
        f"{name} {money(each['usd_expected'])}"
        for name, each in files["levels"].items()
        if each["tokens"] != now["tokens"] and each["usd_expected"] is not None
    ]
    return [*lines, f"Expected at another --media-resolution: {', '.join(others)}"] if others else lines


def _group_line(group: dict[str, Any]) -> str:
    usd, hours = group["usd"], group["break_even_hours"]
    costs = ", ".join(f"{name} {money(usd[name])}" for name in usd if usd[name] is not None)
    break_even = f"; a cache pays up to {hours:.1f} h" if hours else ""
    shared = f"{group['requests']:,} requests share {group['prefix_tokens']:,} tokens"
    return f"{group['id']}  {shared}: {group['choice']} ({costs}{break_even})"
