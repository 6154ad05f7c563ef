"""What the service says when it refuses: one exception, one table of codes, the texts users have reported.

Every text that was seen on the wire is copied here once, with the place it was seen.
"""

from typing import Any

GRPC_CODES: dict[int, tuple[str, int]] = {  # google.rpc.Code -> its name and the HTTP status that carries it
    1: ("CANCELLED", 499),
    2: ("UNKNOWN", 500),
    3: ("INVALID_ARGUMENT", 400),
    4: ("DEADLINE_EXCEEDED", 504),
    5: ("NOT_FOUND", 404),
    6: ("ALREADY_EXISTS", 409),
    7: ("PERMISSION_DENIED", 403),
    8: ("RESOURCE_EXHAUSTED", 429),
    9: ("FAILED_PRECONDITION", 400),
    10: ("ABORTED", 409),
    11: ("OUT_OF_RANGE", 400),
    12: ("UNIMPLEMENTED", 501),
    13: ("INTERNAL", 500),
    14: ("UNAVAILABLE", 503),
    15: ("DATA_LOSS", 500),
    16: ("UNAUTHENTICATED", 401),
}
CODE_OF_NAME = {name: code for code, (name, _) in GRPC_CODES.items()}
CODE_OF_HTTP = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 499: 1, 500: 13, 501: 12, 503: 14, 504: 4}

QUOTA_MESSAGE = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)
DEFAULT_MESSAGES: dict[int, str] = {  # the usual sentence of a code, for faults and for rows that are told to fail
    1: "The operation was cancelled.",  # of rows, in jobs that nobody cancelled (a research log, 2026-09-09)
    3: "Request contains an invalid argument.",
    4: "Deadline expired before operation could complete.",
    5: "Requested entity was not found.",
    7: "The caller does not have permission",
    8: "Resource has been exhausted (e.g. check quota).",  # gemini-cli issue 2020
    13: "An internal error has occurred. Please retry or report in "  # python-genai issue 1341
    "https://developers.generativeai.google/guide/troubleshooting",
    14: "The model is overloaded. Please try again later.",
    16: "Request had invalid authentication credentials.",
}
ACCOUNT_REFUSALS: dict[str, tuple[int, str]] = {  # state of the project's account -> code and text, as users quote them
    "prepay_empty": (
        8,
        "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your "
        "project and billing.",
    ),
    "spend_cap": (  # how it ends is assumed
        8,
        "Your project has exceeded its monthly spending cap. Please go to AI Studio at https://ai.studio/spend to "
        "manage your project spend cap.",
    ),
    "dunning": (7, "Lightning dunning decision is deny for project: projects/123456789012"),
    "leaked": (7, "Your API key was reported as leaked. Please use another API key."),
}
HELP_DETAIL = {
    "@type": "type.googleapis.com/google.rpc.Help",
    "links": [
        {
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
        }
    ],
}


class ServiceError(Exception):
    """A refusal in the service's own words. `code` is the gRPC code: its number or its name."""

    def __init__(self, code: int | str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code if isinstance(code, int) else CODE_OF_NAME[code]
        self.message = message
        self.details = details

    @property
    def http_status(self) -> int:
        return GRPC_CODES[self.code][1]

    def body(self) -> dict[str, Any]:
        """The error object of an HTTP answer."""
        return envelope(self.http_status, GRPC_CODES[self.code][0], self.message, self.details)

    def row_status(self) -> dict[str, Any]:
        """The google.rpc.Status of a result row: a gRPC number and no details (SDK 3.4.0 breaks on objects there)."""
        return {"code": self.code, "message": self.message}


def envelope(
    http_status: int, status: str, message: str, details: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Wrap a refusal as `{"error": {code, message, status, details?}}`."""
    error: dict[str, Any] = {"code": http_status, "message": message, "status": status}
    if details:
        error["details"] = details
    return {"error": error}


def invalid(message: str) -> ServiceError:
    """400 INVALID_ARGUMENT."""
    return ServiceError(3, message)


def payload_too_large(limit: int) -> ServiceError:
    """400 of a request that is too large as a whole."""
    return invalid(f"Request payload size exceeds the limit: {limit} bytes.")


def not_found(message: str = DEFAULT_MESSAGES[5]) -> ServiceError:
    """404 NOT_FOUND."""
    return ServiceError(5, message)


def denied(message: str) -> ServiceError:
    """403 PERMISSION_DENIED: the service's answer for files and caches that are absent or another's."""
    return ServiceError(7, message)


def exhausted(message: str = QUOTA_MESSAGE, details: list[dict[str, Any]] | None = None) -> ServiceError:
    """429 RESOURCE_EXHAUSTED. Batch refusals carry a Help link and nothing else (js-genai 1264, python-genai 1901)."""
    return ServiceError(8, message, details if details is not None else [HELP_DETAIL])


def account_refused(account: str) -> ServiceError:
    """The 429 or 403 of an account that may not spend. It carries no details."""
    return ServiceError(*ACCOUNT_REFUSALS[account])


def over_quota(metric: str, quota_id: str, value: int, model: str | None = None) -> ServiceError:
    """429 that names its quota, as file storage and free-tier limits do (python-genai 1172)."""
    violation: dict[str, Any] = {
        "quotaMetric": f"generativelanguage.googleapis.com/{metric}",
        "quotaId": quota_id,
        "quotaValue": str(value),
    }
    if model:
        violation["quotaDimensions"] = {"location": "global", "model": model}
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    text = f"{QUOTA_MESSAGE}\n* Quota exceeded for metric: {violation['quotaMetric']}, limit: {value}"
    return exhausted(text + (f", model: {model}" if model else ""), [failure, HELP_DETAIL])


def storage_full(limit: int) -> ServiceError:
    """429 of a project whose file storage is full, with a delay of centuries (python-genai 1172)."""
    refusal = over_quota("file_storage_bytes", "FileStorageBytesPerProject", limit)
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "9223372036854775807s"}
    return exhausted(refusal.message, [*(refusal.details or []), delay])


def error_body_for_status(status: int) -> dict[str, Any]:
    """A plausible error body for an HTTP status that a fault asks for."""
    code = CODE_OF_HTTP.get(status, 2)
    if status == 429:
        return exhausted().body()
    return envelope(status, GRPC_CODES[code][0], DEFAULT_MESSAGES.get(code, "An error has been requested."))
