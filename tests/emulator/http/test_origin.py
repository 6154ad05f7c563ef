"""A page in somebody's browser cannot use the emulator: what a run sent, and what its owner may spend, is in there."""

from collections.abc import Iterator

import httpx
import pytest

from emulator.http.origin import OriginGuard
from tests.emulator_process import EmulatorProcess, start_emulator

ROUTES = [("GET", "/_emulator/ledger"), ("POST", "/_emulator/reset"), ("GET", "/v1beta/models"), ("GET", "/elsewhere")]


@pytest.fixture(scope="module")
def http(process: EmulatorProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=process.base_url, verify=False) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "127.0.0.2"},
        {"Host": "["},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
    ids=str,
)
def test_a_page_elsewhere_gets_nothing(emulator: EmulatorProcess, http: httpx.Client, headers: dict[str, str]) -> None:
    """Neither the API nor the controls answer, and nothing takes effect."""
    emulator.settings(free_tier=True)
    for method, route in ROUTES:
        reply = http.request(method, route, headers={"x-goog-api-key": "made-up", **headers})
        assert (reply.status_code, reply.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert "access-control-allow-origin" not in reply.headers
    assert emulator.settings()["free_tier"] is True


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_programs_here_are_answered(emulator: EmulatorProcess, http: httpx.Client, name: str) -> None:
    port = emulator.base_url.rpartition(":")[2]
    for origin in ({}, {"Origin": f"http://{name}:{port}"}, {"Sec-Fetch-Site": "none"}):
        reply = http.get("/v1beta/models", headers={"x-goog-api-key": "made-up", "Host": f"{name}:{port}", **origin})
        assert reply.status_code == 200


@pytest.mark.parametrize(
    ("bound", "host", "answered"),
    [
        ("gemini.test", "Gemini.test:8000", True),
        ("gemini.test", "localhost", True),
        ("gemini.test", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.1:80", True),
        ("0.0.0.0", "10.0.0.1:80", True),
        ("0.0.0.0", "evil.example", False),
        ("::", "[fd00::1]:80", True),
        ("127.0.0.1", "", False),
    ],
)
def test_the_host_it_was_bound_to_counts(bound: str, host: str, answered: bool) -> None:
    """Bound to every address it is called by any of them; an address cannot be made to mean another, as a name can."""
    assert (OriginGuard(bound).refusal({"host": host}) is None) is answered


def test_the_command_line_says_which_host() -> None:
    with start_emulator(extra=("--host", "localhost")) as emulator:
        assert emulator.settings()["free_tier"] is False
