"""A file is found by what a table calls it, and never another one in its place."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lifecycle.inputs.files.named_files import NamedFiles


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamedFiles]:
    folder = tmp_path_factory.mktemp("pile")
    for name in ("scans/1908/a.png", "scans/1909/a.png", "scans/1909/b.png", "cover page.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("c.png", b"in the archive")
    with NamedFiles([folder / "scans", folder / "cover page.png", folder / "more.zip"]) as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("scans/1908/a.png", "scans/1908/a.png"),
        ("1909/a.png", "scans/1909/a.png"),
        ("b.png", "scans/1909/b.png"),
        (r"C:\archive\scans\1909\B.PNG", "scans/1909/b.png"),
        ("file:cover%20page.png", "cover page.png"),
        ("./c.png", "more/c.png"),
    ],
)
def test_a_table_may_say_more_or_fewer_folders(named: NamedFiles, text: str, name: str) -> None:
    assert named.find(text).name == name and text in named


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a.png", "may be scans/1908/a.png and scans/1909/a.png"),
        ("1910/a.png", "is not among the files that were given"),
        ("d.png", "is not among the files that were given"),
        ("", "is not a name that a file can have"),
    ],
)
def test_what_is_not_plainly_one_of_them_is_refused(named: NamedFiles, text: str, fault: str) -> None:
    found = named.find(text)
    assert found.fault is not None and found.fault.fault == fault and text not in named


def test_a_file_of_an_archive_can_be_taken_out(named: NamedFiles, tmp_path: Path) -> None:
    found = named.find("c.png")
    assert found.extract is not None
    found.extract(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"in the archive"
