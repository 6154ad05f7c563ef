"""What large files took goes back to the system: seen from outside, as a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tests.emulator_process import ROOT

LARGE_ARRAYS = """
import pathlib
import numpy as np
from lifecycle.core import malloc

def megabytes():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

malloc.limit_arenas()
malloc.limit_arenas()
np.ones(3 << 20)  # 24 MB, freed at once: by default, smaller blocks come from the heap from now on
before = megabytes()
large, small = zip(*((np.ones(1 << 20), np.ones(1000)) for _ in range(20)))
del large  # the small ones, each behind a large one, are still held
print(megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only this C library keeps what is freed")
def test_large_arrays_leave_no_holes_in_the_heap() -> None:
    told = subprocess.run([sys.executable, "-c", LARGE_ARRAYS], cwd=ROOT, check=True, capture_output=True, timeout=60)
    assert int(told.stdout) < 16
