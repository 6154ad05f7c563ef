"""What tests of the page do with it: read what it says, press its buttons."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from ui.shared import app_state
from ui.shared.upload_folder import UploadFolder

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
    """Press a button, or choose that in a menu."""
    for element in at.button:
        if element.label == label:
            element.click()
            return at.run()
    next(menu for menu in at.menu_button if label in menu.options).click(label)
    return at.run()


def submit_button(at: AppTest) -> Button:
    return next(element for element in at.button if element.label == "Submit batch")


def open_new(at: AppTest) -> AppTest:
    """Open the place where the next run is composed; it is drawn with the next run of the page."""
    at.button_group(key="place-switch").set_value("new")
    return at


def give_files(at: AppTest, files: dict[str, bytes]) -> AppTest:
    """Upload files under their relative paths, as the drop zone does, in the place of what was there before."""
    folder = UploadFolder(app_state.get_state().uploads / secrets.token_hex(4))
    for name, data in files.items():
        folder.reserve(len(data), files=1)
        partial = folder.new_partial()
        partial.write_bytes(data)
        folder.keep(partial, name)
    at.session_state["mode"], at.session_state["upload_folder"] = "File (JSONL)", folder
    if "upload_listed" in at.session_state:
        del at.session_state["upload_listed"]
    at.run()
    assert not at.exception
    return at
