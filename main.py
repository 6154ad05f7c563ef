"""The composition root: one process, one runner, one page. Start it with `streamlit run main.py`."""

from __future__ import annotations

import asyncio
import contextlib
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
from ui.shared import app_state, cookie_crypto, temp_files

HEAVY = ("pandas", "pyarrow", "duckdb", "google.genai")
log = logging.getLogger("gemini_batch_runner")


def build(chosen: settings.Settings) -> app_state.AppState:
    """Put the parts together; nothing runs yet."""
    runner = open_runner(chosen)
    return app_state.AppState(
        runner=runner,
        vault=cookie_crypto.Vault(cookie_crypto.secret_of(chosen.data_dir, chosen.cookie_secret)),
        data_dir=chosen.data_dir,
        key_from_environment=chosen.gemini_api_key,
    )


@contextlib.asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """The runner lives as long as the server, with or without a browser."""
    _stop_streams_on_signals()
    temp_files.sweep(state.uploads, state.drafts, state.exports)
    state.runner.start(serving=True)
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    try:
        yield
    finally:
        state.stopping.set()
        await asyncio.to_thread(state.runner.close, 5)


def _stop_streams_on_signals() -> None:
    """End open downloads first: the server waits for them, and would not stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def stop(received: int, frame: FrameType | None, before: object = before) -> None:
            state.stopping.set()
            if callable(before):
                before(received, frame)

        signal.signal(number, stop)


def _warm_up() -> None:
    """Import what the first visitor would otherwise wait for, then keep it out of every later collection."""
    for name in HEAVY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _say_sorry(error: Exception) -> bool:
    """A bug: the log gets the details, the page plain words."""
    log.error("The page failed", exc_info=error)
    st.error("Something went wrong here. Your runs go on. Reload the page; the server's log has the details.")
    return True


try:
    chosen = settings.load()
    state = build(chosen)
except InputError as error:
    sys.exit(f"{error} {error.remedy}")
config.set_option("server.allowedHosts", list(chosen.allowed_hosts))
app_state.set_state(state)
app = st.App(
    Path(__file__).parent / "ui" / "page.py",
    lifespan=lifespan,
    routes=routes.routes(state),
    middleware=security.middleware(chosen.allowed_hosts),
    on_script_error=_say_sorry,
)
