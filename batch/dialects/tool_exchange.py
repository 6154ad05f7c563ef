"""Tools and the exchanges with them: declarations, choices, calls and what they returned."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from batch.dialects.conversion import Conversion, Json, objects_of

# Google's page on thought signatures names this one for calls that another model made.
FOREIGN_SIGNATURE = "skip_thought_signature_validator"
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}


def declaration(name: object, description: object, schema: object) -> dict[str, Any]:
    """A function that may be called. Its parameters stay JSON Schema."""
    declared: dict[str, Any] = {"name": str(name)}
    if description:
        declared["description"] = str(description)
    if isinstance(schema, dict) and schema.get("properties"):
        declared["parametersJsonSchema"] = schema
    return declared


def choice(mode: str, names: list[str]) -> dict[str, Any] | None:
    """Whether and which functions must be called, as a toolConfig; None for a word that says neither."""
    if mode not in _MODES:
        return None
    config: dict[str, Any] = {"mode": _MODES[mode]}
    return {"functionCallingConfig": config | ({"allowedFunctionNames": names} if names else {})}


# What a tool's type begins with, what it is called here, and the tool of Gemini's that it is.
_HOSTED = (
    ("web_search", "web search", "googleSearch"),
    ("code_interpreter", "code_interpreter", "codeExecution"),
    ("code_execution", "code_execution", "codeExecution"),
)


def read_tools(given: object, conversion: Conversion, function_of: Callable[[Json], Json | None]) -> None:
    """Functions, which `function_of` declares (None for what is none), and tools that the service has itself."""
    functions, tools = list[Json](), list[Json]()
    for tool in objects_of(given):
        kind = str(tool.get("type"))
        function = function_of(tool)
        hosted = next((one for one in _HOSTED if kind.startswith(one[0])), None)
        if function is not None:
            functions.append(function)
        elif hosted is not None:
            conversion.map(hosted[1], hosted[2])
            tools.append({hosted[2]: {}})
        else:
            conversion.refuse(f'tools of the type "{kind[:40]}"', "Leave them out, or declare a function.")
    if functions:
        tools.insert(0, {"functionDeclarations": functions})
    conversion.set("tools", "tools", tools)


class ToolExchange:
    """The calls of one conversation by their ids, so that what came back finds the function's name."""

    def __init__(self, conversion: Conversion) -> None:
        self._names: dict[str, str] = {}
        self._conversion = conversion

    def call(self, call_id: object, name: object, arguments: object, *, first: bool) -> dict[str, Any]:
        """A call as a part of the model's turn. Only the `first` of a turn is signed."""
        self._names[str(call_id)] = str(name)
        self._conversion.map("tool calls", "functionCall")
        part: dict[str, Any] = {"functionCall": {"name": str(name), "args": as_object(arguments, "arguments")}}
        return part | ({"thoughtSignature": FOREIGN_SIGNATURE} if first else {})

    def result(self, call_id: object, returned: object) -> dict[str, Any] | None:
        """What a call returned, as a part of the user's turn; None if nobody called."""
        name = self._names.get(str(call_id))
        if name is None:
            self._conversion.refuse("results of tools that nobody called", "Give the call before its result.")
            return None
        self._conversion.map("tool results", "functionResponse")
        return {"functionResponse": {"name": name, "response": as_object(returned, "result")}}


def as_object(value: object, name: str) -> dict[str, Any]:
    """A value as an object: itself, the JSON object in a text, or the value under a name."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except (ValueError, RecursionError):
            return {name: value}
    return value if isinstance(value, dict) else {name: value}


class Turns:
    """Turns as they grow: what the same role says next goes into its turn, as Gemini wants it after calls of tools."""

    def __init__(self) -> None:
        self.contents: list[dict[str, Any]] = []

    def add(self, role: str, parts: list[dict[str, Any]]) -> None:
        """Add parts to the last turn, if it is the same role's, or as a turn of their own."""
        if not parts:
            return
        if self.contents and self.contents[-1]["role"] == role:
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": role, "parts": parts})
