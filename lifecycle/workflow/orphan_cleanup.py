"""Find what earlier lives of this installation left at Google, and release what no living run needs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from batch.errors import ApiError
from gemini.wire import job_state, operation
from lifecycle.core.job_states import Fate, fate

if TYPE_CHECKING:
    from gemini.client import Gateway

log = logging.getLogger(__name__)


def sweep(gateway: Gateway, prefix: str, is_living: Callable[[str], bool]) -> int:
    """Cancel jobs and delete caches and files whose display name is ours and whose run has ended; returns how many.

    `prefix` names this installation, so that another's things are never touched. A run is recorded before anything
    of it is made, and `is_living` is asked after the listing, so nothing of a run that has just begun is released.
    """
    released = 0
    for name, run_id, release in [*_jobs(gateway, prefix), *_caches(gateway, prefix), *_files(gateway, prefix)]:
        if is_living(run_id):
            continue
        try:
            release(name)
            released += 1
        except ApiError as error:
            log.info("A leftover could not be released: %s", error)
    return released


Leftover = tuple[str, str, Callable[[str], None]]


def _jobs(gateway: Gateway, prefix: str) -> Iterator[Leftover]:
    for op in map(operation, gateway.list_batches()):
        if op.display_name.startswith(prefix) and fate(job_state(op.state)) in (Fate.WAITING, Fate.UNKNOWN):
            yield op.name, _run_of(op.display_name, prefix), gateway.cancel_batch


def _caches(gateway: Gateway, prefix: str) -> Iterator[Leftover]:
    for cache in gateway.list_caches():
        if str(cache.get("displayName") or "").startswith(prefix):
            yield str(cache["name"]), _run_of(str(cache["displayName"]), prefix), gateway.delete_cache


def _files(gateway: Gateway, prefix: str) -> Iterator[Leftover]:
    for file in gateway.list_files():
        if str(file.get("displayName") or "").startswith(prefix):
            yield str(file["name"]), _run_of(str(file["displayName"]), prefix), gateway.delete_file


def _run_of(display_name: str, prefix: str) -> str:
    return display_name.removeprefix(prefix).split("-", 1)[0]
