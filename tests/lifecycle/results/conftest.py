"""Runs made by hand, to be built, read and exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.run_fixture import RunFixture, answer, error


@pytest.fixture
def run(tmp_path: Path) -> RunFixture:
    return RunFixture(tmp_path / "run")


@pytest.fixture
def mixed(run: RunFixture) -> RunFixture:
    """Ten rows: even ones answered, the others failed in two ways; own columns named like ours."""
    keys = [f"k{number}" for number in range(10)]
    own: dict[str, list[Any]] = {
        "text": [f"own {number}" for number in range(10)],
        "city": ["Rome", "Oslo"] * 5,
        "n_items": list(range(10)),
    }
    run.send(keys, source_columns=own)
    run.receive(
        {
            "key": key,
            **(answer(f"Answer {number}", output=number) if number % 2 == 0 else error(13 - number % 4, f"e{number}")),
        }
        for number, key in enumerate(keys)
    )
    run.build()
    return run
