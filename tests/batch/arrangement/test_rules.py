"""Rules by their names."""

from __future__ import annotations

import pytest

from batch.arrangement.rules import ALL_RULES, RULE_WORDS, Rule, in_order, parse_rules
from batch.errors import InputError


def test_every_rule_says_what_it_does() -> None:
    assert set(RULE_WORDS) == ALL_RULES == set(Rule) - {Rule.NOT_MOVED}


def test_rules_are_named_or_all() -> None:
    assert parse_rules("") == ALL_RULES
    assert parse_rules("part-first, document-first") == {Rule.PART_FIRST, Rule.DOCUMENT_FIRST}
    assert in_order(parse_rules("system-word,part-first")) == [Rule.PART_FIRST, Rule.SYSTEM_WORD]
    with pytest.raises(InputError, match='no rule "fast"'):
        parse_rules("fast")
