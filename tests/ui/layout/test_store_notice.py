"""While the database is away the page is one plain line; then it goes on by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lifecycle.storage.availability import StoreUnavailable

trouble: list[StoreUnavailable | None] = [None]
runner: Any = SimpleNamespace(store_trouble=lambda: trouble[0])


def script() -> None:
    import streamlit as st

    from tests.ui.layout import test_store_notice as here
    from ui.layout import store_notice

    if store_notice.draw(here.runner):
        st.stop()
    st.markdown("the page")


@pytest.fixture(autouse=True)
def away() -> Any:
    trouble[0] = StoreUnavailable("the disk is full")
    yield
    trouble[0] = None


def test_one_line_and_then_the_page() -> None:
    page = AppTest.from_function(script).run()
    assert [box.value.replace("\\", "") for box in page.warning] == [
        "The database cannot be used now: the disk is full. What is under way at Google goes on there, and here as "
        "soon as the database answers."
    ]
    assert not page.markdown
    trouble[0] = None
    assert [text.value for text in page.run().markdown] == ["the page"]
