"""What was really sent and received, read from the files on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson

from batch.kinds.kind import RequestKind
from batch.kinds.text import TEXT
from batch.model import Usage
from lifecycle.requests.request_file import line_reader
from lifecycle.results.read.sent_files import SentFile
from lifecycle.results.store.line_blocks import line_blocks
from lifecycle.results.store.shown_line import without_pictures


@dataclass(frozen=True)
class OtherLine:
    """Another line returned for a row: `kind` is earlier or duplicate. `raw` is the line as received."""

    kind: str
    run: str
    attempt: int
    outcome: str
    usd: float | None
    raw: str


@dataclass(frozen=True)
class RowDetail:
    """Everything known of one row. `request` and `response` are JSON as sent and received, "" if there is none.

    `run` is the run that gave this answer; `parsed` says how a structured answer was read; `shared` that an identical
    row was sent in its place. `other_answers` are the further candidates; `tool_calls` and `executed_code` are JSON
    lists of parts as received, or "". `pictures` are files in the folder of that run, and `response` names them;
    `files` were sent, and lie there too. `reused_from` is the earlier run that gave this answer, "" where the row was
    sent.
    """

    key: str
    n: int
    prompt: str
    outcome: str
    text: str
    thoughts: str
    error_code: int | None
    error_message: str
    finish_reason: str
    block_reason: str
    safety: tuple[Mapping[str, Any], ...]
    usage: Usage | None
    usd: float | None
    attempt: int | None
    attempts: int
    shared: bool
    parsed: str
    run: str
    source_columns: Mapping[str, Any]
    request: str
    response: str
    others: tuple[OtherLine, ...]
    other_answers: tuple[str, ...] = ()
    tool_calls: str = ""
    executed_code: str = ""
    pictures: tuple[Mapping[str, Any], ...] = ()
    reused_from: str = ""
    files: tuple[SentFile, ...] = ()


def read_detail(
    folder: Path,
    files: Sequence[str],
    row: Mapping[str, Any],
    location: tuple[int, int, int] | None,
    others: Sequence[OtherLine],
    source_columns: Sequence[str],
    request: bytes,
    kind: RequestKind = TEXT,
    pictures: Sequence[Mapping[str, Any]] = (),
    reused_from: str = "",
    sent: Sequence[SentFile] = (),
) -> RowDetail:
    """A row of the table with all that the raw files tell of it."""
    raw = read_line(folder, files, *location) if location else b""
    classified = kind.classify(raw) if raw else None
    return RowDetail(
        **{name: row[name] for name in ("key", "n", "prompt", "outcome", "text", "error_code", "error_message")},
        **{name: row[name] for name in ("finish_reason", "block_reason", "attempt", "attempts", "shared")},
        **{name: row[name] for name in ("parsed", "run")},
        thoughts=classified.thoughts if classified else "",
        safety=_safety(raw),
        usage=classified.usage if classified else None,
        usd=row["cost_usd"],
        source_columns={name: row[name] for name in source_columns},
        request=request.decode("utf-8", "replace"),
        response=(without_pictures(raw, pictures) if kind.pictures else raw).decode("utf-8", "replace").strip(),
        others=tuple(others),
        other_answers=classified.other_answers if classified else (),
        tool_calls=classified.tool_calls if classified else "",
        executed_code=classified.code if classified else "",
        pictures=tuple(pictures),
        reused_from=reused_from,
        files=tuple(sent),
    )


def read_line(folder: Path, files: Sequence[str], number: int, position: int, length: int) -> bytes:
    """One received line, as received."""
    with (folder / files[number]).open("rb") as file:
        file.seek(position)
        return file.read(length)


def find_request(path: Path, key: str) -> bytes:
    """The line of requests.jsonl with this key, found by its bytes and confirmed by parsing; b"" if there is none."""
    written, whole = orjson.dumps(key), line_reader(path).whole
    for block in line_blocks(path):
        at = -1
        while (at := block.find(written, at + 1)) >= 0:
            end = block.find(b"\n", at)
            line = whole(block[block.rfind(b"\n", 0, at) + 1 : end + 1 if end >= 0 else len(block)])
            if _key_of(line) == key:
                return line.strip()
    return b""


class _KeyedLine(msgspec.Struct):
    key: str | None = None


_decode = msgspec.json.Decoder(_KeyedLine).decode


def _key_of(line: bytes) -> str | None:
    try:
        return _decode(line).key
    except msgspec.DecodeError:
        return None


def _safety(raw: bytes) -> tuple[Mapping[str, Any], ...]:
    """All safety ratings of a line: the prompt's, then the candidates'."""
    try:
        response = orjson.loads(raw).get("response") or {}
        parts = [response.get("promptFeedback") or {}, *(response.get("candidates") or [])]
        return tuple(rating for part in parts for rating in part.get("safetyRatings") or [])
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return ()
