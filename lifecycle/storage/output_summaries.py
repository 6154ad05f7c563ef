"""The table of what runs were seen to answer: a few quantiles of output tokens each, under the owner who paid."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, select

from lifecycle.storage.schema import output_summary
from lifecycle.storage.store import Store

MAX_ASKED = 60  # the newest of an owner and model
MAX_KEPT = 500  # of an owner and model; older ones go


@dataclass(frozen=True)
class OutputSummary:
    """One run, or a few rows that were tried. `sketch` and `lengths` are JSON; neither holds a word of a prompt."""

    run_id: str
    owner_id: str
    model: str
    at: float
    sketch: str
    lengths: str


class OutputSummaries:
    """Summaries of one database. They outlive their runs, as what jobs teach of durations does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put_of_run(self, token: str, summary: OutputSummary) -> None:
        """Record a run's, in the place of an earlier one of the same run. Raises LeaseLost."""
        with self._store.lease_held(summary.run_id, token) as c:
            _put(c, summary)

    def put(self, summary: OutputSummary) -> None:
        """Record those of rows that were tried."""
        with self._store.writing() as c:
            _put(c, summary)

    def newest(self, owner_id: str, model: str) -> list[OutputSummary]:
        """The newest of an owner and a model."""
        t = output_summary
        query = select(t).where(t.c.owner_id == owner_id, t.c.model == model)
        with self._store.reading() as c:
            rows = c.execute(query.order_by(t.c.at.desc(), t.c.run_id).limit(MAX_ASKED)).mappings()
            return [OutputSummary(**row) for row in rows]


def _put(c: Connection, summary: OutputSummary) -> None:
    t = output_summary
    c.execute(t.delete().where(t.c.run_id == summary.run_id))
    c.execute(t.insert().values(asdict(summary)))
    same = (t.c.owner_id == summary.owner_id) & (t.c.model == summary.model)
    oldest_kept = c.execute(select(t.c.at).where(same).order_by(t.c.at.desc()).offset(MAX_KEPT - 1).limit(1)).scalar()
    if oldest_kept is not None:
        c.execute(t.delete().where(same & (t.c.at < oldest_kept)))
