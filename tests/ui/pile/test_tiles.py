"""A file as a tile: its first page or a sign, and one line on what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from lifecycle.inputs.files.file_entry import FileEntry
from tests.ui.pile.piles import LOST, PAGE, PICTURE
from ui.pile import tiles


@pytest.fixture(autouse=True)
def addresses() -> Iterator[None]:
    with patch.object(tiles, "picture_address", lambda folder, sha256, edge: f"/{folder.name}/{sha256[:1]}/{edge}"):
        yield


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (PAGE, "3 pages"),
        (PICTURE, "500 B"),
        (replace(PICTURE, state="mended", words="It was turned upright."), "It was turned upright"),
        (replace(PICTURE, copy_of="a.png"), "the same as a.png"),
        (FileEntry(name="s.mp3", kind="sound", size_bytes=9, seconds=95.0), "1 min 35 s"),
        (LOST, "cannot be read as a PDF"),
    ],
)
def test_words_say_what_a_file_is_or_what_became_of_it(entry: FileEntry, words: str) -> None:
    assert tiles.tile_words(entry) == words


def test_pages_and_pictures_are_shown_and_others_have_a_sign() -> None:
    assert tiles.file_tile(PAGE, Path("pile")).address == "/blobs/a/360"
    assert tiles.file_tile(PICTURE, Path("pile")).alt == "b.png"
    text = tiles.file_tile(FileEntry(name="t.txt", kind="text", size_bytes=5), Path("pile"))
    assert (text.address, text.icon) == ("", "notes")


def test_what_is_lost_looks_other_than_what_asks_for_a_decision() -> None:
    unknown = FileEntry(name="m.docx", state="problem", words="is a Word document.")
    assert [tiles.tone_of(entry) for entry in (PICTURE, LOST, unknown)] == ["", "lost", "decide"]
    assert tiles.file_tile(LOST, Path("pile")).icon == "broken_image"
