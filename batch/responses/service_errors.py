"""The service's refusals, recognised by `details[].reason`, then by text, then by status, and told in plain words.

Pure. What the table does not know is shown as the service said it, without a remedy of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from batch.errors import ApiError
from batch.model import Usage
from batch.responses.error_rules import RULES, ErrorKind, ErrorRule, Treatment

NO_EXPLICIT_CACHES = frozenset({ErrorKind.CACHE_FREE_TIER, ErrorKind.CACHE_UNSUPPORTED, ErrorKind.CACHE_NOT_IN_BATCH})
"""This key or this model takes no explicit caches at all, whatever they hold: the run can go on only without."""

MAX_TEXT = 4_000  # characters of an error's text that are searched: reading stays linear whatever is sent
_COMPILED = [(rule, re.compile(rule.pattern, re.DOTALL)) for rule in RULES]
_BY_REASON = {reason: rule for rule in RULES for reason in rule.reasons}
_BY_STATUS = {rule.status: rule for rule in RULES if rule.status}
_GRPC_STATUS = {4: "DEADLINE_EXCEEDED", 13: "INTERNAL", 14: "UNAVAILABLE", 16: "UNAUTHENTICATED"}
_NOT_FOUND_STATUSES = (403, 404, 410)


@dataclass(frozen=True)
class ErrorExplanation:
    """A refusal in plain words. `numbers` holds what its text tells in figures, `words` the rest that it names."""

    kind: ErrorKind
    treatment: Treatment
    message: str
    remedy: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1024)
def classify_error(text: str, reason: str = "", status: str = "") -> ErrorExplanation | None:
    """What a refusal means; None if no rule knows it.

    `reason` is that of the body's `details`, `status` the name of its gRPC code. Text and reason decide before the
    status, which says little: an empty account, a full queue and a rate limit are all RESOURCE_EXHAUSTED.
    """
    if reason in _BY_REASON:
        return _explain(_BY_REASON[reason], {})
    for rule, pattern in _COMPILED:
        if match := pattern.search(text[:MAX_TEXT]):
            return _explain(rule, {name: value or "" for name, value in match.groupdict().items()})
    rule_of_status = _BY_STATUS.get(status)
    return _explain(rule_of_status, {}) if rule_of_status else None


def classify_api_error(error: ApiError) -> ErrorExplanation | None:
    """What the service meant by an error of one of our calls; None if no rule knows it."""
    return classify_error(error.service_text or str(error), error.reason, error.status_word or error.reason)


def classify_row_error(text: str, code: int) -> ErrorExplanation | None:
    """What the error of one row means; `code` is its gRPC integer, which decides only where the text does not tell."""
    return classify_error(text, "", _GRPC_STATUS.get(code, ""))


def treatment(error: ApiError) -> Treatment | None:
    """What is to be done about an error; None if no rule knows it."""
    explanation = classify_api_error(error)
    return None if explanation is None else explanation.treatment


def must_pause(error: ApiError) -> bool:
    """Whether the account is empty, capped or in arrears: nothing can be done but wait for its owner."""
    return treatment(error) is Treatment.PAUSE


def is_gone(error: ApiError, *, or_bad_name: bool = False) -> bool:
    """Whether the service says that what a call names is not there, or not for this key to see.

    `or_bad_name`: 400 says so too, of files and jobs whose names the service itself may refuse (python-genai issue
    1759). Not of a cache: one whose deletion is refused lives on, and is paid for.
    A refusal that is known to be about something else (the key, the account, the region) says nothing of it.
    """
    known = treatment(error)
    if known is not None:
        return known is Treatment.GONE
    return error.status in _NOT_FOUND_STATUSES or (or_bad_name and error.status == 400)


def is_permanent(error: ApiError) -> bool:
    """Whether asking again would get the same answer: by what is known of it, else by its HTTP status."""
    known = treatment(error)
    if known is None:
        return error.status is not None and 400 <= error.status < 500 and error.status not in (408, 429)
    return known in (Treatment.STOP, Treatment.CHANGE, Treatment.GONE)


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
    words = {name: value for name, value in groups.items() if value and name not in numbers}
    formatted = {name: f"{numbers[name]:,}" if name in numbers else value for name, value in groups.items()}
    message, remedy = rule.message.format(**formatted), rule.remedy.format(**formatted)
    return ErrorExplanation(rule.kind, rule.treatment, message, remedy, numbers, words)
