"""One line under conversion: the request as it grows, and what of the line was mapped, left out, or cannot be had here.

What is said of lines is kept by kind, so that thousands of lines make one list with counts.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from batch.errors import Fault

Json = dict[str, Any]

FORM, MAPPED, LEFT_OUT, REFUSED = "form: ", "mapped: ", "left out: ", "refused: "
_NAME_CHARS = 60
_KINDS_LISTED = 30


class Conversion:
    """`form` is what the line was written for; `request` is Gemini's, `key` the line's own ("" for none).

    `embeds`: the line asks for an embedding.
    """

    def __init__(self, form: str, key: str = "") -> None:
        self.form, self.key = form, key
        self.request: Json = {}
        self.embeds = False
        self.faults: list[Fault] = []
        self.notes: Counter[str] = Counter({FORM + form: 1})
        self._config: Json = {}

    def set_config(self, source: str, target: str, value: object) -> None:
        """Set a field of the generationConfig, and say where it comes from. None is nothing."""
        if value is not None:
            self._config[target] = value
            self.map(source, target)

    def set(self, source: str, target: str, value: object) -> None:
        """Set a field of the request, and say where it comes from. Nothing is nothing."""
        if value:
            self.request[target] = value
            self.map(source, target)

    def map(self, source: str, target: str) -> None:
        """Say that something of the line became something else, if it is called otherwise."""
        if source != target:
            self.notes[f"{MAPPED}{source} → {target}"] = 1

    def leave_out(self, *names: str) -> None:
        """Say what of the line is not sent, because it means nothing here."""
        for name in names:
            self.notes[LEFT_OUT + name[:_NAME_CHARS]] = 1

    def refuse(self, what: str, remedy: str) -> None:
        """Say what of the line cannot be had here, so that it is not sent."""
        self.notes[REFUSED + what] = 1
        self.faults.append(Fault(f"{self.form}: {what} cannot be converted.", remedy))

    def messages(self, given: object) -> list[Json]:
        """The messages of a conversation. One that is no object is never passed over."""
        found = objects_of(given)
        if isinstance(given, list) and len(found) < len(given):
            self.refuse("messages that are no objects", 'Write {"role": "user", "content": "…"}.')
        return found

    def finish(self) -> Conversion:
        """Put the settings into the request."""
        if self._config:
            self.request["generationConfig"] = self._config
        return self


def forms_of(notes: Counter[str]) -> dict[str, int]:
    """How many lines of an input were written in which other form, the most frequent first."""
    counts = ((code.removeprefix(FORM), n) for code, n in notes.items() if code.startswith(FORM))
    return dict(sorted(counts, key=lambda counted: -counted[1]))


def describe_conversions(notes: Counter[str]) -> list[str]:
    """What was converted of an input, one sentence each: forms, what was mapped, left out, and impossible."""
    sentences = {
        FORM: "Lines in another form became requests",
        MAPPED: "Mapped",
        LEFT_OUT: "Left out, since it means nothing here",
        REFUSED: "Not to be had here, so these lines are not sent",
    }
    described = []
    for kind, sentence in sentences.items():
        counts = sorted(
            ((n, code.removeprefix(kind)) for code, n in notes.items() if code.startswith(kind)), key=_order
        )
        if counts:
            listed = ", ".join(f"{what} ({n:,})" for n, what in counts[:_KINDS_LISTED])
            described.append(f"{sentence}: {listed}{', …' if len(counts) > _KINDS_LISTED else ''}.")
    return described


def _order(counted: tuple[int, str]) -> tuple[int, str]:
    return -counted[0], counted[1]


def objects_of(value: object) -> list[Json]:
    """The objects of a list; none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts_of(value: object) -> list[str]:
    """A text, or the texts of a list of texts and of parts with a text."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, list):
        return [text for part in value for text in texts_of(part.get("text") if isinstance(part, dict) else part)]
    return []
