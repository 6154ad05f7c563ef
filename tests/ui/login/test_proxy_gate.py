"""Behind a login by proxy, nothing at all answers to who does not come through it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from ui.http import security
from ui.login.proxy_gate import HEALTH_PATH
from ui.login.rules import LoginRules

RULES = LoginRules("proxy", header="X-User", allowed=("@firm.test",), proxies=("10.0.0.0/8",))


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def visit(address: str, port: int = 50000, proxies: tuple[str, ...] = ("10.0.0.0/8",)) -> TestClient:
    paths = ("/", "/api/session", "/static/x.js", HEALTH_PATH)
    routes = [Route(path, lambda _: PlainTextResponse("inside")) for path in paths]
    middleware = security.middleware(("testserver",), replace(RULES, proxies=proxies))
    app = Starlette(routes=[*routes, WebSocketRoute("/_stcore/stream", socket)], middleware=middleware)
    return TestClient(app, client=(address, port))


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("10.0.0.1", [("X-User", "ann@firm.test")], 200),
        ("10.0.0.1", [], 403),
        ("10.0.0.1", [("X-User", "")], 403),
        ("10.0.0.1", [("X-User", "eve@evil.example")], 403),
        ("10.0.0.1", [("X-User", "ann@firm.test"), ("X-User", "bea@firm.test")], 403),
        ("192.0.2.1", [("X-User", "ann@firm.test")], 403),
        ("192.0.2.1", [("X-User", "ann@firm.test"), ("X-Forwarded-For", "10.0.0.1")], 403),
    ],
)
def test_who_does_not_come_through_the_proxy_gets_nothing(
    address: str, headers: list[tuple[str, str]], status: int
) -> None:
    client = visit(address)
    for path in ("/", "/api/session", "/static/x.js"):
        assert client.get(path, headers=headers).status_code == status


def test_the_pages_socket_is_behind_the_gate_too() -> None:
    with visit("10.0.0.1").websocket_connect("/_stcore/stream", headers={"X-User": "ann@firm.test"}):
        pass
    refused = visit("192.0.2.1").websocket_connect("/_stcore/stream", headers={"X-User": "ann@firm.test"})
    with pytest.raises(WebSocketDenialResponse), refused:
        pytest.fail("the socket was opened")


@pytest.mark.parametrize(("proxies", "status"), [(("127.0.0.1",), 200), (("10.0.0.0/8",), 403)])
def test_a_proxy_on_this_computer_is_known_although_its_address_is_replaced(
    proxies: tuple[str, ...], status: int
) -> None:
    """By the visitor's address, with port 0: uvicorn does so for a proxy that connects from here."""
    client = visit("203.0.113.9", 0, proxies)
    assert client.get("/", headers={"X-User": "ann@firm.test"}).status_code == status


def test_whoever_watches_the_server_may_ask_whether_it_lives() -> None:
    assert visit("192.0.2.1").get(HEALTH_PATH).text == "inside"
