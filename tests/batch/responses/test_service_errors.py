"""Every refusal that was seen on the wire is recognised and answered with a remedy."""

from __future__ import annotations

import pytest

from batch.errors import ApiError
from batch.model import Usage
from batch.responses import service_errors
from batch.responses.service_errors import ErrorKind

QUOTA = "You exceeded your current quota, please check your plan and billing details."
SEEN = [  # the service's text, what it is, and words that its explanation or remedy must have
    (
        "Cached content is too small. total_token_count=16, min_total_token_count=1024",
        ErrorKind.CACHE_TOO_SMALL,
        "has 16 tokens; an explicit cache on this model needs at least 1,024",
    ),
    (
        "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config."
        "\n\nProposed fix: move those values to CachedContent from GenerateContent request.",
        ErrorKind.CACHE_CONFLICT,
        "Put them into the cache",
    ),
    ("CachedContent not found (or permission denied)", ErrorKind.CACHE_GONE, "Create it again"),
    (
        "Model used by GenerateContent request (models/gemini-3.8-flash) and CachedContent "
        "(models/gemini-2.5-flash) has to be the same.",
        ErrorKind.CACHE_WRONG_MODEL,
        "Choose gemini-2.5-flash for the run, or create the cache for gemini-3.8-flash",
    ),
    (
        "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for cached content: limit=0, requested=2316",
        ErrorKind.CACHE_FREE_TIER,
        "Enable billing",
    ),
    (
        "Invalid JSON payload received. Unknown name \"cached_content\" at 'generation_config': Cannot find field.",
        ErrorKind.CACHE_MISPLACED,
        "beside `contents`",
    ),
    (
        "Invalid JSON payload received. Unknown name \"cachedContent\" at 'batch.input_config.requests.requests[0]': "
        "Cannot find field.",
        ErrorKind.CACHE_MISPLACED,
        "beside `contents`",
    ),
    (
        "Model gemini-2.5-flash-001 does not support cached content with batch prediction.",
        ErrorKind.CACHE_NOT_IN_BATCH,
        "gemini-2.5-flash-001 does not take explicit caches in batch jobs on Vertex AI",
    ),
    (
        "models/gemini-x is not found for API version v1beta, or is not supported for createCachedContent. "
        "Call ModelService.ListModels to see the list of available models and their supported methods.",
        ErrorKind.CACHE_UNSUPPORTED,
        "without an explicit cache",
    ),
    (
        "The input token count exceeds the maximum number of tokens allowed 1048576.",
        ErrorKind.CONTEXT_TOO_LONG,
        "longer than the 1,048,576 tokens",
    ),
    (
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        ErrorKind.CONTEXT_TOO_LONG,
        "longer than the 1,048,576 tokens",
    ),
    (
        "Invalid JSON payload received. Unknown name \"x\" at 'batch.input_config.requests.requests[0]': "
        "Cannot find field.",
        ErrorKind.UNKNOWN_FIELD,
        "does not know: x.",
    ),
    ("no such field: 'thinking_config'", ErrorKind.UNKNOWN_FIELD, "thinking_config"),
    (
        "This model models/gemini-2.5-flash is no longer available to new users. Please update your code.",
        ErrorKind.NOT_FOR_NEW_USERS,
        "Choose a newer model",
    ),
    (
        "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent. Call "
        "ModelService.ListModels to see the list of available models.",
        ErrorKind.UNKNOWN_MODEL,
        "no model gemini-9",
    ),
    ("User location is not supported for the API use.", ErrorKind.REGION, "Enable billing"),
    ("API key not valid. Please pass a valid API key.", ErrorKind.BAD_KEY, "whole key"),
    ("Request had invalid authentication credentials.", ErrorKind.KEY_KIND, "Make an API key"),
    (
        "You do not have permission to access the File abc or it may not exist.",
        ErrorKind.NO_PERMISSION,
        "files last 48 hours",
    ),
    ("The caller does not have permission", ErrorKind.NO_PERMISSION, "this key's project"),
    (
        f"{QUOTA}\n* Quota exceeded for metric: generativelanguage.googleapis.com/"
        "generate_content_free_tier_requests, limit: 20",
        ErrorKind.FREE_TIER,
        "Enable billing",
    ),
    ("The project has exceeded its monthly spending cap.", ErrorKind.SPEND_CAP, "raise the limit"),
    (QUOTA, ErrorKind.QUOTA, "Wait for running jobs"),
    ("Resource has been exhausted (e.g. check quota).", ErrorKind.QUOTA, "Wait for running jobs"),
    ("The model is overloaded. Please try again later.", ErrorKind.OVERLOADED, "Try again"),
    (
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting",
        ErrorKind.SERVER_ERROR,
        "Try again",
    ),
    ("Deadline expired before operation could complete.", ErrorKind.SERVER_ERROR, "Try again"),
]


