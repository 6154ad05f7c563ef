"""What a run's rows come to over all its retries, written where the table of runs reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lifecycle.core.run_files import RESULTS
from lifecycle.storage.run_table import RunTable
from lifecycle.storage.store import Store


def merge_counts(store: Store, owner_id: str, run_id: str, folder_of: Callable[[str], Path]) -> None:
    """Count a run's rows, each at its newest success. A retry whose results come in meanwhile is counted, too."""
    from lifecycle.results.read.merge_retries import merge_retries

    def with_results() -> list[str]:
        return [child.id for child in store.children(run_id) if (folder_of(child.id) / RESULTS).exists()]

    table, children = RunTable(store, owner_id), with_results()
    while True:
        if not children or not (folder_of(run_id) / RESULTS).exists():
            table.merge(run_id, None)
            return
        merged = merge_retries(folder_of(run_id), [folder_of(child) for child in children])
        table.merge(run_id, {str(outcome): number for outcome, number in merged.reconciliation.counts.items()})
        before, children = children, with_results()
        if children == before:
            return
