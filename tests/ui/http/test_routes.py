"""The addresses beside the page answer only its own page, only for a token, and stream."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.ui.http.conftest import OWN, export_file
from ui.http import routes
from ui.shared.app_state import AppState, CookieChange


def test_a_token_sets_a_cookie_that_scripts_cannot_read(state: AppState, client: TestClient) -> None:
    token = state.cookie_tokens.issue((CookieChange("gbr_key", "encrypted"),))
    reply = client.post("/api/session", content=token, headers=OWN)
    cookie = reply.headers["set-cookie"]
    assert reply.status_code == 200
    assert cookie.startswith("gbr_key=encrypted;")
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=2592000"):
        assert part in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_secure(state: AppState, client: TestClient) -> None:
    token = state.cookie_tokens.issue((CookieChange("gbr_key", "encrypted"),))
    reply = client.post("https://testserver/api/session", content=token, headers=OWN)
    assert "Secure" in reply.headers["set-cookie"]


def test_a_token_removes_a_cookie(state: AppState, client: TestClient) -> None:
    token = state.cookie_tokens.issue((CookieChange("gbr_key", ""),))
    reply = client.post("/api/session", content=token, headers=OWN)
    assert 'gbr_key=""' in reply.headers["set-cookie"] and "Max-Age=0" in reply.headers["set-cookie"]


def test_a_token_sets_cookies_once(state: AppState, client: TestClient) -> None:
    token = state.cookie_tokens.issue((CookieChange("gbr_key", "encrypted"),))
    assert client.post("/api/session", content=token, headers=OWN).status_code == 200
    again = client.post("/api/session", content=token, headers=OWN)
    assert again.status_code == 403 and "set-cookie" not in again.headers


@pytest.mark.parametrize("body", [b"", b"x" * 32, b"\xff\xfe", b"x" * 100_000])
def test_without_a_token_no_cookie_is_set(client: TestClient, body: bytes) -> None:
    reply = client.post("/api/session", content=body, headers=OWN)
    assert reply.status_code == 403 and "set-cookie" not in reply.headers


def test_a_form_of_another_site_cannot_use_a_token(state: AppState, client: TestClient) -> None:
    token = state.cookie_tokens.issue((CookieChange("gbr_key", "encrypted"),))
    for headers in ({}, {**OWN, "origin": "http://evil.example"}, {**OWN, "sec-fetch-site": "cross-site"}):
        assert client.post("/api/session", content=token, headers=headers).status_code == 403
    assert state.cookie_tokens.peek(token) is not None


def test_a_download_is_the_file_under_its_name(state: AppState, client: TestClient) -> None:
    body = bytes(range(256)) * 20_000
    reply = client.get(export_file(state, body, "résults; 1.csv"))
    assert reply.content == body
    assert reply.headers["content-length"] == str(len(body))
    assert reply.headers["content-disposition"] == "attachment; filename*=UTF-8''r%C3%A9sults%3B%201.csv"
    assert reply.headers["cache-control"] == "no-store"


def test_a_download_needs_a_token(state: AppState, client: TestClient) -> None:
    export_file(state, b"secret answers")
    for token in ("guessed", "..%2f..%2fruns.db", "%00"):
        reply = client.get(f"/api/download/{token}")
        assert reply.status_code in (404, 410) and "secret" not in reply.text


def test_a_download_whose_file_is_gone_says_so(state: AppState, client: TestClient) -> None:
    address = export_file(state, b"1")
    (state.exports / "file").unlink()
    assert client.get(address).status_code == 410


def test_a_download_ends_when_the_server_stops(state: AppState) -> None:
    address = export_file(state, b"x" * 5_000_000)
    state.stopping.set()
    app = Starlette(routes=[*routes.routes(state)])
    with TestClient(app) as client:
        assert len(client.get(address).content) == 0
