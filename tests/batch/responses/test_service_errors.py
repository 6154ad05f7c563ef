"""Every refusal that was seen on the wire is recognised and answered with a remedy."""

from __future__ import annotations

import pytest

from batch.errors import ApiError
from batch.model import Usage
from batch.responses import service_errors
from batch.responses.error_rules import RULES, ErrorKind, Treatment

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
    (
        "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your "
        "project and billing.",
        ErrorKind.PREPAY_EMPTY,
        "prepayment credits are used up",
    ),
    (
        "Your project has exceeded its monthly spending cap. Please go to AI Studio at https://ai.studio/spend",
        ErrorKind.SPEND_CAP,
        "reached its spending cap",
    ),
    (
        "Lightning dunning decision is deny for project: projects/123456",
        ErrorKind.DUNNING,
        "the key is not at fault",
    ),
    (
        "This API method requires billing to be enabled. Please enable billing on project #123.",
        ErrorKind.BILLING_OFF,
        "Billing is not enabled",
    ),
    (
        "Your API key was reported as leaked. Please use another API key.",
        ErrorKind.LEAKED_KEY,
        "Make a new API key",
    ),
    (
        "Permission denied: Consumer 'api_key:made-up' has been suspended.",
        ErrorKind.SUSPENDED,
        "suspended this key's project",
    ),
    (
        "Requests to this API generativelanguage.googleapis.com method "
        "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent are blocked.",
        ErrorKind.KEY_RESTRICTED,
        "API_KEY_SERVICE_BLOCKED",
    ),
    ("Requests from referer <empty> are blocked.", ErrorKind.KEY_RESTRICTED, "API_KEY_HTTP_REFERRER_BLOCKED"),
    (
        "The provided API key has an IP address restriction. The originating IP address of the call (192.0.2.7) "
        "violates this restriction.",
        ErrorKind.KEY_RESTRICTED,
        "API_KEY_IP_ADDRESS_BLOCKED",
    ),
    (
        "Requests from this Android client application <empty> are blocked.",
        ErrorKind.KEY_RESTRICTED,
        "mobile applications",
    ),
    (
        "Generative Language API has not been used in project 123 before or it is disabled. Enable it by visiting "
        "https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview then retry.",
        ErrorKind.API_DISABLED,
        "SERVICE_DISABLED",
    ),
    (
        "The File f1 is not in an ACTIVE state and usage is not allowed.",
        ErrorKind.FILE_NOT_ACTIVE,
        "still processing",
    ),
    (
        "This model is currently experiencing high demand. Spikes in demand are usually temporary.",
        ErrorKind.OVERLOADED,
        "Try again",
    ),
    (
        "This model models/gemini-2.0-flash is no longer available. Please update your code to use a newer model.",
        ErrorKind.MODEL_RETIRED,
        "shut this model down",
    ),
    (
        "The specified schema produces a constraint that has too many states for serving. Typical causes of this "
        "error are schemas with lots of text, very long array length limits, or complex value matchers.",
        ErrorKind.SCHEMA_TOO_LARGE,
        "response schema",
    ),
    (
        "A schema in GenerationConfig in the request exceeds the maximum allowed nesting depth.",
        ErrorKind.SCHEMA_TOO_LARGE,
        "less nesting",
    ),
    (
        "* GenerateContentRequest.generation_config.response_schema.properties[m].properties: should be non-empty "
        "for OBJECT type",
        ErrorKind.SCHEMA_REFUSED,
        "generation_config.response_schema.properties[m].properties",
    ),
    (
        "Please ensure that the number of function response parts is equal to the number of function call parts of "
        "the function call turn.",
        ErrorKind.TOOL_EXCHANGE,
        "must stand together",
    ),
    (
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
        ErrorKind.TOOL_EXCHANGE,
        "must stand together",
    ),
    ("The operation was cancelled.", ErrorKind.CANCELLED, "before it was served"),
    (
        "Unable to process input image. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting",
        ErrorKind.PLEASE_RETRY,
        "may succeed next time",
    ),
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
    assert found.message.endswith(".") and (found.remedy.endswith(".") or found.kind is ErrorKind.SUSPENDED)
    assert "{" not in found.message + found.remedy


