"""One emulator process for all these tests, empty at the start of each."""

from collections.abc import Iterator

import pytest

from tests.emulator_api import Api, client
from tests.emulator_process import EmulatorProcess, start_emulator


@pytest.fixture(scope="session")
def process() -> Iterator[EmulatorProcess]:
    with start_emulator() as running:
        yield running


@pytest.fixture
def emulator(process: EmulatorProcess) -> EmulatorProcess:
    process.reset()
    return process


@pytest.fixture
def api(emulator: EmulatorProcess) -> Iterator[Api]:
    with client(emulator) as made:
        yield made
