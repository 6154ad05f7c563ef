"""Watching a run: what is said of it, when watching ends, and the exit code."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from batch.model import RunState, Stage
from lifecycle.core.models import Account, Progress, RunView
from lifecycle.runner import Runner
from terminal.steps import watch
from tests.ui.fakes import make_run

ACCOUNT = Account("a", rehearsal=True, label="rehearsal")


def runner_showing(*views: RunView) -> Runner:
    """A runner whose run looks otherwise each time it is asked; the last look stays."""
    looks = list(views)
    runs = SimpleNamespace(get=lambda account, run_id: looks.pop(0) if len(looks) > 1 else looks[0])
    return cast(Runner, SimpleNamespace(runs=runs))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.0)


def wait(*views: RunView, until_ended: bool) -> RunView:
    return watch.wait_for_run(runner_showing(*views), ACCOUNT, "r1", until_ended=until_ended)


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def test_what_changes_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    running, ended = make_run("r1"), make_run("r1", state=RunState.FINISHED, status_text="finished")
    assert wait(running, running, ended, until_ended=True) is ended
    assert capsys.readouterr().err.splitlines() == [
        "r1: running, 42 of 100 rows done",
        "r1: finished, 42 of 100 rows done",
    ]


def test_without_progress_the_rows_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    wait(make_run("r1", state=RunState.FAILED, progress=Progress(100, 0, 0, False)), until_ended=True)
    assert "100 rows" in capsys.readouterr().err


def test_who_does_not_wait_leaves_when_all_is_sent() -> None:
    preparing = make_run("r1", stage=Stage.SUBMITTING, next_poll_at=later())
    sent = make_run("r1", next_poll_at=later())
    assert wait(preparing, sent, until_ended=False) is sent
    full = make_run("r1", stage=Stage.SUBMITTING, state=RunState.WAITING_FOR_CAPACITY, next_poll_at=later())
    assert wait(preparing, full, until_ended=False) is full


@pytest.mark.parametrize(
    ("state", "code"),
    [(RunState.FINISHED, 0), (RunState.ACTIVE, 0), (RunState.FAILED, 1), (RunState.CANCELLED, 1)],
)
def test_the_exit_code_tells_how_it_ended(state: RunState, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    options = argparse.Namespace(json=True)
    run = make_run("r1", state=state, counts={"answered": 2}, cost_is_lower_bound=state is RunState.FAILED)
    assert watch.report_outcome(run, options) == code
    printed = capsys.readouterr()
    document: dict[str, Any] = json.loads(printed.out)
    assert (document["run_id"], document["counts"]) == ("r1", {"answered": 2})
    assert ("lower bound" in printed.err) is run.cost_is_lower_bound
