"""The generation settings of a run: checked once, then given to every request that does not set them itself."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from msgspec import Raw
from msgspec.json import decode

from batch.errors import Fault, Problem
from batch.media.tokens import RESOLUTIONS, resolution_of, wire_resolution
from batch.model import Generation
from batch.requests import response_schema
from batch.requests.canonicalize import Members, encode
from batch.requests.field_table import RANGES
from batch.requests.shared.fields import SharedFields
from batch.rules.model_rules import ModelRules
from batch.rules.rule_table import RULES, warning

THINKING_LEVELS = ("minimal", "low", "medium", "high", "xhigh")
MAX_OUTPUT_TOKENS = 1_000_000  # above any model's output; a larger figure is a slip of the keyboard


def check_generation(generation: Generation, rules: ModelRules | None = None) -> list[Problem]:
    """Everything wrong with the settings; line 0, and the setting's name as key. `rules` are those of the model."""
    problems = [
        *_range_problems("temperature", generation.temperature, *RANGES["temperature"]),
        *_range_problems("max_output_tokens", generation.max_output_tokens, 1, MAX_OUTPUT_TOKENS),
        *_thinking_problems(generation.thinking.strip()),
        *_resolution_problems(generation.media_resolution),
        *_schema_problems(generation.response_schema),
        *_text_problems("system_instruction", generation.system_instruction),
    ]
    if rules is None or problems:
        return problems
    faults = rules.check_config(_settings_config(generation)).faults
    of_fields = [Problem(0, _SETTING_OF_FIELD[_field_of(fault)], *fault) for fault in faults]
    return of_fields or list(_other_kind_problems(generation, rules))


def _other_kind_problems(generation: Generation, rules: ModelRules) -> Iterator[Problem]:
    """Settings that are for models of another kind than this one is known to be."""
    facts = rules.facts
    if not facts.label:
        return
    if facts.kind != "image" and (generation.aspect_ratio or generation.image_size):
        name = "aspect_ratio" if generation.aspect_ratio else "image_size"
        yield Problem(0, name, f"{rules.name} makes no pictures.", "Choose an image model, or leave the setting out.")
    if facts.kind != "embedding" and (generation.dimensions is not None or generation.task_type):
        name = "task_type" if generation.task_type else "dimensions"
        remedy = "Choose an embedding model, or leave the setting out."
        yield Problem(0, name, f"{rules.name} makes no embeddings.", remedy)


_SETTING_OF_FIELD = {
    "aspectRatio": "aspect_ratio",
    "imageSize": "image_size",
    "maxOutputTokens": "max_output_tokens",
    "thinkingLevel": "thinking",
    "thinkingBudget": "thinking",
}


def _field_of(fault: Fault) -> str:
    return RULES[fault.rule].looks_at.rpartition(".")[2]


def _settings_config(generation: Generation) -> dict[str, Any]:
    """The settings that rules look at, as a generationConfig has them."""
    config: dict[str, Any] = {
        "thinkingConfig": {k: decode(v) for k, v in _thinking_config(generation.thinking.strip()).items()}
    }
    if generation.max_output_tokens is not None:
        config["maxOutputTokens"] = generation.max_output_tokens
    if image := _image_config(generation):
        config["imageConfig"] = {name: decode(value) for name, value in image.items()}
    return config


def _range_problems(name: str, value: float | None, low: float | None, high: float | None) -> list[Problem]:
    label = name.replace("_", " ").capitalize()
    if value is None:
        return []
    if isinstance(value, bool) or value != value:
        return [Problem(0, name, f"{label} must be a number.", "Enter a number, or leave it empty.")]
    if low is not None and value < low:
        return [Problem(0, name, f"{label} is {value}.", f"The lowest value is {low}.")]
    if high is not None and value > high:
        return [Problem(0, name, f"{label} is {value}.", f"The highest value is {high:,}.")]
    return []


def _thinking_problems(thinking: str) -> list[Problem]:
    if (
        not thinking
        or thinking.lower() in THINKING_LEVELS
        or thinking == "-1"
        or (thinking.isascii() and thinking.isdigit())
    ):
        return []
    remedy = f"Choose one of {', '.join(THINKING_LEVELS)}, or a number of tokens for Gemini 2.5 models."
    return [Problem(0, "thinking", f'"{thinking}" is not a thinking level.', remedy)]


