"""Find what earlier lives of this installation left at Google, and release what no living run needs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from batch.errors import ApiError
from gemini.wire import job_state, parse_operation
from lifecycle.core.job_states import JobAction, action_for

if TYPE_CHECKING:
    from gemini.client import GeminiClient

log = logging.getLogger(__name__)


def release_orphans(client: GeminiClient, prefix: str, is_needed: Callable[[str], bool]) -> int:
    """Cancel jobs and delete caches and files whose display name is ours and whose run has ended; returns how many.

    `prefix` names this installation, so that another's things are never touched. A run is recorded before anything
    of it is made, and `is_living` is asked after the listing, so nothing of a run that has just begun is released.
    """
    released = 0
    for name, run_id, release in [*_jobs(client, prefix), *_caches(client, prefix), *_files(client, prefix)]:
        if is_needed(run_id):
            continue
        try:
            release(name)
            released += 1
        except ApiError as error:
            log.info("A leftover could not be released: %s", error)
    return released


Orphan = tuple[str, str, Callable[[str], None]]


def _jobs(client: GeminiClient, prefix: str) -> Iterator[Orphan]:
    for op in map(parse_operation, client.list_batches()):
        if op.display_name.startswith(prefix) and action_for(job_state(op.state)) in (
            JobAction.WAIT,
            JobAction.UNKNOWN,
        ):
            yield op.name, _run_id_of(op.display_name, prefix), client.cancel_batch


def _caches(client: GeminiClient, prefix: str) -> Iterator[Orphan]:
    for cache in client.list_caches():
        if str(cache.get("displayName") or "").startswith(prefix):
            yield str(cache["name"]), _run_id_of(str(cache["displayName"]), prefix), client.delete_cache


def _files(client: GeminiClient, prefix: str) -> Iterator[Orphan]:
    for file in client.list_files():
        if str(file.get("displayName") or "").startswith(prefix):
            yield str(file["name"]), _run_id_of(str(file["displayName"]), prefix), client.delete_file


def _run_id_of(display_name: str, prefix: str) -> str:
    return display_name.removeprefix(prefix).split("-", 1)[0]
