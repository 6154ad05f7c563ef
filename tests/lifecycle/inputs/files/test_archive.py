"""Archives are read entry by entry; names that lead out, links, locked and damaged entries are refused by name."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from batch.errors import InputError
from lifecycle.inputs.files import archive
from lifecycle.inputs.files.archive import Archive, is_archive
from lifecycle.inputs.files.found_file import Unavailable


def packed(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries.items():
            out.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/passwd", "C:\\x.png", "..\\x.png"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with Archive(packed(tmp_path / "a.zip", {name: b"x", "fine.png": b"y"})) as opened:
        first, second = opened.files()
    assert first.fault is not None and "leads out" in first.fault.fault and first.extract is None
    assert second.fault is None


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(link, "/etc/passwd")
    with Archive(tmp_path / "a.zip") as opened:
        (file,) = opened.files()
    assert file.fault is not None and "link" in file.fault.fault


def test_an_entry_is_written_where_it_is_wanted_and_nowhere_else(tmp_path: Path) -> None:
    with Archive(packed(tmp_path / "a.zip", {"deep/scan 1.png": b"bytes"})) as opened:
        (file,) = opened.files()
        assert file.extract is not None
        file.extract(tmp_path / "here")
    assert (file.name, file.size_bytes) == ("deep/scan 1.png", 5)
    assert (tmp_path / "here").read_bytes() == b"bytes"
    assert not (tmp_path / "deep").exists()


def test_a_damaged_entry_is_told(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.txt": b"hello hello hello"})
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    with Archive(path) as opened:
        (file,) = opened.files()
        assert file.extract is not None
        with pytest.raises(Unavailable):
            file.extract(tmp_path / "here")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", {"a.bin": bytes(2_000_000)})
    monkeypatch.setattr(archive, "EXPANSION_FROM_BYTES", 1_000_000)
    with pytest.raises(InputError, match="times its size"):
        Archive(path)
    monkeypatch.setattr(archive, "MOST_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(InputError, match="too much"):
        Archive(path)


def test_what_is_no_archive_is_told_apart(tmp_path: Path) -> None:
    document = io.BytesIO()
    with zipfile.ZipFile(document, "w") as out:
        out.writestr("word/document.xml", "x")
    (tmp_path / "a.docx").write_bytes(document.getvalue())
    (tmp_path / "b.zip").write_bytes(b"PK but no archive")
    (tmp_path / "c.zip").write_bytes(b"hello")
    assert not is_archive(tmp_path / "a.docx") and not is_archive(tmp_path / "c.zip") and is_archive(tmp_path / "b.zip")
    with pytest.raises(InputError, match="cannot be read"):
        Archive(tmp_path / "b.zip")