def _resolution_problems(resolution: str) -> list[Problem]:
    if not resolution or resolution in RESOLUTIONS:
        return []
    fault = f'"{resolution}" is not a media resolution.'
    return [Problem(0, "media_resolution", fault, f"Choose one of {', '.join(RESOLUTIONS)}.")]


def _schema_problems(text: str) -> list[Problem]:
    if not text.strip():
        return []
    return [Problem(0, "response_schema", *fault) for fault in response_schema.convert_json(text).faults]


def _text_problems(name: str, text: str) -> list[Problem]:
    try:
        text.encode()
    except UnicodeEncodeError:
        label = name.replace("_", " ")
        return [Problem(0, name, f"The {label} holds half a character (a lone surrogate).", "Type it again.")]
    return []


class EncodedSettings:
    """What a run adds to its requests, encoded once so that it is byte-identical in every one of them.

    `fields` is that, and `written` what of it is put into the rows while they are checked. `notes` are plain sentences
    about what was rewritten and what may be refused. The settings must have passed `check_generation`.
    """

    def __init__(self, generation: Generation, shared_text: str = "", rules: ModelRules | None = None) -> None:
        rules = rules or ModelRules()
        self.generation = generation
        warned = rules.check_config(_settings_config(generation)).warnings
        self.notes = [warning(rule_id, "The settings have", rules.name) for rule_id in warned]
        system = generation.system_instruction
        values: Members = {}
        if generation.temperature is not None:
            values["temperature"] = Raw(encode(generation.temperature))
        if generation.max_output_tokens is not None:
            values["maxOutputTokens"] = Raw(encode(generation.max_output_tokens))
        if resolution := resolution_of(generation.media_resolution):
            values["mediaResolution"] = Raw(encode(wire_resolution(resolution)))
        self.fields = SharedFields(
            part=Raw(encode({"text": shared_text})) if shared_text.strip() else None,
            system=Raw(encode({"parts": [{"text": system}]})) if system.strip() else None,
            values=values,
            thinking=_thinking_config(generation.thinking.strip()),
            image=_image_config(generation),
            schema=self._convert_schema(generation.response_schema),
        )
        self.written = self.fields

    def apart(self) -> EncodedSettings:
        """The same for rows that are judged with them and written without: `written` is empty."""
        other = copy(self)
        other.written = SharedFields()
        return other

    @property
    def has_system(self) -> bool:
        """Whether rows without a cache are sent with a system instruction of the run."""
        return self.fields.system is not None

    def _convert_schema(self, text: str) -> Raw | None:
        if not text.strip():
            return None
        converted = response_schema.convert_json(text)
        if converted.changes:
            self.notes.append(f"The response schema was brought into Gemini's form: {'; '.join(converted.changes)}.")
        if converted.depth > response_schema.WARN_DEPTH:
            self.notes.append(
                f"The response schema is {converted.depth} levels deep; Gemini refuses schemas that are too deep,"
                " without saying how deep they may be. Try a few rows first."
            )
        if converted.is_large:
            self.notes.append(warning("schema_large", "The response schema has", ""))
        return Raw(encode(converted.schema))

    def asks_for_json(self, config: Raw | None) -> bool:
        """Whether a request with this generationConfig, or without one, is to be answered by the settings' schema."""
        return self.fields.asks_for_json(config)

    def apply(self, request: Members) -> bool:
        """Write into a request, in place, what it does not set itself; false if a cache keeps the system instruction
        out."""
        self.written.apply(request)
        return not (self.has_system and "cachedContent" in request and "systemInstruction" not in request)


def _thinking_config(thinking: str) -> Members:
    if not thinking:
        return {}
    if thinking.lower() in THINKING_LEVELS:
        return {"thinkingLevel": Raw(encode(thinking.upper()))}
    return {"thinkingBudget": Raw(str(int(thinking)).encode())}


def _image_config(generation: Generation) -> Members:
    """The settings of pictures, as an imageConfig has them."""
    values = {"aspectRatio": generation.aspect_ratio.strip(), "imageSize": generation.image_size.strip()}
    return {name: Raw(encode(value)) for name, value in values.items() if value}
