"""Layouts of batches that tools write, each beside the arrangement that a cache serves best, known by construction.

A layout takes a row's number and the texts that rows share, and gives the request as it is written and as it is best:
the two say the same, the best one with all that is shared first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

Json = dict[str, Any]
WORDS = [
    "the",
    "service",
    "shall",
    "of",
    "delay",
    "invoice",
    "contract",
    "party",
    "notice",
    "within",
    "days",
    "written",
    "any",
    "clause",
    "term",
    "rate",
]
NAMES = ["Anna", "Bruno", "Chiara", "David", "Eda"]


def prose(seed: int, tokens: int) -> str:
    """Some lines of about so many tokens, the same for the same seed."""
    random = Random(seed)
    lines: list[str] = []
    while sum(map(len, lines)) < 4.1 * tokens:
        lines.append(" ".join(random.choice(WORDS) for _ in range(random.randint(4, 16))).capitalize() + ".")
    return "\n".join(lines)


@dataclass(frozen=True)
class Shared:
    """What rows share: a document of their group, rules of all, tools, a file named by its URI."""

    documents: list[str]
    rules: str
    tools: list[Json]

    def document(self, row: int) -> str:
        return self.documents[row % len(self.documents)]

    def file(self, row: int) -> Json:
        uri = f"https://generativelanguage.googleapis.com/v1beta/files/f{row % len(self.documents)}"
        return {"fileData": {"mimeType": "application/pdf", "fileUri": uri}}


def shared_texts(tokens: int, documents: int, seed: int = 0) -> Shared:
    """Texts of so many tokens each."""
    functions = [{"name": f"f_{n}", "description": prose(seed + 900 + n, tokens // 4)} for n in range(4)]
    texts = [prose(seed + n, tokens) for n in range(documents)]
    return Shared(texts, prose(seed + 500, tokens), [{"functionDeclarations": functions}])


def user(*parts: str | Json) -> list[Json]:
    return [{"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}]


def system(text: str) -> Json:
    return {"parts": [{"text": text}]}


def question(row: int) -> str:
    return f"What does number {row} say of the rate?"


def stamp(row: int) -> str:
    return f"2026-11-{row % 28 + 1:02d}T{row % 24:02d}:{row % 60:02d}:00Z"


Layout = Callable[[int, Shared], tuple[Json, Json]]


def question_before_document(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user(f"{question(n)}\n\n{s.document(n)}")}
    return written, {"contents": user(s.document(n), question(n))}


def template_around_document(n: int, s: Shared) -> tuple[Json, Json]:
    said = "Answer from the document only, and say so if it is silent."
    written = f"{said}\nQuestion: {question(n)}\n\nDocument:\n<doc>\n{s.document(n)}\n</doc>\n\nAnswer:"
    best = user(f"{said}\n\nDocument:\n<doc>\n{s.document(n)}\n</doc>", f"Question: {question(n)}\n\nAnswer:")
    return {"contents": user(written)}, {"contents": best}


def questions_times_documents(n: int, s: Shared) -> tuple[Json, Json]:
    asked = f"Question: {question(n // len(s.documents) % 10)}"
    written = f"{asked}\nContext:\n{s.document(n)}\n\nAnswer {n} in one word:"
    best = user(f"Context:\n{s.document(n)}", f"{asked}\n\nAnswer {n} in one word:")
    return {"contents": user(written)}, {"contents": best}


def stamp_on_top(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user(f"{stamp(n)} id={n}\n{s.rules}\n\nRow: item {n}")}
    return written, {"contents": user(s.rules, f"Row: item {n}\n\n{stamp(n)} id={n}")}


def row_before_rules(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user(f"Row: item {n} was seen twice.\n\nRules:\n{s.rules}\n\nLabel:")}
    return written, {"contents": user(f"Rules:\n{s.rules}", f"Row: item {n} was seen twice.\n\nLabel:")}


def examples_and_row(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user(f"{s.rules}\n\nInput: item {n}\nOutput:")}
    return written, {"contents": user(s.rules, f"Input: item {n}\nOutput:")}


def name_in_system(n: int, s: Shared) -> tuple[Json, Json]:
    who = f"You work for {NAMES[n % 5]} {n}."
    written = {"systemInstruction": system(f"You are kind.\n{who}\n{s.rules}"), "contents": user(question(n))}
    best = {"systemInstruction": system(f"You are kind.\n{s.rules}"), "contents": user(question(n), who)}
    return written, best


def name_of_few_in_system(n: int, s: Shared) -> tuple[Json, Json]:
    who = f"You work for {NAMES[n % 5]}, who pays."
    written = {"systemInstruction": system(f"{s.rules}\n\n{who}"), "contents": user(question(n))}
    return written, {"systemInstruction": system(s.rules), "contents": user(question(n), who)}


def stamp_in_system(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"systemInstruction": system(f"It is {stamp(n)}, {n}."), "contents": user(s.document(n), question(n))}
    return written, {"contents": user(s.document(n), question(n), f"It is {stamp(n)}, {n}.")}


def tools_alone(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"tools": s.tools, "contents": user(question(n))}
    return written, {"systemInstruction": system("Help."), **written}


def tools_with_name(n: int, s: Shared) -> tuple[Json, Json]:
    who = f"You work for {NAMES[n % 5]} {n}."
    written = {"tools": s.tools, "systemInstruction": system(who), "contents": user(question(n))}
    return written, {"tools": s.tools, "systemInstruction": system("Help."), "contents": user(question(n), who)}


def question_before_part(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user(question(n), s.document(n))}
    return written, {"contents": user(s.document(n), question(n))}


def question_before_file(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user(question(n), s.file(n))}
    return written, {"contents": user(s.file(n), question(n))}


def question_between_parts(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user("Read with care.", question(n), s.rules, "Be brief.")}
    return written, {"contents": user("Read with care.", s.rules, question(n), "Be brief.")}


def everything_at_once(n: int, s: Shared) -> tuple[Json, Json]:
    who = f"You work for {NAMES[n % 5]} {n}."
    written: Json = {
        "systemInstruction": system(f"{who}\n{s.rules}"),
        "contents": user(f"{question(n)}\n\n{s.document(n)}"),
    }
    return written, {"systemInstruction": system(s.rules), "contents": user(s.document(n), question(n), who)}


LAYOUTS: list[Layout] = [
    question_before_document,
    template_around_document,
    questions_times_documents,
    stamp_on_top,
    row_before_rules,
    examples_and_row,
    name_in_system,
    name_of_few_in_system,
    stamp_in_system,
    tools_alone,
    tools_with_name,
    question_before_part,
    question_before_file,
    question_between_parts,
    everything_at_once,
]


def batch(requests: list[Json]) -> list[bytes]:
    """Requests as lines of the normalised JSONL."""
    return [
        json.dumps({"key": f"r{n}", "request": request}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        for n, request in enumerate(requests)
    ]


def written_and_best(layouts: list[Layout], rows: int, shared: Shared) -> tuple[list[bytes], list[bytes]]:
    """A batch whose rows take turns in some layouts, as it is written and as it is best."""
    both = [layouts[n % len(layouts)](n // len(layouts), shared) for n in range(rows * len(layouts))]
    return batch([written for written, _ in both]), batch([best for _, best in both])


def texts_of(line: bytes) -> list[str]:
    """Every line of every text in a request, and everything else in it, in order of the alphabet."""

    def pieces(value: Any) -> list[str]:
        if isinstance(value, dict):
            if set(value) == {"text"}:
                return [line for line in value["text"].split("\n") if line.strip()]
            if "fileData" in value or "functionDeclarations" in value:
                return [json.dumps(value, sort_keys=True)]
            return [piece for inner in value.values() for piece in pieces(inner)]
        return [piece for inner in value for piece in pieces(inner)] if isinstance(value, list) else []

    return sorted(pieces(json.loads(line)["request"]))
