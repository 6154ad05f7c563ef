"""A tile shows the first picture of a row, or why there is none; the dialog shows all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st

from lifecycle.results.read.table import ALL_ROWS, Filter, ResultTable
from ui.media import gallery
from ui.media.gallery import Row
from ui.shared.app_state import AppState

SHA = "ab" * 32


def picture(ending: str = "jpg") -> Mapping[str, object]:
    file = f"pictures/{SHA}.{ending}"
    return {"file": file, "mime_type": "image/jpeg", "width": 1376, "height": 768, "size_bytes": 900_000}


def cells(**changes: Any) -> dict[Any, Any]:
    base = {"n": 0, "key": "lamp", "prompt": "A lamp", "text": "Here it is.", "outcome": "answered"}
    return {**base, "error_message": "", "cost_usd": 0.034, "run": "r1", **changes}


def row(number: int = 1, **changes: Any) -> Row:
    return Row(cells(**changes), [picture()] * number, Path("r1/pictures"))


class OneRow(ResultTable):
    """A table of one row."""

    def __init__(self, folder: Path, endings: Sequence[str], **changes: Any) -> None:
        self.folder, self.endings, self.changes = folder, endings, changes

    def page(self, where: Filter = ALL_ROWS, **_: Any) -> tuple[pd.DataFrame, int]:
        return pd.DataFrame([cells(**self.changes)]), 1

    def pictures(self, row_numbers: Sequence[int]) -> dict[int, list[Any]]:
        return {0: [picture(ending) for ending in self.endings]} if self.endings else {}


@pytest.fixture(autouse=True)
def session(state: AppState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})


def test_a_row_with_pictures_shows_the_first() -> None:
    one, two = gallery.row_tile(row()), gallery.row_tile(row(2))
    assert one.address.endswith(f"/360/{SHA}") and one.alt == "A lamp" and one.badge == ""
    assert two.badge == "2 pictures"


@pytest.mark.parametrize(
    ("key", "prompt", "name"),
    [
        ("lamp", "A lamp", "lamp"),
        ("row-000007", "A lamp\nwith a shade", "A lamp"),
        ("row-000007", "", "row-000007"),
        ("row-7b", "A lamp", "row-7b"),
    ],
)
def test_a_row_whose_key_is_only_a_number_is_called_by_its_prompt(key: str, prompt: str, name: str) -> None:
    assert gallery.row_name(row(key=key, prompt=prompt)) == name


@pytest.mark.parametrize(
    ("outcome", "message", "tone", "reason"),
    [
        (
            "answer_blocked",
            "the picture was blocked (IMAGE_SAFETY): Try…",
            "decide",
            "The picture was blocked (IMAGE_SAFETY)",
        ),
        ("empty", "no picture was made", "again", "No picture was made"),
        ("error_permanent", "", "lost", "Failed; would fail again"),
    ],
)
def test_without_a_picture_the_reason_stands_in_its_place(outcome: str, message: str, tone: str, reason: str) -> None:
    tile = gallery.row_tile(row(0, outcome=outcome, error_message=message, text=""))
    assert (tile.address, tile.tone, tile.reason) == ("", tone, reason)


def test_words_in_the_place_of_a_picture_are_told_as_such() -> None:
    tile = gallery.row_tile(row(0, outcome="invalid_output", error_message="not in the form asked for: a picture"))
    assert (tile.tone, tile.reason) == ("again", "No picture came, but words.")


def test_the_pictures_of_a_row_that_a_retry_answered_are_in_its_folder(state: AppState, tmp_path: Path) -> None:
    table = OneRow(tmp_path / "r1", ["jpg"], run="r2")
    (found,), total = gallery.read_rows(table, ALL_ROWS, 0, 15)
    granted = state.picture_tokens.peek(gallery.row_tile(found).address.split("/")[3])
    assert total == 1 and granted and granted.originals == tmp_path / "r2" / "pictures"


def test_the_dialog_has_every_picture_under_the_name_of_its_row(tmp_path: Path) -> None:
    shown = gallery.look_up(OneRow(tmp_path / "r1", ["jpg", "png"]), ALL_ROWS, 0)
    assert [one.file_name for one in shown.pictures] == ["lamp-1.jpg", "lamp-2.png"]
    assert shown.facts == "answered · $0.034 · 1,376 × 768 pixels, 900 kB"
    assert shown.texts == (("Prompt", "A lamp"), ("Words that came", "Here it is."))


def test_the_dialog_of_a_row_without_a_picture_shows_its_tile(tmp_path: Path) -> None:
    changes = {"outcome": "empty", "cost_usd": float("nan"), "error_message": "no picture was made", "text": ""}
    shown = gallery.look_up(OneRow(tmp_path / "r1", [], **changes), ALL_ROWS, 0)
    assert shown.pictures == () and shown.instead and shown.instead.reason == "No picture was made"
    assert ("Why there is none", "no picture was made") in shown.texts
    assert shown.facts == "empty answer · –"
