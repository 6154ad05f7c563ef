"""The composition root: one process, one runner, one page. Start it with `streamlit run main.py`."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import importlib
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType

import streamlit as st
from streamlit import config

import settings
from assembly import open_runner
from batch.errors import InputError
from ui.http import routes, security
from ui.layout import error_notice, whole_page
from ui.login.rules import LoginRules
from ui.shared import app_state, cookie_crypto

SWEEP_SECONDS = 3600.0
SLOW_IMPORTS = ("pandas", "pyarrow", "duckdb", "google.genai")
log = logging.getLogger("gemini_batch_runner")


def build_state(configured: settings.Settings) -> app_state.AppState:
    """Put the parts together; nothing runs yet."""
    runner = open_runner(configured)
    return app_state.AppState(
        runner=runner,
        cookie_cipher=cookie_crypto.CookieCipher(
            cookie_crypto.load_or_create_secret(configured.data_dir, configured.cookie_secret)
        ),
        data_dir=configured.data_dir,
        key_from_environment=configured.gemini_api_key,
        login=LoginRules(
            configured.login, configured.login_header, configured.login_allowed, configured.trusted_proxies
        ),
        owner_disk_bytes=int(configured.owner_disk_gb * 1024**3),
        try_first_usd=configured.try_first_usd,
    )


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """The runner lives as long as the server, with or without a browser."""
    faulthandler.enable()
    _stop_streams_on_signals()
    state.delete_stale()
    state.runner.start(serving=True)
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    sweeping = asyncio.create_task(_sweep_hourly())
    try:
        yield
    finally:
        sweeping.cancel()
        state.stopping.set()
        await asyncio.to_thread(state.runner.close, 5)


async def _sweep_hourly() -> None:
    """Remove what visitors left behind, for as long as the server runs."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await asyncio.to_thread(state.delete_stale)


def _stop_streams_on_signals() -> None:
    """End open downloads first: the server waits for them, and would not stop."""
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        previous_handler = signal.getsignal(signal_number)

        def stop(received: int, frame: FrameType | None, previous_handler: object = previous_handler) -> None:
            state.stopping.set()
            if callable(previous_handler):
                previous_handler(received, frame)

        signal.signal(signal_number, stop)


def _warm_up() -> None:
    """Import what the first visitor would otherwise wait for, then keep it out of every later collection."""
    for name in SLOW_IMPORTS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


try:
    app_settings = settings.load()
    settings.require_login(app_settings)
    state = build_state(app_settings)
except InputError as error:
    sys.exit(error.describe())
config.set_option("server.allowedHosts", list(app_settings.allowed_hosts))
app_state.set_state(state)
whole_page.apply()
app = st.App(
    Path(__file__).parent / "ui" / "page.py",
    lifespan=lifespan,
    routes=routes.routes(state),
    middleware=security.middleware(app_settings.allowed_hosts, state.login),
    on_script_error=error_notice.show,
)