def test_it_is_also_recognised_inside_the_words_that_the_client_puts_around_it() -> None:
    for text, kind, _ in SEEN:
        found = service_errors.classify_error(f"A limit of this project was hit. Google said: {text}")
        assert found is not None and found.kind is kind


def test_every_kind_has_a_rule_and_a_case() -> None:
    assert {rule.kind for rule in RULES} == set(ErrorKind) == {kind for _, kind, _ in SEEN}


def test_the_figures_in_a_text_are_read_as_numbers() -> None:
    small = service_errors.classify_error(SEEN[0][0])
    free = service_errors.classify_error(SEEN[4][0])
    assert small is not None and small.numbers == {"tokens": 16, "minimum": 1024}
    assert free is not None and free.numbers == {"limit": 0, "tokens": 2316}


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("CachedContent not found (or permission denied)", 7, ErrorKind.CACHE_GONE),
        ("The caller does not have permission", 7, ErrorKind.NO_PERMISSION),
        ("The File x is not in an ACTIVE state and usage is not allowed.", 9, ErrorKind.FILE_NOT_ACTIVE),
        ("", 14, ErrorKind.OVERLOADED),
        ("", 13, ErrorKind.SERVER_ERROR),
        ("", 7, None),
        ("Request contains an invalid argument.", 3, None),
    ],
)
def test_the_error_of_a_row_is_known_by_its_text_and_else_by_its_code(
    text: str, code: int, kind: ErrorKind | None
) -> None:
    found = service_errors.classify_row_error(text, code)
    assert (found and found.kind) == kind


def refusal(text: str, status: int, word: str, reason: str = "") -> ApiError:
    """An error as the client makes it of a body."""
    return ApiError(f"Google said: {text}", status=status, status_word=word, reason=reason or word, service_text=text)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refusal("?", 400, "INVALID_ARGUMENT", "API_KEY_INVALID"), ErrorKind.BAD_KEY),
        (refusal("?", 401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"), ErrorKind.KEY_KIND),
        (refusal("?", 401, "UNAUTHENTICATED"), ErrorKind.KEY_KIND),
        (refusal("?", 403, "PERMISSION_DENIED", "SERVICE_DISABLED"), ErrorKind.API_DISABLED),
        (refusal("?", 403, "PERMISSION_DENIED", "API_KEY_IOS_APP_BLOCKED"), ErrorKind.KEY_RESTRICTED),
        (refusal("?", 403, "PERMISSION_DENIED", "BILLING_DISABLED"), ErrorKind.BILLING_OFF),
        (refusal("The model is overloaded.", 403, "PERMISSION_DENIED", "SERVICE_DISABLED"), ErrorKind.API_DISABLED),
        (refusal("?", 503, "UNAVAILABLE"), ErrorKind.OVERLOADED),
        (refusal("?", 503, "UNAVAILABLE", "SOMETHING_NEW"), ErrorKind.OVERLOADED),
        (refusal(SEEN[0][0], 400, "INVALID_ARGUMENT"), ErrorKind.CACHE_TOO_SMALL),
    ],
)
def test_the_reason_in_the_details_decides_before_the_text_and_that_before_the_status(
    error: ApiError, kind: ErrorKind
) -> None:
    found = service_errors.classify_api_error(error)
    assert found is not None and found.kind is kind


