"""What the SDK raises, as our ApiError: plain words, a remedy, and whether the call may have taken effect."""

from __future__ import annotations

from typing import Any

import httpx2
from google.genai import errors as sdk_errors

from batch.errors import ApiError
from batch.responses import service_errors
from gemini.redaction import redact

UNKNOWN_REFUSALS = {  # what the status alone says; it names no cause, and so no remedy
    "PERMISSION_DENIED": "Google does not allow this.",
    "FAILED_PRECONDITION": "Google does not do this in the present state of things.",
    "INVALID_ARGUMENT": "Google does not accept the request.",
    "NOT_FOUND": "Google does not find what the request names.",
    "RESOURCE_EXHAUSTED": "A limit of this project was hit.",
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
    status, status_word = int(error.code or 0) or None, str(error.status or "")
    details = _details(error.details)
    reason = next((str(d["reason"]) for d in details if d.get("reason")), "") or status_word
    said = str(error.message or "")
    service_text = redact(f"{'' if _is_html(said) else said}{_describe_quotas(details)}", key).strip()
    explanation = service_errors.classify_error(service_text, reason, status_word)
    known_message = explanation.message if explanation else UNKNOWN_REFUSALS.get(status_word, "")
    quoted = f"Google said: {service_text}" if service_text else ""
    return ApiError(
        f"{known_message} {quoted}".strip() or f"The API answered {status}.",
        explanation.remedy if explanation else "",
        status=status,
        reason=reason,
        status_word=status_word,
        service_text=service_text,
        retry_after=_retry_after(details, _header(error, "retry-after")),
        ambiguous=status is None or status >= 500 or status == 408,
    )


def _is_html(text: str) -> bool:
    """Whether a reply is a web page, as those of proxies and of routes that do not exist are: nobody can read that."""
    return text.lstrip()[:1] == "<"


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
