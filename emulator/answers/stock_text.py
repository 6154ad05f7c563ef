"""The stock that simulated answers are made of. All invented here; nothing in it is about real people."""

import re
from collections.abc import Callable, Sequence

MARK = "[simulated]"  # every answer carries it, in text or inside a string of its JSON

SENTENCES = (
    "The main point is stated early and the rest supports it.",
    "Two details stand out and are worth checking by hand.",
    "Most of the text is about the same concern, seen from different sides.",
    "The tone is matter-of-fact, with one exception near the end.",
    "There is enough here to act on, though a date is missing.",
    "A short follow-up would settle the open question.",
    "The figures agree with each other as far as they go.",
    "Nothing in it contradicts the opening statement.",
    "The request is clear, the reason for it less so.",
    "Delivery and packaging are mentioned, price is not.",
    "What happened first matters more than what was said about it later.",
    "The wording is careful and leaves room for another reading.",
)
REASONS = {
    "positive": (
        "The writer is pleased and would buy it again.",
        "Praise for quality outweighs a small complaint.",
        "It met expectations from the first day.",
        "Comfort and ease of use are named as strengths.",
    ),
    "negative": (
        "The writer is disappointed and asks for their money back.",
        "It failed soon after arrival and support was slow.",
        "Complaints about build quality dominate.",
        "The one good point does not make up for the fault.",
    ),
    "neutral": (
        "Good and bad points are about even.",
        "It describes the item without judging it.",
        "The writer has not used it long enough to say.",
    ),
}
DESKS = {  # a desk -> words that tickets for it have, and what it does next
    "Billing": (
        "invoice charge charged refund voucher discount paid payment price",
        "Refund the second charge and say so.",
    ),
    "Accounts": ("account password sign login address e-mail", "Check the account and confirm by e-mail."),
    "Shipping": (
        "parcel delivery deliver delivered courier tracking late lost",
        "Ask the carrier where the parcel is.",
    ),
    "Returns": ("broken missing damaged crushed replacement wrong return", "Send a replacement and a return label."),
    "Technical support": ("app device error crash office works stopped", "Collect the log file for the engineers."),
    "Sales": ("", "Explain the choices and offer the next one."),
}
TEAMS = tuple(DESKS)
PRIORITIES = ("Low", "Medium", "High", "Urgent")
STEPS = (*(step for _, step in DESKS.values()), "Ask for the order number.", "Write back within the day.")
PLACES = ("Lisbon", "Oslo", "Nairobi", "Kyoto", "Quito", "Tallinn", "Perth", "Montreal")
PRODUCTS = ("desk lamp", "rain jacket", "travel kettle", "wireless mouse", "garden hose", "notebook stand")
WORDS = ("amber", "basil", "cedar", "delta", "ember", "fern", "grove", "harbor", "indigo", "juniper", "krill", "linen")
_FIRST = ("Sam", "Alex", "Robin", "Kim", "Noor", "Ada", "Jo", "Lee")
_LAST = ("Rivers", "Stone", "Field", "Marsh", "Hill", "Brook")


def pick(choices: Sequence[str], seed: int) -> str:
    return choices[seed % len(choices)]


def person(seed: int) -> str:
    """A made-up name."""
    return f"{pick(_FIRST, seed)} {pick(_LAST, seed // 7)}"


_TEXTS_BY_NAME: tuple[tuple[str, Sequence[str]], ...] = (  # words in a property's name -> texts that look right there
    (r"e.?mail", ("sam.rivers@example.com", "kim.stone@example.com")),
    (r"date|when|day|_at$", ("2026-03-14", "2026-07-01", "2026-10-30")),
    (r"url|link|website", ("https://example.com/simulated",)),
    (r"phone", ("+1 555 0100", "+1 555 0142")),
    (r"currency", ("USD", "EUR", "JPY")),
    (r"country|city|place|location|capital", PLACES),
    (r"product|item|title", PRODUCTS),
    (r"team|category|department", TEAMS),
    (r"priority|urgency", PRIORITIES),
    (r"next_?step|action", STEPS),
    (r"summary|reason|description|explanation|rationale|text|comment|answer|translation", SENTENCES),
)


_PROMPT_PATTERNS: tuple[
    tuple[str, re.Pattern[str]], ...
] = (  # words in a property's name -> what a prompt may say about it
    (r"order|invoice|number|_id$|^id$", re.compile(r"\b\d{5,}\b")),
    (r"date|when|day|_at$", re.compile(r"\b\d{4}-\d\d-\d\d\b")),
    (r"e.?mail", re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+\w")),
)


def named_text(name: str, choose: Callable[[int], int], prompt: str) -> str:
    """A text that looks right under a property's name: from the prompt, or made up by `choose(n)`, a number below n."""
    name_words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    for names, pattern in _PROMPT_PATTERNS:
        if re.search(names, name_words) and (match := pattern.search(prompt)):
            return match[0]
    if re.search(r"name|author|person|customer", name_words):
        return person(choose(997))
    for names, texts in _TEXTS_BY_NAME:
        if re.search(names, name_words):
            return pick(texts, choose(997))
    return f"{pick(WORDS, choose(997))} {pick(WORDS, choose(991))}"
