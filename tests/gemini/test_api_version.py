"""Where v1 does not have a route, v1beta is asked, once and from then on; nothing that took effect is repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.genai import errors

from batch.errors import ApiError
from gemini.api_version import ApiVersion, is_route_missing
from gemini.client import GeminiClient
from gemini.wire import inline_batch_body
from tests.emulator_process import start_emulator

MODEL = "gemini-3.8-flash"
BATCH = inline_batch_body("version-test", [("a", {"contents": [{"parts": [{"text": "Hello."}]}]})])
PAGE = "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title><p>The requested URL was not found on this server."
NO_ROUTE = {"method": "", "route": "^/(upload/)?v1/", "times": -1, "do": "status", "status": 404, "body": PAGE}


def not_found(message: str) -> errors.ClientError:
    return errors.ClientError(404, {"error": {"code": 404, "status": "NOT_FOUND", "message": message}})


@pytest.mark.parametrize(
    ("message", "is_missing"),
    [
        (PAGE, True),
        ("Method not found.", True),
        ("models/gemini-x is not found for API version v1, or is not supported for batchGenerateContent.", True),
        ("Requested entity was not found.", False),
        ("models/gemini-x is no longer available.", False),
    ],
)
def test_a_missing_route_is_told_from_a_missing_thing(message: str, is_missing: bool) -> None:
    assert is_route_missing(not_found(message)) is is_missing
    assert not is_route_missing(errors.ClientError(400, {"error": {"code": 400, "message": message}}))


def test_the_version_that_has_the_route_is_remembered_even_if_the_call_fails_there() -> None:
    asked: list[str] = []

    def refused(version: str) -> None:
        asked.append(version)
        raise not_found(PAGE if version == "v1" else "Requested entity was not found.")

    api_version = ApiVersion()
    for _ in range(2):
        with pytest.raises(errors.APIError):
            api_version.call(refused)
    assert asked == ["v1", "v1beta", "v1beta"]


def test_what_neither_version_has_leaves_the_version_as_it_is() -> None:
    def refused(version: str) -> None:
        raise not_found(f"models/x is not found for API version {version}")

    api_version = ApiVersion()
    with pytest.raises(errors.APIError):
        api_version.call(refused)
    assert api_version.current == "v1"


def test_a_version_that_is_set_has_no_other_in_its_place() -> None:
    asked: list[str] = []

    def refused(version: str) -> None:
        asked.append(version)
        raise not_found(PAGE)

    with pytest.raises(errors.APIError):
        ApiVersion("v1").call(refused)
    assert asked == ["v1"]


def test_everything_works_where_v1_has_no_batches(tmp_path: Path) -> None:
    with start_emulator() as emulator:
        emulator.faults([NO_ROUTE])
        client = GeminiClient("made-up-key", emulator.base_url, timeout_seconds=5)
        file = tmp_path / "rows.jsonl"
        file.write_bytes(b'{"key":"a","request":{"contents":[{"parts":[{"text":"Hello."}]}]}}\n')
        assert client.upload_file(file, "rows")["name"].startswith("files/")
        client.create_batch(MODEL, BATCH)
        assert len(list(client.list_batches())) == len(emulator.ledger()["batch_jobs"]) == 1
        with pytest.raises(ApiError) as caught:
            GeminiClient("made-up-key", emulator.base_url, api_version="v1").create_batch(MODEL, BATCH)
        assert caught.value.status == 404 and "<" not in str(caught.value)
