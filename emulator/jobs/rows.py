"""One row of a batch: a line of the input to a line of the results."""

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from emulator.answers import outcomes
from emulator.answers.embeddings import embed
from emulator.answers.request_scope import World
from emulator.answers.respond import respond
from emulator.core.errors import ApiError
from emulator.core.models import Model
from emulator.schema.request_fields import Unreadable, read


class Row(NamedTuple):
    """What came of a row. `line` is None if it is missing from the results, `usage` if nothing is billed."""

    line: bytes | None
    good: bool
    usage: tuple[bool, int, int, int, int] | None = None


Body = dict[str, Any]
Executor = Callable[[Any, Model, World], tuple[Body, str, tuple[bool, int, int, int, int]]]


def _generate(request: Any, model: Model, world: World) -> tuple[Body, str, tuple[bool, int, int, int, int]]:
    answer = respond(read("GenerateContentRequest", request), model, world)
    return answer.response, answer.outcome, answer.usage


def _embed(request: Any, model: Model, world: World) -> tuple[Body, str, tuple[bool, int, int, int, int]]:
    wanted = read("EmbedContentRequest", request)
    outcome, argument = outcomes.asked([p["text"] for p in wanted.get("content", {}).get("parts", ()) if "text" in p])
    if outcome == "error":
        raise outcomes.row_error(argument)
    values, tokens = embed(wanted, model, world)
    return {"tokenCount": str(tokens), "embedding": {"values": values}}, outcome, (False, tokens, 0, 0, 0)


def execute(line: bytes, inline: bool, embedding: bool, model: Model, world: World) -> Row:
    """Execute one row. A file's row is known by its key, an inline row by its metadata."""
    row = orjson.loads(line)
    label = _label(row, inline)
    executor: Executor = _embed if embedding else _generate
    try:
        if "request" not in row:
            raise ApiError(3, "no request is specified")
        response, outcome, usage = executor(row["request"], model, world)
    except Unreadable as wrong:
        return Row(orjson.dumps({**label, "error": wrong.row_error().row()}), False)
    except ApiError as refusal:
        return Row(orjson.dumps({**label, "error": refusal.row()}), False)
    if outcome == "ok":
        label["response"] = response
        return Row(orjson.dumps(label), True, usage)
    return _odd(label, response, outcome, usage)


def _odd(label: Body, response: Body, outcome: str, usage: tuple[bool, int, int, int, int]) -> Row:
    if outcome == "drop_row":
        return Row(None, False)
    if outcome == "no_response":
        return Row(orjson.dumps(label), False)
    if outcome == "drop_key":
        label = {}
    return Row(orjson.dumps({**label, "response": response}), True, usage)


def _label(row: Body, inline: bool) -> Body:
    """What a result repeats of its row: inline the metadata; in a file everything beside the request (go-genai 513:
    text survives, lists come back empty)."""
    if inline:
        return {"metadata": row["metadata"]} if row.get("metadata") is not None else {}
    return {name: [] if isinstance(value, list) else value for name, value in row.items() if name != "request"}
