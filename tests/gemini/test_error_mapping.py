"""What the service and the network say, in plain words, without the key."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import pytest
from google.genai import errors

from batch.responses import service_errors
from batch.responses.error_rules import ErrorKind, Treatment
from gemini.error_mapping import to_api_error
from gemini.redaction import redact

KEY = "AIzaSyMadeUpForTests0123456789012345678"


def api_error(code: int, body: Mapping[str, object]) -> errors.APIError:
    return (
        errors.ClientError(code, {"error": {"code": code, **body}})
        if code < 500
        else errors.ServerError(code, {"error": {"code": code, **body}})
    )


def test_an_invalid_key_is_told_from_its_reason_and_never_repeated() -> None:
    body = {
        "message": f"API key not valid: {KEY}",
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
    error = to_api_error(api_error(400, body), KEY)
    assert error.reason == "API_KEY_INVALID"
    assert "does not accept this API key" in str(error)
    assert KEY not in str(error)
    assert service_errors.is_permanent(error) and service_errors.treatment(error) is Treatment.STOP


@pytest.mark.parametrize(
    ("code", "status", "text", "words", "has_remedy"),
    [
        (401, "UNAUTHENTICATED", "m", "this kind of key", True),
        (503, "UNAVAILABLE", "m", "overloaded", True),
        (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", "region", True),
        (400, "FAILED_PRECONDITION", "Precondition check failed.", "Precondition check failed.", False),
        (403, "PERMISSION_DENIED", "Something new.", "Google said: Something new.", False),
        (429, "RESOURCE_EXHAUSTED", "Something new.", "Google said: Something new.", False),
    ],
)
def test_a_known_failure_has_a_remedy_and_an_unknown_one_the_services_own_words(
    code: int, status: str, text: str, words: str, has_remedy: bool
) -> None:
    error = to_api_error(api_error(code, {"message": text, "status": status}))
    assert words in str(error)
    assert bool(error.remedy) is has_remedy
    assert (error.service_text, error.status_word) == (text, status)
    assert error.ambiguous is (code >= 500)


def test_retry_delay_is_honoured_unless_the_quota_is_per_day() -> None:
    """For a daily quota the short retryDelay means nothing (seen in public threads)."""
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38.2s"}
    daily = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
    body = {"message": "m", "status": "RESOURCE_EXHAUSTED"}
    assert to_api_error(api_error(429, {**body, "details": [delay]})).retry_after == 38.2
    assert to_api_error(api_error(429, {**body, "details": [delay, daily]})).retry_after is None


def test_the_name_of_a_quota_stays_in_the_message() -> None:
    """The generic text of a 429 does not tell the free tier from a queue that is full; the quota's name does."""
    quota = {"violations": [{"quotaId": "BatchRequestsPerProjectPerModel-FreeTier", "quotaValue": "0"}]}
    body = {"message": "You exceeded your current quota.", "status": "RESOURCE_EXHAUSTED", "details": [quota]}
    error = to_api_error(api_error(429, body))
    assert "(quota BatchRequestsPerProjectPerModel-FreeTier)" in str(error)
    found = service_errors.classify_api_error(error)
    assert found is not None and found.kind is ErrorKind.FREE_TIER


@pytest.mark.parametrize("delay", ["nan", "inf", "-5s", "0s", "1e12s", "soon", ""])
def test_a_retry_delay_that_cannot_be_meant_is_no_delay(delay: str) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    body = {"message": "m", "status": "RESOURCE_EXHAUSTED", "details": details}
    assert to_api_error(api_error(429, body)).retry_after is None


def test_a_retry_after_header_is_honoured() -> None:
    body = {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}
    reply = httpx2.Response(429, headers={"Retry-After": "17"}, json=body)
    with pytest.raises(errors.APIError) as caught:
        errors.APIError.raise_for_response(reply)
    assert to_api_error(caught.value).retry_after == 17


def test_only_calls_that_may_have_taken_effect_are_ambiguous() -> None:
    request = httpx2.Request("POST", "http://127.0.0.1")
    assert not to_api_error(httpx2.ConnectError("refused", request=request)).ambiguous
    assert to_api_error(httpx2.ReadTimeout("slow", request=request)).ambiguous
    assert to_api_error(httpx2.RemoteProtocolError("cut", request=request)).ambiguous


@pytest.mark.parametrize("text", [f"GET /x?key={KEY}", f"x-goog-api-key: {KEY}", f"said {KEY}."])
def test_keys_are_taken_out_of_any_text(text: str) -> None:
    assert KEY not in redact(text)
