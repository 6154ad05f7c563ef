"""A picture opens large, and the ones beside it are a click away."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import page_text, press


def series() -> None:
    """A page with three rows, the second of which can be opened."""
    import streamlit as st

    from ui.media import picture_dialog
    from ui.media.picture_dialog import LargePicture, Shown
    from ui.thumbnails.tiles import Tile

    def look_up(position: int) -> Shown:
        if position == 2:
            return Shown("row 2", "empty", instead=Tile("block", reason="no picture was made"))
        return Shown(
            f"row {position}", "answered", (("Prompt", "A lamp"),), (LargePicture("/api/a", "/api/b", "a.png"),)
        )

    st.button("Open", on_click=picture_dialog.open_at, args=("x", 1))
    picture_dialog.draw("x", 3, look_up)


def html(at: AppTest) -> str:
    return "".join(element.proto.body for element in at.get("html"))


def test_nothing_is_open_at_first() -> None:
    at = AppTest.from_function(series).run()
    assert not at.exception and "row" not in page_text(at)


def test_a_picture_opens_and_its_neighbours_follow() -> None:
    at = press(AppTest.from_function(series).run(), "Open")
    assert "row 1" in page_text(at) and "2 of 3" in page_text(at)
    assert 'src="/api/a"' in html(at) and 'download="a.png"' in html(at)
    at = press(at, "Next")
    assert "row 2" in page_text(at) and "no picture was made" in html(at)
    assert next(button for button in at.button if button.label == "Next").disabled
    at = press(press(at, "Previous"), "Previous")
    assert "row 0" in page_text(at)
    assert next(button for button in at.button if button.label == "Previous").disabled
