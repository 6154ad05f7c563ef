"""What a run has at Google, with ages: jobs, input files, caches, results; and the run's log in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import streamlit as st

from batch.formatting import plural
from lifecycle.core.job_states import describe_job_state
from lifecycle.core.models import CacheView, EventView, JobView, RunView
from ui.shared.format import hours
from ui.shared.notices import escape_markdown

LEVEL_PREFIXES = {"warning": "Warning: ", "error": "Error: "}
MAX_JOBS = 30


def draw(events: Sequence[EventView], run: RunView) -> None:
    """Draw both, folded away."""
    with st.expander("Event log and batch jobs", key="log", on_change="rerun"):
        for job in run.jobs[:MAX_JOBS]:
            st.caption(escape_markdown(" · ".join(_describe_job(job, run.google_now))))
            if job.error:
                st.error(escape_markdown(job.error))
        if len(run.jobs) > MAX_JOBS:
            st.caption(f"The first {MAX_JOBS} of {plural(len(run.jobs), 'job')}.")
        for line in (
            "" if run.kept_until is None else f"Deleted with its results after {run.kept_until:%d %b %Y}",
            *_describe_files(run),
            *(" · ".join(_describe_cache(cache, run.google_now)) for cache in run.caches),
            _describe_results(run),
        ):
            if line:
                st.caption(escape_markdown(line))
        lines = [f"{event.at:%d %b %H:%M:%S}  {LEVEL_PREFIXES.get(event.level, '')}{event.text}" for event in events]
        st.code("\n".join(lines) or "Nothing yet.", language=None, wrap_lines=True)


def _describe_job(job: JobView, now: datetime | None) -> Iterator[str]:
    yield f"Job {job.shard + 1}"
    yield plural(job.rows, "row")
    state = f"{job.state} ({describe_job_state(job.state)})" if job.state else describe_job_state("")
    if job.created_at and job.ended_at:
        yield f"{state} after {_elapsed(job.created_at, job.ended_at)}"
    elif job.created_at and now:
        since = job.state_since or job.created_at
        yield f"{state} for {_elapsed(since, now)}" if job.state else state
        yield f"made {_elapsed(job.created_at, now)} ago"
    else:
        yield state
    if job.name:
        yield job.name


def _describe_files(run: RunView) -> Iterator[str]:
    """Input files that Google still needs, and when it deletes them by itself."""
    for job in run.jobs[:MAX_JOBS]:
        if job.file and job.file_until and not job.ended_at and run.google_now:
            yield f"Input file of job {job.shard + 1}: {_deleted_in(job.file_until, run.google_now)} · {job.file}"


def _describe_cache(cache: CacheView, now: datetime | None) -> Iterator[str]:
    yield "Cache" if cache.tokens is None else f"Cache of {cache.tokens:,} tokens"
    if cache.deleted_at:
        lifetime_text = f" after {_elapsed(cache.created_at, cache.deleted_at)}" if cache.created_at else ""
        yield f"deleted{lifetime_text}"
    elif now:
        if cache.created_at:
            yield f"made {_elapsed(cache.created_at, now)} ago"
        if cache.expire_at:
            yield f"expires in {_elapsed(now, cache.expire_at)} unless it is renewed"
    if cache.name:
        yield cache.name


def _describe_results(run: RunView) -> str:
    """Where the results are, and what Google still has of them."""
    if not run.has_results:
        return ""
    saved_note = "Results are saved on this computer and stay until you delete the run."
    if not run.imported_job:
        return f"{saved_note} Google deletes its own copies after some time."
    if run.results_until and run.google_now:
        return f"{saved_note} Google's own copy was left alone: {_deleted_in(run.results_until, run.google_now)}."
    return f"{saved_note} Google's own copy was left alone; it is deleted there after some weeks."


def _deleted_in(until: datetime, now: datetime) -> str:
    return f"Google deletes it in {_elapsed(now, until)}" if until > now else "Google has deleted it by now"


def _elapsed(first: datetime, last: datetime) -> str:
    return hours((last - first).total_seconds())
