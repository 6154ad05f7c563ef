"""A few cells of the fault matrix; `make faults` tries them all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulator_process import start_emulator
from tests.faults.matrix import CALLS, FAULTS, FINISHED, STOPPED, Cell, hurried, try_cell

SAMPLE = (
    ("create, file", "reset after", FINISHED),
    ("create, inline", "done, 503", FINISHED),
    ("create, file", "done, 400", STOPPED),
    ("upload chunk", "hang", FINISHED),
    ("get job", "malformed", FINISHED),
    ("download", "truncated", FINISHED),
    ("list jobs", "429 details", FINISHED),
    ("create cache", "done, 500", FINISHED),
)


@pytest.mark.slow
def test_a_run_finishes_right_or_stops_saying_what_to_do_whatever_befalls_a_call() -> None:
    calls = {call.name: call for call in CALLS}

    def one(sample: tuple[str, str, str]) -> Cell:
        name, fault, _ = sample
        with start_emulator() as emulator:
            return try_cell(emulator, calls[name], FAULTS[fault])

    with hurried(), ThreadPoolExecutor(4) as pool:
        cells = dict(zip(SAMPLE, pool.map(one, SAMPLE), strict=True))
    assert {sample: cell.wrong for sample, cell in cells.items() if cell.wrong} == {}
    assert {sample: cell.outcome for sample, cell in cells.items()} == {sample: sample[2] for sample in SAMPLE}
    assert all(cell.words for cell in cells.values() if cell.outcome == STOPPED)
