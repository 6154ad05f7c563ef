"""What stands before every page and route keeps strangers out."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from tests.ui.http.conftest import export_file
from ui.http import security
from ui.shared.app_state import AppState


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent/openapi.json"])
def test_what_streamlit_serves_to_anybody_is_closed(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_reply_carries_the_strict_headers(client: TestClient) -> None:
    for reply in (client.get("/"), client.post("/api/session"), client.get("/", headers={"host": "evil.example"})):
        for name, value in security.HEADERS.items():
            assert reply.headers[name] == value


def test_the_content_policy_allows_nothing_from_elsewhere() -> None:
    assert "http" not in security.CONTENT_SECURITY_POLICY and "*" not in security.CONTENT_SECURITY_POLICY
    assert "unsafe-eval" not in security.CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(("host", "status"), [("localhost:8501", 200), ("testserver", 200), ("evil.example", 400)])
def test_only_known_host_names_are_served(client: TestClient, host: str, status: int) -> None:
    assert client.get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"origin": "http://testserver"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "http://testserver:9999"}, False),
        ({"origin": "http://localhost"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
def test_our_routes_answer_only_our_own_page(
    state: AppState, client: TestClient, headers: dict[str, str], allowed: bool
) -> None:
    reply = client.get(export_file(state, b"1"), headers=headers)
    assert (reply.status_code == 200) is allowed
