"""List runs, show, name or export one, cancel one, carry on with all."""

from __future__ import annotations

import argparse

from batch.errors import InputError
from batch.formatting import plural
from batch.model import RunState
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import Account, RunQuery, RunSort
from lifecycle.runner import Runner
from terminal.output import documents, lines
from terminal.output.console import print_message, print_result
from terminal.steps.watch import report_outcome, wait_for_run
from terminal.verbs.retries import resubmit


def runs(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """List the runs of this key, newest first or in the order asked for."""
    sort = RunSort(options.sort)
    query = RunQuery(
        text=options.search,
        group=RunGroup(options.filter.replace("-", " ")) if options.filter else None,
        sort=sort,
        descending=(sort not in (RunSort.NAME, RunSort.STATE)) is not options.reverse,
        limit=options.limit,
    )
    ids = [line.id for line in runner.run_table.page(account, query).lines]
    run_views = runner.runs.views(account, ids)
    print_result(
        options, [documents.run_document(run) for run in run_views], lambda: [lines.run_line(run) for run in run_views]
    )
    return 0


def rename(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Give a run another name."""
    runner.run_table.rename(account, options.run, options.name)
    return _print_run(runner, account, options)


def tag(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Add tags to a run, and take others from it."""
    add, remove = ([word[1:] for word in options.changes if word[0] == sign] for sign in "+-")
    runner.run_table.retag(account, [options.run], add, remove)
    return _print_run(runner, account, options)


def _print_run(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    run = runner.runs.get(account, options.run)
    print_result(options, documents.run_document(run), lambda: [lines.run_line(run)])
    return 0


def show(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Show one run in full, with its event log."""
    run = runner.runs.get(account, options.run)
    events = runner.runs.events(account, options.run)
    document = {
        **documents.run_document(run),
        "warning": run.warning or None,
        "strays": run.stray_note or None,
        "jobs": [documents.job_document(job) for job in run.jobs],
        "caches": [{"name": c.name, "tokens": c.tokens, "deleted_at": c.deleted_at, "usd": c.usd} for c in run.caches],
        "events": [{"at": e.at, "level": e.level, "text": e.text} for e in events],
    }
    kept = "" if run.kept_until is None else f"Deleted with its results after {run.kept_until:%Y-%m-%d}."
    log = [f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.text}" for event in events]
    print_result(
        options,
        document,
        lambda: [lines.run_line(run), *filter(None, (run.note, run.warning, run.stray_note, kept)), *log],
    )
    return 0


def results(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Write a run's merged results to a file."""
    from terminal.steps.export import export_results  # brings all of Arrow, which the other verbs of this module spare

    export_results(runner, account, options.run, options)
    return 0


def cancel(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Ask for a cancel and see it through: what finished is collected and everything is released."""
    if options.resubmit and options.leave_job:
        raise InputError("A job that goes on cannot be sent elsewhere.", "Give --resubmit or --leave-job.")
    if options.resubmit:
        return resubmit(runner, account, options)
    (runner.runs.detach if options.leave_job else runner.runs.cancel)(account, options.run)
    runner.start()
    run = wait_for_run(runner, account, options.run, until_ended=True)
    report_outcome(run, options)
    return 0 if run.state in (RunState.CANCELLED, RunState.FINISHED) else 1


def resume(runner: Runner, account: Account, options: argparse.Namespace) -> int:
    """Carry on with every unfinished run of this key: each is looked at now, and what has ended is collected."""
    if strays := runner.runs.look_for_strays(account):
        print_message(f"{plural(strays, 'job')} of ended runs that nobody waited for: stopped. `show` says which.")
    open_runs = [run for run in runner.runs.list_recent(account, limit=100_000) if not run.state.ended]
    for run in open_runs:
        runner.runs.poll_now(account, run.id)
    runner.start()
    ended = [wait_for_run(runner, account, run.id, until_ended=options.wait) for run in open_runs]
    print_result(
        options, [documents.run_document(run) for run in ended], lambda: [lines.run_line(run) for run in ended]
    )
    return 0 if all(run.state not in (RunState.FAILED, RunState.CANCELLED) for run in ended) else 1
