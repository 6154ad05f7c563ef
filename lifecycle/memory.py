"""Freed memory goes back to the system: after a large file, neither Arrow nor the C library lets go of it by itself."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pyarrow as pa


def give_back() -> None:
    """Return what is free; takes some milliseconds."""
    pa.default_memory_pool().release_unused()
    if _trim is not None:
        _trim(0)


def _found() -> Callable[[int], Any] | None:
    """The call of the GNU C library; others need none or have none."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


_trim = _found()
