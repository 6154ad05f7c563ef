"""The process stays small: what large files took goes back to the system, by itself where the C library can be told.

Neither Arrow nor the GNU C library lets go of freed memory soon. Measured with a million rows: without `limit_arenas`
and `release_free_memory`, 100 to 200 MB more stay with the server after a plan. On systems without that library
nothing is told to it, and nothing breaks.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

MMAP_THRESHOLD, ARENA_MAX = -3, -8  # parameters of mallopt
MMAP_BLOCK_BYTES = 1 << 20  # from this size on, a block has pages of its own, and freeing it returns them at once
MAX_ARENAS = 2  # heaps that the threads share; by default, each thread could leave holes in one of its own


def limit_arenas() -> None:
    """Have large blocks returned when they are freed, in this process from now on. Is idempotent, and costs nothing."""
    if _mallopt is not None:
        _mallopt(MMAP_THRESHOLD, MMAP_BLOCK_BYTES)
        _mallopt(ARENA_MAX, MAX_ARENAS)


def release_free_memory() -> None:
    """Return what is free; takes some milliseconds."""
    if "pyarrow" in sys.modules:  # who has not used Arrow has nothing there, and need not wait for it
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    if _malloc_trim is not None:
        _malloc_trim(0)


def _libc_function(name: str) -> Callable[..., Any] | None:
    """A call of the GNU C library; others need none or have none."""
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - another library's call of that name may mean something else
        return library[name]
    except (AttributeError, OSError, TypeError):
        return None


_malloc_trim, _mallopt = _libc_function("malloc_trim"), _libc_function("mallopt")
