"""What OpenAI's two forms have in common beside the messages: tools, forms of answer, and settings without meaning."""

from __future__ import annotations

from typing import Any

from batch.dialects import tool_exchange
from batch.dialects.conversion import Conversion, Json
from batch.rules.schema_equivalents import to_equivalents

MEANINGLESS = {
    "user", "store", "service_tier", "parallel_tool_calls", "logit_bias", "stream", "stream_options", "prediction",
    "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "verbosity", "include", "truncation",
    "background", "metadata", "top_logprobs", "max_tool_calls", "functions", "function_call",
}  # fmt: skip
SEED_LIMIT = 2**31


def read_sampling(body: Json, conversion: Conversion) -> set[str]:
    """Settings that are called alike in both forms. Returns the names that were read."""
    conversion.set_config("temperature", "temperature", body.get("temperature"))
    conversion.set_config("top_p", "topP", body.get("top_p"))
    seed = body.get("seed")
    if isinstance(seed, int) and not -SEED_LIMIT <= seed < SEED_LIMIT:
        conversion.leave_out("seed beyond 32 bits")
    else:
        conversion.set_config("seed", "seed", seed)
    if body.get("model"):
        conversion.leave_out(f"model {str(body['model'])[:40]}")
    return {"temperature", "top_p", "seed", "model"}


def read_format(given: object, source: str, conversion: Conversion) -> None:
    """The form of the answer: free, JSON, or JSON by a schema."""
    wanted: Json = given if isinstance(given, dict) else {}
    kind = wanted.get("type", "text")
    if kind == "text":
        return
    inner = wanted.get("json_schema")
    schema: Any = (inner if isinstance(inner, dict) else wanted).get("schema")
    conversion.set_config(source, "responseMimeType", "application/json")
    if kind == "json_schema" and isinstance(schema, dict):
        conversion.set_config(source, "responseSchema", to_equivalents(schema)[0])
    elif kind not in ("json_object", "json_schema"):
        conversion.refuse(f'answers in the form "{str(kind)[:40]}"', "Ask for JSON by a schema.")


def read_tools(given: object, conversion: Conversion) -> None:
    """Functions and tools of the service. Functions are told by name alone or within "function"."""
    tool_exchange.read_tools(given, conversion, _function)


def _function(tool: Json) -> Json | None:
    function = tool.get("function", tool) if tool.get("type") == "function" else None
    if not isinstance(function, dict):
        return None
    return tool_exchange.declaration(function.get("name"), function.get("description"), function.get("parameters"))


def read_tool_choice(given: object, conversion: Conversion) -> None:
    """Whether tools must be called, or which."""
    if given is None:
        return
    names: list[str] = []
    mode: object = given
    if isinstance(given, dict):
        function = given.get("function")
        name = (function if isinstance(function, dict) else given).get("name")
        names, mode = ([str(name)], "required") if name else ([], given.get("mode"))
    config = tool_exchange.choice(str(mode), names)
    if config is None:
        conversion.leave_out("tool_choice")
    elif conversion.request.get("tools"):
        conversion.set("tool_choice", "toolConfig", config)


def leave_out_rest(body: Json, read: set[str], conversion: Conversion) -> None:
    """Name what else a line has: settings that mean nothing here, and names that are not known."""
    for name in body.keys() - read:
        if body[name] not in (None, False, [], {}, ""):
            conversion.leave_out(name if name in MEANINGLESS else f'unknown "{name}"')
