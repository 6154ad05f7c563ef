"""The account of a run's results: what was sent, what came back, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
import pyarrow.parquet as pq

from batch.model import Outcome, Usage
from batch.responses.outcome_groups import needs_attention
from lifecycle.results.store.columns import RECONCILIATION_KEY


@dataclass(frozen=True)
class AnswerColumn:
    """One typed column of the structured answers: the property's name and a DuckDB type."""

    name: str
    type: str

    @property
    def column(self) -> str:
        """The column's name beside others."""
        return f"answer.{self.name}"


@dataclass(frozen=True)
class Reconciliation:
    """Every row sent and every line returned, counted once.

    Rows: `sent == matched + missing == sum(counts.values())`. Lines: `returned == matched - shared + duplicate +
    unmatched + earlier`. `duplicate` are further lines for a key in the same attempt (the first is kept),
    `unmatched` lines without a key, with an unknown one, or unreadable; `earlier` lines of a row's other attempts.
    `shared` rows were exact copies of another row and took its answer without being sent.

    `reused` rows were not sent: an earlier run had answered them, and its line, which cost nothing again, counts as
    returned.

    `usage` and `usd` are everything bought: all attempts and unmatched lines, duplicates not. `usd` is None if no
    price is known; `unpriced` counts the lines bought whose cost is not known, or not with its search fees (then `usd`
    is a lower bound). `extras` are the columns of EXTRA_COLUMNS that any row has.
    `files` are the received files by number, relative to the run's folder; `kind` names the kind of the requests.
    """

    sent: int = 0
    returned: int = 0
    matched: int = 0
    missing: int = 0
    duplicate: int = 0
    unmatched: int = 0
    earlier: int = 0
    shared: int = 0
    cache_lost: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    usd: float | None = None
    unpriced: int = 0
    fields: tuple[AnswerColumn, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    kind: str = "text"
    reused: int = 0

    @property
    def answered(self) -> int:
        return self.counts.get(Outcome.ANSWERED, 0)

    @property
    def needs_attention(self) -> int:
        """Rows that are anything but answered; the number that is said everywhere."""
        return needs_attention(self.counts, self.sent)

    @property
    def complete(self) -> bool:
        """Something came back for every row."""
        return self.missing == 0

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Reconciliation:
        values = orjson.loads(text)
        values["usage"] = Usage(**values["usage"])
        values["fields"] = tuple(AnswerColumn(**item) for item in values["fields"])
        values["notes"], values["files"] = tuple(values["notes"]), tuple(values["files"])
        values["extras"] = tuple(values.get("extras", ()))
        return cls(**values)


def read_reconciliation(results: Path) -> Reconciliation:
    """The account that a results file carries."""
    return Reconciliation.from_json(pq.read_metadata(results).metadata[RECONCILIATION_KEY.encode()])
