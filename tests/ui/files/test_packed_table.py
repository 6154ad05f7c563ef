"""The table in an archive: found if it is the only one, unpacked once, and never outside of its folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ui.files import packed_table
from ui.files.given_files import is_name_of_table
from ui.files.packed_table import unpack_table

PICTURE = ("photos/a.png", b"\x89PNG")


def archive(path: Path, *entries: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return path


def test_it_is_unpacked_once_under_its_own_name(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.zip", PICTURE, ("in/rows.csv", b"photo\na.png\n"), ("__MACOSX/._rows.csv", b"x"))
    table = unpack_table([source, tmp_path / "b.png"], tmp_path / "unpacked", is_name_of_table)
    assert table is not None and table.name == "rows.csv" and table.read_bytes() == b"photo\na.png\n"
    table.write_bytes(b"as it was")
    again = unpack_table([source], tmp_path / "unpacked", is_name_of_table)
    assert again == table and again.read_bytes() == b"as it was"
    assert [path.name for path in table.parent.iterdir()] == ["rows.csv"]


def test_another_archive_of_the_same_name_has_another_table(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.zip", PICTURE, ("rows.csv", b"1"))
    first = unpack_table([source], tmp_path / "unpacked", is_name_of_table)
    archive(tmp_path / "new.zip", PICTURE, ("rows.csv", b"2")).replace(source)
    second = unpack_table([source], tmp_path / "unpacked", is_name_of_table)
    assert first is not None and second is not None and first != second
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")


@pytest.mark.parametrize(
    "entries",
    [
        [PICTURE],
        [PICTURE, ("a.csv", b"1"), ("b.csv", b"2")],
        [PICTURE, ("notes.txt", b"a.png")],
        [PICTURE, ("../rows.csv", b"1")],
        [PICTURE, ("rows.csv", b"0" * 101)],
    ],
)
def test_no_table_is_unpacked(
    tmp_path: Path, entries: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_table, "MOST_TABLE_BYTES", 100)
    source = archive(tmp_path / "a.zip", *entries)
    assert unpack_table([source], tmp_path / "unpacked", is_name_of_table) is None
    assert not list(tmp_path.rglob("*.csv"))


def test_a_damaged_archive_has_none(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.zip", PICTURE, ("rows.csv", b"photo\na.png\n" * 50))
    data = bytearray(source.read_bytes())
    data[data.index(b"rows.csv") + 10] ^= 0xFF
    source.write_bytes(data)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and nothing")
    for path in (source, tmp_path / "broken.zip"):
        assert unpack_table([path], tmp_path / "unpacked", is_name_of_table) is None
