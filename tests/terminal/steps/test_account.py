"""Whose runs a verb works on."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from batch.errors import KeyMissing
from lifecycle.core.models import Account
from lifecycle.runner import Runner
from terminal.steps.account import account_of_caller


def runner_in(folder: Path) -> Runner:
    accounts = SimpleNamespace(
        register_rehearsal=lambda identity: Account(identity, rehearsal=True, label="rehearsal"),
        register_key=lambda key: Account(f"owner of {key}", rehearsal=False, label="key"),
    )
    return cast(Runner, SimpleNamespace(accounts=accounts, data_dir=folder))


def options(**given: bool) -> argparse.Namespace:
    return argparse.Namespace(**{"rehearse": False, **given})


def test_a_key_has_its_own_runs(tmp_path: Path) -> None:
    account = account_of_caller(runner_in(tmp_path), options(), "made-up")
    assert account is not None
    assert account.owner_id == "owner of made-up"


def test_a_rehearsal_is_the_same_every_time_and_nobody_elses(tmp_path: Path) -> None:
    first, again = (account_of_caller(runner_in(tmp_path), options(rehearse=True), "made-up") for _ in range(2))
    assert first == again
    assert first is not None
    assert len(first.owner_id) > 30
    assert (tmp_path / "rehearsal-identity").stat().st_mode & 0o777 == 0o600


def test_without_a_key_only_some_verbs_go_on(tmp_path: Path) -> None:
    assert account_of_caller(runner_in(tmp_path), options(keyless=True), "") is None
    with pytest.raises(KeyMissing, match="There is no API key"):
        account_of_caller(runner_in(tmp_path), options(), "")
