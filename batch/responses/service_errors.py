"""The service's refusals, recognised by their texts and told in plain words with a remedy. Pure.

The texts were collected from users' reports and recordings (2025 to 2026); new wordings are not recognised, which is
safe: the text itself is then shown. Order matters: the first rule that fits wins, the special before the general.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from batch.errors import ApiError
from batch.model import Usage

_PERMISSION_DENIED = 7  # google.rpc.Code, in a row's error


class ErrorKind(StrEnum):
    """What kind of refusal it is."""

    CACHE_TOO_SMALL = "cache_too_small"
    CACHE_CONFLICT = "cache_conflict"
    CACHE_GONE = "cache_gone"
    CACHE_WRONG_MODEL = "cache_wrong_model"
    CACHE_FREE_TIER = "cache_free_tier"
    CACHE_MISPLACED = "cache_misplaced"
    CACHE_NOT_IN_BATCH = "cache_not_in_batch"
    CACHE_UNSUPPORTED = "cache_unsupported"
    CONTEXT_TOO_LONG = "context_too_long"
    UNKNOWN_FIELD = "unknown_field"
    NOT_FOR_NEW_USERS = "not_for_new_users"
    UNKNOWN_MODEL = "unknown_model"
    REGION = "region"
    BAD_KEY = "bad_key"
    KEY_KIND = "key_kind"
    NO_PERMISSION = "no_permission"
    FREE_TIER = "free_tier"
    SPEND_CAP = "spend_cap"
    QUOTA = "quota"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"


NO_EXPLICIT_CACHES = frozenset({ErrorKind.CACHE_FREE_TIER, ErrorKind.CACHE_UNSUPPORTED, ErrorKind.CACHE_NOT_IN_BATCH})
"""This key or this model takes no explicit caches at all, whatever they hold: the run can go on only without."""


@dataclass(frozen=True)
class ErrorExplanation:
    """A refusal in plain words. `numbers` holds what its text tells in figures (see the rules for the names)."""

    kind: ErrorKind
    message: str
    remedy: str
    numbers: Mapping[str, int] = field(default_factory=dict)


class ErrorRule(NamedTuple):
    """A kind, the text it shows itself by, and what to say; named groups of the pattern fill the sentences."""

    kind: ErrorKind
    pattern: str
    message: str
    remedy: str


RULES = (
    ErrorRule(
        ErrorKind.CACHE_TOO_SMALL,
        r"too small.*?total_token_count=(?P<tokens>\d+).*?min_total_token_count=(?P<minimum>\d+)",
        "This text has {tokens} tokens; an explicit cache on this model needs at least {minimum}.",
        "Add to the shared text until it has {minimum} tokens, or send it without an explicit cache.",
    ),
    ErrorRule(
        ErrorKind.CACHE_CONFLICT,
        r"CachedContent can ?not be used with GenerateContent request setting",
        "A request that uses a cache must not set a system instruction, tools or a tool configuration of its own.",
        "Put them into the cache when it is created, and take them out of the requests.",
    ),
    ErrorRule(
        ErrorKind.CACHE_GONE,
        r"CachedContent not found",
        "The cache has expired, was deleted, or belongs to another project.",
        "Create it again: an expired cache cannot be revived. Rows that missed it cost nothing and can be sent again.",
    ),
    ErrorRule(
        ErrorKind.CACHE_WRONG_MODEL,
        r"Model used by GenerateContent request \((?:models/)?(?P<request>[^)]*)\) and CachedContent "
        r"\((?:models/)?(?P<cache>[^)]*)\) has to be the same",
        "The cache was made for {cache}; this run uses {request}. A cache works only with its own model.",
        "Choose {cache} for the run, or create the cache for {request}.",
    ),
    ErrorRule(
        ErrorKind.CACHE_FREE_TIER,
        r"CachedContentStorageTokens\w*FreeTier.*?limit=(?P<limit>\d+)(?:, requested=(?P<tokens>\d+))?",
        "Keys of the free tier cannot create explicit caches: their limit is {limit} tokens.",
        "Enable billing for the key's project in Google AI Studio, or run without an explicit cache.",
    ),
    ErrorRule(
        ErrorKind.CACHE_MISPLACED,
        r"Unknown name \"?cached_?[cC]ontent\"?",
        "`cachedContent` stands in the wrong place.",
        "It belongs beside `contents` in the request, not inside `generationConfig`.",
    ),
    ErrorRule(
        ErrorKind.CACHE_NOT_IN_BATCH,
        r"(?P<model>\S+) does not support cached content with batch prediction",
        "{model} does not take explicit caches in batch jobs on Vertex AI.",
        "Use a key of the Gemini API (Google AI Studio), or run without an explicit cache.",
    ),
    ErrorRule(
        ErrorKind.CACHE_UNSUPPORTED,
        r"(?P<model>\S+) is not found for API version \S+,? or is not supported for createCachedContent",
        "{model} does not take explicit caches.",
        "Choose a model that does, or run without an explicit cache.",
    ),
    ErrorRule(
        ErrorKind.CONTEXT_TOO_LONG,
        r"input token count \(?(?P<tokens>\d+)?\)? ?exceeds the maximum number of tokens allowed \(?(?P<limit>\d+)",
        "The prompt is longer than the {limit} tokens that the model takes.",
        "Shorten or split the text, or choose a model with a larger context window.",
    ),
    ErrorRule(
        ErrorKind.UNKNOWN_FIELD,
        r"(?:Unknown name \"(?P<name>[^\"]*)\"(?: at '(?P<place>[^']*)')?|no such field: '(?P<field>[^']*)')",
        "The request has a field that the API does not know: {name}{field}.",
        "Correct its spelling or its place; settings of the answer belong into `generationConfig`.",
    ),
    ErrorRule(
        ErrorKind.NOT_FOR_NEW_USERS,
        r"no longer available to new users",
        "Google no longer offers this model to new projects.",
        "Choose a newer model, or a key of a project that used this one before.",
    ),
    ErrorRule(
        ErrorKind.UNKNOWN_MODEL,
        r"(?:models/)?(?P<model>\S+) is not found for API version",
        "There is no model {model} for this call.",
        "Choose a model from the list; it may have been shut down or cannot run in batches.",
    ),
    ErrorRule(
        ErrorKind.REGION,
        r"User location is not supported|not available in your (?:country|region)|FAILED_PRECONDITION",
        "The free tier is not available in this region, or billing is not enabled.",
        "Enable billing for the key's project in Google AI Studio.",
    ),
    ErrorRule(
        ErrorKind.BAD_KEY,
        r"API key not valid|API_KEY_INVALID|API key expired",
        "Google does not accept this API key.",
        "Check that the whole key was pasted, and that it still exists in Google AI Studio.",
    ),
    ErrorRule(
        ErrorKind.KEY_KIND,
        r"CREDENTIALS_MISSING|invalid authentication credentials|API keys are not supported|UNAUTHENTICATED",
        "Google does not accept this kind of key here.",
        "Make an API key for the Gemini API in Google AI Studio.",
    ),
    ErrorRule(
        ErrorKind.FREE_TIER,
        r"free_tier|FreeTier",
        "A limit of the free tier was hit; batch jobs are not available on it.",
        "Enable billing for the key's project in Google AI Studio. A new tier can take a while to be seen.",
    ),
    ErrorRule(
        ErrorKind.SPEND_CAP,
        r"(?i)spend(?:ing)?[ -](?:cap|limit)",
        "The project has reached its spending limit.",
        "Wait until the limit's period is over, or raise the limit in Google AI Studio.",
    ),
    ErrorRule(
        ErrorKind.QUOTA,
        r"exceeded your current quota|[Rr]esource has been exhausted|RESOURCE_EXHAUSTED",
        "A limit of this project was hit: most often tokens waiting in batch jobs, else the number of jobs, "
        "stored files, or spending. Google does not say which.",
        "Wait for running jobs to end; cancelled jobs may count for a while yet.",
    ),
    ErrorRule(
        ErrorKind.OVERLOADED,
        r"overloaded|UNAVAILABLE",
        "The service is overloaded.",
        "Try again in some minutes.",
    ),
    ErrorRule(
        ErrorKind.NO_PERMISSION,
        r"do not have permission|does not have permission|PERMISSION_DENIED",
        "This key may not use that, or it does not exist.",
        "Check that it was made with this key's project and has not expired: files last 48 hours.",
    ),
    ErrorRule(
        ErrorKind.SERVER_ERROR,
        r"internal error has occurred|Deadline expired|INTERNAL\b|DEADLINE_EXCEEDED",
        "The service had an internal error.",
        "Try again.",
    ),
)
_COMPILED = [(rule, re.compile(rule.pattern, re.DOTALL)) for rule in RULES]


def classify_error(text: str, code: int | None = None) -> ErrorExplanation | None:
    """What a refusal's text means; None if no rule knows it.

    `code` is the gRPC integer of a failed row: 7 without a telling text is a lack of permission.
    """
    for rule, pattern in _COMPILED:
        if match := pattern.search(text):
            return _explain(rule, {name: value or "" for name, value in match.groupdict().items()})
    if code == _PERMISSION_DENIED:
        return classify_error("PERMISSION_DENIED")
    return None


def classify_api_error(error: ApiError) -> ErrorExplanation | None:
    """What an ApiError means: by its text first, then by its reason."""
    return classify_error(str(error)) or classify_error(error.reason)


def warn_if_cache_text_resent(usage: Usage) -> str:
    """A warning if requests that use a cache seem to carry its text a second time; "" if not. `usage` is all theirs.

    The service accepts that silently and bills both: 13,984 prompt for 7,021 cached tokens was measured, so about
    as many fresh as cached ones. A question as long as its document looks the same; hence a suspicion.
    """
    uncached = usage.prompt - usage.cached
    if usage.cached == 0 or abs(uncached - usage.cached) > usage.cached // 20:
        return ""
    return (
        f"{uncached:,} tokens were paid in full beside {usage.cached:,} cached ones: "
        "do the requests repeat the text that is in the cache? Then it was billed twice."
    )


def _explain(rule: ErrorRule, groups: Mapping[str, str]) -> ErrorExplanation:
    numbers = {name: int(value) for name, value in groups.items() if value.isdigit()}
    formatted = {name: f"{numbers[name]:,}" if name in numbers else value for name, value in groups.items()}
    return ErrorExplanation(rule.kind, rule.message.format(**formatted), rule.remedy.format(**formatted), numbers)
