"""Files that rows name are taken from where they may come from, once each, and refused by name otherwise."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from lifecycle.inputs import attachments
from lifecycle.inputs.attachments import Attachments, FileAccess, NamedFile
from lifecycle.inputs.fetching.addresses import Unfetchable
from lifecycle.inputs.fetching.fetch import Fetcher
from lifecycle.inputs.files.file_entry import read_entries


def picture(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


class FromMemory(Fetcher):
    """Fetches what the test put there."""

    def fetch(self, url: str, target: Path) -> None:
        data = {"https://a.example/x.png": picture(), "https://a.example/page": b"<!doctype html><p>Not found"}
        if url.partition("?")[0] not in data:
            raise Unfetchable("is not there: its server answered 404", "Check the address.")
        target.write_bytes(data[url.partition("?")[0]])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "in" / "pictures").mkdir(parents=True)
    (tmp_path / "in" / "pictures" / "my scan.png").write_bytes(picture())
    (tmp_path / "secret.png").write_bytes(picture())
    os.symlink(tmp_path / "secret.png", tmp_path / "in" / "link.png")
    return tmp_path / "in"


@pytest.fixture
def taken(root: Path, tmp_path: Path) -> Iterator[Attachments]:
    opened = Attachments(tmp_path / "draft", FileAccess(root, fetcher=FromMemory()))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "text",
    [
        "pictures/my scan.png",
        "file:pictures/my%20scan.png",
        "https://a.example/x.png?signature=secret",
        "data:image/png;base64," + base64.b64encode(picture()).decode(),
    ],
)
def test_paths_addresses_and_data_urls_become_blobs(taken: Attachments, text: str) -> None:
    (attached,) = taken.take([NamedFile(text)])
    assert attached.fault is None
    (part,) = map(json.loads, attached.parts)
    assert part["fileData"]["mimeType"] == "image/png"
    assert taken.holds(part["fileData"]["fileUri"].removeprefix("blob:"))
    assert "secret" not in attached.label


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("../secret.png", "outside the folder"),
        ("link.png", "outside the folder"),
        ("/etc/hostname", "outside the folder"),
        ("file:///etc/hostname", "outside the folder"),
        ("pictures/none.png", "is not there"),
        ("pictures", "is a folder"),
        ("ftp://a.example/x.png", "no address that is fetched"),
        ("x\0y", "is not there"),
        ("https://a.example/none.png", "answered 404"),
        ("https://a.example/page", "a page of HTML"),
        ("data:image/png,xyz", "no data URL"),
    ],
)
def test_what_may_not_or_cannot_be_had_is_told_by_name(taken: Attachments, text: str, words: str) -> None:
    (attached,) = taken.take([NamedFile(text)])
    assert attached.fault is not None and words in attached.fault.fault and attached.fault.remedy


def test_without_a_folder_no_path_is_read(tmp_path: Path, root: Path) -> None:
    opened = Attachments(tmp_path / "d", FileAccess())
    (attached,) = opened.take([NamedFile(str(root / "pictures" / "my scan.png"))])
    opened.close()
    assert attached.fault is not None and "only what was uploaded" in attached.fault.fault


def test_addresses_are_handed_on_where_that_is_asked_for(tmp_path: Path) -> None:
    opened = Attachments(tmp_path / "d", FileAccess(pass_urls=True, fetcher=FromMemory()))
    (attached,) = opened.take([NamedFile("https://a.example/none.png")])
    opened.close()
    assert json.loads(attached.parts[0]) == {"fileData": {"fileUri": "https://a.example/none.png"}}
    assert opened.passed_urls == 1 and not (tmp_path / "d" / "blobs").exists()


def test_the_same_name_is_looked_at_once_and_bytes_are_named_by_their_cell(
    taken: Attachments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [NamedFile("a.png", picture("blue")), NamedFile("b.png", picture("blue")), NamedFile(data=picture("blue"))]
    first, second, third = taken.take(files)
    assert first.parts == second.parts == third.parts and (first.label, second.label) == ("a.png", "b.png")
    monkeypatch.setattr(attachments, "_write_bytes", None)
    assert taken.take(files[:1])[0].parts == first.parts
    taken.close()
    assert len(list(read_entries(tmp_path / "draft"))) == 1


def test_files_that_were_given_beside_the_rows_are_named_by_them(root: Path, tmp_path: Path) -> None:
    access = FileAccess(pile=(root / "pictures",))
    opened = Attachments(tmp_path / "draft", access)
    found, missing = opened.take([NamedFile("my scan.png"), NamedFile("other.png")])
    opened.close()
    assert found.parts and found.fault is None
    assert missing.fault is not None and missing.fault.fault.startswith("other.png is not among the files")
