"""What the service refuses in a well-formed request. Every check raises the service's 400.

Wordings are from Google's own tests and recorded answers where those show one; the rest are in the same manner.
"""

from collections.abc import Callable
from typing import Any

from emulator.core.errors import ServiceError, invalid
from emulator.core.models import Model

_DATA_FIELDS = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "audioTranscription",
}
_ROLES = {"user", "model", "function", "tool", "system"}


def check_contents(request: dict[str, Any], message: str = "GenerateContentRequest", required: bool = True) -> None:
    """Contents are there, roles are known, every part holds one thing."""
    contents = request.get("contents")
    if not contents:
        if required:
            raise invalid(f"* {message}.contents: contents is not specified\n")
        return
    for index, content in enumerate(contents):
        if content.get("role", "user") not in _ROLES:
            raise invalid("Please use a valid role: user, model.")
        parts = content.get("parts")
        if not parts:
            raise invalid(f"* {message}.contents[{index}].parts: contents.parts must not be empty.\n")
        for number, part in enumerate(parts):
            if len(part) != 1 or "text" not in part:
                _check_part(part, f"{message}.contents[{index}].parts[{number}]")


def _check_part(part: dict[str, Any], place: str) -> None:
    data = part.keys() & _DATA_FIELDS
    if len(data) > 1:
        names = ", ".join(sorted(data))
        raise invalid(f"* {place}.data: oneof field 'data' is already set. Cannot set '{names}'\n")
    if not data and "thoughtSignature" not in part:
        raise invalid(f"* {place}.data: required oneof field 'data' must have one initialized field\n")
    blob = part.get("inlineData")
    if blob is not None and not blob.get("data"):
        raise invalid(f"* {place}.inline_data.data: required field is not set\n")
    if blob is not None and not blob.get("mimeType"):
        raise invalid(f"* {place}.inline_data.mime_type: required field is not set\n")
    if "fileData" in part and not part["fileData"].get("fileUri"):
        raise invalid(f"* {place}.file_data.file_uri: required field is not set\n")


def _candidate_count(value: int, config: dict[str, Any], model: Model) -> None:
    if not 1 <= value <= 8:
        raise invalid(f"* GenerateContentRequest.generation_config.candidate_count: {value} is not from 1 to 8\n")
    if value > 1 and not model.many_candidates:
        raise invalid("Multiple candidates is not enabled for this model")


def _max_tokens(value: int, config: dict[str, Any], model: Model) -> None:
    if not 1 <= value <= model.output_limit:
        raise invalid(f"max_output_tokens must be from 1 to {model.output_limit} for models/{model.id}, not {value}.")


def _logprobs(value: int, config: dict[str, Any], model: Model) -> None:
    if not config.get("responseLogprobs"):
        raise invalid("logprobs can only be set when response_logprobs is true.")


def _response_logprobs(value: bool, config: dict[str, Any], model: Model) -> None:
    if value and not model.retired:
        raise invalid(f"Logprobs is not enabled for models/{model.id}")


def _speech(value: dict[str, Any], config: dict[str, Any], model: Model) -> None:
    if "voiceConfig" in value and "multiSpeakerVoiceConfig" in value:
        raise invalid("voice_config and multi_speaker_voice_config are mutually exclusive.")


def _mime(value: str, config: dict[str, Any], model: Model) -> None:
    if value not in ("text/plain", "application/json", "text/x.enum", ""):
        raise invalid(
            "* GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are `text/plain`, "
            "`application/json`, `application/xml`, `application/yaml` and `text/x.enum`.\n"
        )
    schema = config.get("responseSchema")
    if value == "text/x.enum" and schema is not None and not schema.get("enum"):
        raise invalid("Invalid value for response_schema: text/x.enum needs a schema that is an enum.")


def _schema(value: Any, config: dict[str, Any], model: Model) -> None:
    if config.get("responseMimeType", "") not in ("application/json", "text/x.enum"):
        raise invalid(
            "* GenerateContentRequest.generation_config.response_schema: only allowed when mime type is "
            "application/json or text/x.enum\n"
        )


def _temperature(value: float, config: dict[str, Any], model: Model) -> None:
    if not 0 <= value <= 2:
        raise invalid(f"* GenerateContentRequest.generation_config.temperature: {value} is not in [0.0, 2.0]\n")


def _thinking(value: dict[str, Any], config: dict[str, Any], model: Model) -> None:
    budget, level = value.get("thinkingBudget"), value.get("thinkingLevel")
    if budget is not None and level is not None:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if model.thinking == "none" and (budget or value.get("includeThoughts")):
        raise invalid("Thinking is not enabled for this model")
    if level is not None and model.thinking == "none":
        raise invalid("Thinking level is not supported for this model.")
    if budget == 0 and (model.thinking == "level" or "pro" in model.id):
        raise invalid("Budget 0 is invalid. This model only works in thinking mode.")


_CONFIG_CHECKS: dict[str, Callable[[Any, dict[str, Any], Model], None]] = {
    "candidateCount": _candidate_count,
    "maxOutputTokens": _max_tokens,
    "logprobs": _logprobs,
    "responseLogprobs": _response_logprobs,
    "speechConfig": _speech,
    "responseMimeType": _mime,
    "responseSchema": _schema,
    "responseJsonSchema": _schema,
    "temperature": _temperature,
    "thinkingConfig": _thinking,
}


def check_request(request: dict[str, Any], model: Model) -> None:
    """Everything that can be said without looking at files and caches."""
    check_contents(request)
    config = request.get("generationConfig")
    if config:
        for name in config.keys() & _CONFIG_CHECKS.keys():
            _CONFIG_CHECKS[name](config[name], config, model)
    model_name = request.get("model")
    if model_name and model_name.removeprefix("models/") != model.id:
        raise invalid(
            f"Model in the request ({model_name}) and in the address (models/{model.id}) have to be the same."
        )


def input_too_long(limit: int) -> ServiceError:
    return invalid(f"The input token count exceeds the maximum number of tokens allowed {limit}.")
