"""One table, or a pile of files: told by names and bytes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ui.files.given_files import GivenFile, Upload, natural_order


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, b"x,y\n1,2\n")
    return buffer.getvalue()


def upload(folder: Path, **files: bytes) -> Upload:
    given = []
    for name, data in files.items():
        path = folder / name
        path.write_bytes(data)
        given.append(GivenFile(path, name, len(data)))
    return Upload(folder, tuple(given))


@pytest.mark.parametrize(
    ("name", "data", "is_pile"),
    [
        ("t.csv", b"a,b\n", False),
        ("t.csv.gz", b"\x1f\x8b", False),
        ("t.xlsx", b"PK\x03\x04", False),
        ("r.JSONL", b"{}\n", False),
        ("scan.pdf", b"%PDF-1.7", True),
        ("scan.csv", b"%PDF-1.7", True),
        ("p.png", b"\x89PNG\r\n\x1a\n", True),
        ("memo.docx", b"PK\x03\x04", True),
        ("no suffix", b"hello", True),
        ("t.zip", archive("t.csv"), False),
        ("t.zip", archive("t.csv", "__MACOSX/._t.csv", "folder/", ".DS_Store"), False),
        ("scans.zip", archive("a.pdf"), True),
        ("two.zip", archive("a.csv", "b.csv"), True),
        ("broken.zip", b"PK\x03\x04 and then nothing", True),
        ("empty.zip", archive(), True),
    ],
)
def test_one_file_is_a_table_or_a_pile(tmp_path: Path, name: str, data: bytes, is_pile: bool) -> None:
    assert upload(tmp_path, **{name: data}).is_pile is is_pile


def test_several_files_are_a_pile(tmp_path: Path) -> None:
    pile = upload(tmp_path, **{"a.csv": b"a\n1\n", "b.pdf": b"%PDF"})
    assert pile.is_pile and pile.path == tmp_path and pile.size_bytes == 8


def test_a_table_beside_the_files_that_it_names_holds_the_rows(tmp_path: Path) -> None:
    table = b"key,photo\n1,a.png\n2,scans/b.png\n"
    given = upload(tmp_path, **{"rows.csv": table, "a.png": b"\x89PNG", "scans.zip": archive("b.png")})
    assert not given.is_pile and given.table is not None and given.naming_columns == ("photo",)
    assert (given.name, given.path) == ("rows.csv", tmp_path / "rows.csv")
    assert given.pile == (tmp_path / "a.png", tmp_path / "rows.csv", tmp_path / "scans.zip")


def test_requests_beside_the_files_that_they_name_hold_the_rows(tmp_path: Path) -> None:
    line = b'{"contents":[{"parts":[{"fileData":{"fileUri":"file:a.png"}}]}]}\n'
    assert not upload(tmp_path, **{"r.jsonl": line, "a.png": b"\x89PNG"}).is_pile


@pytest.mark.parametrize("other", [{"other.csv": b"photo\na.png\n"}, {"notes.txt": b"a.png"}, {}])
def test_a_table_that_names_none_of_them_is_one_of_the_pile(tmp_path: Path, other: dict[str, bytes]) -> None:
    assert upload(tmp_path, **{"rows.csv": b"city\nBern\n", "a.png": b"\x89PNG", **other}).is_pile


def test_a_table_from_an_archive_holds_the_rows_if_it_names_files_and_no_table_lies_beside(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    table = tmp_path / "rows.csv"
    table.write_bytes(b"key,photo\n1,b.png\n")
    unpacked = GivenFile(table, "rows.csv", 20)
    given = upload(tmp_path / "given", **{"scans.zip": archive("b.png", "rows.csv")})
    holding = Upload(given.folder, given.files, unpacked)
    assert given.is_pile and not holding.is_pile and holding.naming_columns == ("photo",)
    assert (holding.name, holding.path) == ("rows.csv", table)
    assert holding.pile_of_table == (tmp_path / "given" / "scans.zip",)
    beside = upload(tmp_path / "given", **{"scans.zip": archive("b.png", "rows.csv"), "own.csv": b"file\nb.png\n"})
    assert Upload(beside.folder, beside.files, unpacked).name == "own.csv"
    table.write_bytes(b"city\nBern\n")
    assert Upload(given.folder, given.files, unpacked).is_pile


def test_page_2_comes_before_page_10() -> None:
    names = ["p10.png", "P2.png", "a/1", "10", "9b", "p2b.png"]
    assert sorted(names, key=natural_order) == ["9b", "10", "a/1", "P2.png", "p2b.png", "p10.png"]
