"""Watch a run until it has ended or is sent, and say how it went."""

from __future__ import annotations

import argparse
import time
from functools import partial

from batch.model import RunState, Stage
from lifecycle.core.models import Account, RunView
from lifecycle.runner import Runner
from terminal.output import documents, lines
from terminal.output.console import print_message, print_result
from terminal.steps.patience import when_there

POLL_SECONDS = 0.2
SENT_STAGES = (Stage.RUNNING, Stage.COLLECTING, Stage.RELEASING, Stage.FINISHED)


def wait_for_run(runner: Runner, account: Account, run_id: str, *, until_ended: bool) -> RunView:
    """Watch a run until it has ended, or until all that can be sent now is sent; say what changes."""
    last_message = ""
    while True:
        run = when_there(partial(runner.runs.get, account, run_id))
        message = run.note or f"{run.status_text}, {_rows_done(run)}"
        if message != last_message:
            print_message(f"{run_id}: {message}")
            last_message = message
        sent = run.stage in SENT_STAGES or run.state is RunState.WAITING_FOR_CAPACITY or run.waits_for_budget
        if run.state.ended or (sent and run.is_waiting and not until_ended):
            return run
        time.sleep(POLL_SECONDS)


def _rows_done(run: RunView) -> str:
    """Rows done of all, or how many there are while Google tells nothing of them."""
    if not run.progress.is_known:
        return f"{run.rows:,} rows"
    return f"{run.progress.done:,} of {run.progress.total:,} rows done"


def report_outcome(run: RunView, options: argparse.Namespace) -> int:
    if run.stray_note:
        print_message(run.stray_note)
    if run.cost_is_lower_bound:
        print_message(
            "The cost is a lower bound: more may be billed for rows that did not come back, or not with their usage."
        )
    print_result(options, documents.report_document(run), lambda: [lines.run_line(run)])
    if run.held_back_rows:
        print_message(f"To send the rest: gemini-batch raise-budget {run.id} USD")
        return 2
    return 1 if run.state in (RunState.FAILED, RunState.CANCELLED) else 0
