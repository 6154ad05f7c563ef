"""What a run has at Google, with ages: jobs, input files, caches, results; and the run's log in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import streamlit as st

from batch.formatting import count
from lifecycle.core.job_states import words as job_words
from lifecycle.core.models import CacheView, EventView, JobView, RunView
from ui.shared.format import hours
from ui.shared.notices import plain

MARKS = {"warning": "Warning: ", "error": "Error: "}
MOST_JOBS = 30


def draw(events: Sequence[EventView], run: RunView) -> None:
    """Draw both, folded away."""
    with st.expander("Event log and batch jobs", key="log"):
        for job in run.jobs[:MOST_JOBS]:
            st.caption(plain(" · ".join(_job(job, run.google_now))))
            if job.error:
                st.error(plain(job.error))
        if len(run.jobs) > MOST_JOBS:
            st.caption(f"The first {MOST_JOBS} of {count(len(run.jobs), 'job')}.")
        for line in (*_files(run), *(" · ".join(_cache(cache, run.google_now)) for cache in run.caches), _results(run)):
            if line:
                st.caption(plain(line))
        lines = [f"{event.at:%d %b %H:%M:%S}  {MARKS.get(event.level, '')}{event.text}" for event in events]
        st.code("\n".join(lines) or "Nothing yet.", language=None, wrap_lines=True)


def _job(job: JobView, now: datetime | None) -> Iterator[str]:
    yield f"Job {job.shard + 1}"
    yield count(job.rows, "row")
    state = f"{job.state} ({job_words(job.state)})" if job.state else job_words("")
    if job.created_at and job.ended_at:
        yield f"{state} after {_between(job.created_at, job.ended_at)}"
    elif job.created_at and now:
        seen = job.since or job.created_at
        yield f"{state} for {_between(seen, now)}" if job.state else state
        yield f"made {_between(job.created_at, now)} ago"
    else:
        yield state
    if job.name:
        yield job.name


def _files(run: RunView) -> Iterator[str]:
    """Input files that Google still needs, and when it deletes them by itself."""
    for job in run.jobs[:MOST_JOBS]:
        if job.file and job.file_until and not job.ended_at and run.google_now:
            yield f"Input file of job {job.shard + 1}: {_deleted_in(job.file_until, run.google_now)} · {job.file}"


def _cache(cache: CacheView, now: datetime | None) -> Iterator[str]:
    yield "Cache" if cache.tokens is None else f"Cache of {cache.tokens:,} tokens"
    if cache.deleted_at:
        lived = f" after {_between(cache.created_at, cache.deleted_at)}" if cache.created_at else ""
        yield f"deleted{lived}"
    elif now:
        if cache.created_at:
            yield f"made {_between(cache.created_at, now)} ago"
        if cache.expire_at:
            yield f"expires in {_between(now, cache.expire_at)} unless it is renewed"
    if cache.name:
        yield cache.name


def _results(run: RunView) -> str:
    """Where the results are, and what Google still has of them."""
    if not run.has_results:
        return ""
    here = "Results are saved on this computer and stay until you delete the run."
    if not run.recovered:
        return f"{here} Google deletes its own copies after some time."
    if run.results_until and run.google_now:
        return f"{here} Google's own copy was left alone: {_deleted_in(run.results_until, run.google_now)}."
    return f"{here} Google's own copy was left alone; it is deleted there after some weeks."


def _deleted_in(until: datetime, now: datetime) -> str:
    return f"Google deletes it in {_between(now, until)}" if until > now else "Google has deleted it by now"


def _between(first: datetime, last: datetime) -> str:
    return hours((last - first).total_seconds())
