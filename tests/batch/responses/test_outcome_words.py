"""Every outcome has its own words, and a remedy unless all is well."""

from __future__ import annotations

import re

from batch.model import Outcome
from batch.responses.outcome_words import EXPLANATIONS, WORDS

JARGON = re.compile(r"JSON|finishReason|schema|strict|lenient|gRPC|token", re.IGNORECASE)


def test_each_outcome_has_words_of_its_own_and_says_what_can_be_done() -> None:
    assert set(WORDS) == set(EXPLANATIONS) == set(Outcome)
    assert len(set(WORDS.values())) == len(Outcome)
    for outcome, (happened, remedy) in EXPLANATIONS.items():
        assert happened.endswith(".") and (remedy.endswith(".") or outcome is Outcome.ANSWERED)
        assert not JARGON.search(f"{WORDS[outcome]} {happened} {remedy}")
