"""The table of runs: pages in any order, filtered and searched, counted by group; and what is written in its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, and_, case, collate, func, or_, select

from batch.model import RunState
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import RunLine, RunQuery, RunSort
from lifecycle.storage import run_summary
from lifecycle.storage.schema import run
from lifecycle.storage.schema import run_summary as summary
from lifecycle.storage.store import Store, run_record

STATE_ORDER = (RunGroup.RUNNING, RunGroup.DECIDE, RunGroup.TRY_AGAIN, RunGroup.ENDED_EARLY, RunGroup.GOOD)


class RunTable:
    """The runs of one owner. Whatever is asked of another's run finds and changes nothing."""

    def __init__(self, store: Store, owner_id: str) -> None:
        self._store, self._owner_id = store, owner_id

    # -- reading -----------------------------------------------------------------------------------------------

    def page(self, query: RunQuery) -> list[RunLine]:
        """Some runs: retries follow their parent, wherever that is sorted to, oldest first."""
        own, parent, now = summary.alias("own"), summary.alias("parent"), self._store.now()
        key = case(
            (parent.c.run_id.is_(None), self._key(own, query.sort, now)), else_=self._key(parent, query.sort, now)
        )
        created = func.coalesce(parent.c.created_at, own.c.created_at)
        order = [
            key.desc().nulls_last() if query.descending else key.asc().nulls_last(),
            created.desc(),
            func.coalesce(parent.c.run_id, own.c.run_id),
            parent.c.run_id.is_not(None),
            own.c.created_at,
            own.c.run_id,
        ]
        joined = own.outerjoin(parent, own.c.parent_id == parent.c.run_id)
        wanted = select(own, parent.c.name.label("parent_name")).select_from(joined)
        wanted = wanted.where(*self._conditions(own, query)).order_by(*order)
        with self._store.reading() as c:
            rows = c.execute(wanted.limit(query.limit).offset(query.first)).all()
            numbers = _retry_numbers(c, {row.parent_id for row in rows if row.parent_id})
        return [_line(row, numbers.get(row.run_id, 0)) for row in rows]

    def counts(self, query: RunQuery) -> dict[RunGroup, int]:
        """How many runs are in each group, every group named; whatever group the query asks for."""
        conditions = self._conditions(summary, query, any_group=True)
        with self._store.reading() as c:
            grouped = select(summary.c.standing, func.count()).where(*conditions).group_by(summary.c.standing)
            found = {str(standing): int(number) for standing, number in c.execute(grouped)}
        return {group: found.get(group.value, 0) for group in RunGroup}

    def lines(self, run_ids: Sequence[str]) -> list[RunLine]:
        """These runs, as far as they are the owner's, in the order in which they are named."""
        with self._store.reading() as c:
            found = c.execute(select(summary).where(self._owned(run_ids)))
            by_id = {line.id: line for line in map(_line, found)}
        return [by_id[run_id] for run_id in run_ids if run_id in by_id]

    def merged_counts(self, run_ids: Sequence[str]) -> dict[str, tuple[Mapping[str, int], tuple[str, ...]]]:
        """Of each run, the counts after its retries, and its tags."""
        columns = select(summary.c.run_id, summary.c.counts, summary.c.tags)
        with self._store.reading() as c:
            return {row.run_id: (row.counts, tuple(row.tags)) for row in c.execute(columns.where(self._owned(run_ids)))}

    def count_retries(self, run_ids: Sequence[str]) -> int:
        """How many retries these runs have that are not among them."""
        retries = (summary.c.owner_id == self._owner_id) & summary.c.parent_id.in_(run_ids)
        with self._store.reading() as c:
            query = select(func.count()).where(retries & summary.c.run_id.not_in(run_ids))
            return int(c.execute(query).scalar_one())

    def tags(self) -> list[str]:
        """All tags in use, in the order of their names."""
        with self._store.reading() as c:
            tagged = select(summary.c.tags).where(summary.c.owner_id == self._owner_id)
            return sorted({tag for tags in c.execute(tagged).scalars() for tag in tags}, key=str.casefold)

    def unread_endings(self, limit: int) -> tuple[list[RunLine], int]:
        """The runs whose end nobody has read yet, the last one first, and how many there are."""
        unread = [
            summary.c.owner_id == self._owner_id,
            summary.c.standing != RunGroup.RUNNING.value,
            summary.c.ending_read.is_(False),
        ]
        with self._store.reading() as c:
            newest = select(summary).where(*unread).order_by(summary.c.ended_at.desc()).limit(limit)
            lines = [_line(row) for row in c.execute(newest)]
            return lines, c.execute(select(func.count()).where(*unread)).scalar_one() if lines else 0

    def merges_due(self, limit: int) -> list[str]:
        """Runs whose counts do not tell yet what their retries have mended."""
        due = select(summary.c.run_id).where(summary.c.owner_id == self._owner_id, summary.c.merge_due.is_(True))
        with self._store.reading() as c:
            return list(c.execute(due.order_by(summary.c.created_at.desc()).limit(limit)).scalars())

    # -- writing -----------------------------------------------------------------------------------------------

    def rename(self, run_id: str, name: str) -> None:
        """Give a run another name."""
        with self._store.writing() as c:
            row = c.execute(select(summary).where(self._owned([run_id]))).first()
            if row is not None:
                text = run_summary.search_text(name, row.model, run_id, row.tags)
                values = {"name": name, "sort_name": run_summary.sort_name(name or run_id), "search_text": text}
                c.execute(summary.update().where(self._owned([run_id])).values(values))
                c.execute(run.update().where(run.c.id == run_id).values(name=name))

    def retag(self, run_ids: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> None:
        """Add tags to runs and take others from them; a tag that a run has in another case is not added."""
        removed = {tag.casefold() for tag in remove}
        with self._store.writing() as c:
            for row in c.execute(select(summary).where(self._owned(run_ids))).all():
                kept: dict[str, str] = {}
                for tag in (*row.tags, *add):
                    kept.setdefault(tag.casefold(), tag)
                tags = [tag for folded, tag in kept.items() if folded not in removed]
                text = run_summary.search_text(row.name, row.model, row.run_id, tags)
                values = {"tags": tags, "search_text": text}
                c.execute(summary.update().where(summary.c.run_id == row.run_id).values(values))

    def mark_endings(self, run_ids: Sequence[str], *, read: bool) -> None:
        """Note that somebody has read how these runs ended, or that nobody has after all."""
        with self._store.writing() as c:
            c.execute(summary.update().where(self._owned(run_ids)).values(ending_read=read))

    def merge(self, run_id: str, counts: Mapping[str, int] | None) -> None:
        """Write what a run's rows came to over all its retries; None if no retry has any results: its own counts."""
        with self._store.writing() as c:
            row = c.execute(select(run).where(run.c.id == run_id, run.c.owner_id == self._owner_id)).mappings().first()
            if row is not None:
                record = run_record(row)
                newest = record.counts if counts is None else counts
                run_summary.merge(c, record, newest, merged=counts is not None)

    def mark_merge_due(self, run_id: str) -> None:
        """Note that a run's counts are to be merged with its retries' when its runs are next listed."""
        with self._store.writing() as c:
            c.execute(summary.update().where(self._owned([run_id])).values(merge_due=True))

    # -- plumbing ------------------------------------------------------------------------------------------------

    def _owned(self, run_ids: Sequence[str]) -> ColumnElement[bool]:
        return and_(summary.c.owner_id == self._owner_id, summary.c.run_id.in_(run_ids))

    def _conditions(self, table: FromClause, query: RunQuery, *, any_group: bool = False) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [table.c.owner_id == self._owner_id]
        conditions += [table.c.search_text.contains(word, autoescape=True) for word in query.text.casefold().split()]
        if not query.retries:  # those under way are shown all the same
            conditions.append(or_(table.c.parent_id == "", table.c.standing == RunGroup.RUNNING.value))
        if query.group is not None and not any_group:
            conditions.append(table.c.standing == query.group.value)
        elif query.ended_only and not any_group:
            conditions.append(table.c.standing != RunGroup.RUNNING.value)
        return conditions

    def _key(self, table: FromClause, sort: RunSort, now: float) -> ColumnElement[Any]:
        """What runs are sorted by; names by their characters' numbers on every database."""
        if sort is RunSort.NAME:
            return collate(table.c.sort_name, "C") if self._store.is_postgres else table.c.sort_name
        if sort is RunSort.STATE:
            return case({group.value: n for n, group in enumerate(STATE_ORDER)}, value=table.c.standing)
        if sort is RunSort.TOOK:
            return func.coalesce(table.c.ended_at, now) - table.c.created_at
        columns: Mapping[RunSort, str] = {RunSort.ATTENTION: "attention", RunSort.COST: "usd", RunSort.ROWS: "rows"}
        return table.c[columns.get(sort, "created_at")]


def _retry_numbers(c: Connection, parent_ids: set[str]) -> dict[str, int]:
    """Which retry of its parent each child of these is: 1, 2, …"""
    query = select(summary.c.run_id, summary.c.parent_id).where(summary.c.parent_id.in_(sorted(parent_ids)))
    seen: Counter[str] = Counter()
    numbers: dict[str, int] = {}
    for run_id, parent_id in c.execute(query.order_by(summary.c.created_at, summary.c.run_id)):
        seen[parent_id] += 1
        numbers[run_id] = seen[parent_id]
    return numbers


def _line(row: Row[Any], retry: int = 0) -> RunLine:
    values = row._mapping
    ended = values["ended_at"]
    return RunLine(
        id=values["run_id"],
        parent_id=values["parent_id"],
        parent_name=values.get("parent_name") or "",
        retry=retry,
        name=values["name"],
        model=values["model"],
        tags=tuple(values["tags"]),
        rows=int(values["rows"]),
        state=RunState(values["state"]),
        group=RunGroup(values["standing"]),
        counts=values["counts"],
        attention=int(values["attention"]),
        usd=values["usd"],
        usd_at_least=bool(values["usd_at_least"]),
        error=values["error"],
        created_at=datetime.fromtimestamp(values["created_at"], UTC),
        ended_at=None if ended is None else datetime.fromtimestamp(ended, UTC),
        held_back_rows=int(values["held_back"]),
    )
