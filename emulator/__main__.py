"""`python -m emulator`: print one JSON line with the base URL, then serve until a signal comes."""

import argparse
import asyncio
import contextlib
import fcntl
import json
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from emulator.core.settings import Settings, parse_pace
from emulator.core.state import State
from emulator.core.store import Store
from emulator.http.app import App
from emulator.http.serving import ListenError, Server, listen, server_config

STARTUP_WAIT_SECONDS = 10.0  # seconds to wait for the line of an emulator that is just starting on the same folder


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    with contextlib.ExitStack() as stack:
        if options.data_dir is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emulator-")))
        else:
            folder = options.data_dir
            folder.mkdir(parents=True, exist_ok=True)
            if not stack.enter_context(_folder_lock(folder)):
                return _print_running_address(folder)
        try:
            serve(folder, options.host, options.port, options.pace)
        except ListenError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m emulator", description="A local Gemini API for rehearsals and tests."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one, the last one again if possible")
    parser.add_argument("--data-dir", type=Path, help="where state is kept; without it, it ends with the process")
    parser.add_argument(
        "--pace", type=_pace_argument, help="how long batch jobs take: instant (default), realistic, or SECONDS"
    )
    return parser


def _pace_argument(text: str) -> str:
    try:
        return parse_pace(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@contextlib.contextmanager
def _folder_lock(folder: Path) -> Iterator[bool]:
    """Hold the folder's lock; false if another process does. The lock goes with the process, however it ends."""
    with (folder / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        (folder / "running.json").unlink(missing_ok=True)
        yield True


def _print_running_address(folder: Path) -> int:
    deadline = time.monotonic() + STARTUP_WAIT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            print((folder / "running.json").read_text(), flush=True)
            return 0
        time.sleep(0.05)
    print(f"another process holds {folder} but does not say where it listens", file=sys.stderr)
    return 1


def serve(folder: Path, host: str, port: int, pace: str | None) -> None:
    """Serve the state of a folder until SIGINT or SIGTERM."""
    store = Store(folder)
    state = State(store, Settings(pace=pace or "instant"))
    state.load()
    if pace:
        state.change_settings({"pace": pace})
    port_file = folder / "port"
    sock = listen(host, port, int(port_file.read_text()) if port_file.exists() else 0)
    bound_port = sock.getsockname()[1]
    port_file.write_text(str(bound_port))
    display_host = f"[{host}]" if ":" in host else host
    line = json.dumps({"base_url": f"http://{display_host}:{bound_port}"})
    asyncio.run(_run(App(state, host), sock, line, folder))
    store.close()


async def _run(app: App, sock: socket.socket, line: str, folder: Path) -> None:
    scheduler = asyncio.create_task(app.scheduler.run_forever())
    server = asyncio.create_task(Server(server_config(app), lambda: _announce(line, folder)).serve(sockets=[sock]))
    await asyncio.wait((scheduler, server), return_when=asyncio.FIRST_COMPLETED)
    app.scheduler.close()
    for task in (server, scheduler):
        if task.done():
            task.result()  # a mistake ends the process, loudly
        task.cancel()


def _announce(line: str, folder: Path) -> None:
    """Tell who started us, and who will start a second one, where we are."""
    draft = folder / "running.json.new"
    draft.write_text(line)
    draft.replace(folder / "running.json")
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
