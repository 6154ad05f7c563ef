"""Uploads lie on disk only, one folder for each composer, and go when they are removed."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import give_files, press
from ui.files import uploader
from ui.shared import app_state


def test_an_uploaded_file_lies_on_disk_only_and_goes_when_it_is_removed(composer: AppTest) -> None:
    give_files(composer, {"t.csv": b"city\nBern\n"})
    uploads = app_state.get_state().uploads
    assert [path.read_bytes() for path in uploads.rglob("*.csv")] == [b"city\nBern\n"]
    composer.text_area(key="template").set_value("Where is {{city}}?").run()
    assert "Where is Bern?" in [code.value for code in composer.code]
    press(composer, "Remove")
    assert list(uploads.iterdir()) == [] and "upload_token" in composer.session_state


def test_what_did_not_arrive_is_said_by_name() -> None:
    assert uploader.describe_failures([("a/b.pdf", "No room.")]) == "1 file did not arrive. a/b.pdf: No room."
    assert uploader.describe_failures([("x", "No.")] * 7).endswith("x: No. And 2 more.")


def test_a_token_that_is_over_is_replaced(composer: AppTest) -> None:
    composer.session_state["mode"] = "File (JSONL)"
    composer.run()
    tokens, before = app_state.get_state().upload_tokens, composer.session_state["upload_token"]
    assert tokens.peek(before) is not None
    tokens.redeem(before)
    composer.run()
    assert tokens.peek(composer.session_state["upload_token"]) is not None
