"""Pictures go to the page that was granted them, as pictures only."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.ui.thumbnails.pictures import pdf, picture
from ui.shared.app_state import AppState, PictureFolder

SHA = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> PictureFolder:
    (tmp_path / "pictures").mkdir()
    return PictureFolder(tmp_path / "pictures", tmp_path / "thumbnails")


@pytest.fixture
def address(state: AppState, folder: PictureFolder) -> str:
    return f"/api/picture/{state.picture_tokens.issue(folder)}"


def test_a_picture_is_sent_small_or_whole(client: TestClient, folder: PictureFolder, address: str) -> None:
    data = picture()
    (folder.originals / f"{SHA}.png").write_bytes(data)
    small, whole = client.get(f"{address}/360/{SHA}"), client.get(f"{address}/0/{SHA}")
    assert small.headers["content-type"] == "image/jpeg" and small.content.startswith(b"\xff\xd8\xff")
    assert whole.headers["content-type"] == "image/png" and whole.content == data
    for reply in (small, whole):
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert [path.name for path in folder.thumbnails.iterdir()] == [f"{SHA}-360.jpg"]


def test_a_page_is_sent_as_a_picture_and_never_as_a_document(
    client: TestClient, folder: PictureFolder, address: str
) -> None:
    (folder.originals / SHA).write_bytes(pdf())
    assert client.get(f"{address}/1600/{SHA}").headers["content-type"] == "image/jpeg"
    assert client.get(f"{address}/0/{SHA}").status_code == 404


@pytest.mark.parametrize("data", [b"<html><script>1</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b""])
def test_what_is_no_picture_is_an_empty_one(
    client: TestClient, folder: PictureFolder, address: str, data: bytes
) -> None:
    (folder.originals / f"{SHA}.png").write_bytes(data)
    reply = client.get(f"{address}/360/{SHA}")
    assert reply.headers["content-type"] == "image/gif" and b"script" not in reply.content
    assert client.get(f"{address}/0/{SHA}").status_code == 404


def test_only_granted_pictures_in_known_sizes_are_sent(client: TestClient, folder: PictureFolder, address: str) -> None:
    (folder.originals / SHA).write_bytes(picture())
    (folder.originals.parent / "secret.png").write_bytes(picture())
    for path in (f"{address}/361/{SHA}", f"{address}/360/{SHA[1:]}", f"{address}/360/..%2fsecret.png",
                 f"{address}/360/{'cd' * 32}", f"/api/picture/guessed/360/{SHA}"):  # fmt: skip
        assert client.get(path).status_code == 404
