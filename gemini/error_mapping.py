"""What the SDK raises, as our ApiError: plain words, a remedy, and whether the call may have taken effect."""

from __future__ import annotations

from typing import Any

import httpx2
from google.genai import errors as sdk_errors

from batch.errors import ApiError
from gemini.redaction import redact

REMEDIES = {
    "API_KEY_INVALID": ("Google does not accept this API key.", "Check that the whole key was pasted."),
    "UNAUTHENTICATED": (
        "Google does not accept this kind of key here.",
        "Make an API key for the Gemini API in Google AI Studio.",
    ),
    "PERMISSION_DENIED": (
        "This key may not do that.",
        "Check the key's restrictions and that the Gemini API is enabled for its project.",
    ),
    "FAILED_PRECONDITION": (
        "The free tier is not available in this region, or billing is not enabled.",
        "Enable billing for the key's project in Google AI Studio.",
    ),
    "INVALID_ARGUMENT": ("Google does not accept the request.", "Correct what it says, and submit again."),
    "NOT_FOUND": ("Google does not find what the request names.", "Check the model, and submit again."),
    "RESOURCE_EXHAUSTED": (
        "A limit of this project was hit.",
        "Wait for running jobs to end, or raise the project's tier.",
    ),
    "UNAVAILABLE": ("The service is overloaded.", "It is tried again by itself."),
    "INTERNAL": ("The service had an internal error.", "It is tried again by itself."),
    "DEADLINE_EXCEEDED": ("The service took too long.", "It is tried again by itself."),
}
MAX_RETRY_SECONDS = 86_400.0  # a longer delay is a slip, not advice
NETWORK_REMEDY = "Check the network connection; it is tried again by itself."


def to_api_error(error: BaseException, key: str = "") -> ApiError:
    """The ApiError for what the SDK or its HTTP client raised."""
    if isinstance(error, sdk_errors.APIError):
        return _from_status(error, key)
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return ApiError("The API cannot be reached.", NETWORK_REMEDY, reason="NETWORK")
    if isinstance(error, httpx2.TimeoutException):
        return ApiError("The API did not answer in time.", NETWORK_REMEDY, reason="TIMEOUT", ambiguous=True)
    if isinstance(error, httpx2.HTTPError):
        return ApiError(
            "The connection broke before the reply was complete.", NETWORK_REMEDY, reason="NETWORK", ambiguous=True
        )
    return ApiError("The reply could not be read.", reason="MALFORMED", ambiguous=True)


def _from_status(error: sdk_errors.APIError, key: str) -> ApiError:
    status = int(error.code or 0) or None
    details = _details(error.details)
    reason = next((d["reason"] for d in details if d.get("reason")), "") or str(error.status or "")
    known_message, remedy = REMEDIES.get(reason, REMEDIES.get(str(error.status or ""), ("", "")))
    service_text = redact(f"{error.message or ''}{_describe_quotas(details)}", key).strip()
    message = (
        f"{known_message} Google said: {service_text}"
        if known_message and service_text
        else known_message or service_text or f"The API answered {status}."
    )
    return ApiError(
        message,
        remedy,
        status=status,
        reason=reason,
        retry_after=_retry_after(details, _header(error, "retry-after")),
        ambiguous=status is None or status >= 500 or status == 408,
    )


def _header(error: sdk_errors.APIError, name: str) -> str:
    headers = getattr(error.response, "headers", None) or {}
    return str(headers.get(name) or "")


def _details(body: Any) -> list[dict[str, Any]]:
    """The `details` objects of an error body, whatever shape it arrived in."""
    inner = body.get("error", body) if isinstance(body, dict) else {}
    details = inner.get("details") if isinstance(inner, dict) else None
    return [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []


def _describe_quotas(details: list[dict[str, Any]]) -> str:
    """The names of the quotas that were hit: only they tell the free tier, or a day, from anything else."""
    names = dict.fromkeys(str(v["quotaId"]) for d in details for v in d.get("violations") or [] if v.get("quotaId"))
    return f" (quota {', '.join(names)})" if names else ""


def _retry_after(details: list[dict[str, Any]], header: str) -> float | None:
    """Seconds of a RetryInfo's retryDelay ("38.2s") or of a Retry-After header, if they mean something."""
    delay = next((str(d["retryDelay"]) for d in details if d.get("retryDelay")), header)
    per_day = any("PerDay" in str(v.get("quotaId", "")) for d in details for v in d.get("violations") or [])
    try:
        seconds = float(delay.rstrip("s"))
    except ValueError:  # also a Retry-After that is a date
        return None
    return seconds if not per_day and 0 < seconds <= MAX_RETRY_SECONDS else None
