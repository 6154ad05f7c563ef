"""A pile is looked at once, and drafts that are made of it later do not read its files again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from batch.errors import InputError
from lifecycle.core.run_files import BLOBS, REQUESTS
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.inputs.files.file_entry import FileTotals
from lifecycle.inputs.files.pile import ExaminedPile, examine_pile


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    pages = [Image.new("L", (30, 40), n * 9) for n in range(3)]
    pages[0].save(folder / "a.pdf", save_all=True, append_images=pages[1:])
    pages[1].save(folder / "b.png")
    pages[1].save(folder / "c.png")
    (folder / "d.txt").write_text("Dear reader,")
    (folder / "e.docx").write_bytes(b"PK\x03\x04 word/document.xml")
    return folder


@pytest.fixture(scope="module")
def pile(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> ExaminedPile:
    return examine_pile([scans], tmp_path_factory.mktemp("pile"), pages="each")


def test_a_pile_is_told_before_there_is_an_instruction(scans: Path, pile: ExaminedPile) -> None:
    size = sum(path.stat().st_size for path in scans.iterdir())
    assert pile.totals == FileTotals(files=5, problems=1, copies=1, size_bytes=size, pages=3, several_pages=1)
    assert [(entry.name, entry.rows, entry.copy_of) for entry in pile.entries(0, 3)] == [
        ("a.pdf", 3, ""),
        ("b.png", 1, ""),
        ("c.png", 1, "b.png"),
    ]
    assert not (pile.folder / "unpacked").exists()


def test_a_draft_of_a_known_pile_is_the_same_and_reads_no_picture_again(
    scans: Path, pile: ExaminedPile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = prepare_files(FileInput([scans], "Read.", "each"), tmp_path / "anew")
    monkeypatch.setattr("lifecycle.inputs.decoding.decoders.COMMAND", ["/no/such/program"])
    known = prepare_files(FileInput([scans], "Read.", "each", known=pile), tmp_path / "known")
    assert (known.folder / REQUESTS).read_bytes() == (anew.folder / REQUESTS).read_bytes()
    assert (known.files, known.problems, known.notes) == (anew.files, anew.problems, anew.notes)
    linked = {blob.name: blob.stat().st_ino for blob in (pile.folder / BLOBS).iterdir()}
    assert {blob.name: blob.stat().st_ino for blob in (known.folder / BLOBS).iterdir()} == linked


def test_what_was_found_of_single_pages_is_not_used_for_whole_documents(
    scans: Path, pile: ExaminedPile, tmp_path: Path
) -> None:
    draft = prepare_files(FileInput([scans / "a.pdf"], "Read.", "whole", known=pile), tmp_path / "draft")
    assert draft.rows == 1 and '"a.pdf"' in (draft.folder / REQUESTS).read_text("utf-8")


def test_files_that_are_left_out_are_neither_rows_nor_problems(scans: Path, pile: ExaminedPile, tmp_path: Path) -> None:
    left_out = frozenset(["b.png", "e.docx"])
    draft = prepare_files(FileInput([scans], "Read.", "each", left_out=left_out, known=pile), tmp_path / "draft")
    assert (draft.rows, draft.problem_count) == (5, 0)
    assert draft.files is not None and (draft.files.files, draft.files.copies) == (3, 0)


def test_a_pile_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file or folder"):
        examine_pile([tmp_path / "nowhere"], tmp_path / "pile")
    assert not (tmp_path / "pile" / BLOBS).exists()
