"""Serving over uvicorn: connections that can be really dropped, and a loop that sleeps while nothing happens."""

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_connections: dict[tuple[str, int], asyncio.Transport] = {}  # by the client's address, which a scope names


class ListenError(Exception):
    """The address is taken or not ours."""


class DroppableProtocol(H11Protocol):
    """Remembers its connection for `drop`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = transport.get_extra_info("peername")[:2]
        _connections[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _connections.pop(self._peer, None)
        super().connection_lost(exc)


def drop_connection(scope: Scope, flush: bool = False) -> None:
    """Close the connection of a call: at once, or after what has been written to it."""
    transport = _connections.get(tuple(scope["client"]))
    if transport is None:
        return
    if flush:
        transport.close()
    else:
        transport.abort()


class Server(uvicorn.Server):
    """Calls `ready` once it answers, then waits for a signal instead of waking ten times a second."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def main_loop(self) -> None:
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGINT, signal.SIGTERM):  # before anybody knows that there is one to end
            loop.add_signal_handler(signal_number, self._stop.set)
        self._on_ready()
        await self._stop.wait()


def listen(host: str, port: int, preferred: int = 0) -> socket.socket:
    """A listening socket on `port`; for port 0 on the preferred one if it is free, else on any. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in (preferred, 0) if port == 0 and preferred else (port,):
        # asyncio sets TCP_NODELAY only where the protocol is named; without it every second answer waits 40 ms
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, candidate))
            break
        except OSError as error:
            sock.close()
            if candidate == port:
                raise ListenError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from None
    sock.listen(256)
    return sock


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Quiet: one line is printed, by the caller, and errors go to stderr."""
    options: dict[str, Any] = {"date_header": False, "server_header": False, "access_log": False}
    return uvicorn.Config(
        app,
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_level="critical",
        timeout_keep_alive=600,
        timeout_graceful_shutdown=1,
        **options,
    )
