"""The rest of a cancelled run, sent again elsewhere: another model, smaller jobs, or both.

The new run is recorded at once and waits here until the old one has ended, so that the wish outlives every process
and no row is sent while its old job may still answer it.
"""

from __future__ import annotations

import shutil

from batch.model import Outcome, RunState, Stage
from lifecycle.inputs.drafts import DRAFT
from lifecycle.planning.forecast import Hours, forecast
from lifecycle.planning.plan_json import estimate_document
from lifecycle.planning.retry_draft import prepare_child
from lifecycle.results.read.merge_retries import merged
from lifecycle.results.read.table import Filter
from lifecycle.workflow.shards.context import Failed, Step, Work
from lifecycle.workflow.stages import plan as plan_stage

AFTER = "after"  # name in a run's working memory: the run whose end it waits for
UNANSWERED = (Outcome.MISSING, Outcome.NO_RESPONSE, Outcome.ERROR_TRANSIENT)
LOOK_AGAIN_SECONDS = 2.0


def run(work: Work) -> Step:
    """Wait until the old run is cancelled, keep the rows that it did not answer, and plan them like any run's.

    Safe to repeat: it asks for the cancel itself, and the same rows are kept each time.
    """
    if work.cancelled:
        return _end(work, RunState.CANCELLED)
    old = work.store.run(str(work.data[AFTER]))
    if old is None:
        raise Failed("The run whose rows were to be sent again has been deleted.")
    if old["stage"] != Stage.FINISHED:
        if not old["cancel"]:
            work.store.ask_cancel(str(old["id"]))
        return Step(Stage.PLANNED, LOOK_AGAIN_SECONDS, "Waiting until Google has ended the old jobs.")
    rows = _keep_unanswered(work, str(old["id"]))
    if not rows:
        work.tell("Every row was answered after all; nothing is sent again.")
        return _end(work, RunState.FINISHED)
    work.tell(f"{rows:,} rows are without an answer; they are sent now.")
    del work.data[AFTER]
    _price(work)
    return plan_stage.run(work)


def _end(work: Work, state: RunState) -> Step:
    work.data.update(ending=state.value, error="", rows=0 if state is RunState.FINISHED else work.row["rows"])
    return Step(Stage.RELEASING)


def _keep_unanswered(work: Work, old_id: str) -> int:
    """Leave only rows of the old run that no run of the family has answered; returns how many."""
    runs, root = work.folder.parent, str(work.row["parent_id"])
    table = merged(runs / root, [runs / str(child["id"]) for child in work.store.children(root)])
    keys = set(table.keys(Filter(outcomes=tuple(outcome.value for outcome in UNANSWERED))))
    rest = work.folder / "rest"
    shutil.rmtree(rest, ignore_errors=True)
    rest.mkdir()
    draft = prepare_child(runs / old_id, keys, rest)
    for name in (
        "requests.jsonl",
        "inputs.parquet",
        DRAFT,
    ):  # the files here are the old run's own: never write to them
        (rest / name).replace(work.folder / name)
    rest.rmdir()
    work.row["rows"] = work.data["rows"] = draft.rows
    return draft.rows


def _price(work: Work) -> None:
    """The estimate was of all rows; make that of those that are sent."""
    found = forecast(
        work.folder / "requests.jsonl",
        work.spec,
        tariff=work.options.tariff(work.model),
        model=work.options.model(work.model),
        hours=Hours(float(work.data.get("hours", 4.0)), 48.0, 0),
    )
    work.data["estimate"] = estimate_document(found)