@pytest.mark.parametrize(
    ("text", "status", "word"),
    [
        ("", 400, "INVALID_ARGUMENT"),
        ("Request contains an invalid argument.", 400, "INVALID_ARGUMENT"),
        ("Precondition check failed.", 400, "FAILED_PRECONDITION"),
        ("Something new about your project.", 403, "PERMISSION_DENIED"),
        ("The weekly allowance of your organisation is used up.", 429, "RESOURCE_EXHAUSTED"),
        ("Prepayment credits are added to your project within an hour.", 400, "FAILED_PRECONDITION"),
        ("The parameter temperature is no longer supported here.", 400, "INVALID_ARGUMENT"),
        ("Requested entity was not found.", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_known_is_not_guessed(text: str, status: int, word: str) -> None:
    assert service_errors.classify_api_error(refusal(text, status, word)) is None
    assert not service_errors.must_pause(refusal(text, status, word))


BY_KIND = {kind: text for text, kind, _ in SEEN}
ACCOUNT_KINDS = {ErrorKind.PREPAY_EMPTY, ErrorKind.SPEND_CAP, ErrorKind.DUNNING, ErrorKind.BILLING_OFF}
KEY_KINDS = {ErrorKind.LEAKED_KEY, ErrorKind.SUSPENDED, ErrorKind.KEY_RESTRICTED, ErrorKind.API_DISABLED}
KEY_KINDS |= {ErrorKind.BAD_KEY, ErrorKind.KEY_KIND}
PASSING_KINDS = {ErrorKind.OVERLOADED, ErrorKind.SERVER_ERROR, ErrorKind.CANCELLED, ErrorKind.PLEASE_RETRY}
PASSING_KINDS |= {ErrorKind.FILE_NOT_ACTIVE, ErrorKind.QUOTA}
GONE_KINDS = {ErrorKind.CACHE_GONE, ErrorKind.NO_PERMISSION}


@pytest.mark.parametrize("kind", ErrorKind, ids=lambda kind: kind.value)
def test_each_kind_has_one_treatment_whatever_the_status_says(kind: ErrorKind) -> None:
    for status, word in ((400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED"), (429, "RESOURCE_EXHAUSTED")):
        error = refusal(BY_KIND[kind], status, word)
        assert service_errors.must_pause(error) is (kind in ACCOUNT_KINDS)
        assert (service_errors.treatment(error) is Treatment.STOP) is (kind in KEY_KINDS)
        assert service_errors.is_gone(error) is (kind in GONE_KINDS)
        assert service_errors.is_permanent(error) is (kind not in ACCOUNT_KINDS | PASSING_KINDS)


@pytest.mark.parametrize(
    ("error", "gone", "permanent"),
    [
        (refusal("Requested entity was not found.", 404, "NOT_FOUND"), True, True),
        (refusal("Invalid resource name.", 400, "INVALID_ARGUMENT"), False, True),
        (ApiError("No such job.", status=404), True, True),
        (ApiError("?", status=410), True, True),
        (ApiError("?", status=429), False, False),
        (ApiError("?", status=408), False, False),
        (ApiError("?", status=500), False, False),
        (ApiError("The API cannot be reached.", reason="NETWORK"), False, False),
    ],
)
def test_what_no_rule_knows_is_judged_by_its_http_status(error: ApiError, gone: bool, permanent: bool) -> None:
    assert service_errors.treatment(error) is None
    assert service_errors.is_gone(error) is gone
    assert service_errors.is_permanent(error) is permanent


def test_a_name_that_is_refused_counts_as_gone_only_where_the_caller_says_so() -> None:
    """A file's own name may be refused with 400; a cache whose deletion is refused lives on."""
    error = refusal("Invalid resource name.", 400, "INVALID_ARGUMENT")
    assert service_errors.is_gone(error, or_bad_name=True)
    assert not service_errors.is_gone(error)


def test_a_file_that_is_not_ready_is_named() -> None:
    found = service_errors.classify_error("The File f1 is not in an ACTIVE state and usage is not allowed.")
    assert found is not None and found.words == {"file": "f1"} and found.treatment is Treatment.AWAIT_FILE


def test_only_the_beginning_of_a_text_is_searched() -> None:
    far = "x" * service_errors.MAX_TEXT + BY_KIND[ErrorKind.DUNNING]
    assert service_errors.classify_error(far) is None


def test_cached_text_that_is_sent_again_is_suspected_because_the_service_accepts_it_silently() -> None:
    assert "6,963 tokens were paid in full beside 7,021 cached ones" in service_errors.warn_if_cache_text_resent(
        Usage(13_984, 7_021)
    )
    assert service_errors.warn_if_cache_text_resent(Usage(7_100, 7_021)) == ""
    assert service_errors.warn_if_cache_text_resent(Usage(100, 0)) == ""
