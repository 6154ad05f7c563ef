"""Prompts become rows, and a run's rows become prompts again."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.errors import InputError
from lifecycle.core.models import Account
from lifecycle.core.run_files import owner_folder_name
from lifecycle.inputs import drafts as prepared
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner
from tests.ui.page_driver import page_text, press
from tests.ui.submit.conftest import submitted_rows
from ui.shared.app_state import get_state
from ui.submit import composer as composer_module


def test_prompts_can_be_blocks(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.session_state["split"] = "blocks"
    composer.text_area(key="prompts").set_value("one\nstill one\n\ntwo").run()
    press(composer, "Submit batch")
    assert len(submitted_rows(real_runner, account)) == 2


def test_a_run_can_be_edited_and_sent_again(composer: AppTest, real_runner: Runner, account: Account) -> None:
    composer.text_area(key="prompts").set_value("one\ntwo")
    composer.number_input(key="temperature").set_value(0.5).run()
    press(composer, "Submit batch")
    composer.number_input(key="temperature").set_value(None)
    press(composer, "Edit and run again")
    assert composer.text_area(key="prompts").value == "one\ntwo"
    assert composer.number_input(key="temperature").value == 0.5


def test_a_run_of_a_file_comes_back_as_a_file(composer: AppTest, real_runner: Runner, account: Account) -> None:
    press(composer, "Everything that can go wrong")
    press(composer, "Submit batch")
    first = submitted_rows(real_runner, account)
    press(composer, "Edit and run again")
    press(composer, "Submit batch")
    assert len(real_runner.runs.list_recent(account)) == 2 and submitted_rows(real_runner, account) == first


def test_who_has_no_room_left_is_told_before_an_input_is_checked(
    composer: AppTest, real_runner: Runner, account: Account
) -> None:
    composer.text_area(key="prompts").set_value("one\ntwo").run()
    drafts = real_runner.data_dir / "drafts"
    (draft,) = drafts.iterdir()
    assert draft.name.startswith(account.owner_id[:8])
    state = get_state()
    state.owner_room.max_bytes = 1
    state.owner_room._measured.clear()
    (drafts / owner_folder_name(account.owner_id, "earlier")).write_bytes(b"xx")
    composer.text_area(key="prompts").set_value("one\ntwo\nthree").run()
    assert "Remove files that you gave" in page_text(composer)
    assert not [path for path in drafts.iterdir() if path.is_dir()]


def test_a_table_whose_rows_had_files_is_not_put_back_without_them(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    with pytest.raises(InputError, match="have files, which cannot be put back"):
        composer_module.restore(Draft(tmp_path, "rows.csv", "csv", rows=1, size_bytes=9))


def test_another_setting_or_model_checks_nothing_again(
    composer: AppTest, real_runner: Runner, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    composer.text_area(key="prompts").set_value("one\ntwo").run()
    drafts = real_runner.data_dir / "drafts"
    (first,) = drafts.iterdir()
    monkeypatch.setattr(prepared, "prepare", None)
    composer.number_input(key="temperature").set_value(0.5).run()
    (second,) = drafts.iterdir()
    assert first != second and not composer.error
    press(composer, "Submit batch")
    configs = [row["request"]["generationConfig"] for row in submitted_rows(real_runner, account)]  # type: ignore[index]
    assert configs == [{"temperature": 0.5}] * 2
