"""How a request may be arranged otherwise so that it means the same: each way a rule that can be refused."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from batch.errors import InputError
from batch.formatting import quoted_list


class Rule(StrEnum):
    """One way to arrange a request.

    A document or long text inside a text goes before what it was asked; dates, numbers and names of the row on top of a
    text go to its end; a file or long part goes before the parts that differ; what differs between system instructions
    goes to the end of the request; tools without a system instruction get one of one word; the shared beginning of a
    text becomes a part of its own, which says where a cache may end; of a text that is a JSON object, the members that
    rows share go first; the same tools are listed in one order. `NOT_MOVED` is for what no rule moves: it says what
    shared text costs where it stands in something that would fall apart, and is never carried out.
    """

    DOCUMENT_FIRST = "document-first"
    LINES_LAST = "lines-last"
    PART_FIRST = "part-first"
    SYSTEM_APART = "system-apart"
    SYSTEM_WORD = "system-word"
    OWN_PART = "own-part"
    MEMBERS_FIRST = "members-first"
    TOOLS_IN_ORDER = "tools-in-order"
    NOT_MOVED = "not-moved"


ALL_RULES = frozenset(Rule) - {Rule.NOT_MOVED}

QUESTION_LABEL = b"About the text above:"
REQUEST_LABEL = b"For this request:"
SYSTEM_WORD = b"Help."
"""A cache needs a system instruction or contents, not tools alone."""

RULE_WORDS = {
    Rule.DOCUMENT_FIRST: "Put the shared text before the question, and the question behind it under a short label.",
    Rule.LINES_LAST: "Move the first lines, which differ from row to row, to the end.",
    Rule.PART_FIRST: "Put the shared file or text before the parts that differ.",
    Rule.SYSTEM_APART: "Move what differs between system instructions to the end of the request.",
    Rule.SYSTEM_WORD: f"Add a system instruction of one word, “{SYSTEM_WORD.decode()}”, so that tools can be cached.",
    Rule.OWN_PART: "Make the shared beginning of a text a part of its own; its words stay as they are.",
    Rule.MEMBERS_FIRST: "In texts that are JSON, put the members that rows share first; an object means the same then.",
    Rule.TOOLS_IN_ORDER: "List the same tools in the same order in every request.",
}


def parse_rules(text: str) -> frozenset[Rule]:
    """Rules from their names, parted by commas; all if there are none. Raises InputError for a name that is none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = {rule.value for rule in ALL_RULES}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f'There is no rule "{unknown[0]}".', f"Rules are: {quoted_list(sorted(known))}.")
    return frozenset(map(Rule, names)) or ALL_RULES


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    """Rules in the order in which they are listed here."""
    chosen = set(rules)
    return [rule for rule in Rule if rule in chosen]
