"""What is refused of tools: names, choices, combinations, and histories in which calls and responses do not meet.

Wordings as users quote them: gemini-cli 5443 and 9535, Open-WebUI-Functions 135, vscode 299295.
"""

import re
from typing import Any

from emulator.core.errors import ServiceError, invalid
from emulator.core.models import Model
from emulator.schema.type_checks import check_schema

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_NAME_RULE = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), "
    "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
)
_COUNTS = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)
_CALL_PLACE = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
_RESPONSE_PLACE = "Please ensure that function response turn comes immediately after a function call turn."


def check_tools(request: dict[str, Any], model: Model, message: str = "GenerateContentRequest") -> None:
    """Declarations have proper names and schemas, choices are among them, and go with what else is asked for."""
    declared = [
        (f"{message}.tools[{at}].function_declarations[{number}]", declaration)
        for at, tool in enumerate(request.get("tools") or ())
        for number, declaration in enumerate(tool.get("functionDeclarations") or ())
    ]
    names: set[str] = set()
    for place, declaration in declared:
        _check_declaration(declaration, place, names)
    _check_choice(request, names, message)
    if names and model.generation < 3:
        _check_combination(request)


def _check_declaration(declaration: dict[str, Any], place: str, names: set[str]) -> None:
    name = declaration.get("name", "")
    if not _NAME.fullmatch(name):
        raise invalid(f"* {place}.name: {_NAME_RULE}\n")
    if name in names:
        raise invalid(f"Duplicate function declaration found: {name}")
    names.add(name)
    if "parameters" in declaration:
        check_schema(declaration["parameters"], f"{place}.parameters")


def _check_choice(request: dict[str, Any], names: set[str], message: str) -> None:
    choice = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    for index, name in enumerate(choice.get("allowedFunctionNames") or ()):
        if name not in names:
            place = f"{message}.tool_config.function_calling_config.allowed_function_names[{index}]"
            raise invalid(f"* {place}: {name} is not a declared function\n")


def _check_combination(request: dict[str, Any]) -> None:
    """What 2.5 refuses beside functions."""
    if (request.get("generationConfig") or {}).get("responseMimeType") == "application/json":
        raise invalid("Function calling with a response mime type: 'application/json' is unsupported")
    if any("googleSearch" in tool or "googleSearchRetrieval" in tool for tool in request["tools"]):
        raise invalid("Tool use with function calling is unsupported by the model.")


def check_history(contents: list[dict[str, Any]], model: Model, begins: bool = True) -> None:
    """Every call turn is followed by as many responses, and the first turn is the user's.

    `begins` is False for contents that go on after a cache. Contents that end inside an exchange are refused, too.
    """
    if begins and contents and contents[0].get("role") == "model":
        raise invalid("Please ensure that the first turn comes from the user.")
    open_calls, previous_role = 0, ""
    for content in contents:
        calls, responses = _count(content, "functionCall"), _count(content, "functionResponse")
        if open_calls and responses != open_calls:
            raise invalid(_COUNTS)
        if responses and not open_calls:
            raise invalid(_RESPONSE_PLACE)
        if calls and previous_role == "model":
            raise invalid(_CALL_PLACE)
        open_calls, previous_role = calls, content.get("role", "user")
    if open_calls:
        raise invalid(_COUNTS)
    if model.generation >= 3 and model.thinking != "none":
        _check_signatures(contents)


def _count(content: dict[str, Any], name: str) -> int:
    return sum(name in part for part in content["parts"])


def _check_signatures(contents: list[dict[str, Any]]) -> None:
    """The first call of each step since the user last spoke has the signature that came with it (the guide to them)."""
    spoke = [i for i, c in enumerate(contents) if c.get("role", "user") == "user" and not _count(c, "functionResponse")]
    for position in range(spoke[-1] if spoke else 0, len(contents)):
        calls = [part for part in contents[position]["parts"] if "functionCall" in part]
        if calls and not calls[0].get("thoughtSignature"):
            raise _missing_signature(calls[0]["functionCall"].get("name", ""), position + 1)


def _missing_signature(name: str, position: int) -> ServiceError:
    return invalid(
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{name}` , position {position}. Please refer to "
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
    )
