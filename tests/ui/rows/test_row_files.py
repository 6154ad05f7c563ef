"""The file or page of a row stands beside its answer, and opens large."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from batch.media.facts import MediaFacts
from lifecycle.inputs.files.blobs import BlobStore
from lifecycle.results.read.sent_files import SentFile
from tests.ui.conftest import CookieJar
from tests.ui.fakes import FakeRunner, finished_run, make_run
from tests.ui.page_driver import KEY, OWNER, Open
from tests.ui.small_results import small_results
from ui.rows.row_files import describe, file_tile
from ui.shared.app_state import AppState

NAME = "<b>box</b>/letter.pdf"


@pytest.fixture
def row(page: Open, runner: FakeRunner, state: AppState, cookies: CookieJar, tmp_path: Path) -> AppTest:
    cookies["gbr_key"] = state.cookie_cipher.encrypt(KEY)
    runner.runs_of[OWNER] = [finished_run(make_run("r1"))]
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "r1").mkdir()
    blobs = BlobStore(tmp_path / "r1")
    sha256 = blobs.add(tmp_path / "page.pdf", MediaFacts("application/pdf", pages=1), NAME)
    blobs.close()
    pages = {f"{NAME}#p0002": (NAME, 2)}
    table = small_results(
        tmp_path / "r1", dict.fromkeys(pages, "Dear Sir"), pages=pages, blobs={next(iter(pages)): sha256}
    )
    runner.tables["r1"] = table
    return page(run="r1")


def test_a_page_stands_beside_its_answer_and_opens_large(row: AppTest) -> None:
    (tile,) = [one.value for one in row.get("html") if 'class="gbr-tile-name"' in one.value]
    assert "&lt;b&gt;box&lt;/b&gt;/letter.pdf" in tile and "page 2" in tile and "/api/picture/" in tile
    assert "/360/" in tile and not [one for one in row.get("html") if 'class="gbr-large"' in one.value]
    row.button(key="open-sent-r1-0").click().run()
    (large,) = [one.value for one in row.get("html") if 'class="gbr-large"' in one.value]
    assert "/1600/" in large and f"{NAME}, page 2".replace("<", "&lt;").replace(">", "&gt;") in large


def test_sound_and_what_is_gone_have_a_sign(row: AppTest, tmp_path: Path) -> None:
    sound, gone = file_tile(SentFile("ab", "a.mp3", None, "sound"), tmp_path), file_tile(SentFile("ab", "x"), tmp_path)
    assert (sound.address, sound.icon, sound.reason) == ("", "graphic_eq", "")
    assert (gone.address, gone.reason) == ("", "The file is not here any more.")
    assert describe(SentFile("ab", "x")) == "x"
