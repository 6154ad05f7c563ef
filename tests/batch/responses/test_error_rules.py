"""The table of refusals: each rule can be read, and texts that were seen find the rule that is meant for them."""

from __future__ import annotations

import re
import string

import pytest

from batch.responses.error_rules import RULES, ErrorKind, ErrorRule, Treatment


def rule_of(text: str) -> ErrorRule | None:
    return next((rule for rule in RULES if re.search(rule.pattern, text, re.DOTALL)), None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind}: {rule.pattern[:30]}")
def test_a_rules_sentences_use_only_what_its_pattern_finds(rule: ErrorRule) -> None:
    groups = re.compile(rule.pattern).groupindex
    used = {name for text in (rule.message, rule.remedy) for _, name, _, _ in string.Formatter().parse(text) if name}
    assert used <= groups.keys()
    assert rule.message.endswith((".", "}."))
    assert not rule.remedy or rule.remedy.endswith(".")


def test_every_kind_has_a_rule_and_a_reason_belongs_to_one() -> None:
    assert {rule.kind for rule in RULES} == set(ErrorKind)
    reasons = [reason for rule in RULES for reason in rule.reasons]
    assert len(reasons) == len(set(reasons))


@pytest.mark.parametrize(
    ("text", "kind", "treatment"),
    [
        ("Your prepayment credits are depleted. Please go to the billing page.", "PREPAY_EMPTY", Treatment.PAUSE),
        ("Your project has exceeded its monthly spending cap.", "SPEND_CAP", Treatment.PAUSE),
        ("This API method requires billing to be enabled.", "BILLING_OFF", Treatment.PAUSE),
        ("Your API key was reported as leaked. Please use another API key.", "LEAKED_KEY", Treatment.STOP),
        ("Requests from referer https://example.org are blocked.", "KEY_RESTRICTED", Treatment.STOP),
        ("The File abc-1 is not in an ACTIVE state and usage is not allowed.", "FILE_NOT_ACTIVE", Treatment.AWAIT_FILE),
        ("You exceeded your current quota, please check your plan.", "QUOTA", Treatment.AWAIT_ROOM),
        ("The model is overloaded. Please try again later.", "OVERLOADED", Treatment.BACK_OFF),
        ("CachedContent not found (or permission denied)", "CACHE_GONE", Treatment.GONE),
        ("The schema has too many states for serving.", "SCHEMA_TOO_LARGE", Treatment.CHANGE),
        ("Something odd happened, please retry", "PLEASE_RETRY", Treatment.BACK_OFF),
    ],
)
def test_what_was_seen_finds_its_rule(text: str, kind: str, treatment: Treatment) -> None:
    rule = rule_of(text)
    assert rule is not None
    assert (rule.kind, rule.treatment) == (ErrorKind[kind], treatment)


def test_what_nobody_has_seen_finds_none() -> None:
    assert rule_of("The frobnicator is out of grease.") is None
