"""A pile is looked at again when its files change, and only then; what was left out is of one pile."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import give_files
from tests.ui.pile.piles import BROKEN, scan


def test_another_pile_begins_anew(composer: AppTest) -> None:
    give_files(composer, {"a.png": scan(), "b.pdf": BROKEN})
    first = composer.session_state["examined_pile"].pile
    composer.button(key="leave-out-b.pdf").click().run()
    assert composer.session_state["files_left_out"] == ("b.pdf",)
    assert composer.session_state["examined_pile"].pile is first
    give_files(composer, {"b.pdf": BROKEN})
    assert composer.session_state["files_left_out"] == () and not first.folder.exists()
