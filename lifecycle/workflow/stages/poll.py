"""Stage `running`: watch the jobs, and save each one's results the first time it is seen to have ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, ParamSpec

from batch.errors import ApiError
from batch.model import Stage
from gemini.wire import Operation, job_state, operation
from lifecycle.core import job_age
from lifecycle.core.foreign_jobs import LEFT
from lifecycle.core.job_states import Fate, fate, words
from lifecycle.storage.store import Row
from lifecycle.workflow.shards import download, poll_schedule, run_caches
from lifecycle.workflow.shards.batch_jobs import stop_strays
from lifecycle.workflow.shards.context import Step, Work
from lifecycle.workflow.stages import import_job as import_job_stage

LOOKS = 2  # at a job that has ended with less than was sent, before that is believed
GRACE_SETTLES = 10  # settling times that what must exist may stay out of sight (10 minutes, unless set otherwise)
LOOK_AGAIN_SECONDS = 2.0
SLOWEST_LOOK_SECONDS = 60.0
NOT_THERE = (400, 403, 404, 410)  # how the service says that a file does not exist, or no longer
BAD_KEY = ("API_KEY_INVALID", "FAILED_PRECONDITION")


P = ParamSpec("P")


class Watched(NamedTuple):
    """How many jobs are still open, how many ended just now, when to look again, and what to say."""

    open: int
    ended: int
    delay: float
    note: str


class Look(NamedTuple):
    """What a look at one open job says."""

    note: str


def run(work: Work) -> Step:
    """Look at every open job that is due."""
    shards = work.shards()
    if work.row["ending"] == LEFT:
        import_job_stage.leave(work, shards)
    watched = watch(work, shards)
    if watched.open:
        return Step(Stage.RUNNING, watched.delay, watched.note)
    return Step(Stage.COLLECTING)


def watch(work: Work, shards: list[Row]) -> Watched:
    """Look at every open job that is due. A failed look changes nothing that is known of a job, nor of the others."""
    jobs = [shard for shard in shards if shard["stage"] == "submitted"]
    troubles: list[ApiError] = []
    if work.cancelled and (work.row["cancel"] or not work.recovered):
        _attempt(troubles, _cancel, work, jobs)
    if work.data.get("repeated"):  # a create without a reply was sent again: the first may yet show up
        _attempt(troubles, stop_strays, work, shards)
    due = [shard for shard in jobs if not poll_schedule.left(work, shard)]
    looks = [look for shard in due if (look := _attempt(troubles, _look, work, shard))]
    _tell_age(work, shards)
    _attempt(troubles, run_caches.renew, work, shards)  # after the looks: leases are counted by the service's clock
    _attempt(troubles, run_caches.lend, work)
    open_ = [shard for shard in jobs if shard["stage"] == "submitted"]
    if troubles and (open_ or not troubles[0].permanent):
        raise next((t for t in troubles if not t.permanent), troubles[0])
    note = next((look.note for look in looks if look.note), "")
    delay = min((poll_schedule.left(work, shard) for shard in open_), default=0.0)
    return Watched(len(open_), len(jobs) - len(open_), delay, note)


def _attempt(troubles: list[ApiError], act: Callable[P, Look | None], *args: P.args, **more: P.kwargs) -> Look | None:
    """Do one of several things that do not depend on each other, unless nobody answers at all."""
    if any(trouble.reason in ("NETWORK", "TIMEOUT") for trouble in troubles):
        return None
    try:
        return act(*args, **more)
    except ApiError as error:
        troubles.append(error)
        return None


def _look(work: Work, shard: Row) -> Look | None:
    """Look at one job; None once it has ended here too."""
    try:
        op = operation(work.gateway.get_batch(str(shard["job_name"])))
    except ApiError as error:
        if error.status != 404:
            raise
        return _absent(work, shard, error)
    state = job_state(op.state)
    if state != shard["job_state"]:
        level = "info" if fate(state) is not Fate.UNKNOWN else "warning"
        work.tell(f"Job {op.name} is {words(state)} ({state}).", level)
        _seen(work, shard)
        if shard["job_state"]:  # else the first look: it has been so since it was made, as far as anybody knows
            work.data.setdefault(job_age.SINCE, {})[str(shard["n"])] = work.server_now().timestamp()
    work.set_shard(shard, job_state=state, stats=op.stats or shard["stats"], error=op.error or shard["error"])
    if fate(state) in (Fate.WAITING, Fate.UNKNOWN):
        _seen(work, shard)
        return _later(work, shard, poll_schedule.delay(work, shard))
    return _save_results(work, shard, op, fate(state))


def _tell_age(work: Work, shards: list[Row]) -> None:
    """Note how far Google's clock is ahead of ours, and warn once at each age that deserves it."""
    work.data[job_age.AHEAD] = round(work.server_now().timestamp() - work.clock(), 1)
    clock = job_age.job_clock(work.data, shards, work.clock())
    if clock and clock.warn_hours > int(work.data.get(job_age.WARNED, 0)):
        work.data[job_age.WARNED] = clock.warn_hours
        work.tell(job_age.warning(clock.age), "warning")


