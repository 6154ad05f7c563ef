"""Uploads stream into their granted folder, whole or not at all, and nowhere else."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.ui.http.conftest import OWN
from ui.http import uploads
from ui.limits.rate_limit import RateLimit
from ui.shared import upload_folder
from ui.shared.app_state import FILE_NAME_HEADER, AppState, Download, PictureFolder
from ui.shared.upload_folder import UploadFolder


@pytest.fixture
def folder(state: AppState) -> UploadFolder:
    return UploadFolder(state.uploads / "owner-session", "owner")


@pytest.fixture
def token(state: AppState, folder: UploadFolder) -> str:
    return state.upload_tokens.issue(folder)


def put(client: TestClient, token: str, name: str, content: bytes | Iterable[bytes] = b"1") -> httpx2.Response:
    headers = {**OWN, FILE_NAME_HEADER: quote(name)}
    return client.put(f"/api/upload/{token}", content=content, headers=headers)


def names(folder: UploadFolder) -> list[str]:
    return sorted(path.relative_to(folder.kept).as_posix() for path in folder.files())


def test_a_folder_arrives_file_by_file_under_its_paths(client: TestClient, folder: UploadFolder, token: str) -> None:
    body = b"line\n" * 1_000_000
    assert put(client, token, "scans/Ämter 1.csv", body).json() == {
        "ok": True, "bytes": len(body), "name": "scans/Ämter 1.csv",
    }  # fmt: skip
    assert put(client, token, "scans/b/2.pdf").status_code == 200
    assert names(folder) == ["scans/b/2.pdf", "scans/Ämter 1.csv"]
    assert (folder.kept / "scans" / "Ämter 1.csv").read_bytes() == body
    assert (folder.used_files, folder.used_bytes) == (2, len(body) + 1)


@pytest.mark.parametrize("name", ["../up.csv", "a/../../up.csv", "..\\up.csv", "", "/"])
def test_a_name_that_leads_out_is_refused(client: TestClient, folder: UploadFolder, token: str, name: str) -> None:
    reply = put(client, token, name)
    assert reply.status_code == 400 and "leads out" in reply.json()["message"]
    assert names(folder) == [] and not list(folder.path.parent.rglob("up.csv"))


def test_an_upload_needs_the_token_of_a_folder(
    state: AppState, client: TestClient, folder: UploadFolder, token: str
) -> None:
    assert put(client, "guessed", "a").status_code == 403
    state.upload_tokens.redeem(token)
    assert put(client, token, "a").status_code == 403 and names(folder) == []


def test_an_upload_needs_the_page_behind_it(client: TestClient, folder: UploadFolder, token: str) -> None:
    assert client.put(f"/api/upload/{token}", content=b"1", headers={FILE_NAME_HEADER: "a"}).status_code == 403
    assert names(folder) == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_over_the_limit_is_refused_and_leaves_nothing(
    client: TestClient, folder: UploadFolder, token: str, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(uploads, "MAX_FILE_BYTES", 1000)
    reply = put(client, token, "a", b"x" * 1001 if announced else iter([b"x" * 600, b"x" * 600]))
    assert reply.status_code == 413 and "2 GB" in reply.json()["message"]
    assert [path for path in folder.path.rglob("*") if path.is_file()] == []
    assert (folder.used_files, folder.used_bytes) == (0, 0)


def test_the_folder_takes_no_more_than_its_room(
    client: TestClient, folder: UploadFolder, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_folder, "MAX_FOLDER_BYTES", 1000)
    assert put(client, token, "a", b"x" * 900).status_code == 200
    reply = put(client, token, "b", b"x" * 200)
    assert reply.status_code == 413 and "8 GB" in reply.json()["message"]
    assert names(folder) == ["a"] and (folder.used_files, folder.used_bytes) == (1, 900)


def test_an_upload_that_the_disk_cannot_hold_is_refused(
    client: TestClient, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=10**12, used=10**12, free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    reply = put(client, token, "a")
    assert reply.status_code == 507 and "no room" in reply.json()["message"]


def test_the_stopping_of_uploads_is_said(state: AppState, client: TestClient, folder: UploadFolder, token: str) -> None:
    state.stopping.set()
    assert put(client, token, "a").status_code == 503
    assert names(folder) == [] and folder.used_files == 0


def test_a_folder_that_was_discarded_takes_nothing_more(
    client: TestClient, folder: UploadFolder, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its removal while a file arrives ends that upload."""
    keep = UploadFolder.keep

    def discarded(self: UploadFolder, partial: Path, name: str) -> Path:
        shutil.rmtree(self.path)
        return keep(self, partial, name)

    monkeypatch.setattr(UploadFolder, "keep", discarded)
    assert put(client, token, "a").status_code == 507


def test_nobody_uploads_without_an_account(state: AppState, client: TestClient) -> None:
    folder = UploadFolder(state.uploads / "nobody-session")
    reply = put(client, state.upload_tokens.issue(folder), "a")
    assert reply.status_code == 403 and "Connect or rehearse" in reply.json()["message"]
    assert not folder.path.exists()


def test_one_owner_does_not_fill_the_disk_by_opening_pages(
    state: AppState, client: TestClient, folder: UploadFolder, token: str
) -> None:
    """All folders of an owner count, those of an earlier life of the server, too; another owner's do not."""
    state.owner_room.max_bytes = 1000
    earlier = state.uploads / "owner-earlier"
    earlier.mkdir(parents=True)
    (earlier / "left").write_bytes(b"x" * 600)
    assert put(client, token, "a", b"x" * 300).status_code == 200
    other_page = UploadFolder(state.uploads / "owner-other", "owner")
    reply = put(client, state.upload_tokens.issue(other_page), "b", b"x" * 101)
    assert reply.status_code == 413 and "room" in reply.json()["message"]
    assert (other_page.used_files, other_page.used_bytes) == (0, 0) and names(other_page) == []
    stranger = UploadFolder(state.uploads / "stranger-page", "stranger")
    assert put(client, state.upload_tokens.issue(stranger), "c", b"x" * 900).status_code == 200


def test_files_come_no_faster_than_a_browser_sends_them(
    state: AppState, client: TestClient, folder: UploadFolder, token: str
) -> None:
    limits = replace(state.limits, uploading=RateLimit(burst=2, seconds=60))
    object.__setattr__(state, "limits", limits)
    assert [put(client, token, str(n)).status_code for n in range(3)] == [200, 200, 429]
    assert folder.used_files == 2


def test_tickets_of_an_owner_are_withdrawn_at_once(
    state: AppState, client: TestClient, folder: UploadFolder, token: str, tmp_path: Path
) -> None:
    """Whoever forgets a key leaves no address behind that still works; others' go on."""
    (tmp_path / "export").write_bytes(b"1")
    mine = state.download_tokens.issue(Download(tmp_path / "export", "a.csv", "text/csv", "owner"))
    theirs = state.download_tokens.issue(Download(tmp_path / "export", "a.csv", "text/csv", "another"))
    pictures = state.picture_tokens.issue(PictureFolder(tmp_path, tmp_path, "owner"))
    state.withdraw_tickets("owner")
    assert put(client, token, "a").status_code == 403
    assert client.get(f"/api/download/{mine}").status_code == 410
    assert client.get(f"/api/download/{theirs}").status_code == 200
    assert state.picture_tokens.peek(pictures) is None
