"""How long fifty open pages wait for their ticks: the fragments that draw themselves anew while a run is under way.

`python -m benchmarks.sessions [--sessions 50] [--seconds 20] [--rows 100000]`. Each session is a websocket that speaks
to the page as a browser does, without drawing. Reference: as many pages of Streamlit with one ticking line, at the same
pace, served by a process of its own in the same run. What counts is by how much the 95th percentile of the ticks
exceeds the reference's, and the server's processor time for a tick.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from benchmarks.page import KEY, NOWHERE, prepare, start_empty
from tests.browser.app_process import AppProcess
from tests.patience import PATIENCE_SECONDS
from ui.monitor.panel import FOLLOW_SECONDS, REFRESH_SECONDS

EMPTY_PAGE = """
import time
import streamlit as st

@st.fragment(run_every=float(st.query_params["every"]))
def tick():
    st.caption(f"Ticked at {time.time()}")

st.header("Empty")
tick()
"""
EARLY = ForwardMsg.FINISHED_EARLY_FOR_RERUN
MAX_MESSAGE = 64 * 1024 * 1024  # bytes


class Ticks(NamedTuple):
    """Of all sessions: milliseconds until a tick was answered, and the server's processor time for each."""

    waits: list[float]
    cpu: float

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.waits, n=20)[-1]

    def tell(self, name: str, empty: Ticks | None = None) -> None:
        """Print them, and by how much they exceed those of empty pages."""
        more = "" if empty is None else f"   over empty pages {self.p95 - empty.p95:6.0f} ms"
        ratio = "" if empty is None else f"  ratio {self.cpu / empty.cpu:5.2f}"
        print(
            f"{name:44s} {len(self.waits):5d} ticks  median {statistics.median(self.waits):5.0f} ms  "
            f"p95 {self.p95:5.0f} ms{more}   server {self.cpu:5.1f} ms{ratio}",
            flush=True,
        )


class Session:
    """One open page: draws it once, then asks for its ticking fragments when they are due."""

    def __init__(self, socket: ClientConnection, query: str) -> None:
        self._socket, self._query = socket, query
        self._intervals: dict[str, float] = {}

    async def open(self) -> None:
        """Draw the page until nothing more is asked for."""
        await self._ask("")

    async def tick(self, share: float, seconds: float) -> list[float]:
        """Ask for each fragment at its interval; how long each answer took, in milliseconds.

        The first time after `share` of it, 0 to 1: visitors do not come all in the same moment.
        """
        start = time.perf_counter()
        due, until = {name: start + share * interval for name, interval in self._intervals.items()}, start + seconds
        waits = []
        while due and (at := min(due.values())) < until:
            name = min(due, key=due.__getitem__)
            await asyncio.sleep(max(0.0, at - time.perf_counter()))
            began = time.perf_counter()
            await self._ask(name)
            waits.append((time.perf_counter() - began) * 1000)
            interval = self._intervals.get(name)
            if interval is None:  # the page was drawn anew, with other fragments
                due = {name: time.perf_counter() + interval for name, interval in self._intervals.items()}
            else:
                due[name] = max(at + interval, time.perf_counter())
        return waits

    async def _ask(self, fragment: str) -> None:
        """Have a fragment drawn, or the whole page, and wait for the end of it."""
        asked = BackMsg()
        asked.rerun_script.query_string = self._query
        asked.rerun_script.fragment_id = fragment
        asked.rerun_script.is_auto_rerun = bool(fragment)
        await self._socket.send(asked.SerializeToString())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                told = ForwardMsg()
                told.ParseFromString(bytes(await self._socket.recv(decode=False)))
                kind = told.WhichOneof("type")
                if kind == "new_session" and not told.metadata.run.fragment_ids:
                    self._intervals = {}
                elif kind == "auto_rerun":
                    self._intervals[told.auto_rerun.fragment_id] = told.auto_rerun.interval
                elif kind == "stop_auto_rerun":
                    for stopped in told.stop_auto_rerun.fragment_ids:
                        self._intervals.pop(stopped, None)
                elif kind == "script_finished" and told.script_finished != EARLY:
                    return


async def watch(app: AppProcess, query: str, sessions: int, seconds: float) -> Ticks:
    """Open so many pages, and let them tick for so long."""
    assert app.process is not None
    server = psutil.Process(app.process.pid)
    address = app.url.replace("http", "ws") + "/_stcore/stream"
    opened = []
    try:
        for _ in range(sessions):
            protocol = [Subprotocol("streamlit")]
            socket = await connect(address, origin=Origin(app.url), subprotocols=protocol, max_size=MAX_MESSAGE)
            session = Session(socket, query)
            opened.append((socket, session))
            await session.open()
        before = sum(server.cpu_times()[:2])
        waits = await asyncio.gather(*(session.tick(n / sessions, seconds) for n, (_, session) in enumerate(opened)))
        cpu = (sum(server.cpu_times()[:2]) - before) * 1000
    finally:
        await asyncio.gather(*(socket.close() for socket, _ in opened))
    all_waits = [wait for each in waits for wait in each]
    assert len(all_waits) > sessions, f"pages that do not tick: {query}"
    return Ticks(all_waits, cpu / len(all_waits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (run_id,) = prepare(folder / "data", options.rows)
        environment = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": NOWHERE}
        reference = start_empty(folder, EMPTY_PAGE)
        app = AppProcess(folder / "data", environment).start()

        def measure(server: AppProcess, query: str) -> Ticks:
            return asyncio.run(watch(server, query, options.sessions, options.seconds))

        try:
            for words, query, every in (
                ("the table of runs, two under way", "place=runs", REFRESH_SECONDS),
                (f"a run of {options.rows:,} rows open", f"run={run_id}", FOLLOW_SECONDS),
            ):
                empty = measure(reference, f"every={every}")
                empty.tell(f"empty pages, every {every:g} s")
                measure(app, query).tell(words, empty)
        finally:
            for started in (app, reference):
                started.stop_all()


if __name__ == "__main__":
    main()
