"""Which field of a job's results says whose answer a line is, and which column of the input it is held against.

Never the place of a line: Google gives inline results back in any order. A field that repeats a value, and two fields
that contradict each other, are not taken; who knows better can name the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from lifecycle.inputs.echoed_fields import KEY, EchoedFields

KNOWN_NAMES = (KEY, "custom_id", "request_id", "id", "row_id")  # the first of several that would do
_ID_NAME = re.compile(r"(?:.*[_\-. ])?(?:id|key|uuid|guid)|.*[a-z](?:Id|ID|Key)", re.ASCII)
_GENERATED_KEY = r"^row-\d{6,}(-\d+)?$"  # as a draft makes them: by place
_WHOLE_NUMBER = r"^-?\d+$"


@dataclass(frozen=True)
class Join:
    """A field of the results and a column of the input that has the same values; `rows` is the input's row of each
    line, null where it has none."""

    field: str
    column: str
    rows: pa.ChunkedArray


class AmbiguousRows(Exception):
    """The results cannot be told to rows; `str()` says why."""


def unique_values(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values with null in place of every one that occurs more than once."""
    counts = pc.value_counts(values.combine_chunks().drop_null())
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return pc.if_else(pc.is_in(values, value_set=repeated), pa.scalar(None, pa.string()), values)


def repeated_count(values: pa.ChunkedArray) -> int:
    """How many lines have a value that another line has, too."""
    return int(unique_values(values).null_count - values.null_count)


def identifying_field(echoed: EchoedFields, named: str = "") -> str:
    """The field that results are known by where no input is given; "" if there is none.

    It is the one that was named, else `key`, else the likeliest of those that every result has once.
    """
    if named in echoed.names:
        return named
    if KEY in echoed.names:
        return KEY
    complete = [
        name
        for name in echoed.names
        if unique_values(echoed.column(name)).null_count == echoed.lines - echoed.readable < echoed.lines
    ]
    return min(complete, key=_rank, default="")


def _rank(name: str) -> tuple[int, bool]:
    known = KNOWN_NAMES.index(name) if name in KNOWN_NAMES else len(KNOWN_NAMES)
    return known, _ID_NAME.fullmatch(name) is None


def find_join(echoed: EchoedFields, columns: dict[str, pa.ChunkedArray], named: str = "") -> Join | None:
    """The join of results to the rows of an input, whose `columns` are texts. None if nothing of them agrees.

    Fields of the same name on both sides come first, ids before others; else any field whose values are all in one
    column. Raises AmbiguousRows where fields that are equally likely name different rows.
    """
    fields = [named] if named in echoed.names else list(echoed.names)
    for candidates in (
        _same_name(echoed, columns, fields, ids=True),
        _generated_keys(echoed, columns, fields),
        _same_name(echoed, columns, fields, ids=False),
        _other_names(echoed, columns, fields, trusted=bool(named)),
    ):
        joins = list(candidates)
        for first, second in combinations(joins, 2):
            if _contradict(first, second):
                raise AmbiguousRows(
                    f"By `{first.field}` the results answer other requests than by `{second.field}`."
                    if first.field != second.field
                    else f"`{first.field}` could be the column {first.column!r} or {second.column!r}."
                )
        if joins:
            return min(joins, key=lambda join: _rank(join.field))
    return None


def _same_name(
    echoed: EchoedFields, columns: dict[str, pa.ChunkedArray], fields: Sequence[str], *, ids: bool
) -> Iterator[Join]:
    """Fields that a column is named after; ids may know a part of the rows, others all."""
    for name in fields:
        if name not in columns or (_ID_NAME.fullmatch(name) is not None) != ids:
            continue
        if name == KEY and _generated(columns[KEY]):
            continue
        join = _join(echoed, columns, name, name)
        if join and (ids or _all_known(echoed, join)):
            yield join


def _generated_keys(echoed: EchoedFields, columns: dict[str, pa.ChunkedArray], fields: Sequence[str]) -> Iterator[Join]:
    """Keys that were made for an input without any: right for a job that was made here from that very input."""
    if KEY in fields and _generated(columns[KEY]) and (join := _join(echoed, columns, KEY, KEY)):
        yield join


def _other_names(
    echoed: EchoedFields, columns: dict[str, pa.ChunkedArray], fields: Sequence[str], *, trusted: bool
) -> Iterator[Join]:
    """A field and a column of different names that agree in full.

    Whole numbers agree easily by accident, so they count only where both names are those of ids, or the user says so.
    """
    for field in fields:
        values = echoed.column(field)
        numbers = pc.all(pc.match_substring_regex(values, _WHOLE_NUMBER)).as_py()
        for column in columns:
            if column == field or (column == KEY and _generated(columns[KEY])):
                continue
            both_ids = _ID_NAME.fullmatch(field) is not None and _ID_NAME.fullmatch(column) is not None
            if numbers and not (trusted or both_ids):
                continue
            join = _join(echoed, columns, field, column)
            if join and _all_known(echoed, join):
                yield join


def _generated(keys: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.match_substring_regex(keys, _GENERATED_KEY)).as_py())


def _join(echoed: EchoedFields, columns: dict[str, pa.ChunkedArray], field: str, column: str) -> Join | None:
    """The join of one field to one column; None if they share nothing, or one of them repeats a value.

    A `key` may come back twice: Google's duplicates are told apart later, by the same rows.
    """
    values, known = echoed.column(field), columns[column]
    if repeated_count(known) or (repeated_count(values) and field != KEY):
        return None
    rows = pc.index_in(values, value_set=known.combine_chunks(), skip_nulls=True)
    return Join(field, column, rows) if rows.null_count < len(rows) else None


def _all_known(echoed: EchoedFields, join: Join) -> bool:
    """Whether every result that can be read has its row."""
    return bool(join.rows.null_count == echoed.lines - echoed.readable)


def _contradict(first: Join, second: Join) -> bool:
    """Whether two joins name different rows for any line."""
    return bool(pc.any(pc.not_equal(first.rows, second.rows)).as_py())
