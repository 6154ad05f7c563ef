"""A row knows the files that it was sent with, by their names and pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from batch.media.blob_uri import blob_part
from batch.media.facts import MediaFacts
from lifecycle.inputs.files.blobs import BlobStore
from lifecycle.results.read.sent_files import SentFile, sent_files
from lifecycle.results.read.table import ResultTable
from tests.lifecycle.run_fixture import RunFixture, answer


@pytest.fixture
def stored(tmp_path: Path) -> tuple[str, str]:
    """A page and a recording among a run's files."""
    run, names = tmp_path / "run", []
    run.mkdir()
    blobs = BlobStore(run)
    for name, mime_type in (("a.pdf", "application/pdf"), ("b.mp3", "audio/mp3")):
        (tmp_path / name).write_text(name)
        names.append(blobs.add(tmp_path / name, MediaFacts(mime_type), name))
    blobs.close()
    return names[0], names[1]


def line(*blobs: str) -> bytes:
    return b'{"request":{"contents":[{"parts":[%b]}]}}' % b",".join(blob_part(one, "application/pdf") for one in blobs)


def test_files_are_known_by_the_index_and_by_the_rows_own_columns(tmp_path: Path, stored: tuple[str, str]) -> None:
    page, sound = stored
    of_page: dict[str, Any] = {"file": "copy of a.pdf", "page": 3}
    assert sent_files(tmp_path / "run", line(page), of_page) == (SentFile(page, "copy of a.pdf", 3, "PDF"),)
    of_table: dict[str, Any] = {"photo": "a.pdf; b.mp3"}
    assert sent_files(tmp_path / "run", line(page, sound, page), of_table) == (
        SentFile(page, "a.pdf", None, "PDF"),
        SentFile(sound, "b.mp3", None, "sound"),
    )
    assert sent_files(tmp_path / "run", b'{"request":{}}', of_page) == ()


def test_files_that_are_gone_are_still_named(tmp_path: Path, stored: tuple[str, str]) -> None:
    page, unknown = stored[0], "ef" * 32
    (tmp_path / "run" / "blobs" / page).unlink()
    assert sent_files(tmp_path / "run", line(page, unknown), {}) == (
        SentFile(page, "a.pdf"),
        SentFile(unknown, unknown),
    )
    assert sent_files(tmp_path, line(page), {"file": "a.pdf", "page": None}) == (SentFile(page, "a.pdf"),)


def test_the_detail_of_a_row_has_them(tmp_path: Path, stored: tuple[str, str]) -> None:
    part = {"fileData": {"fileUri": f"blob:{stored[0]}", "mimeType": "application/pdf"}}
    own: dict[str, Any] = {"file": pa.array(["a.pdf"], pa.string()), "page": pa.array([2], pa.int32())}
    run = RunFixture(tmp_path / "run")
    run.send(["a"], source_columns=own, request=lambda key: {"contents": [{"parts": [part]}]})
    run.receive([{"key": "a", **answer("Dear Sir")}])
    run.build()
    assert ResultTable(run.folder).detail("a").files == (SentFile(stored[0], "a.pdf", 2, "PDF"),)
