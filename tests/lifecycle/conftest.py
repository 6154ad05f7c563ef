"""Real runs against a real emulator process, with waiting times cut short."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batch.pricing import catalog
from lifecycle.core import polling
from lifecycle.core.models import Account, RunSpec, RunView
from lifecycle.runner import Runner, Setup
from lifecycle.workflow.shards import run_caches
from lifecycle.workflow.stages import await_cancelled, poll, release, submit
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.patience import PATIENCE_SECONDS
from tests.postgres_server import NoPostgres, postgres

MODEL = "gemini-3.8-flash"
KEY = "made-up-key-for-tests"
LOOK_AGAIN_SECONDS = 0.2  # between looks at a job, a cache or a file; the emulator's are ready at once


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL for one file of tests."""
    try:
        with postgres() as url:
            yield url
    except NoPostgres as why:
        pytest.skip(f"No PostgreSQL on this computer: {why}. It comes with requirements-dev.txt on Linux.")


@pytest.fixture(scope="session")
def shared_emulator() -> Iterator[EmulatorProcess]:
    with start_emulator() as process:
        yield process


@pytest.fixture
def emulator(shared_emulator: EmulatorProcess) -> EmulatorProcess:
    """An emulator that remembers nothing of other tests."""
    shared_emulator.reset()
    return shared_emulator


class Bench:
    """One or more Runners on one data folder, and what a test does with them."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.folder, self.base_url = folder, base_url
        self.runners: list[Runner] = []

    def open(self, *, start: bool = True, **values: object) -> Runner:
        setup = {
            "data_dir": self.folder,
            "database_url": f"sqlite:///{self.folder / 'runs.db'}",
            "catalog": catalog.load(),
            "rehearsal_url": lambda: self.base_url,
            "base_url": self.base_url,
            "request_timeout_seconds": 3.0,
            "settle_seconds": 1.0,
            "lease_seconds": 2.0,
            **values,
        }
        runner = Runner(Setup(**setup))  # type: ignore[arg-type]
        self.runners.append(runner)
        if start:
            runner.start()
        return runner

    def submit(self, runner: Runner, account: Account, prompts: str, idempotency_key: str = "", **spec: object) -> str:
        draft = runner.forecasts.prepare_draft(prompts, kind="lines")
        return runner.submissions.submit(account, draft, RunSpec(model=MODEL, **spec), idempotency_key)  # type: ignore[arg-type]

    def close(self) -> None:
        for runner in self.runners:
            runner.close(2)


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something that happens in another thread or process."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def wait_until_ended(runner: Runner, account: Account, run_id: str, seconds: float = PATIENCE_SECONDS) -> RunView:
    """The run, once it has ended."""
    wait_until(lambda: runner.runs.get(account, run_id).state.ended, seconds)
    return runner.runs.get(account, run_id)


@pytest.fixture
def bench(tmp_path: Path, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Runners that do not wait for what the emulator has done already."""
    for stage in (poll, release, submit, await_cancelled, run_caches):
        monkeypatch.setattr(stage, "POLL_AGAIN_SECONDS", LOOK_AGAIN_SECONDS)
    monkeypatch.setattr(polling, "MIN_POLL_SECONDS", LOOK_AGAIN_SECONDS)
    opened = Bench(tmp_path / "data", emulator.base_url)
    yield opened
    opened.close()
