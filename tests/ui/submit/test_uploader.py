"""An uploaded file lies on disk only."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.ui.page_driver import press
from ui.shared import app_state


def test_an_uploaded_file_lies_on_disk_only_and_goes_when_it_is_removed(composer: AppTest) -> None:
    composer.session_state["mode"] = "File (JSONL)"
    composer.run()
    composer.file_uploader[0].upload("t.csv", b"city\nBern\n", "text/csv").run()
    uploads = app_state.get_state().uploads
    assert [path.read_bytes() for path in uploads.iterdir()] == [b"city\nBern\n"]
    composer.text_area(key="template").set_value("Where is {{city}}?").run()
    assert "Where is Bern?" in [code.value for code in composer.code]
    press(composer, "Remove")
    assert list(uploads.iterdir()) == [] and composer.file_uploader
