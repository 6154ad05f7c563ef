"""Layouts of batches that tools write, each beside the arrangement that a cache serves best, known by construction.

A layout takes a row's number and the texts that rows share, and gives the request as it is written and as it is best:
the two say the same, the best one with all that is shared first.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable
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
    while sum(map(len, lines)) < 5.1 * tokens:
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


def one_line(text: str) -> str:
    return text.replace("\n", " ")


def question_and_document_in_one_line(n: int, s: Shared) -> tuple[Json, Json]:
    written = f"Question: {question(n)} Context: {one_line(s.document(n))} Answer:"
    best = user(f"Context: {one_line(s.document(n))}", f"Question: {question(n)}\n\nAnswer:")
    return {"contents": user(written)}, {"contents": best}


def question_and_document_in_tags(n: int, s: Shared) -> tuple[Json, Json]:
    asked, text = f"<question>{question(n)}</question>", f"<context>{one_line(s.document(n))}</context>"
    return {"contents": user(asked + text)}, {"contents": user(text, asked)}


def record_and_rules_in_one_line(n: int, s: Shared) -> tuple[Json, Json]:
    record, rules = f"Record {n}: Firm {n} paid {n * 17}.50.", f"Classify it by these rules: {one_line(s.rules)}"
    return {"contents": user(f"{record} {rules}")}, {"contents": user(rules, record)}


def number_glued_to_rules(n: int, s: Shared) -> tuple[Json, Json]:
    written = {"contents": user(f"[{n:06d}] {one_line(s.rules)}\n\n{question(n)}")}
    return written, {"contents": user(one_line(s.rules), f"{question(n)}\n\n[{n:06d}]")}


def stamp_and_rules_in_one_line_of_system(n: int, s: Shared) -> tuple[Json, Json]:
    now = f"It is {stamp(n)}, {n}."
    written = {"systemInstruction": system(f"{now} {one_line(s.rules)}"), "contents": user(question(n))}
    return written, {"systemInstruction": system(one_line(s.rules)), "contents": user(question(n), now)}


def question_and_document_as_json(n: int, s: Shared) -> tuple[Json, Json]:
    members = {"question": question(n), "n": n, "context": s.document(n)}
    best = user(f'{{"context": {json.dumps(s.document(n))},', json.dumps({"question": question(n), "n": n})[1:])
    return {"contents": user(json.dumps(members))}, {"contents": best}


def json_behind_an_instruction(n: int, s: Shared) -> tuple[Json, Json]:
    said, inner = "Answer what this asks.", {"q": question(n), "passages": [{"id": 1, "text": s.document(n)}]}
    passages = json.dumps({"input": {"passages": inner["passages"]}}, indent=1)
    written = user(f"{said}\n{json.dumps({'id': n, 'input': inner}, indent=1)}")
    return {"contents": written}, {"contents": user(f"{said}\n{passages}", json.dumps({"q": question(n), "id": n}))}


def tools_in_any_order(n: int, s: Shared) -> tuple[Json, Json]:
    functions = list(s.tools[0]["functionDeclarations"])
    Random(n).shuffle(functions)
    best = {"systemInstruction": system("Call functions."), "contents": user(question(n))}
    return {"tools": [{"functionDeclarations": functions}], **best}, {"tools": s.tools, **best}


def tools_alone_in_any_order(n: int, s: Shared) -> tuple[Json, Json]:
    written, best = tools_in_any_order(n, s)
    del written["systemInstruction"]
    return written, {**best, "systemInstruction": system("Help.")}


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
    question_and_document_in_one_line,
    question_and_document_in_tags,
    record_and_rules_in_one_line,
    number_glued_to_rules,
    stamp_and_rules_in_one_line_of_system,
    question_and_document_as_json,
    json_behind_an_instruction,
    tools_in_any_order,
    tools_alone_in_any_order,
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


def said_in(line: bytes) -> Counter[str]:
    """Every word of every text in a request, and everything else in it, wherever it stands."""
    request = json.loads(line)["request"]
    said: Counter[str] = Counter()
    parts_of = [turn["parts"] for turn in (request.get("systemInstruction", {"parts": []}), *request["contents"])]
    # What a cache holds comes as a turn of its own: an object may begin in one and end in the next.
    for parts in (parts_of[0], list(itertools.chain(*parts_of[1:]))):
        said.update(_words("\n".join(part["text"] for part in parts if "text" in part)))
        said.update(json.dumps(part) for part in parts if "text" not in part)
    for tool in request.get("tools", []):
        said.update(json.dumps(function, sort_keys=True) for function in tool["functionDeclarations"])
    return said


def _words(text: str) -> list[str]:
    """The words of a text; of an object in it, those of all its members."""
    start = 0 if text.startswith("{") else text.find("\n{") + 1
    try:
        if not text.startswith("{", start):
            raise ValueError
        members, end = json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return text.replace("</question><", "</question> <").split()
    return [*text[:start].split(), *json.dumps(members, sort_keys=True, indent=0).split(), *text[end:].split()]


def says_the_same(line: bytes, other: bytes, labels: Iterable[str]) -> bool:
    """Whether two requests say the same, but for words of some labels that the second has more."""
    before, after = said_in(line), said_in(other)
    return not before - after and set(after - before) <= {word for label in labels for word in label.split()}
