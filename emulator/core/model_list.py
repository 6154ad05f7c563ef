"""The models that the emulator serves, as data.

What each can do and its limits: a model list recorded on 2026-08-05, and for newer ones google-genai 3.4.0 and the
pages on models. The smallest explicit cache was probed by users on six 3.x models and is assumed for the others.
Levels and budgets of thinking: the guide to thinking; probed on 3.7 and 3.8 Flash (2026-09-05).
"""

from dataclasses import replace

from emulator.core.errors import ServiceError, not_found
from emulator.core.models import BATCH, EMBED, FULL, GENERATE, Model

_LOW_UP = ("LOW", "MEDIUM", "HIGH")
_ALL_LEVELS = ("MINIMAL", *_LOW_UP)
_SIZES_PRO = {"1K": 1120, "2K": 1120, "4K": 2000}
_SIZES_FLASH = {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520}
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_RATIOS_FLASH = (*_RATIOS, "1:4", "4:1", "1:8", "8:1")
_BETA = ("v1beta", "v1alpha")


def _three(id: str, title: str, version: str = "001", levels: tuple[str, ...] = _ALL_LEVELS) -> Model:
    return Model(id, title, FULL, version=version, levels=levels)


def _two_five(id: str, title: str, version: str, budgets: tuple[int, int], can_skip: bool) -> Model:
    return Model(
        id,
        title,
        FULL,
        2,
        "budget",
        budgets=budgets,
        can_skip_thinking=can_skip,
        min_implicit=2048,
        many_candidates=True,
        version=version,
    )


def _two_zero(id: str, title: str) -> Model:
    """Listed with batches although shut down."""
    return Model(
        id,
        title,
        FULL,
        2,
        "none",
        output_limit=8_192,
        many_candidates=True,
        retired=True,
        version="2.0",
        sampling=(40, 2),
    )


def _image(id: str, title: str, limits: tuple[int, int], sizes: dict[str, int], version: str = "3.0") -> Model:
    ratios = _RATIOS_FLASH if "3.1-flash" in id else _RATIOS
    model = Model(id, title, BATCH, version=version, image_sizes=sizes, ratios=ratios, sampling=(64, 1))
    return replace(model, input_limit=limits[0], output_limit=limits[1])


def _speech(id: str, title: str, methods: tuple[str, ...], generation: int = 2) -> Model:
    thinking = "level" if generation >= 3 else "none"
    return Model(id, title, methods, generation, thinking, input_limit=8_192, output_limit=16_384, speech=True)


def _embedding(id: str, title: str, limit: int, version: str) -> Model:
    return Model(
        id, title, EMBED, 2, "none", input_limit=limit, output_limit=1, dimensions=3072, version=version, sampling=None
    )


def _small(id: str, title: str, methods: tuple[str, ...] = GENERATE, limit: int = 131_072) -> Model:
    return Model(id, title, methods, input_limit=limit)


def _other(id: str, title: str, method: str) -> Model:
    """A model of another kind, which is listed and does nothing here."""
    return Model(id, title, (method,), 2, "none", input_limit=480, output_limit=8_192, sampling=None)


