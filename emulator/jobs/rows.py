"""One row of a batch: a line of the input to a line of the results."""

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from emulator.answers import outcomes
from emulator.answers.embeddings import embed
from emulator.answers.request_scope import RequestScope
from emulator.answers.respond import respond
from emulator.core.errors import ServiceError
from emulator.core.models import Model
from emulator.schema.request_fields import InvalidField, read


class RowResult(NamedTuple):
    """What came of a row. `line` is None if it is missing from the results, `usage` if nothing is billed."""

    line: bytes | None
    succeeded: bool
    usage: tuple[bool, int, int, int, int] | None = None


Body = dict[str, Any]
Executor = Callable[[Any, Model, RequestScope], tuple[Body, str, tuple[bool, int, int, int, int]]]


def _generate(request: Any, model: Model, scope: RequestScope) -> tuple[Body, str, tuple[bool, int, int, int, int]]:
    answer = respond(read("GenerateContentRequest", request), model, scope)
    return answer.response, answer.outcome, answer.usage


def _embed(request: Any, model: Model, scope: RequestScope) -> tuple[Body, str, tuple[bool, int, int, int, int]]:
    fields = read("EmbedContentRequest", request)
    outcome, argument = outcomes.requested_outcome(
        [p["text"] for p in fields.get("content", {}).get("parts", ()) if "text" in p]
    )
    if outcome == "error":
        raise outcomes.row_error(argument)
    values, tokens = embed(fields, model, scope)
    listed: Any = _with_blanks(values) if scope.state.settings.spacious_vectors else values
    return {**_embedding_usage(model, tokens), "embedding": {"values": listed}}, outcome, (False, tokens, 0, 0, 0)


def _with_blanks(values: list[float]) -> orjson.Fragment:
    """Numbers that take 59 bytes each: so large were the results of one large job (js-genai issue 1205)."""
    return orjson.Fragment("[" + ",".join(f"{value!r:>58}" for value in values) + "]")


def _embedding_usage(model: Model, tokens: int) -> Body:
    """How a row tells its tokens: embedding-2 as generation does (recorded 2026-07-25), 001 by itself (cookbook)."""
    if "embedding-2" in model.id:
        return {"usageMetadata": {"promptTokenCount": tokens}}
    return {"tokenCount": str(tokens)}


def execute(line: bytes, inline: bool, embedding: bool, model: Model, scope: RequestScope) -> RowResult:
    """Execute one row. A file's row is known by its key, an inline row by its metadata."""
    row = orjson.loads(line)
    result = _result_key(row, inline)
    executor: Executor = _embed if embedding else _generate
    try:
        if "request" not in row:
            raise ServiceError(3, "no request is specified")
        response, outcome, usage = executor(row["request"], model, scope)
    except InvalidField as field_error:
        return RowResult(orjson.dumps({**result, "error": field_error.row_error().row_status()}), False)
    except ServiceError as service_error:
        return RowResult(orjson.dumps({**result, "error": service_error.row_status()}), False)
    if outcome == "ok":
        result["response"] = response
        return RowResult(orjson.dumps(result), True, usage)
    return _special_outcome(result, response, outcome, usage)


def unserved(line: bytes, inline: bool) -> RowResult:
    """The result of a row that a cancelled job did not come to: code 1 and no message (measured 2026-09-30)."""
    return RowResult(orjson.dumps({**_result_key(orjson.loads(line), inline), "error": {"code": 1}}), False)


def _special_outcome(result: Body, response: Body, outcome: str, usage: tuple[bool, int, int, int, int]) -> RowResult:
    if outcome == "drop_row":
        return RowResult(None, False)
    if outcome == "no_response":
        return RowResult(orjson.dumps(result), False)
    if outcome == "drop_key":
        result = {}
    return RowResult(orjson.dumps({**result, "response": response}), True, usage)


def _result_key(row: Body, inline: bool) -> Body:
    """What a result repeats of its row: inline the metadata; in a file everything beside the request (go-genai 513:
    text survives, lists come back empty)."""
    if inline:
        return {"metadata": row["metadata"]} if row.get("metadata") is not None else {}
    return {name: [] if isinstance(value, list) else value for name, value in row.items() if name != "request"}
