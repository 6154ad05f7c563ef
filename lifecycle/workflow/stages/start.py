"""Stage `planned`: how a run begins: as a submission, as a job made elsewhere, or as the rest of a cancelled run."""

from __future__ import annotations

from batch.model import Stage
from lifecycle.workflow.shards.context import StageContext, StageResult
from lifecycle.workflow.stages import (
    await_cancelled as await_cancelled_stage,
)
from lifecycle.workflow.stages import (
    import_job as import_job_stage,
)
from lifecycle.workflow.stages import (
    plan as plan_stage,
)


def run(ctx: StageContext) -> StageResult:
    """Take the run to the point where it has shards."""
    if ctx.is_imported:
        return import_job_stage.run(ctx)
    if ctx.progress.replaces_run:
        return await_cancelled_stage.run(ctx)
    if ctx.progress.reused_rows == ctx.run.rows:
        ctx.log_event("Every row was answered by an earlier run; nothing is sent.")
        return StageResult(Stage.COLLECTING)
    return plan_stage.run(ctx)
