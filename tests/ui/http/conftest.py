"""The routes and their guards in a server without a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.http import routes, security
from ui.shared.app_state import OWN_HEADER, AppState, Download
from ui.shared.cookie_crypto import CookieCipher

OWN = {OWN_HEADER: "1"}


@pytest.fixture
def state(tmp_path: Path) -> AppState:
    return AppState(runner=cast(Any, None), cookie_cipher=CookieCipher("secret"), data_dir=tmp_path)


@pytest.fixture
def client(state: AppState) -> Iterator[TestClient]:
    app = Starlette(
        routes=[*routes.routes(state), Route("/", lambda _: PlainTextResponse("page"))],
        middleware=security.middleware(("testserver", "localhost"), state.login),
    )
    with TestClient(app, follow_redirects=False) as client:
        yield client


def export_file(state: AppState, body: bytes, name: str = "results.csv") -> str:
    path = state.exports / "file"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return f"/api/download/{state.download_tokens.issue(Download(path, name, 'text/csv'))}"
