"""A folder, an archive or files become a draft: a row a file or a page, and an account of each file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from batch.errors import InputError
from batch.model import Generation
from lifecycle.core.run_files import BLOBS, FILES, INPUTS, MEDIA, REQUESTS
from lifecycle.inputs.drafts import Draft, open_draft
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.inputs.files.file_entry import FileTotals, read_entries
from tests.lifecycle.whole_requests import whole_requests


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    (folder / "book").mkdir(parents=True)
    for n in (10, 2):
        Image.new("RGB", (40, 30), (n, 0, 0)).save(folder / f"p{n}.png")
    Image.new("RGB", (40, 30), (2, 0, 0)).save(folder / "copy.png")
    pages = [Image.new("RGB", (30, 40), (n, n, n)) for n in range(3)]
    pages[0].save(folder / "book" / "a.pdf", save_all=True, append_images=pages[1:])
    (folder / "letter.docx").write_bytes(b"PK\x03\x04 word/document.xml")
    return folder


def requests(draft: Draft) -> dict[str, list[dict[str, object]]]:
    lines = [json.loads(line) for line in whole_requests(draft.folder / REQUESTS).splitlines()]
    return {line["key"]: line["request"]["contents"][0]["parts"] for line in lines}


def test_rows_are_named_by_path_and_page_and_refer_to_blobs(scans: Path, tmp_path: Path) -> None:
    draft = prepare_files(FileInput([scans], "Transcribe.", "each"), tmp_path / "draft")
    sent = requests(draft)
    assert list(sent) == ["book/a.pdf#p0001", "book/a.pdf#p0002", "book/a.pdf#p0003", "copy.png", "p2.png", "p10.png"]
    for text, file in sent.values():
        assert text == {"text": "Transcribe."}
        uri = file["fileData"]["fileUri"]  # type: ignore[index]  # a part of the test's own making
        assert (draft.folder / BLOBS / uri.removeprefix("blob:")).exists()
    assert sent["copy.png"] == sent["p2.png"]
    table = pq.read_table(draft.folder / INPUTS, columns=["file", "page"]).to_pydict()
    assert table["file"][2:4] == ["book/a.pdf", "copy.png"] and table["page"] == [1, 2, 3, None, None, None]


def test_what_became_of_each_file_is_told(scans: Path, tmp_path: Path) -> None:
    draft = prepare_files(FileInput([scans], "Transcribe."), tmp_path / "draft")
    size = sum(path.stat().st_size for path in scans.rglob("*") if path.is_file())
    assert draft.files == FileTotals(files=5, problems=1, copies=1, size_bytes=size, pages=3, several_pages=1)
    assert (draft.rows, draft.bad_rows, draft.media, draft.columns) == (4, 1, True, ("file", "page"))
    assert draft.problems[0].fault == "letter.docx is a Word document."
    assert [entry.name for entry in read_entries(draft.folder)][:2] == ["book/a.pdf", "copy.png"]
    assert [entry.copy_of for entry in read_entries(draft.folder)][3:] == ["copy.png", ""]
    assert open_draft(draft.folder) == draft
    assert any("same content" in note for note in draft.notes)


def test_an_archive_is_read_like_a_folder(scans: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for path in sorted(scans.rglob("*")):
            archive.write(path, path.relative_to(scans))
        archive.writestr("../out.png", b"x")
    folder = prepare_files(FileInput([scans], "Transcribe."), tmp_path / "a")
    packed = prepare_files(FileInput([tmp_path / "scans.zip"], "Transcribe."), tmp_path / "b")
    assert requests(folder) == requests(packed)
    assert packed.problem_count == folder.problem_count + 1
    assert not (tmp_path / "b" / "unpacked").exists()


def test_settings_and_shared_text_are_those_of_every_row(scans: Path, tmp_path: Path) -> None:
    generation = Generation(temperature=0.0, media_resolution="low")
    draft = prepare_files(
        FileInput([scans / "p2.png"], "Read."), tmp_path / "draft", generation=generation, shared_text="House rules."
    )
    line = json.loads(whole_requests(draft.folder / REQUESTS))
    assert line["key"] == "p2.png"
    assert [part.get("text") for part in line["request"]["contents"][0]["parts"]] == ["House rules.", "Read.", None]
    assert line["request"]["generationConfig"] == {"temperature": 0.0, "mediaResolution": "MEDIA_RESOLUTION_LOW"}


def test_files_need_an_instruction_and_something_to_read(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without an instruction"):
        prepare_files(FileInput([scans], " "), tmp_path / "draft")
    with pytest.raises(InputError, match="no file or folder"):
        prepare_files(FileInput([tmp_path / "nowhere"], "Read."), tmp_path / "draft")
    assert not (tmp_path / "draft" / MEDIA).exists() and not (tmp_path / "draft" / BLOBS).exists()


def test_a_draft_of_nothing_but_problems_has_no_blobs_and_says_why(scans: Path, tmp_path: Path) -> None:
    draft = prepare_files(FileInput([scans / "letter.docx"], "Read."), tmp_path / "draft")
    assert (draft.rows, draft.problem_count) == (0, 1)
    assert not (draft.folder / BLOBS).exists() and (draft.folder / FILES).exists()
