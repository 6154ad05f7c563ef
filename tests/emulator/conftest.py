"""One emulator process for all these tests, empty at the start of each."""

from collections.abc import Iterator

import pytest

from tests.emulator_api import ApiClient, client
from tests.emulator_process import EmulatorProcess, start_emulator


@pytest.fixture(scope="session")
def process() -> Iterator[EmulatorProcess]:
    with start_emulator() as emulator_process:
        yield emulator_process


@pytest.fixture
def emulator(process: EmulatorProcess) -> EmulatorProcess:
    process.reset()
    return process


@pytest.fixture
def api(emulator: EmulatorProcess) -> Iterator[ApiClient]:
    with client(emulator) as connected:
        yield connected
