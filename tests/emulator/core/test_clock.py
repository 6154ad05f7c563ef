"""Time: it can be turned, the Date header follows, and a skew changes what is shown but not what happens."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from emulator.core.clock import Clock, parse_duration
from tests.emulator_api import ApiClient
from tests.emulator_process import EmulatorProcess


def now(api: ApiClient) -> datetime:
    return parsedate_to_datetime(api.http.get("/v1beta/files").headers["date"])


def test_the_date_header_follows_the_turned_clock(api: ApiClient, emulator: EmulatorProcess) -> None:
    before = now(api)
    emulator.clock(3600)
    assert timedelta(minutes=59) < now(api) - before < timedelta(minutes=61)
    emulator.reset()
    assert abs(now(api) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_skew_shows_in_all_times_and_ends_nothing(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(clock_skew_seconds=7200)
    cache = api.create_cache(ttl="600s")
    created = datetime.fromisoformat(cache["createTime"])
    assert timedelta(minutes=119) < created - datetime.now(UTC) < timedelta(minutes=121)
    assert datetime.fromisoformat(cache["expireTime"]) - created == timedelta(seconds=600)
    assert timedelta(minutes=119) < now(api) - datetime.now(UTC) < timedelta(minutes=121)
    assert api.get(cache["name"])


def test_an_expire_time_is_read_by_the_skewed_clock(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(clock_skew_seconds=-7200)
    soon = (now(api) + timedelta(seconds=100)).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = api.create_cache(expireTime=soon)["name"]
    assert api.get(name)["expireTime"][:19] == soon[:19]
    emulator.clock(110)
    assert api.expect_error("GET", name)["code"] == 403


@pytest.mark.parametrize("seconds", [-1, 1e300, "NaN", None, "soon"])
def test_time_does_not_go_back_nor_out_of_the_calendar(api: ApiClient, seconds: object) -> None:
    assert api.http.post("/_emulator/clock", json={"advance_seconds": seconds}).status_code == 400
    assert api.get("models")


@pytest.mark.parametrize(("text", "seconds"), [("600s", 600), ("1.5s", 1.5), ("0s", 0)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_times_have_nine_digits_for_operations_and_six_for_files() -> None:
    clock = Clock()
    assert clock.format_timestamp(1_700_000_000.5) == "2023-11-14T22:13:20.500000000Z"
    assert clock.format_timestamp(1_700_000_000.5, 6) == "2023-11-14T22:13:20.500000Z"
    assert clock.parse_timestamp(clock.format_timestamp(1_700_000_000.25)) == 1_700_000_000.25


@pytest.mark.parametrize("path", ["/_emulator", "/_emulator/nothing", "/_emulator/batch_jobs/x/requests"])
def test_an_unknown_control_is_not_found(api: ApiClient, path: str) -> None:
    assert api.http.get(path).status_code == 404
