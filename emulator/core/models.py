"""The models that the emulator serves, as data: what each can do, its limits, its minimum for a cache.

Facts of autumn 2026: the model list of google-genai 3.4.0, the cookbook, the pages on models and caching. The smallest
explicit cache was probed by users on six 3.x models and is assumed for the others.
"""

from dataclasses import dataclass
from typing import Any

from emulator.core.errors import ServiceError, not_found

GENERATE = ("generateContent", "countTokens")
BATCH = (*GENERATE, "batchGenerateContent")
FULL = (*GENERATE, "createCachedContent", "batchGenerateContent")
EMBED = ("embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent")
LONG_CONTEXT = 200_000  # prompt tokens above which some models price the whole request higher


@dataclass(frozen=True)
class Model:
    """One model. `thinking` is none, budget (2.5: can be turned off) or level (3.x: cannot)."""

    id: str
    title: str
    methods: tuple[str, ...]
    thinking: str = "level"
    input_limit: int = 1_048_576
    output_limit: int = 65_536
    min_explicit: int = 1024
    min_implicit: int = 4096
    image_tokens: int = 0  # billed per generated picture; 0: makes no pictures
    speech: bool = False
    dimensions: int = 0  # of an embedding; 0: not an embedding model
    many_candidates: bool = False
    retired: bool = False  # answers interactive calls only, as test suites of Google still ask of 2.0 Flash
    version: str = "001"
    only: tuple[str, ...] = ()  # API versions that know it; empty: all

    def resource(self, caching: bool = True) -> dict[str, Any]:
        """The model as `models.get` shows it."""
        methods = [m for m in self.methods if caching or m != "createCachedContent"]
        shown: dict[str, Any] = {
            "name": f"models/{self.id}",
            "version": self.version,
            "displayName": self.title,
            "description": f"{self.title} (emulated; answers are simulated)",
            "inputTokenLimit": self.input_limit,
            "outputTokenLimit": self.output_limit,
            "supportedGenerationMethods": methods,
        }
        if not self.dimensions:
            shown |= {"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2}
        if self.thinking != "none":
            shown["thinking"] = True
        return shown


def _embedding(id: str, title: str, limit: int) -> Model:
    return Model(id, title, EMBED, "none", input_limit=limit, output_limit=1, dimensions=3072)


def _image(id: str, title: str, tokens: int) -> Model:
    return Model(id, title, BATCH, "none", input_limit=65_536, output_limit=32_768, image_tokens=tokens)


def _speech(id: str, title: str) -> Model:
    return Model(id, title, GENERATE, "none", input_limit=8_192, output_limit=16_384, speech=True)


MODELS = (
    Model("gemini-3.8-flash", "Gemini 3.8 Flash", FULL),
    Model("gemini-3.7-flash", "Gemini 3.7 Flash", FULL),
    Model("gemini-3.6-flash", "Gemini 3.6 Flash", FULL),
    Model("gemini-3.5-flash", "Gemini 3.5 Flash", FULL),
    Model("gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite", FULL),
    Model("gemini-3.1-flash-lite", "Gemini 3.1 Flash-Lite", FULL),
    Model("gemini-3.1-pro-preview", "Gemini 3.1 Pro Preview", FULL),
    Model("gemini-3-flash-preview", "Gemini 3 Flash Preview", FULL),
    Model("gemini-2.5-pro", "Gemini 2.5 Pro", FULL, "budget", min_implicit=2048, many_candidates=True),
    Model("gemini-2.5-flash", "Gemini 2.5 Flash", FULL, "budget", min_implicit=2048, many_candidates=True),
    Model("gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", FULL, "budget", min_implicit=2048, many_candidates=True),
    Model("gemini-flash-latest", "Gemini Flash Latest", FULL, only=("v1beta", "v1alpha")),
    Model("gemini-flash-lite-latest", "Gemini Flash-Lite Latest", FULL, only=("v1beta", "v1alpha")),
    Model("gemini-pro-latest", "Gemini Pro Latest", FULL, only=("v1beta", "v1alpha")),
    _image("gemini-3-pro-image", "Gemini 3 Pro Image", 1120),
    _image("gemini-3.1-flash-image", "Gemini 3.1 Flash Image", 1120),
    _image("gemini-3.1-flash-lite-image", "Gemini 3.1 Flash-Lite Image", 1120),
    _image("gemini-2.5-flash-image", "Gemini 2.5 Flash Image", 1290),
    _speech("gemini-2.5-flash-preview-tts", "Gemini 2.5 Flash Preview TTS"),
    _speech(
        "gemini-2.5-flash-preview-tts-voice-replication-rev22-2025-10-28", "Gemini 2.5 Flash TTS Voice Replication"
    ),
    _embedding("gemini-embedding-2", "Gemini Embedding 2", 8_192),
    _embedding("gemini-embedding-001", "Gemini Embedding 001", 2_048),
    Model("gemini-2.0-flash-001", "Gemini 2.0 Flash 001", GENERATE, "none", many_candidates=True, retired=True),
    Model(
        "gemini-2.0-flash-preview-image-generation",
        "Gemini 2.0 Flash Preview Image Generation",
        GENERATE,
        "none",
        image_tokens=1290,
        retired=True,
    ),
)
BY_ID = {model.id: model for model in MODELS}


def find_model(name: str, method: str, version: str = "v1beta") -> Model:
    """The model that a path or a body names. Raises 404 in the service's words, also when it cannot do `method`."""
    model = BY_ID.get(name.removeprefix("models/"))
    if model is None or method not in (*model.methods, "") or (model.only and version not in model.only):
        raise model_not_found(name.removeprefix("models/"), method, version)
    return model


def model_not_found(name: str, method: str, version: str) -> ServiceError:
    """The 404 for a model that is unknown or lacks a method (recorded by pydantic-ai's cassettes)."""
    return not_found(
        f"models/{name} is not found for API version {version}, or is not supported for {method or 'getModel'}. "
        "Call ModelService.ListModels to see the list of available models and their supported methods."
    )


def visible_models(version: str) -> list[Model]:
    """What `models.list` shows: everything but the retired."""
    return [m for m in MODELS if not m.retired and (not m.only or version in m.only)]
