"""What we use of Google's client holds: whole JSON both ways, one call for one call, and never the key in an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch.errors import ApiError
from batch.responses import service_errors
from gemini import client
from gemini.client import GeminiClient
from gemini.wire import inline_batch_body
from tests.emulator_process import EmulatorProcess, start_emulator

KEY = "AIzaSyCANARY-0123456789abcdefghijklmnop"
MODEL = "gemini-3.8-flash"
CONTENTS = [{"role": "user", "parts": [{"text": "Say something."}]}]
BATCH = inline_batch_body("client-test", [("a", {"contents": CONTENTS})])


@pytest.fixture(scope="module")
def process() -> Iterator[EmulatorProcess]:
    with start_emulator() as started:
        yield started


@pytest.fixture
def emulator(process: EmulatorProcess) -> EmulatorProcess:
    process.reset()
    return process


@pytest.fixture
def gateway(emulator: EmulatorProcess) -> GeminiClient:
    return GeminiClient(KEY, emulator.base_url, timeout_seconds=2)


def creates(emulator: EmulatorProcess) -> int:
    calls: dict[str, int] = emulator.ledger()["calls"]
    return sum(n for route, n in calls.items() if "batchGenerateContent" in route)


def test_what_the_sdks_types_drop_arrives(gateway: GeminiClient) -> None:
    """For the Developer API the SDK's own classes (3.4.0) have no batchStats and no input configuration."""
    made = gateway.create_batch(MODEL, BATCH)
    assert made["metadata"]["batchStats"] == {"requestCount": "1", "pendingRequestCount": "1"}
    assert made["metadata"]["displayName"] == "client-test"


def test_what_is_sent_is_what_was_given(gateway: GeminiClient, emulator: EmulatorProcess) -> None:
    made = gateway.create_batch(MODEL, BATCH)
    sent = emulator.sent_bytes("batch_jobs", made["name"])
    assert b'"key": "a"' in sent.replace(b'":"', b'": "') and b"Say something." in sent


@pytest.mark.parametrize(
    ("fault", "ambiguous"),
    [
        ({"do": "status", "status": 503}, True),
        ({"do": "status_after", "status": 500}, True),
        ({"do": "status", "status": 429}, False),
        ({"do": "drop_before"}, True),
        ({"do": "drop_after"}, True),
        ({"do": "hang"}, True),
        ({"do": "malformed"}, True),
        ({"do": "truncate", "bytes": 10}, True),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else None,
)
def test_a_create_is_sent_once_whatever_comes_back(
    gateway: GeminiClient, emulator: EmulatorProcess, fault: dict[str, Any], ambiguous: bool
) -> None:
    """A repeated create is a second job that is paid; only the run's own life decides about another try."""
    emulator.faults([{"method": "POST", "route": "batchGenerateContent", "times": -1, **fault}])
    with pytest.raises(ApiError) as caught:
        gateway.create_batch(MODEL, BATCH)
    assert caught.value.ambiguous is ambiguous
    assert creates(emulator) == 1


def test_lists_are_read_over_all_pages(gateway: GeminiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    made = [gateway.create_batch(MODEL, BATCH)["name"] for _ in range(5)]
    assert sorted(op["name"] for op in gateway.list_batches()) == sorted(made)


def test_a_list_that_breaks_off_is_an_error_and_no_shorter_list(
    gateway: GeminiClient, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAGE_SIZE", 2)
    for _ in range(5):
        gateway.create_batch(MODEL, BATCH)
    emulator.faults([{"method": "GET", "route": "/batches$", "do": "status", "status": 500, "after": 1}])
    with pytest.raises(ApiError):
        list(gateway.list_batches())


@pytest.mark.parametrize(
    "ask",
    [
        lambda gateway: gateway.get_batch("batches/none"),
        lambda gateway: gateway.get_file("files/none"),
        lambda gateway: gateway.get_cache("cachedContents/none"),
        lambda gateway: gateway.count_tokens("no-such-model", CONTENTS),
        lambda gateway: gateway.create_cache({"model": f"models/{MODEL}", "contents": CONTENTS}),
    ],
    ids=["batch", "file", "cache", "model", "small cache"],
)
def test_a_refusal_has_words_and_no_key(gateway: GeminiClient, ask: Callable[[GeminiClient], object]) -> None:
    with pytest.raises(ApiError) as caught:
        ask(gateway)
    assert service_errors.is_permanent(caught.value)
    assert str(caught.value) and KEY not in f"{caught.value} {caught.value.remedy}"


def test_a_key_in_googles_words_is_taken_out(gateway: GeminiClient, emulator: EmulatorProcess) -> None:
    body = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": f"see https://host/v1?key={KEY}&x=1"}}
    emulator.faults([{"route": "models", "do": "status", "status": 400, "body": body}])
    with pytest.raises(ApiError) as caught:
        list(gateway.list_models())
    assert KEY not in str(caught.value) and "key=***" in str(caught.value)


def test_nobody_there_is_said_as_such() -> None:
    with pytest.raises(ApiError) as caught:
        GeminiClient(KEY, "http://127.0.0.1:9", timeout_seconds=2).get_batch("batches/a")
    assert caught.value.reason == "NETWORK" and not caught.value.ambiguous


def test_now_is_the_services(gateway: GeminiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(clock_skew_seconds=7200)
    list(gateway.list_models())
    assert abs(gateway.server_now() - datetime.now(UTC) - timedelta(hours=2)) < timedelta(seconds=5)


def test_a_cache_lives_as_told_and_is_gone_when_deleted(gateway: GeminiClient) -> None:
    contents = [{"role": "user", "parts": [{"text": "The tools are lent to members. " * 600}]}]
    made = gateway.create_cache({"model": f"models/{MODEL}", "contents": contents, "ttl": "600s"})
    longer = gateway.update_cache(made["name"], 3600)
    assert longer["expireTime"] > made["expireTime"]
    gateway.delete_cache(made["name"])
    assert list(gateway.list_caches()) == []


def test_tokens_are_counted_and_an_answer_is_had(gateway: GeminiClient) -> None:
    assert gateway.count_tokens(MODEL, CONTENTS) > 0
    assert gateway.generate(MODEL, {"contents": CONTENTS})["candidates"]
