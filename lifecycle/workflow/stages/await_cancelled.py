"""The rest of a cancelled run, sent again elsewhere: another model, smaller jobs, or both.

The new run is recorded at once and waits here until the old one has ended, so that the wish outlives every process
and no row is sent while its old job may still answer it.
"""

from __future__ import annotations

import shutil

from batch.model import Outcome, RunState, Stage
from lifecycle.core.run_files import DRAFT_FILES, REQUESTS, SHARED
from lifecycle.core.run_progress import Ending
from lifecycle.planning.forecast import ExpectedHours, forecast
from lifecycle.planning.plan_json import estimate_document
from lifecycle.planning.retry_draft import prepare_child
from lifecycle.results.read.merge_retries import merge_retries
from lifecycle.results.read.table import Filter
from lifecycle.workflow.shards.context import StageContext, StageFailed, StageResult
from lifecycle.workflow.stages import plan as plan_stage

UNANSWERED = (Outcome.MISSING, Outcome.NO_RESPONSE, Outcome.ERROR_TRANSIENT)
POLL_AGAIN_SECONDS = 2.0


def run(ctx: StageContext) -> StageResult:
    """Wait until the old run is cancelled, keep the rows that it did not answer, and plan them like any run's.

    Safe to repeat: it asks for the cancel itself, and the same rows are kept each time.
    """
    if ctx.cancelled:
        return _end_run(ctx, RunState.CANCELLED)
    old_run = ctx.store.run(ctx.progress.replaces_run)
    if old_run is None:
        raise StageFailed("The run whose rows were to be sent again has been deleted.")
    if old_run.stage != Stage.FINISHED:
        if not old_run.cancel:
            ctx.store.request_cancel(old_run.id)
        return StageResult(Stage.PLANNED, POLL_AGAIN_SECONDS, "Waiting until Google has ended the old jobs.")
    rows = _keep_unanswered(ctx, old_run.id)
    if not rows:
        ctx.log_event("Every row was answered after all; nothing is sent again.")
        return _end_run(ctx, RunState.FINISHED)
    ctx.log_event(f"{rows:,} rows are without an answer; they are sent now.")
    ctx.progress.replaces_run = ""
    _reprice(ctx)
    return plan_stage.run(ctx)


def _end_run(ctx: StageContext, state: RunState) -> StageResult:
    ctx.progress.ending = Ending(state)
    if state is RunState.FINISHED:
        ctx.update_run(rows=0)
    return StageResult(Stage.RELEASING)


def _keep_unanswered(ctx: StageContext, old_id: str) -> int:
    """Leave only rows of the old run that no run of the family has answered; returns how many."""
    runs, root = ctx.folder.parent, ctx.run.parent_id
    table = merge_retries(runs / root, [runs / child.id for child in ctx.store.children(root)])
    keys = set(table.keys(Filter(outcomes=tuple(outcome.value for outcome in UNANSWERED))))
    rest_folder = ctx.folder / "rest"
    shutil.rmtree(rest_folder, ignore_errors=True)
    rest_folder.mkdir()
    draft = prepare_child(runs / old_id, keys, rest_folder)
    for name in (*DRAFT_FILES, SHARED):  # the files here are hard links to the old run's: replaced, never written to
        if (rest_folder / name).exists():
            (rest_folder / name).replace(ctx.folder / name)
    shutil.rmtree(rest_folder)  # the files that requests refer to are linked here already
    ctx.update_run(rows=draft.rows)
    return draft.rows


def _reprice(ctx: StageContext) -> None:
    """The estimate was of all rows; make that of those that are sent."""
    new_forecast = forecast(
        ctx.folder / REQUESTS,
        ctx.spec,
        tariff=ctx.options.tariff(ctx.model),
        model=ctx.options.model(ctx.model),
        hours=ExpectedHours(ctx.progress.assumed.hours, 48.0, 0),
    )
    ctx.update_run(estimate=estimate_document(new_forecast))
