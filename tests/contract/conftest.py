"""Who is asked: always the emulator, and with `--live` Google too, with the key in GEMINI_API_KEY."""

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.contract.contract_cases import CONTRACT_CASES
from tests.contract.contract_client import DIFFERENCES, GOOGLE, ServiceClient
from tests.emulator_process import start_emulator


def pytest_addoption(parser: pytest.Parser) -> None:
    with suppress(ValueError):  # whoever collects all tests may have declared it already
        parser.addoption("--live", action="store_true", help="ask Google as well, with the key in GEMINI_API_KEY")
    parser.addoption("--live-url", default=GOOGLE, help="where the live service is")
    parser.addoption("--live-minutes", type=float, default=15, help="how long to wait for a live batch job")


def pytest_report_header(config: pytest.Config) -> str | None:
    if not config.getoption("--live", False):
        return None
    bound = sum(question.cost for question in CONTRACT_CASES)
    free = sum(not question.cost for question in CONTRACT_CASES)
    return (
        f"contract: asking {config.getoption('--live-url')}; {free} free questions first, in all at most ${bound:.2f}"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if DIFFERENCES:
        terminalreporter.section("where the live service differs from the emulator")
        for line in DIFFERENCES:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def emulated() -> Iterator[ServiceClient]:
    with start_emulator() as process:
        service = ServiceClient(process.base_url, "contract-key", process)
        yield service
        service.close()


@pytest.fixture(scope="session")
def live(request: pytest.FixtureRequest) -> Iterator[ServiceClient]:
    if not request.config.getoption("--live", False):
        pytest.skip("asks Google only with --live")
    key = os.environ.get("GEMINI_API_KEY", "")
    if not key:
        pytest.skip("asking Google needs a key in GEMINI_API_KEY")
    service = ServiceClient(
        request.config.getoption("--live-url"), key, minutes=request.config.getoption("--live-minutes")
    )
    yield service
    service.close()
