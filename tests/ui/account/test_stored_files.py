"""The meter asks only when it is opened, and says what is taken."""

from __future__ import annotations

from unittest.mock import patch

from streamlit.testing.v1 import AppTest

from lifecycle.core.transport import StoredFiles
from lifecycle.services.accounts import AccountService
from tests.ui.page_driver import page_text

TAKEN = StoredFiles(3, 5_000_000_000, 20_000_000_000)


def test_the_storage_is_metered_when_the_drawer_is_opened(composer: AppTest) -> None:
    with patch.object(AccountService, "stored_files", return_value=TAKEN) as asked:
        composer.query_params["place"] = "runs"
        composer.run()
        asked.assert_not_called()
        composer.session_state["stored-files"] = True
        composer.run()
    assert not composer.exception
    asked.assert_called()
    (meter,) = [bar for bar in composer.get("progress") if "in 3 files" in bar.proto.text]
    assert meter.proto.value == 25 and "after 48 hours" in page_text(composer)


def test_one_file_is_one_file() -> None:
    assert StoredFiles(1, 0, 20_000_000_000).describe().endswith("in 1 file") and StoredFiles(2, 30, 20).share == 1.0
