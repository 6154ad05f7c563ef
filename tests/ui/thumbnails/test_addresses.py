"""An address is the same as long as it is good, and leads to the folder that it was made for."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from ui.shared.app_state import AppState
from ui.thumbnails.addresses import TILE, picture_address


def test_a_folder_has_one_token(state: AppState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})
    first, second = (picture_address(tmp_path / "blobs", sha * 32, TILE) for sha in ("ab", "cd"))
    token = first.split("/")[3]
    assert first == f"/api/picture/{token}/360/{'ab' * 32}" and token in second
    granted = state.picture_tokens.peek(token)
    assert granted and granted.originals == tmp_path / "blobs" and granted.thumbnails == tmp_path / "thumbnails"
    assert token not in picture_address(tmp_path / "other" / "blobs", "ab" * 32, TILE)
    state.picture_tokens.redeem(token)
    renewed = picture_address(tmp_path / "blobs", "ab" * 32, TILE)
    assert token not in renewed and state.picture_tokens.peek(renewed.split("/")[3]) == granted
