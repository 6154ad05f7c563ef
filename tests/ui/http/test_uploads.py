"""Uploads stream into their granted folder, whole or not at all, and nowhere else."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.ui.http.conftest import OWN
from ui.http import uploads
from ui.shared import upload_folder
from ui.shared.app_state import FILE_NAME_HEADER, AppState
from ui.shared.upload_folder import UploadFolder


@pytest.fixture
def folder(state: AppState) -> UploadFolder:
    return UploadFolder(state.uploads / "session")


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
