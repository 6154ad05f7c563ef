"""Uploads stay inside their folder, under the names they came with, until its room is used up."""

from __future__ import annotations

from pathlib import Path

import pytest

from ui.shared import upload_folder
from ui.shared.upload_folder import UploadFolder, UploadRefused, safe_name


def put(folder: UploadFolder, name: str, data: bytes) -> str:
    folder.reserve(len(data), files=1)
    partial = folder.new_partial()
    partial.write_bytes(data)
    return folder.keep(partial, name).relative_to(folder.kept).as_posix()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("scan.png", "scan.png"),
        ("box 1/page 2.jpg", "box 1/page 2.jpg"),
        ("C:\\scans\\a.tif", "C_/scans/a.tif"),
        ("/etc/passwd", "etc/passwd"),
        ("./a//b.pdf", "a/b.pdf"),
        (".env", "env"),
        ("a\x00b\n.pdf", "a_b_.pdf"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("x\ud800.pdf", "x_.pdf"),
        ("trailing. /f.pdf", "trailing/f.pdf"),
        ("...", "_"),
    ],
)
def test_a_name_is_kept_in_a_form_that_every_disk_takes(given: str, kept: str) -> None:
    assert safe_name(given) == kept


@pytest.mark.parametrize("given", ["", "/", "..", "../a.pdf", "a/../../b", "a\\..\\b", "a/ .. /b", "/".join("d" * 17)])
def test_a_name_that_leads_out_of_its_folder_is_refused(given: str) -> None:
    with pytest.raises(UploadRefused):
        safe_name(given)


def test_a_long_name_keeps_its_ending() -> None:
    name = safe_name("ä" * 300 + ".jpeg")
    assert name.endswith("ä.jpeg") and len(name.encode()) <= upload_folder.MAX_NAME_BYTES


def test_the_same_file_is_kept_once_and_another_of_its_name_gets_a_number(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path / "u")
    names = [put(folder, "a/s.png", data) for data in (b"one", b"two", b"one", b"two", b"three")]
    assert names == ["a/s.png", "a/s (2).png", "a/s.png", "a/s (2).png", "a/s (3).png"]
    assert sorted(path.read_bytes() for path in folder.files()) == [b"one", b"three", b"two"]
    assert (folder.used_files, folder.used_bytes) == (3, 11)


def test_room_is_limited_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_folder, "MAX_FILES", 2)
    monkeypatch.setattr(upload_folder, "MAX_FOLDER_BYTES", 10)
    folder = UploadFolder(tmp_path / "u")
    put(folder, "a", b"12345")
    put(folder, "b/c", b"1234")
    with pytest.raises(UploadRefused, match="More than 2 files"):
        folder.reserve(files=1)
    with pytest.raises(UploadRefused, match="8 GB"):
        folder.reserve(2)
    folder.release(4, files=1)
    assert put(folder, "d", b"12345") == "d"
    assert (folder.used_files, folder.used_bytes) == (2, 10)


def test_what_is_still_arriving_is_not_a_file(tmp_path: Path) -> None:
    folder = UploadFolder(tmp_path / "u")
    assert folder.files() == []
    folder.new_partial().write_bytes(b"half")
    assert folder.files() == []
