"""One row of results, understood. Pure."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from batch.model import Outcome, Usage


class ParsedRow(NamedTuple):
    """One result line, understood. `text` never holds thoughts; `usage` is None if the line does not tell.

    `error_code` is a gRPC integer. `error_message` says in words why the row is not simply answered.
    `key` is None if the line has none. `cache_lost` marks rows whose explicit cache was gone when they ran:
    they cost nothing and succeed with a new cache. What is paid for beside `text`: `other_answers` are the texts of
    the other candidates, `tool_calls` and `code` (executed, and its results) the parts as received, a JSON list each or
    "", and `images` counts the pictures made. `vector` is an embedding.
    """

    key: str | None
    outcome: Outcome
    text: str = ""
    thoughts: str = ""
    error_code: int | None = None
    error_message: str = ""
    finish_reason: str = ""
    block_reason: str = ""
    usage: Usage | None = None
    cache_lost: bool = False
    other_answers: tuple[str, ...] = ()
    tool_calls: str = ""
    code: str = ""
    images: int = 0
    vector: array[float] | None = None
