"""Rows that were tried before anything was sent, and what they teach about the rest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batch.model import Outcome, Usage

_CUT_OFF = (Outcome.TRUNCATED, Outcome.TRUNCATED_EMPTY)
CAP_STEP, CAP_MARGIN = 256, 2.0  # a suggested cap has room for answers twice as long as the longest that was seen


@dataclass(frozen=True)
class TriedRow:
    """One row of a draft, answered at once at the standard price.

    `n` is its place among the rows sent, from 0; `own` are the input's own columns, with their types. `values` are the
    answer's fields where JSON was asked for and came. `error` says in words why the row is not simply answered.
    `lost`: no reply came, and the call may have been charged; it is not repeated.
    """

    n: int
    key: str
    prompt: str
    own: Mapping[str, object]
    outcome: Outcome
    text: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    error: str = ""
    usage: Usage | None = None
    usd: float | None = None
    lost: bool = False


@dataclass(frozen=True)
class Tries:
    """The rows tried together. `draft` names the folder of the draft that they are of.

    `fields` are the names of the answer's fields if rows ask for JSON, and `output_cap` the limit of output tokens
    that they were tried with, None where none was set.
    """

    draft: str
    model: str
    rows: tuple[TriedRow, ...]
    fields: tuple[str, ...] = ()
    asks_for_json: bool = False
    output_cap: int | None = None

    @property
    def measured(self) -> list[TriedRow]:
        """The rows that say what a row uses."""
        return [row for row in self.rows if row.usage is not None and row.usage.prompt]

    @property
    def usages(self) -> list[Usage]:
        return [row.usage for row in self.measured if row.usage is not None]

    @property
    def fitting(self) -> int:
        """Rows whose answer is whole and, where fields were asked for, has them."""
        return sum(row.outcome is Outcome.ANSWERED for row in self.rows)

    @property
    def cut_off(self) -> int:
        return sum(row.outcome in _CUT_OFF for row in self.rows)

    @property
    def lost(self) -> int:
        return sum(row.lost for row in self.rows)

    @property
    def usd(self) -> float | None:
        """What the tries cost; None if a price is not known. Lost ones are not in it."""
        amounts = [row.usd for row in self.rows if row.usd is not None]
        return sum(amounts) if len(amounts) == len(self.rows) - self.lost else None

    def suggested_cap(self, most: int | None) -> int | None:
        """A limit of output tokens under which the answers that were cut off are likely to be whole.

        `most` is the model's own limit. None where nothing was cut off, or no larger limit is possible.
        """
        if not self.cut_off or self.output_cap is None:
            return None
        longest = max((usage.output for usage in self.usages), default=0)
        wanted = max(longest, self.output_cap) * CAP_MARGIN
        cap = -(-int(wanted) // CAP_STEP) * CAP_STEP
        cap = min(cap, most) if most else cap
        return cap if cap > self.output_cap else None


def fields_of(value: Any) -> dict[str, object]:
    """The fields of an answer that was read as JSON; {} for anything but an object."""
    return {str(name): part for name, part in value.items()} if isinstance(value, dict) else {}


def field_names(rows: Sequence[TriedRow], schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the fields in the order of the schema, else as they came."""
    properties = schema.get("properties")
    named = list(properties) if isinstance(properties, dict) else []
    return tuple(dict.fromkeys([*named, *(name for row in rows for name in row.values)]))