MODELS = (
    _three("gemini-3.8-flash", "Gemini 3.8 Flash", levels=_LOW_UP),
    _three("gemini-3.7-flash", "Gemini 3.7 Flash", levels=_LOW_UP),
    _three("gemini-3.6-flash", "Gemini 3.6 Flash", "3.6-flash-07-2026"),
    _three("gemini-3.5-flash", "Gemini 3.5 Flash", "3.5-flash-05-2026"),
    _three("gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite", "3.5-flash-lite-07-2026"),
    _three("gemini-3.1-flash-lite", "Gemini 3.1 Flash-Lite", "3.1-flash-lite-05-2026"),
    _three("gemini-3.1-flash-lite-preview", "Gemini 3.1 Flash-Lite Preview", "3.1-flash-lite-preview-03-2026"),
    _three("gemini-3.1-pro-preview", "Gemini 3.1 Pro Preview", "3.1-pro-preview-01-2026", _LOW_UP),
    _three("gemini-3.1-pro-preview-customtools", "Gemini 3.1 Pro Custom Tools", "3.1-pro-preview-01-2026", _LOW_UP),
    _three("gemini-3-flash-preview", "Gemini 3 Flash Preview", "3-flash-preview-12-2025"),
    replace(
        _three("gemini-3-pro-preview", "Gemini 3 Pro Preview", "3-pro-preview-11-2025", ("LOW", "HIGH")), retired=True
    ),
    _two_five("gemini-2.5-pro", "Gemini 2.5 Pro", "2.5", (128, 32_768), can_skip=False),
    _two_five("gemini-2.5-flash", "Gemini 2.5 Flash", "001", (0, 24_576), can_skip=True),
    _two_five("gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", "001", (512, 24_576), can_skip=True),
    replace(_three("gemini-flash-latest", "Gemini Flash Latest", "Gemini Flash Latest"), only=_BETA),
    replace(_three("gemini-flash-lite-latest", "Gemini Flash-Lite Latest", "Gemini Flash-Lite Latest"), only=_BETA),
    replace(_three("gemini-pro-latest", "Gemini Pro Latest", "Gemini Pro Latest", _LOW_UP), only=_BETA),
    _image("gemini-3-pro-image", "Gemini 3 Pro Image", (131_072, 32_768), _SIZES_PRO),
    _image("gemini-3-pro-image-preview", "Gemini 3 Pro Image Preview", (131_072, 32_768), _SIZES_PRO),
    _image("nano-banana-pro-preview", "Nano Banana Pro", (131_072, 32_768), _SIZES_PRO),
    _image("gemini-3.1-flash-image", "Gemini 3.1 Flash Image", (65_536, 65_536), _SIZES_FLASH),
    _image("gemini-3.1-flash-image-preview", "Gemini 3.1 Flash Image Preview", (65_536, 65_536), _SIZES_FLASH),
    _image("gemini-3.1-flash-lite-image", "Gemini 3.1 Flash-Lite Image", (65_536, 65_536), {"1K": 1120}),
    replace(
        _image("gemini-2.5-flash-image", "Gemini 2.5 Flash Image", (32_768, 32_768), {"1K": 1290}, "2.0"),
        generation=2,
        thinking="none",
    ),
    _speech("gemini-2.5-flash-preview-tts", "Gemini 2.5 Flash Preview TTS", GENERATE),
    _speech("gemini-2.5-pro-preview-tts", "Gemini 2.5 Pro Preview TTS", BATCH),
    _speech("gemini-3.1-flash-tts-preview", "Gemini 3.1 Flash TTS Preview", BATCH, generation=3),
    replace(
        _speech(
            "gemini-2.5-flash-preview-tts-voice-replication-rev22-2025-10-28",
            "Gemini 2.5 Flash TTS Voice Replication",
            GENERATE,
        ),
        listed=False,
    ),
    _embedding("gemini-embedding-2", "Gemini Embedding 2", 8_192, "2"),
    _embedding("gemini-embedding-2-preview", "Gemini Embedding 2 Preview", 8_192, "2"),
    _embedding("gemini-embedding-001", "Gemini Embedding 001", 2_048, "001"),
    _two_zero("gemini-2.0-flash", "Gemini 2.0 Flash"),
    _two_zero("gemini-2.0-flash-001", "Gemini 2.0 Flash 001"),
    _two_zero("gemini-2.0-flash-lite", "Gemini 2.0 Flash-Lite"),
    _two_zero("gemini-2.0-flash-lite-001", "Gemini 2.0 Flash-Lite 001"),
    Model(
        "gemini-2.0-flash-preview-image-generation",
        "Gemini 2.0 Flash Preview Image Generation",
        GENERATE,
        2,
        "none",
        image_sizes={"1K": 1290},
        retired=True,
        listed=False,
    ),
    _small("gemini-robotics-er-1.5-preview", "Gemini Robotics-ER 1.5 Preview", limit=1_048_576),
    _small("gemini-robotics-er-1.6-preview", "Gemini Robotics-ER 1.6 Preview", FULL),
    _small("gemini-robotics-er-2-preview", "Gemini Robotics-ER 2 Preview", FULL),
    _small("gemini-2.5-computer-use-preview-10-2025", "Gemini 2.5 Computer Use Preview 10-2025"),
    _small("gemini-omni-flash-preview", "Gemini Omni Flash Preview"),
    _small("gemma-4-26b-a4b-it", "Gemma 4 26B A4B IT", limit=262_144),
    _small("gemma-4-31b-it", "Gemma 4 31B IT", limit=262_144),
    _small("deep-research-max-preview-04-2026", "Deep Research Max Preview"),
    _small("deep-research-preview-04-2026", "Deep Research Preview"),
    _small("deep-research-pro-preview-12-2025", "Deep Research Pro Preview"),
    _small("antigravity-preview-05-2026", "Antigravity Preview"),
    _small("lyria-3-clip-preview", "Lyria 3 Clip Preview", limit=1_048_576),
    _small("lyria-3-pro-preview", "Lyria 3 Pro Preview", limit=1_048_576),
    _other("aqa", "Model that performs Attributed Question Answering", "generateAnswer"),
    _other("imagen-4.0-generate-001", "Imagen 4", "predict"),
    _other("imagen-4.0-ultra-generate-001", "Imagen 4 Ultra", "predict"),
    _other("imagen-4.0-fast-generate-001", "Imagen 4 Fast", "predict"),
    _other("veo-3.1-generate-preview", "Veo 3.1", "predictLongRunning"),
)
BY_ID = {model.id: model for model in MODELS}
_NEEDS_LIVING = {"batchGenerateContent", "createCachedContent"}


def find_model(name: str, method: str, version: str = "v1beta") -> Model:
    """The model that a path or a body names. Raises 404 in the service's words, also when it cannot do `method`."""
    model = BY_ID.get(name.removeprefix("models/"))
    if model is None or method not in (*model.methods, "") or (model.only and version not in model.only):
        raise model_not_found(name.removeprefix("models/"), method, version)
    if model.retired and method in _NEEDS_LIVING:
        raise not_found(
            f"This model models/{model.id} is no longer available. Please update your code to use a newer model for "
            "the latest features and improvements."
        )
    return model


def model_not_found(name: str, method: str, version: str) -> ServiceError:
    """The 404 for a model that is unknown or lacks a method (recorded by pydantic-ai's cassettes)."""
    return not_found(
        f"models/{name} is not found for API version {version}, or is not supported for {method or 'getModel'}. "
        "Call ModelService.ListModels to see the list of available models and their supported methods."
    )


def visible_models(version: str) -> list[Model]:
    """What `models.list` shows. Models that were shut down are still in it (recorded 2026-08-05)."""
    return [m for m in MODELS if m.listed and (not m.only or version in m.only)]
