"""Stage `planned`: how a run begins: as a submission, as a job made elsewhere, or as the rest of a cancelled run."""

from __future__ import annotations

from lifecycle.workflow.shards.context import Step, Work
from lifecycle.workflow.stages import (
    await_cancelled as await_cancelled_stage,
)
from lifecycle.workflow.stages import (
    import_job as import_job_stage,
)
from lifecycle.workflow.stages import (
    plan as plan_stage,
)


def run(work: Work) -> Step:
    """Take the run to the point where it has shards."""
    if work.recovered:
        return import_job_stage.run(work)
    if await_cancelled_stage.AFTER in work.data:
        return await_cancelled_stage.run(work)
    return plan_stage.run(work)
