"""The nouns of a batch: what users choose, what is sent, what comes back."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import StrEnum


def model_id(name: str) -> str:
    """A model's bare id: without the `models/` that Google writes before it, and without blanks around it."""
    return name.strip().removeprefix("models/")


class Outcome(StrEnum):
    """What became of one row that was sent. Every row has exactly one."""

    ANSWERED = "answered"
    TRUNCATED = "truncated"
    TRUNCATED_EMPTY = "truncated_empty"
    PROMPT_BLOCKED = "prompt_blocked"
    ANSWER_BLOCKED = "answer_blocked"
    RECITATION = "recitation"
    REFUSED = "refused"
    EMPTY = "empty"
    THOUGHTS_ONLY = "thoughts_only"
    TOOL_CALL = "tool_call"
    INVALID_OUTPUT = "invalid_output"
    ERROR_TRANSIENT = "error_transient"
    ERROR_PERMANENT = "error_permanent"
    NO_RESPONSE = "no_response"
    MISSING = "missing"
    UNKNOWN = "unknown"


class RunState(StrEnum):
    """What a user needs to know of a run at a glance."""

    ACTIVE = "active"
    WAITING_FOR_KEY = "waiting_for_key"
    WAITING_FOR_CAPACITY = "waiting_for_capacity"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (RunState.FINISHED, RunState.CANCELLED, RunState.FAILED)


class Stage(StrEnum):
    """Where in its life a run is; each stage may be run again after a crash."""

    PLANNED = "planned"
    SUBMITTING = "submitting"
    RUNNING = "running"
    COLLECTING = "collecting"
    RELEASING = "releasing"
    FINISHED = "finished"


class ContextMode(StrEnum):
    """How shared text is paid for: decided by arithmetic, one explicit cache, byte-identical prefixes, or in full."""

    AUTO = "auto"
    EXPLICIT = "explicit"
    IMPLICIT = "implicit"
    NONE = "none"


class EmptyCells(StrEnum):
    """What becomes of rows that have nothing in a column which the template names."""

    SEND = "send"
    SKIP = "skip"


class SendAs(StrEnum):
    """The transport of a batch job: requests in the create call, or an uploaded JSONL file."""

    AUTO = "auto"
    INLINE = "inline"
    FILE = "file"


class SendFiles(StrEnum):
    """How the files that requests refer to travel: inside the requests, or uploaded first and named in them."""

    AUTO = "auto"
    INLINE = "inline"
    UPLOAD = "upload"


@dataclass(frozen=True)
class Generation:
    """Settings applied to every request that does not set them itself. None and "" are not sent.

    `thinking` is a level ("minimal", "low", "medium", "high", "xhigh") or a budget in tokens as digits
    (2.5 models); `response_schema` is an OpenAPI-style schema as JSON text. `aspect_ratio` ("16:9") and `image_size`
    ("2K") are for pictures, `dimensions` and `task_type` ("RETRIEVAL_DOCUMENT") for embeddings. `media_resolution`
    ("low", "medium", "high") is how closely files are looked at, and so how many tokens they have.
    """

    temperature: float | None = None
    max_output_tokens: int | None = None
    thinking: str = ""
    system_instruction: str = ""
    response_schema: str = ""
    aspect_ratio: str = ""
    image_size: str = ""
    dimensions: int | None = None
    task_type: str = ""
    media_resolution: str = ""


@dataclass(frozen=True)
class Usage:
    """What one row or many used, in Google's sense: `prompt` includes `cached`; thoughts are billed as output.

    `audio` tokens are part of `prompt`, `cached_audio` of `cached`, `image` (pictures made) of `candidates`.
    `unitemised` tokens are in Google's total and in none of its parts; they are taken for output. `search_queries`
    are distinct web searches, `grounded_prompts` the rows that made any: each is a fee beside the tokens.
    """

    prompt: int = 0
    cached: int = 0
    candidates: int = 0
    thoughts: int = 0
    tool_prompt: int = 0
    audio: int = 0
    cached_audio: int = 0
    image: int = 0
    unitemised: int = 0
    search_queries: int = 0
    grounded_prompts: int = 0

    @property
    def output(self) -> int:
        """Billed output tokens."""
        return self.candidates + self.thoughts + self.unitemised

    def __add__(self, other: Usage) -> Usage:
        return Usage(*map(operator.add, vars(self).values(), vars(other).values()))


@dataclass(frozen=True)
class Tariff:
    """Prices of one model on one day in USD per million tokens, and the sizes that decide about caching.

    None means unknown, never free. With a long-context tier, a request whose prompt exceeds
    `long_context_threshold` tokens is priced wholly at `long`. `cached` is the rate planned with for cached
    tokens in a batch (the standard cached rate); `cached_best` the lower one printed for some models.
    `storage` is per million tokens and hour. Minimum sizes are tokens; None means unknown or unsupported.

    Where sound or pictures have no price of their own (`audio_batch` and `image_output_batch` are None), they cost what
    text does. `search_query` is USD per 1,000 web searches, `search_prompt` per 1,000 requests that searched; the
    service charges one or the other, and neither is halved in a batch.
    """

    input_standard: float | None
    input_batch: float | None
    output_standard: float | None
    output_batch: float | None
    cached: float | None
    cached_best: float | None
    storage: float | None
    explicit_minimum: int | None = None
    implicit_minimum: int | None = None
    long_context_threshold: int | None = None
    long: Tariff | None = None
    audio_standard: float | None = None
    audio_batch: float | None = None
    audio_cached: float | None = None
    image_output_standard: float | None = None
    image_output_batch: float | None = None
    search_query: float | None = None
    search_prompt: float | None = None
