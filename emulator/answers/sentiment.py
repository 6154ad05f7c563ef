"""Whether a text is pleased, by its words: enough for simulated answers to fit the reviews they are about."""

import re

_GOOD = frozenset(
    {"love", "loves", "loved", "great", "excellent", "perfect", "amazing", "wonderful", "happy", "pleased", "best"}
    | {"recommend", "recommended", "fantastic", "good", "fast", "comfortable", "reliable", "beautiful", "impressed"}
    | {"delightful", "superb", "easy", "works", "sturdy", "crisp", "pleasure", "hoped", "thank", "thanks", "worth"}
)
_BAD = frozenset(
    {"hate", "hated", "broke", "broken", "terrible", "awful", "bad", "worst", "disappointed", "disappointing", "poor"}
    | {"disappointment", "refund", "slow", "useless", "waste", "never", "stopped", "cheap", "faulty", "defective"}
    | {"scratched", "late", "missing", "return", "returned", "annoying", "leaks", "rattles", "loose", "trouble"}
)
_WORD = re.compile("[a-z]+")
_STARS = re.compile(r"\b(one|two|three|four|five|[1-5]) stars?\b")
_BY_STARS = {
    **dict.fromkeys(("one", "two", "1", "2"), "negative"),
    **dict.fromkeys(("three", "3"), "neutral"),
    **dict.fromkeys(("four", "five", "4", "5"), "positive"),
}


def sentiment(text: str) -> str:
    """positive, negative, neutral, or "" if the text does not tell: by its stars, else by its words."""
    text = text[-2000:].lower()
    if "star" in text and (stars := _STARS.search(text)):
        return _BY_STARS[stars[1]]
    words = set(_WORD.findall(text))
    good, bad = len(words & _GOOD), len(words & _BAD)
    return "" if good == bad else "positive" if good > bad else "negative"
