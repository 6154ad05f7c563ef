"""What a model refuses in a generationConfig, by name of the field."""

from collections.abc import Callable
from typing import Any

from emulator.core.errors import invalid
from emulator.core.models import Model
from emulator.schema.type_checks import check_schema

_CONFIG = "GenerateContentRequest.generation_config"


def check_config(config: dict[str, Any], model: Model) -> None:
    """Raise the service's 400 for the first field that the model does not take."""
    for name in config.keys() & _CHECKS.keys():
        _CHECKS[name](config[name], config, model)


def _candidate_count(value: int, config: dict[str, Any], model: Model) -> None:
    if not 1 <= value <= 8:
        raise invalid(f"* {_CONFIG}.candidate_count: {value} is not from 1 to 8\n")
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
            f"* {_CONFIG}.response_mime_type: allowed mimetypes are `text/plain`, "
            "`application/json`, `application/xml`, `application/yaml` and `text/x.enum`.\n"
        )
    schema = config.get("responseSchema")
    if value == "text/x.enum" and schema is not None and not schema.get("enum"):
        raise invalid("Invalid value for response_schema: text/x.enum needs a schema that is an enum.")


def _schema(value: Any, config: dict[str, Any], model: Model) -> None:
    if config.get("responseMimeType", "") not in ("application/json", "text/x.enum"):
        raise invalid(f"* {_CONFIG}.response_schema: only allowed when mime type is application/json or text/x.enum\n")


def _response_schema(value: dict[str, Any], config: dict[str, Any], model: Model) -> None:
    _schema(value, config, model)
    check_schema(value, f"{_CONFIG}.response_schema")


def _temperature(value: float, config: dict[str, Any], model: Model) -> None:
    if not 0 <= value <= 2:
        raise invalid(f"* {_CONFIG}.temperature: {value} is not in [0.0, 2.0]\n")


def _image(value: dict[str, Any], config: dict[str, Any], model: Model) -> None:
    """Sizes and shapes of pictures by model; the K is a capital. What other models say to them is not known."""
    for name, taken in (("imageSize", (*model.image_sizes,)), ("aspectRatio", model.ratios)):
        wanted = value.get(name)
        if wanted and taken and wanted not in taken:
            field = "image_size" if name == "imageSize" else "aspect_ratio"
            raise invalid(f"* {_CONFIG}.image_config.{field}: {wanted} is not one of {', '.join(taken)}\n")


def _thinking(value: dict[str, Any], config: dict[str, Any], model: Model) -> None:
    budget, level = value.get("thinkingBudget"), value.get("thinkingLevel")
    if budget is not None and level is not None:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if model.thinking == "none" and (budget or value.get("includeThoughts")):
        raise invalid("Thinking is not enabled for this model")
    if level is not None:
        _thinking_level(level, model)
    if budget is not None and model.thinking != "none":
        _thinking_budget(budget, model)


def _thinking_level(level: str, model: Model) -> None:
    """3.x only, and of those the levels that a model lists (qwen-code 9094: the field itself is refused on 2.5)."""
    if model.thinking != "level":
        raise invalid("Thinking level is not supported for this model.")
    if model.levels and level not in model.levels:
        raise invalid(
            f"Thinking level {level} is not supported for this model. Please retry with other thinking level."
        )


def _thinking_budget(budget: int, model: Model) -> None:
    """From the model's least to its most; -1 leaves it to the model; 0 only where thinking can be turned off."""
    if budget == 0 and not model.can_skip_thinking:
        raise invalid("Budget 0 is invalid. This model only works in thinking mode.")
    least, most = model.budgets
    if budget not in (-1, 0) and not least <= budget <= most:
        raise invalid(f"The thinking budget {budget} is invalid. Please choose a value between {least} and {most}.")


_CHECKS: dict[str, Callable[[Any, dict[str, Any], Model], None]] = {
    "candidateCount": _candidate_count,
    "maxOutputTokens": _max_tokens,
    "logprobs": _logprobs,
    "responseLogprobs": _response_logprobs,
    "speechConfig": _speech,
    "responseMimeType": _mime,
    "responseSchema": _response_schema,
    "responseJsonSchema": _schema,
    "temperature": _temperature,
    "imageConfig": _image,
    "thinkingConfig": _thinking,
}
