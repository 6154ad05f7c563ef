"""Which project a call belongs to. Any key is a project of its own, but for the prefixes that are refused.

Keys are never kept: a project is known by a hash of its key.
"""

from hashlib import blake2b

from starlette.requests import Request

from emulator.core.errors import ServiceError

_SERVICE = "generativelanguage.googleapis.com"


def _error_info(reason: str) -> list[dict[str, object]]:
    return [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": {"service": _SERVICE},
        }
    ]


REFUSED_KEY_PREFIXES: dict[str, tuple[int, str, list[dict[str, object]]]] = {  # prefix -> code, text, details
    "invalid-": (3, "API key not valid. Please pass a valid API key.", _error_info("API_KEY_INVALID")),
    "unauth-": (
        16,
        "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other "
        "valid authentication credential.",
        _error_info("CREDENTIALS_MISSING"),
    ),
    "forbidden-": (7, f"Requests to this API {_SERVICE} are blocked.", _error_info("API_KEY_SERVICE_BLOCKED")),
    "region-": (9, "User location is not supported for the API use.", []),
}
_NO_KEY_MESSAGE = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)


def project_of_call(request: Request) -> str:
    """The project of a call. Raises what the service answers to a key it does not take."""
    key = api_key_of(request)
    if not key:
        raise ServiceError(7, _NO_KEY_MESSAGE)
    for prefix, (code, text, details) in REFUSED_KEY_PREFIXES.items():
        if key.startswith(prefix):
            raise ServiceError(code, text, details)
    return project_id(key)


def api_key_of(request: Request) -> str:
    return request.headers.get("x-goog-api-key") or request.query_params.get("key", "")


def project_id(key: str) -> str:
    """The hash by which a project is known. Free-tier projects can be told by their first letter."""
    digest = blake2b(key.encode(), digest_size=8).hexdigest()
    return ("f" if key.startswith("free-") else "p") + digest
