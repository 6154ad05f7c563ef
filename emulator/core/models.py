"""What a model is: what it can do, its limits, how it thinks; and how one is found.

The models themselves are in `model_list`.
"""

from dataclasses import dataclass, field
from typing import Any

GENERATE = ("generateContent", "countTokens")
BATCH = (*GENERATE, "batchGenerateContent")
FULL = (*GENERATE, "createCachedContent", "batchGenerateContent")
EMBED = ("embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent")
LONG_CONTEXT = 200_000  # prompt tokens above which some models price the whole request higher


@dataclass(frozen=True)
class Model:
    """One model. `thinking` is none, budget (2.5) or level (3.x, which cannot be turned off)."""

    id: str
    title: str
    methods: tuple[str, ...]
    generation: int = 3
    thinking: str = "level"
    levels: tuple[str, ...] = ()  # of thinking that it takes; empty: not known, all are taken
    budgets: tuple[int, int] = (0, 32_768)  # of thinking tokens
    can_skip_thinking: bool = False  # by a budget of 0
    input_limit: int = 1_048_576
    output_limit: int = 65_536
    min_explicit: int = 1024
    min_implicit: int = 4096
    image_sizes: dict[str, int] = field(default_factory=dict)  # size -> tokens of a picture; empty: makes none
    ratios: tuple[str, ...] = ()  # aspect ratios of pictures that it makes
    speech: bool = False
    dimensions: int = 0  # of an embedding; 0: not an embedding model
    many_candidates: bool = False
    retired: bool = False  # still listed, and no batches: answers as test suites of Google still ask of 2.0 Flash
    listed: bool = True
    version: str = "001"
    sampling: tuple[int, int] | None = (64, 2)  # topK and the highest temperature, as the listing shows them
    only: tuple[str, ...] = ()  # API versions that know it; empty: all

    @property
    def makes_pictures(self) -> bool:
        return bool(self.image_sizes)

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
        if self.sampling:
            top_k, hottest = self.sampling
            shown |= {"temperature": 1, "topP": 0.95, "topK": top_k, "maxTemperature": hottest}
        if self.thinking != "none":
            shown["thinking"] = True
        return shown
