"""What the prompts of a run have in common at their ends, so that a table can show what differs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SAMPLED_ROWS = 64  # at the run's beginning, its middle and its end
SAMPLED_CHARACTERS = 20_000  # of each
SHARE = 0.9  # of the prompts must have a text in common for it to be left out
MIN_CHARACTERS = 12  # of a text that is worth leaving out


class SharedText(NamedTuple):
    """How most prompts of a run begin and end; "" where they do not."""

    prefix: str = ""
    suffix: str = ""


def shared_text(prompts: Sequence[str]) -> SharedText:
    """The longest beginning, and end, that SHARE of these prompts have; cut where a word begins."""
    if len(prompts) < 2:
        return SharedText()
    prefix = _cut(_shared_beginning(prompts))
    rests = [prompt[len(prefix) :] for prompt in prompts if prompt.startswith(prefix)]
    suffix = _cut(_shared_beginning([rest[::-1] for rest in rests]))[::-1]
    return SharedText(*(text if len(text) >= MIN_CHARACTERS else "" for text in (prefix, suffix)))


def own_part(prompt: str, shared: SharedText) -> str:
    """What a prompt has that most others have not; all of it where it does not share their ends."""
    rest = prompt[len(shared.prefix) :]
    if prompt.startswith(shared.prefix) and rest.endswith(shared.suffix):
        return rest[: len(rest) - len(shared.suffix)]
    return prompt


def _shared_beginning(prompts: Sequence[str]) -> str:
    """Sorted, those with a beginning in common stand together: its ends are enough to find it."""
    ordered = sorted(prompts)
    width = max(2, round(SHARE * len(ordered)))
    windows = zip(ordered, ordered[width - 1 :], strict=False)
    return max((_common_beginning(*pair) for pair in windows), key=len, default="")


def _common_beginning(one: str, other: str) -> str:
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return one[:n]
    return min(one, other, key=len)


def _cut(text: str) -> str:
    """Without the word that it ends in: "The invoice of 201" and what follows would tear a number apart."""
    end = len(text)
    while end and text[end - 1].isalnum():
        end -= 1
    return text[:end]
