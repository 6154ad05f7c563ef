"""Stage `planned`: how a run begins: as a submission, as a job made elsewhere, or as the rest of a cancelled run."""

from __future__ import annotations

from lifecycle.stages import adopting, planning, resubmitting
from lifecycle.stages.work import Step, Work


def run(work: Work) -> Step:
    """Take the run to the point where it has shards."""
    if work.recovered:
        return adopting.run(work)
    if resubmitting.AFTER in work.data:
        return resubmitting.run(work)
    return planning.run(work)
