"""An emulator for each file of tests, and a terminal with a data folder of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terminal.terminal_process import Terminal


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with start_emulator() as process:
        yield process


@pytest.fixture
def cli(tmp_path: Path, emulator: EmulatorProcess) -> Terminal:
    return Terminal(tmp_path, emulator)
