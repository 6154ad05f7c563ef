"""Columns that name files or hold them are ticked, and their files go with the rows and are seen."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from batch.media.facts import MediaFacts
from tests.ui.page_driver import give_files, page_text
from tests.ui.pile.piles import scan
from ui.table import file_columns
from ui.table.file_columns import RowFile


def parts(at: AppTest) -> list[list[str]]:
    """What each request of the draft consists of."""
    folder: Path = at.session_state["draft"][1].folder
    lines = (folder / "requests.jsonl").read_text("utf-8").splitlines()
    return [[next(iter(part)) for part in json.loads(line)["request"]["contents"][0]["parts"]] for line in lines]


def test_a_table_is_sent_with_the_files_beside_it_that_it_names(composer: AppTest) -> None:
    table = b"key,photo\none,a.png\ntwo,scans/b.png\nthree,c.png\n"
    give_files(composer, {"rows.csv": table, "a.png": scan(), "scans/b.png": scan(90)})
    composer.text_area(key="template").set_value("Describe it.").run()
    assert sorted(parts(composer)[0]) == ["fileData", "text"] and len(parts(composer)) == 2
    text = page_text(composer).replace("\\", "")
    assert "2 requests can be sent" in text and "2 files" in text
    assert "c.png is not among the files that were given" in "\n".join(code.value for code in composer.code)


def test_an_archive_of_a_table_and_the_files_that_it_names_is_a_table(composer: AppTest) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("shop/rows.csv", "key,photo\none,img/a.png\ntwo,img/b.png\n")
        archive.writestr("shop/img/a.png", scan())
        archive.writestr("shop/img/b.png", scan(90))
    give_files(composer, {"shop.zip": packed.getvalue()})
    composer.text_area(key="template").set_value("Describe it.").run()
    assert [sorted(request) for request in parts(composer)] == [["fileData", "text"], ["fileData", "text"]]
    text = page_text(composer).replace("\\", "")
    assert "**rows.csv** from shop.zip" in text and "2 requests can be sent" in text


def test_bytes_in_a_table_are_files_unless_their_column_is_unticked(composer: AppTest) -> None:
    cells = [{"bytes": scan(), "path": "a.png"}, {"bytes": scan(90), "path": None}]
    out = io.BytesIO()
    pq.write_table(pa.table({"image": cells, "label": ["cat", "dog"]}), out)
    give_files(composer, {"train.parquet": out.getvalue()})
    composer.text_area(key="template").set_value("Is this a {{label}}?").run()
    assert [len(request) for request in parts(composer)] == [2, 2]
    (key,) = [str(group.key) for group in composer.get("button_group") if str(group.key).startswith("file_columns-")]
    composer.session_state[key] = []
    composer.run()
    assert parts(composer) == [["text"], ["text"]]


@pytest.fixture
def addresses() -> Iterator[None]:
    with patch.object(file_columns, "picture_address", lambda folder, sha256, edge: f"/{sha256[:1]}"):
        yield


def test_a_picture_is_seen_and_a_recording_has_a_sign(addresses: None) -> None:
    picture = file_columns.file_tile(RowFile("a" * 64, 2), Path("draft"), MediaFacts("image/png", 900), "a.png")
    assert (picture.address, picture.name, picture.words) == ("/a", "a.png", "and 2 more in its row")
    sound = file_columns.file_tile(RowFile("b" * 64, 0), Path("draft"), MediaFacts("audio/mp3", 900), "b.mp3")
    assert (sound.address, sound.words) == ("", "900 B")
