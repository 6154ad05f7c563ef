"""Many problems are not a wall: the first few, and one click for all."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import give_files, press
from tests.ui.pile.piles import BROKEN, scan
from ui.pile.problems import INITIAL_PROBLEMS


def test_many_problems_are_left_out_at_once(composer: AppTest) -> None:
    give_files(composer, {"a.png": scan(), **{f"b{n}.pdf": BROKEN + bytes([n]) for n in range(8)}})
    single = [button for button in composer.button if button.label == "Leave out"]
    assert len(single) == INITIAL_PROBLEMS
    press(composer, "Leave all 8 out")
    assert not [button for button in composer.button if button.label.startswith("Leave")][1:]
