"""The table of an account's runs: pages of it, what is written in its cells, and several runs deleted at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from batch.errors import InputError, NotFound
from batch.formatting import plural
from batch.responses.outcome_groups import RunGroup
from lifecycle.core.models import Account, RunLine, RunPage, RunQuery, RunView
from lifecycle.services.context import ServiceContext
from lifecycle.services.runs import RunService
from lifecycle.storage.run_table import RunTable
from lifecycle.workflow.stages.merge_counts import merge_counts

log = logging.getLogger(__name__)

MAX_NAME, MAX_TAG = 200, 40  # characters
MAX_TAGS = 20  # of one run
MERGES_AT_ONCE = 20  # runs whose retries are counted when runs are listed; the rest the next times


class Deleted(NamedTuple):
    """What was deleted: so many runs, with so many rows."""

    runs: int
    rows: int


class RunTableService:
    """Nothing here asks Google, and no run of another account is found."""

    def __init__(self, context: ServiceContext, runs: RunService) -> None:
        self._context, self._runs = context, runs

    # -- reading -----------------------------------------------------------------------------------------------

    def page(self, account: Account, query: RunQuery) -> RunPage:
        """A page of the table. Past its end, the last page there is."""
        self._merge_what_is_due(account)
        table = self._table(account)
        counts = table.counts(query)
        total = sum(counts.values()) if query.group is None else counts[query.group]
        if query.group is None and query.ended_only:
            total -= counts[RunGroup.RUNNING]
        if query.first >= total:
            query = replace(query, first=max(0, (total - 1) // query.limit * query.limit))
        return RunPage(tuple(table.page(query)), total, counts)

    def counts(self, account: Account) -> dict[RunGroup, int]:
        """How many runs are in each group."""
        return self._table(account).counts(RunQuery())

    def under_way(self, account: Account) -> list[RunView]:
        """The runs that have not ended, newest first."""
        return self._runs.under_way(account)

    def lines(self, account: Account, run_ids: Sequence[str]) -> list[RunLine]:
        """These runs in their order, as far as they are there."""
        return self._table(account).lines(run_ids)

    def tags(self, account: Account) -> list[str]:
        """All tags in use."""
        return self._table(account).tags()

    def unread_endings(self, account: Account, limit: int) -> tuple[list[RunLine], int]:
        """The runs whose end nobody has read yet, the last one first, and how many there are."""
        return self._table(account).unread_endings(limit)

    # -- writing -----------------------------------------------------------------------------------------------

    def rename(self, account: Account, run_id: str, name: str) -> None:
        """Give a run another name. Raises NotFound, and InputError for none."""
        self._context.run_row(account, run_id)
        cleaned = " ".join(name.split())[:MAX_NAME]
        if not cleaned:
            raise InputError("A run needs a name.", "Write one.")
        self._context.note(account, "rename", run_id)
        self._table(account).rename(run_id, cleaned)

    def retag(self, account: Account, run_ids: Sequence[str], add: Sequence[str], remove: Sequence[str] = ()) -> None:
        """Add tags to runs, and take others from them. Raises NotFound, and InputError for what is no tag."""
        tags = [clean_tag(tag) for tag in add]
        for run_id in run_ids:
            self._context.run_row(account, run_id)
        have = self.lines(account, run_ids)
        if any(len({*map(str.casefold, (*line.tags, *tags))}) > MAX_TAGS for line in have):
            raise InputError(f"A run has at most {MAX_TAGS} tags.", "Take some away first.")
        for run_id in run_ids:
            self._context.note(account, "tag", run_id)
        self._table(account).retag(run_ids, tags, [clean_tag(tag) for tag in remove])

    def mark_endings(self, account: Account, run_ids: Sequence[str], *, read: bool = True) -> None:
        """Note that somebody has read how these runs ended; or, not `read`, that nobody has after all."""
        if run_ids:
            self._table(account).mark_endings(run_ids, read=read)

    def count_retries(self, account: Account, run_ids: Sequence[str]) -> int:
        """How many retries stay as runs of their own when these runs are deleted."""
        return self._table(account).count_retries(run_ids)

    def delete(self, account: Account, run_ids: Sequence[str]) -> Deleted:
        """Forget ended runs and their results on this computer; those that are gone already are left out.

        Raises InputError, and deletes none, while one of them or a retry of one is under way.
        """
        lines = self.lines(account, list(dict.fromkeys(run_ids)))
        running = [line for line in lines if line.group is RunGroup.RUNNING]
        if running:
            raise InputError(f"{plural(len(running), 'run is', 'runs are')} still under way.", "Cancel first.")
        parents = {run.parent_id for run in self.under_way(account)}
        if any(line.id in parents for line in lines):
            raise InputError("Rows of such a run are being sent again.", "Wait until that ends, or cancel it first.")
        for line in sorted(lines, key=lambda line: not line.parent_id):  # retries first: what is left has no parent
            with suppress(NotFound):  # deleted meanwhile, by a second click or in another tab
                self._runs.delete(account, line.id)
        return Deleted(len(lines), sum(line.rows for line in lines))

    # -- plumbing ------------------------------------------------------------------------------------------------

    def _table(self, account: Account) -> RunTable:
        return RunTable(self._context.store, account.owner_id)

    def _merge_what_is_due(self, account: Account) -> None:
        """Count what retries have mended where that is not known: in data of an earlier version, or after deletions."""
        until = time.monotonic() + 1.0
        for run_id in self._table(account).merges_due(MERGES_AT_ONCE):
            try:
                merge_counts(self._context.store, account.owner_id, run_id, self._context.folder)
            except Exception:
                log.warning("What the retries of run %s have mended cannot be counted.", run_id, exc_info=True)
                self._table(account).merge(run_id, None)
            if time.monotonic() > until:
                return


def clean_tag(text: str) -> str:
    """A tag in one line without commas. Raises InputError for none."""
    tag = " ".join(text.replace(",", " ").split()).lstrip("+-")[:MAX_TAG].strip()
    if not tag:
        raise InputError("A tag needs a letter.", "Write a word.")
    return tag
