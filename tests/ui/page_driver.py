"""What tests of the page do with it: read what it says, press its buttons."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

KEY = "AIzaSyCANARY-0123456789abcdefghijklab12"

Open = Callable[..., AppTest]
OWNER = "owner-of-ab12"


def page_text(at: AppTest) -> str:
    """All that the page says in words."""
    return "\n".join(
        str(element.value)
        for kind in ("markdown", "caption", "warning", "error", "info", "success")
        for element in at.get(kind)
    )


def press(at: AppTest, label: str) -> AppTest:
    next(element for element in at.button if element.label == label).click()
    return at.run()
