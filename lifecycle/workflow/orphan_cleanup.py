"""Find what earlier lives of this installation left at Google, and release what no unfinished run needs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import cache_utils
from batch.errors import ApiError
from batch.responses.cached_contents import CacheMetadata
from gemini.wire import Operation, job_state, parse_operation
from lifecycle.core.job_states import JobAction, action_for
from lifecycle.storage.store import Store
from lifecycle.storage.upload_ledger import UploadLedger
from lifecycle.workflow.shards.stored_files import delete_strays, delete_unneeded

if TYPE_CHECKING:
    from gemini.client import GeminiClient

log = logging.getLogger(__name__)


def release_orphans(
    client: GeminiClient,
    prefix: str,
    is_needed: Callable[[str], bool],
    on_cancelled: Callable[[str, Operation], object] = lambda run_id, op: None,
) -> int:
    """Cancel jobs and delete caches and files whose display name is ours and whose run has ended; returns how many.

    `prefix` names this installation, so that another's things are never touched. A run is recorded before anything
    of it is made, and `is_needed` is called after the listing, so nothing of a run that has just begun is released.
    `on_cancelled` is told of each job and its run.
    """

    def cache_is_needed(cache: CacheMetadata) -> bool:
        return is_needed(_run_id_of(cache.display_name, prefix))

    released = _release(_jobs(client, prefix, on_cancelled), is_needed)
    # Not by a bare delete: storage may be charged for the life that was asked for, until that is shortened.
    released += len(cache_utils.delete_orphaned_caches(client, prefix, cache_is_needed))
    return released + _release(_files(client, prefix), is_needed)


def release_uploads(client: GeminiClient, store: Store, owner_id: str, prefix: str) -> int:
    """Delete uploaded files that no unfinished run needs, and second ones of uploads that were cut short."""
    ledger = UploadLedger(store, owner_id)
    if not ledger.by_display_name():
        return 0
    ledger.drop_needs_of_ended_runs()
    return delete_unneeded(client, store, owner_id) + delete_strays(client, store, owner_id, prefix)


def _release(orphans: Iterable[Orphan], is_needed: Callable[[str], bool]) -> int:
    released = 0
    for name, run_id, release in list(orphans):
        if is_needed(run_id):
            continue
        try:
            release(name)
            released += 1
        except ApiError as error:
            log.info("An orphan could not be released: %s", error)
    return released


Orphan = tuple[str, str, Callable[[str], None]]


def _jobs(client: GeminiClient, prefix: str, on_cancelled: Callable[[str, Operation], object]) -> Iterator[Orphan]:
    for op in map(parse_operation, client.list_batches()):
        if op.display_name.startswith(prefix) and action_for(job_state(op.state)) in (
            JobAction.WAIT,
            JobAction.UNKNOWN,
        ):
            run_id = _run_id_of(op.display_name, prefix)

            def cancel(name: str, run_id: str = run_id, op: Operation = op) -> None:
                client.cancel_batch(name)
                on_cancelled(run_id, op)

            yield op.name, run_id, cancel


def _files(client: GeminiClient, prefix: str) -> Iterator[Orphan]:
    for file in client.list_files():
        if str(file.get("displayName") or "").startswith(prefix):
            yield str(file["name"]), _run_id_of(str(file["displayName"]), prefix), client.delete_file


def _run_id_of(display_name: str, prefix: str) -> str:
    return display_name.removeprefix(prefix).split("-", 1)[0]