@pytest.mark.parametrize(("text", "kind", "says"), SEEN, ids=[f"{i}-{k.value}" for i, (_, k, _) in enumerate(SEEN)])
def test_a_text_of_the_service_is_recognised_with_a_remedy(text: str, kind: ErrorKind, says: str) -> None:
    found = service_errors.classify_error(text)
    assert found is not None
    assert found.kind is kind
    assert says in f"{found.message} {found.remedy}"
    assert found.message.endswith(".") and found.remedy.endswith(".")
    assert "{" not in found.message + found.remedy


def test_it_is_also_recognised_inside_the_words_that_the_client_puts_around_it() -> None:
    for text, kind, _ in SEEN:
        found = service_errors.classify_error(f"A limit of this project was hit. Google said: {text}")
        assert found is not None and found.kind is kind


def test_every_kind_has_a_rule_and_a_case() -> None:
    assert {rule.kind for rule in service_errors.RULES} == set(ErrorKind) == {kind for _, kind, _ in SEEN}


def test_the_figures_in_a_text_are_read_as_numbers() -> None:
    small = service_errors.classify_error(SEEN[0][0])
    free = service_errors.classify_error(SEEN[4][0])
    assert small is not None and small.numbers == {"tokens": 16, "minimum": 1024}
    assert free is not None and free.numbers == {"limit": 0, "tokens": 2316}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CachedContent not found (or permission denied)", ErrorKind.CACHE_GONE),
        ("The caller does not have permission", ErrorKind.NO_PERMISSION),
        ("", ErrorKind.NO_PERMISSION),
    ],
)
def test_a_row_that_failed_by_its_cache_is_told_from_other_lacks_of_permission(text: str, kind: ErrorKind) -> None:
    found = service_errors.classify_error(text, 7)
    assert found is not None and found.kind is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ApiError("?", reason="API_KEY_INVALID", status=400), ErrorKind.BAD_KEY),
        (ApiError("?", reason="CREDENTIALS_MISSING", status=401), ErrorKind.KEY_KIND),
        (ApiError("?", reason="FAILED_PRECONDITION", status=400), ErrorKind.REGION),
        (ApiError("?", reason="RESOURCE_EXHAUSTED", status=429), ErrorKind.QUOTA),
        (ApiError("?", reason="UNAVAILABLE", status=503), ErrorKind.OVERLOADED),
        (ApiError(SEEN[0][0], reason="INVALID_ARGUMENT", status=400), ErrorKind.CACHE_TOO_SMALL),
    ],
)
def test_an_error_is_recognised_by_its_text_or_else_by_its_reason(error: ApiError, kind: ErrorKind) -> None:
    found = service_errors.classify_api_error(error)
    assert found is not None and found.kind is kind


@pytest.mark.parametrize("text", ["", "Request contains an invalid argument.", "Something new."])
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    assert service_errors.classify_error(text) is None
    assert service_errors.classify_api_error(ApiError(text, reason="INVALID_ARGUMENT")) is None


def test_cached_text_that_is_sent_again_is_suspected_because_the_service_accepts_it_silently() -> None:
    assert "6,963 tokens were paid in full beside 7,021 cached ones" in service_errors.warn_if_cache_text_resent(
        Usage(13_984, 7_021)
    )
    assert service_errors.warn_if_cache_text_resent(Usage(7_100, 7_021)) == ""
    assert service_errors.warn_if_cache_text_resent(Usage(100, 0)) == ""
