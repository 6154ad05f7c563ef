"""A run's results, read: totals, pages, details. Nothing here writes, and any number of threads may ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from batch.errors import InputError, NotFound
from batch.kinds.kind import RequestKind
from batch.kinds.registry import KINDS
from batch.model import Usage
from batch.pricing.rates import RunUsage
from batch.responses.spreadsheet_text import input_column_names
from lifecycle.core.draft_links import whole_requests
from lifecycle.core.run_files import GROUPS, INPUTS, OTHERS, RESULTS, origin_of_answers
from lifecycle.results.read.row_detail import OtherLine, RowDetail, find_request, read_detail, read_line
from lifecycle.results.read.sent_files import sent_files
from lifecycle.results.read.shared_text import SAMPLED_CHARACTERS, SAMPLED_ROWS, SharedText, shared_text
from lifecycle.results.store import sql
from lifecycle.results.store.columns import DUPLICATE, RESULT_SCHEMA, SUPERSEDED, UNMATCHED, USAGE_COLUMNS
from lifecycle.results.store.reconciliation import AnswerColumn, Reconciliation, read_reconciliation
from lifecycle.results.store.row_marks import RowMark, read_marks
from lifecycle.results.store.typed_columns import read_values

if TYPE_CHECKING:
    import pandas as pd  # 40 MB that only the page's tables need, so it is imported where they are made

DISPLAY_COLUMNS = (
    "n",
    "key",
    "prompt",
    "outcome",
    "text",
    "error_code",
    "error_message",
    "finish_reason",
    "block_reason",
    "prompt_tokens",
    "cached_tokens",
    "output_tokens",
    "thoughts_tokens",
    "cost_usd",
    "attempt",
    "attempts",
    "shared",
    "parsed",
    "run",
)
SORTABLE = tuple(name for name in DISPLAY_COLUMNS if name != "run")
INPUT_COLUMNS = ("n", "key", "prompt", "line")
DIFFERING = "differing"  # a column of pages: the prompt without what most prompts of the run begin and end with
MAX_PAGES, MAX_SEARCHES, MAX_NUMBERS = 8, 2, 2_000  # that a table remembers
MAX_TABLES = 8  # that stay open
_RECEIVED = "received_file"  # the number of the file that a line was received in, beside a table's own column "file"


@dataclass(frozen=True)
class Filter:
    """Which rows: all that fit every condition given. `search` looks in prompt, answer and key, in any case.

    `errors` are messages as `ResultTable.errors()` groups them; `groups` ids of the plan's groups.
    `failed_below` leaves out rows that have ended at least so often as they stand now, for the same cause; 0 none.
    """

    search: str = ""
    outcomes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    failed_below: int = 0

    def __bool__(self) -> bool:
        return self != Filter()


ALL_ROWS = Filter()


def open_table(folder: Path, results_dir: Path | None = None) -> ResultTable:
    """The table of these files; the one that was opened before while they are the same, with all that it knows.

    Raises NotFound while there are no results.
    """
    results = results_dir or folder
    return _open(folder, results_dir, *map(_state, (results / RESULTS, results / OTHERS, folder / INPUTS)))


class ResultTable:
    """The results of one run's folder. Cheap to open; asks the files by column and page, and the same thing once.

    Files of results are replaced, never written in place: `open_table` gives another table then.
    `results_dir` holds the result files if they are not the folder's own: see `merge_retries`.
    """

    def __init__(self, folder: Path, results_dir: Path | None = None) -> None:
        self.folder = folder
        self.results, self.others = (results_dir or folder) / RESULTS, (results_dir or folder) / OTHERS
        if not self.results.exists():
            raise NotFound("There are no results yet.", "Wait until the run ends.")
        self.reconciliation = read_reconciliation(self.results)
        self._inputs = sql.parquet(folder / INPUTS)
        stored = pq.read_schema(folder / INPUTS)
        source_names = [name for name in stored.names if name not in INPUT_COLUMNS]
        taken = (
            *DISPLAY_COLUMNS,
            DIFFERING,
            "line",
            _RECEIVED,
            *(field.column for field in self.reconciliation.fields),
        )
        self.source_columns = input_column_names(source_names, taken=taken)  # as stored -> as shown
        self._text_columns = {name for name in source_names if _is_text(stored.field(name).type)}
        self._total = lru_cache(16)(self._count)
        self._found = lru_cache(MAX_SEARCHES)(self._find)
        self._kept_page = lru_cache(MAX_PAGES)(self._page)
        self._numbers: dict[str, int] = {}  # of rows that were shown, by key

    @property
    def kind(self) -> RequestKind:
        """What the run's requests are."""
        return KINDS[self.reconciliation.kind]

    def totals(self) -> Reconciliation:
        """The account of the run."""
        return self.reconciliation

    def marks(self) -> dict[str, RowMark]:
        """By key, what was noted of rows."""
        return read_marks(self.folder)

    @cached_property
    def shared_text(self) -> SharedText:
        """How most prompts begin and end, by a sample of them: whole texts of millions of rows are not read for it."""
        path = self.folder / INPUTS
        return _shared_text(path, path.stat().st_mtime_ns, self.reconciliation.sent)

    def counts(self) -> dict[str, int]:
        """Rows by outcome; only outcomes that occur."""
        return dict(self.reconciliation.counts)

    def parsed(self) -> dict[str, int]:
        """Rows by how their structured answer was read: strict, lenient, failed, "" where none was asked for."""
        return dict(self._parsed)

    @cached_property
    def _parsed(self) -> dict[str, int]:
        with sql.cursor() as db:
            rows = db.execute(f"SELECT parsed, count(*) FROM {sql.parquet(self.results)} GROUP BY parsed").fetchall()
        return dict(rows)

    def page(
        self,
        where: Filter = ALL_ROWS,
        *,
        order: str = "n",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
        clip: int | None = None,
        fields: bool = False,
        include_repaired: bool = False,
    ) -> tuple[pd.DataFrame, int]:
        """(rows, how many fit). Columns are DISPLAY_COLUMNS, DIFFERING and then the table's own; texts are cut to
        `clip` characters, so that a page is small whatever is in it.

        With `fields` come the structured answers' typed columns, read strictly, or leniently too.
        """
        read = self._page if clip is None else self._kept_page  # whole texts may be large
        rows, total = read(where, order, descending, offset, limit, clip, fields, include_repaired)
        return rows.copy(), total

    def _page(
        self,
        where: Filter,
        order: str,
        descending: bool,
        offset: int,
        limit: int,
        clip: int | None,
        fields: bool,
        include_repaired: bool,
    ) -> tuple[pd.DataFrame, int]:
        total = self._total(where)
        row_numbers = self._page_rows(where, order, descending, offset, limit)
        rows = self.rows(row_numbers, None if fields else clip)
        if len(self._numbers) > MAX_NUMBERS:
            self._numbers = {}
        self._numbers.update(zip(rows["key"], rows["n"].tolist(), strict=True))
        if not fields:
            return rows, total
        values = read_values(
            self.reconciliation.fields,
            rows["text"],
            rows["parsed"],
            self._repaired(row_numbers),
            include_repaired=include_repaired,
        )
        for name in ("prompt", "text", *(self.source_columns[name] for name in self._text_columns)) if clip else ():
            rows[name] = rows[name].str.slice(0, clip)
        return rows.assign(**values), total

    def keys(self, where: Filter = ALL_ROWS) -> Iterator[str]:
        """Keys of the rows that fit, in input order."""
        with sql.cursor() as db:
            result = db.execute(*self.query("key", where))
            while chunk := result.fetchmany(10_000):
                yield from (key for (key,) in chunk)

    def unmatched(self, offset: int = 0, limit: int = 100, clip: int | None = None) -> tuple[list[str], int]:
        """(lines that fit no row, as received; how many there are). With `clip` no more than so many bytes of each."""
        with sql.cursor() as db:
            locations = db.execute(
                f"""SELECT file, position, length FROM {sql.parquet(self.others)} WHERE kind = {UNMATCHED}
                    ORDER BY file, position LIMIT {int(limit)} OFFSET {int(offset)}"""
            ).fetchall()
        lines = [self._line(file, position, min(length, clip or length)) for file, position, length in locations]
        return lines, self.reconciliation.unmatched

    def groups(self, limit: int = 100) -> pd.DataFrame:
        """The largest groups of the plan: columns group, rows, example (the prompt of its first row, clipped)."""
        source = self.folder / GROUPS
        if not source.exists():
            import pandas as pd

            return pd.DataFrame({"group": [], "rows": [], "example": []})
        return self._frame(
            f"""WITH g AS (SELECT "group", count(*) AS rows, min(key) AS key FROM {sql.parquet(source)}
                    WHERE "group" IS NOT NULL GROUP BY "group" ORDER BY rows DESC, "group" LIMIT {int(limit)})
                SELECT g."group", g.rows, left(i.prompt, 200) AS example FROM g LEFT JOIN {self._inputs} i USING (key)
                ORDER BY rows DESC, 1""",
            [],
        )

    def errors(self, where: Filter = ALL_ROWS) -> pd.DataFrame:
        """What went wrong, most frequent first: columns error, outcome, error_code, rows, example (a key)."""
        return self._list_errors(where) if where else self._all_errors.copy()

    @cached_property
    def _all_errors(self) -> pd.DataFrame:
        return self._list_errors(ALL_ROWS)

    def _list_errors(self, where: Filter) -> pd.DataFrame:
        condition, values = self.condition(where)
        return self._frame(
            f"""SELECT error, outcome, error_code, count(*) AS rows, arg_min(key, n) AS example
                FROM {sql.parquet(self.results)} WHERE error <> '' AND {condition}
                GROUP BY ALL ORDER BY rows DESC, error""",
            values,
        )

    def billed_usage(self, threshold: int | None = None) -> RunUsage:
        """The usage of all lines bought: every attempt and unmatched lines, but no duplicates.

        Prompts of more than `threshold` tokens are kept apart; cached tokens never count more than the prompt's.
        """
        usage_columns = ", ".join(USAGE_COLUMNS).replace(
            "cached_tokens,", "least(cached_tokens, prompt_tokens) AS cached_tokens,", 1
        )
        sums = ", ".join(f"coalesce(sum({name}), 0)::BIGINT" for name in USAGE_COLUMNS)
        results, others = (
            sql.parquet_with(path, map(RESULT_SCHEMA.field, USAGE_COLUMNS)) for path in (self.results, self.others)
        )
        reused = ", ".join(["-1", *(str(n) for n in range(len(self.reconciliation.files)) if self.origin_of(n))])
        with sql.cursor() as db:
            tiers = db.execute(
                f"""SELECT coalesce(prompt_tokens > ?, false) AS long, count(*), {sums} FROM (
                    SELECT {usage_columns} FROM {results} WHERE file NOT IN ({reused}) AND NOT shared UNION ALL
                    SELECT {usage_columns} FROM {others} WHERE kind <> {DUPLICATE}) GROUP BY long""",
                [2**62 if threshold is None else threshold],
            ).fetchall()
        parts = [
            RunUsage(rows, long=Usage(*tokens)) if long else RunUsage(rows, short=Usage(*tokens))
            for long, rows, *tokens in tiers
        ]
        return sum(parts, RunUsage())

    def detail(self, key: str) -> RowDetail:
        """Everything known of one row. Raises NotFound for a key that was not sent."""
        page, _ = self.page(Filter(keys=(key,)), limit=1)
        if page.empty:
            raise NotFound(f"There is no row with the key {key!r}.")
        with sql.cursor() as db:
            location = db.execute(
                f"""SELECT file, position, length, pictures
                    FROM {sql.parquet_with(self.results, [RESULT_SCHEMA.field("pictures")])}
                    WHERE n = ? AND file IS NOT NULL""",
                [int(page["n"][0])],
            ).fetchone()
            others = db.execute(
                f"""SELECT CASE kind WHEN {SUPERSEDED} THEN 'earlier' ELSE 'duplicate' END, attempt, outcome, cost_usd,
                    file, position, length FROM {sql.parquet(self.others)} WHERE n = ? ORDER BY file, position""",
                [int(page["n"][0])],
            ).fetchall()
        attempts = [
            OtherLine(kind, self.run_of(file), attempt, outcome, usd, self._line(file, position, length))
            for kind, attempt, outcome, usd, file, position, length in others
        ]
        row: dict[str, Any] = {str(name): _python_value(value) for name, value in page.iloc[0].items()}
        folder = self.folder_of(row["run"])
        request = find_request(whole_requests(folder), key)
        return read_detail(
            self.folder,
            self.reconciliation.files,
            row,
            location[:3] if location else None,
            attempts,
            tuple(self.source_columns.values()),
            request,
            self.kind,
            (location[3] if location else None) or (),
            reused_from=self.origin_of(location[0] if location else None),
            sent=sent_files(folder, request, row),
        )

    def query(self, column: str, where: Filter) -> tuple[str, list[Any]]:
        """SQL and parameters for one column of the rows that fit, in input order."""
        condition, values = self.condition(where)
        return f"SELECT {column} FROM {sql.parquet(self.results)} WHERE {condition} ORDER BY n", values

    def pictures(self, row_numbers: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """The pictures of rows by `n`, only of those that have some; `file` is relative to the folder of their run."""
        if "pictures" not in pq.read_schema(self.results).names:  # of an earlier version
            return {}
        condition = f"{_rows_condition(list(row_numbers))} AND len(pictures) > 0"
        with sql.cursor() as db:
            return dict(db.execute(f"SELECT n, pictures FROM {sql.parquet(self.results)} WHERE {condition}").fetchall())

    def picture_count(self) -> int:
        """How many pictures all rows have together."""
        with sql.cursor() as db:
            row = db.execute(f"SELECT sum(images) FROM {sql.parquet(self.results)}").fetchone()
        return int(row[0] or 0) if row else 0

    def folder_of(self, run: str) -> Path:
        """The folder of the run that answered a row, as `run` of the row names it."""
        return self.folder.parent / run if run != self.folder.name else self.folder

    # -- plumbing ----------------------------------------------------------------------------------------------

    def _line(self, file: int, position: int, length: int) -> str:
        return (
            read_line(self.folder, self.reconciliation.files, file, position, length).decode("utf-8", "replace").strip()
        )

    def _frame(self, query: str, values: list[Any]) -> pd.DataFrame:
        with sql.cursor() as db:
            table = db.sql(query, params=values).to_arrow_table()
        frame: pd.DataFrame = table.to_pandas(
            types_mapper=_nullable().get
        )  # DuckDB's own way warns where there are dates
        return frame

    def condition(self, where: Filter) -> tuple[str, list[Any]]:
        """A filter as SQL and its parameters."""
        parts, values = ["true"], list[Any]()
        for column, accepted in (("outcome", where.outcomes), ("error", where.errors), ("key", where.keys)):
            if accepted:
                parts.append(f"{column} IN ({', '.join('?' * len(accepted))})")
                values += accepted
        if where.groups:
            marks = ", ".join("?" * len(where.groups))
            parts.append(f'key IN (SELECT key FROM {sql.parquet(self.folder / GROUPS)} WHERE "group" IN ({marks}))')
            values += where.groups
        if where.failed_below:
            parts.append(f"n NOT IN ({self._repeated_failures_sql(where.failed_below)})")
        if where.search:
            contains = "regexp_matches({}, ?, 'i')".format  # half the time of comparing what was made lower case
            search_sql = f"SELECT n FROM {self._inputs} WHERE {contains('prompt')}"
            parts.append(f"({contains('text')} OR {contains('key')} OR n IN ({search_sql}))")
            values += [sql.literal_pattern(where.search)] * 3
        return " AND ".join(parts), values

    def _repeated_failures_sql(self, times: int) -> str:
        """Rows whose line shown, and enough of the earlier ones, have the same outcome and the same kind of message."""
        return f"""SELECT r.n FROM {sql.parquet(self.results)} r JOIN {sql.parquet(self.others)} o
            ON o.n = r.n AND o.kind = {SUPERSEDED} AND o.outcome = r.outcome AND o.error = r.error
            GROUP BY r.n HAVING count(*) + 1 >= {int(times)}"""

    def _count(self, where: Filter) -> int:
        if not where:
            return self.reconciliation.sent
        if where.search:
            return len(self._found(where))
        if self._known_row(where):
            return 1
        condition, values = self.condition(where)
        with sql.cursor() as db:
            row = db.execute(f"SELECT count(*) FROM {sql.parquet(self.results)} WHERE {condition}", values).fetchone()
        return int(row[0]) if row else 0

    def _find(self, where: Filter) -> NDArray[np.int64]:
        """The `n` of all rows that fit, in input order. For searches: they read every text, and are to do so once."""
        with sql.cursor() as db:
            return np.asarray(db.execute(*self.query("n", where)).fetchnumpy()["n"], np.int64)

    def _known_row(self, where: Filter) -> list[int]:
        """The `n` of the one row that is asked for by its key, if it was shown before."""
        if len(where.keys) != 1 or where != Filter(keys=where.keys) or where.keys[0] not in self._numbers:
            return []
        return [self._numbers[where.keys[0]]]

    @cached_property
    def _counts_from_zero(self) -> bool:
        """Whether the rows are 0, 1, 2, … so that a page of all of them need not be looked for."""
        metadata = pq.read_metadata(self.results)
        if not metadata.num_row_groups:
            return False
        n = metadata.schema.names.index("n")
        first, last = (metadata.row_group(group).column(n).statistics for group in (0, metadata.num_row_groups - 1))
        if first is None or last is None or not (first.has_min_max and last.has_min_max):
            return False
        return bool(first.min == 0 and last.max == metadata.num_rows - 1 == self.reconciliation.sent - 1)

    def _page_rows(self, where: Filter, order: str, descending: bool, offset: int, limit: int) -> list[int]:
        """The `n` of a page's rows, in the page's order."""
        if order == "n" and where.search:
            found = self._found(where)
            return list((found[::-1] if descending else found)[offset : offset + limit].tolist())
        if order == "n" and not where and self._counts_from_zero:
            numbers = range(self.reconciliation.sent)
            return list((numbers[::-1] if descending else numbers)[offset : offset + limit])
        if known := self._known_row(where):
            return known[offset : offset + limit]
        stored = {shown: name for name, shown in self.source_columns.items()}.get(order, order)
        typed = {field.column: field for field in self.reconciliation.fields}
        if order not in SORTABLE and order not in typed and stored not in self.source_columns:
            raise InputError(f"There is no column {order!r} to sort by.")
        condition, values = self.condition(where)
        source = sql.parquet(self.results)
        by = _typed_value_sql(typed[order]) if order in typed else sql.quoted(order)
        if order == "prompt" or stored in self.source_columns:
            by = "i.sorted_by"  # whatever it is called, results may have a column of that name
            source = f"{source} JOIN (SELECT n, {sql.quoted(stored)} AS sorted_by FROM {self._inputs}) i USING (n)"
        direction = "DESC" if descending else "ASC"
        with sql.cursor() as db:
            rows = db.execute(
                f"""SELECT n FROM {source} WHERE {condition}
                    ORDER BY {by} {direction} NULLS LAST, n LIMIT {int(limit)} OFFSET {int(offset)}""",
                values,
            ).fetchall()
        return [n for (n,) in rows]

    def _repaired(self, row_numbers: list[int]) -> list[str]:
        """What a lenient reading found in rows, in the order asked for."""
        frame = self._frame(
            f"SELECT n, repaired FROM {sql.parquet(self.results)} WHERE {_rows_condition(row_numbers)}", []
        )
        by_row = dict(zip(frame["n"], frame["repaired"], strict=True))
        return [by_row[n] for n in row_numbers]

    def rows(self, row_numbers: list[int], clip: int | None) -> pd.DataFrame:
        """Whole rows by `n`, in the order asked for."""
        texts = {name: f"left({name}, {int(clip)}) AS {name}" if clip else name for name in ("text", "prompt")}
        source_sql = [
            f"{self._source_column_sql(name, clip)} AS {sql.quoted(shown)}"
            for name, shown in self.source_columns.items()
        ]
        result_columns = [
            f"file AS {_RECEIVED}",
            *(texts.get(name, name) for name in DISPLAY_COLUMNS if name not in ("prompt", "run")),
        ]
        input_columns = ", ".join(["n", texts["prompt"], _differing_sql(self.shared_text, clip), *source_sql])
        condition = _rows_condition(row_numbers)
        frame = self._frame(
            f"""SELECT * FROM (SELECT {", ".join(result_columns)} FROM {sql.parquet(self.results)} WHERE {condition}) r
                JOIN (SELECT {input_columns} FROM {self._inputs} WHERE {condition}) i USING (n)""",
            [text for text in self.shared_text if any(self.shared_text)],
        )
        frame["run"] = [self.run_of(file) for file in frame[_RECEIVED]]
        rank = {n: position for position, n in enumerate(row_numbers)}
        ordered = frame.sort_values("n", key=lambda n: n.map(rank)).reset_index(drop=True)
        return ordered[[*DISPLAY_COLUMNS, DIFFERING, *self.source_columns.values()]]

    def _source_column_sql(self, name: str, clip: int | None) -> str:
        """One of the table's own columns as SQL."""
        return f"left({sql.quoted(name)}, {int(clip)})" if clip and name in self._text_columns else sql.quoted(name)

    def run_of(self, file: Any) -> str:
        """The run whose received file this is; the table's own for rows without a line."""
        return self.run_folder(None if _is_missing(file) else int(file)).name

    def origin_of(self, file: int | None) -> str:
        """The earlier run that an answer was taken over from, "" where the row was sent."""
        return "" if file is None else origin_of_answers(self.reconciliation.files[file])

    def run_folder(self, file: int | None) -> Path:
        """The folder of the run whose received file this is; the table's own for rows without a line."""
        name = "" if file is None else self.reconciliation.files[file]
        return self.folder.parent / name.split("/")[1] if name.startswith("../") else self.folder


def _state(path: Path) -> tuple[int, int, int] | None:
    """What tells one state of a file from another; None if there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


@lru_cache(MAX_TABLES)
def _open(folder: Path, results_dir: Path | None, *_: tuple[int, int, int] | None) -> ResultTable:
    return ResultTable(folder, results_dir)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _typed_value_sql(field: AnswerColumn) -> str:
    """A property of the answers that are in the form asked for, as SQL."""
    path = sql.text('$."' + field.name.replace("\\", "\\\\").replace('"', '\\"') + '"')
    value = f"json_extract_string(text, {path})"
    return f"CASE WHEN parsed = 'strict' AND json_valid(text) THEN TRY_CAST({value} AS {field.type}) END"


def _differing_sql(shared: SharedText, clip: int | None) -> str:
    """The prompt without what it shares with most others, as SQL; whole where it does not share it.

    Where anything is shared, both of its ends are the parameters of the SQL.
    """
    rest = f"substr(prompt, {len(shared.prefix) + 1}, length(prompt) - {len(shared.prefix) + len(shared.suffix)})"
    fits = f"starts_with(prompt, ?) AND ends_with(substr(prompt, {len(shared.prefix) + 1}), ?)"
    differing = f"CASE WHEN {fits} THEN {rest} ELSE prompt END" if any(shared) else "prompt"
    return f"left({differing}, {int(clip)}) AS {DIFFERING}" if clip else f"{differing} AS {DIFFERING}"


@lru_cache(32)
def _shared_text(inputs: Path, changed_at: int, rows: int) -> SharedText:
    """What most prompts of an inputs file share; `changed_at` tells one state of the file from another."""
    starts = sorted({0, max(0, rows // 2 - SAMPLED_ROWS // 2), max(0, rows - SAMPLED_ROWS)})
    parts = (
        f"""SELECT left(prompt, {SAMPLED_CHARACTERS}) FROM {sql.parquet(inputs)}
            WHERE n BETWEEN {n} AND {n + SAMPLED_ROWS - 1}"""
        for n in starts
    )
    with sql.cursor() as db:
        prompts = [prompt or "" for (prompt,) in db.execute(" UNION ALL ".join(parts)).fetchall()]
    shared = shared_text(prompts)
    return shared._replace(suffix="") if max(map(len, prompts), default=0) == SAMPLED_CHARACTERS else shared


def _rows_condition(row_numbers: list[int]) -> str:
    """Rows by `n` as a condition; the span lets Parquet skip what is outside."""
    listed = ", ".join(map(str, row_numbers))
    return f"n IN ({listed}) AND n BETWEEN {min(row_numbers)} AND {max(row_numbers)}" if row_numbers else "false"


@lru_cache(1)
def _nullable() -> dict[pa.DataType, Any]:
    """Whole numbers stay whole where some are absent."""
    import pandas as pd

    return {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def _is_missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _python_value(value: Any) -> Any:
    """A cell as a Python value; None for what is absent."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return value if isinstance(value, list | dict) else None if _is_missing(value) else value
