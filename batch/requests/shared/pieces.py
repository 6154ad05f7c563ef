"""Long texts that every line of a batch has, such as an instruction: left out of the lines, and named by number."""

from __future__ import annotations

from collections.abc import Sequence

from batch.requests.canonicalize import encode
from batch.requests.prompt_template import Template
from batch.requests.shared.fields import PROMPT_START

MIN_BYTES = 4000
"""Shorter texts are written where they stand: a name in the middle of a text costs a closer look at each row."""


class SharedPieces:
    """Pieces of lines that are made of prompts: a first `part`, which is named by a text, and `texts` anywhere."""

    def __init__(self, part: bytes = b"", texts: Sequence[bytes] = ()) -> None:
        self._part = part
        self.texts = [*([part] if part else []), *(text for text in dict.fromkeys(texts) if len(text) >= MIN_BYTES)]
        self._names = [(text, b"\t%d\t" % n) for n, text in enumerate(self.texts) if text != part]

    @classmethod
    def of(cls, template: Template) -> SharedPieces:
        """What all prompts of a template have in common."""
        first, *others = template.literals
        prefix = first[: template.prefix_chars]
        part = b'{"text":' + encode(prefix) + b"}" if prefix else b""
        return cls(part, [encode(text)[1:-1] for text in (first[len(prefix) :], *others)])

    @classmethod
    def of_text(cls, text: str) -> SharedPieces:
        """What is to be left out where every prompt is the same text, behind files of the row."""
        return cls(b"", [encode(text)[1:-1]])

    def left_out(self, line: bytes) -> bytes:
        """A line with the names of pieces in the place of these."""
        if self._part:
            at = line.find(PROMPT_START) + len(PROMPT_START)
            if line.startswith(self._part, at):
                line = line[:at] + b'"0"' + line[at + len(self._part) :]
        for text, name in self._names:
            line = line.replace(text, name)
        return line
