"""A few cells of the fault matrix; `make faults` tries them all."""

from __future__ import annotations

import pytest

from tests.faults.fault_matrix import FINISHED, run_cells

PASSING = [
    ("create, file", "reset after"),
    ("create, inline", "done, 503"),
    ("upload chunk", "hang"),
    ("get job", "malformed"),
    ("download", "truncated"),
    ("list jobs, last", "done, 400"),
    ("create cache", "done, 500"),
]
REFUSED = ("create, file", "done, 400")


@pytest.mark.slow
def test_a_run_finishes_right_or_stops_saying_why_whatever_befalls_a_call() -> None:
    cells = run_cells([REFUSED, *PASSING], workers=4)
    assert {place: cell.violations for place, cell in cells.items() if cell.violations} == {}
    assert {cells[place].outcome for place in PASSING} == {FINISHED}
    # a late refusal is a lost reply; what no rule knows is told in the service's words, with no remedy of ours
    assert cells[REFUSED].outcome == FINISHED or "Google said: " in cells[REFUSED].message