def _absent(work: Work, shard: Row, error: ApiError) -> Look | None:
    """A job that Google says it does not know, although asked by name with the key that made it."""
    if _is_patient(work, shard, work.options.settle * GRACE_SETTLES):
        return _again(work, shard, f"Google does not find job {shard['job_name']}; looking again.")
    work.tell(f"Job {shard['job_name']} is gone: it was deleted elsewhere. {error}", "error")
    download.note_unreturned(work, shard)
    work.save()
    work.set_shard(shard, stage="ended", error="The job was deleted at Google.", job_ended_at=work.clock())
    return None


def _save_results(work: Work, shard: Row, op: Operation, ended: Fate) -> Look | None:
    """Save an ended job's results, whole, before it counts as ended here."""
    try:
        saved = download.fetch(work, shard, op)
    except ApiError as error:
        if error.status not in NOT_THERE or error.reason in BAD_KEY:
            raise
        return _unfetchable(work, shard, op, error)
    short = ended is Fate.SALVAGE or saved < int(shard["rows"])
    grace = work.options.settle * GRACE_SETTLES if ended is Fate.COLLECT and not download.has_output(op) else 0.0
    if short and _is_patient(work, shard, grace):
        return _again(
            work, shard, f"Job {op.name} has ended with {saved:,} of {shard['rows']:,} results; looking once more."
        )
    _tell_end(work, shard, op, ended, saved)
    if work.recovered and op.responses_file:
        import_job_stage.note_retention(work, op.responses_file)
    download.note_unreturned(work, shard)
    work.save()  # the result file's name, before the job counts as ended: releasing must know it
    ended_at = (op.ended_at or work.server_now()).timestamp()
    without = ended is Fate.COLLECT and not download.has_output(op)
    fault = "Google says that the job succeeded, but shows no results." if without else shard["error"]
    work.set_shard(shard, stage="ended", error=fault, job_ended_at=ended_at)
    _free_input(work, shard)
    poll_schedule.end(work, shard)
    return None


def _free_input(work: Work, shard: Row) -> None:
    """Delete the uploaded file, to make room for the next; what cannot be deleted now is when the run is released."""
    if shard["file_name"]:
        with suppress(ApiError):
            work.gateway.delete_file(str(shard["file_name"]))


def _unfetchable(work: Work, shard: Row, op: Operation, error: ApiError) -> Look | None:
    """The job names results that are not there: after some patience it ends without, and nothing of it is deleted."""
    if _is_patient(work, shard, work.options.settle * GRACE_SETTLES):
        return _again(work, shard, f"The results of job {op.name} cannot be fetched yet; looking again. {error}")
    work.tell(f"The results of job {op.name} cannot be fetched: {error} Nothing of it was deleted at Google.", "error")
    download.note_unreturned(work, shard)
    work.save()
    work.set_shard(shard, stage="ended", error=f"Its results cannot be fetched. {error}", job_ended_at=work.clock())
    return None


def _tell_end(work: Work, shard: Row, op: Operation, ended: Fate, saved: int) -> None:
    if ended is Fate.SALVAGE:
        left = f"{saved:,} results were saved" if saved else "it left no results"
        reason = f" Google said: {op.error}" if op.error else ""
        work.tell(f"Job {op.name} ended as {words(job_state(op.state))}; {left}.{reason}", "warning")
    elif saved < int(shard["rows"]):
        work.tell(f"Job {op.name} returned {saved:,} results for {shard['rows']:,} requests.", "warning")


def _is_patient(work: Work, shard: Row, seconds: float) -> bool:
    """Whether to look again for what should be there: so many looks at least, and for so long at least."""
    since = work.data.setdefault("missed_since", {}).setdefault(str(shard["n"]), work.clock())
    work.set_shard(shard, misses=int(shard["misses"]) + 1)
    return int(shard["misses"]) < LOOKS or work.clock() - float(since) < seconds


def _seen(work: Work, shard: Row) -> None:
    """What was missed has shown up."""
    work.data.get("missed_since", {}).pop(str(shard["n"]), None)
    work.set_shard(shard, misses=0)


def _again(work: Work, shard: Row, note: str) -> Look:
    return _later(work, shard, min(SLOWEST_LOOK_SECONDS, LOOK_AGAIN_SECONDS * int(shard["misses"])), note)


def _later(work: Work, shard: Row, seconds: float, note: str = "") -> Look:
    poll_schedule.put_off(work, shard, seconds)
    return Look(note)


def _cancel(work: Work, jobs: list[Row]) -> None:
    """Ask Google to cancel what is open. It is cancelled when Google says so, not before."""
    asked = set(work.data.get("cancel_asked", []))
    for shard in jobs:
        if shard["n"] not in asked:
            try:
                work.gateway.cancel_batch(str(shard["job_name"]))
            except ApiError as error:
                if not error.permanent:
                    raise
                work.tell(f"Google did not take the cancel of {shard['job_name']}: {error}", "warning")
            asked.add(shard["n"])
            poll_schedule.begin(work, shard)
            work.data["cancel_asked"] = sorted(asked)
            work.tell(f"Google was asked to cancel {shard['job_name']}; finished rows may still be billed.")
