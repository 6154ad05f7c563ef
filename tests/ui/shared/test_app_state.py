"""What visitors leave on the server's disk: whose it is, and when it goes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import pytest

from ui.limits.owner_room import NoRoom
from ui.shared.app_state import AppState
from ui.shared.cookie_crypto import CookieCipher
from ui.shared.temp_files import MAX_AGE_SECONDS, TYPED_AGE_SECONDS


@pytest.fixture
def state(tmp_path: Path) -> AppState:
    cipher = CookieCipher("secret")
    return AppState(runner=cast(Any, None), cookie_cipher=cipher, data_dir=tmp_path, owner_disk_bytes=100)


def test_what_earlier_visits_left_is_swept_and_runs_are_not(state: AppState) -> None:
    """Drafts and uploads are folders with files deep in them, exports are files; texts are kept for longer."""
    places = [state.uploads, state.drafts, state.exports, state.typed, state.data_dir / "runs"]
    for place in places:
        for name, age in (("old", MAX_AGE_SECONDS), ("oldest", TYPED_AGE_SECONDS), ("new", -120)):
            folder = place / name
            (folder / "blobs").mkdir(parents=True)
            (folder / "blobs" / "a").write_text("x")
            (place / f"{name}.zip").write_text("x")
            then = time.time() - age - 60
            for path in (folder / "blobs" / "a", folder / "blobs", folder, place / f"{name}.zip"):
                os.utime(path, (then, then))
    state.delete_stale()
    left = {place.name: sorted(path.name for path in place.iterdir()) for place in places}
    new = ["new", "new.zip"]
    assert left["uploads"] == left["drafts"] == left["exports"] == new
    assert left["typed"] == sorted([*new, "old", "old.zip"]) and len(left["runs"]) == 6


def test_an_export_is_its_owners_and_there_must_be_room_for_it(state: AppState) -> None:
    path = state.new_export("ann", ".csv")
    assert path.parent == state.exports and path.name.startswith("ann-") and path.suffix == ".csv"
    path.write_bytes(b"x" * 100)
    state.new_export("bea", ".csv")
    state.owner_room._measured.clear()
    with pytest.raises(NoRoom):
        state.new_export("ann", ".csv")
