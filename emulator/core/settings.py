"""The settings that POST /_emulator/settings changes: how the emulated service behaves from now on."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from emulator.core.errors import ACCOUNT_REFUSALS

PACES = ("instant", "realistic")
OUTCOMES = ("succeeded", "failed", "expired", "partially_succeeded", "stuck")
PROCESSING_SECONDS = 2.0  # of a media file where the pace is realistic and nothing else is set


@dataclass(frozen=True)
class Settings:
    """One value per knob; docs/emulator.md says what each does. Frozen: a change makes a new one."""

    free_tier: bool = False
    explicit_caching: bool = True
    implicit_hit_rate: float = 0.0
    enqueued_tokens: dict[str, int] = field(default_factory=dict)
    max_jobs: int = 100
    storage_bytes: int = 20 * 1024**3
    result_order: str = "recorded"
    duplicate_rows: float = 0
    list_lag_seconds: float = 0.0
    job_outcome: str = "succeeded"
    clock_skew_seconds: float = 0.0
    pace: str = "instant"
    account: str = "ok"
    cancel: str = "recorded"
    progress: str = "growing"
    serve_v1: bool = True
    file_processing_seconds: float | None = None
    file_processing: str = "succeeds"
    spacious_vectors: bool = False

    def with_changes(self, values: dict[str, Any]) -> "Settings":
        """These settings with some replaced. Raises ValueError for an unknown name or an impossible value."""
        if not isinstance(values, dict):
            raise ValueError("settings are an object: {name: value}")
        names = {f.name for f in fields(self)}
        if unknown := sorted(set(values) - names):
            raise ValueError(f"unknown setting {unknown[0]!r}; known are {', '.join(sorted(names))}")
        return Settings(**{**asdict(self), **{name: PARSERS[name](value) for name, value in values.items()}})

    def enqueued_limit(self, model: str) -> int | None:
        """The cap on enqueued tokens for a model, or None."""
        return self.enqueued_tokens.get(model, self.enqueued_tokens.get(f"models/{model}"))

    def processing_seconds(self, mime: str) -> float:
        """How long an uploaded media file stays PROCESSING: as set, else not at all unless the pace is `realistic`.

        Documents were ACTIVE at once where that was recorded, so they wait only by the setting.
        """
        if self.file_processing_seconds is not None:
            return self.file_processing_seconds
        return PROCESSING_SECONDS if self.pace == "realistic" and mime != "application/pdf" else 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _parse_rate(value: Any) -> float:
    rate = float(value)
    if not 0 <= rate <= 1:
        raise ValueError("implicit_hit_rate is a number from 0 to 1")
    return rate


def _one_of(name: str, *choices: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{name} is one of {', '.join(choices)}")
        return str(value)

    return parse


def _parse_outcome(value: Any) -> str:
    text = str(value)
    if text not in OUTCOMES and not text.isupper():
        raise ValueError(f"job_outcome is one of {', '.join(OUTCOMES)}, or a raw state such as BATCH_STATE_PAUSED")
    return text


def parse_pace(value: Any) -> str:
    """`instant`, `realistic`, or seconds as text."""
    text = str(value)
    if text in PACES:
        return text
    with suppress(ValueError):
        if 0 <= float(text) < 1e9:
            return text
    raise ValueError(f"pace is instant, realistic or a number of seconds, not {text}")


def _parse_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is needed")
    return value


def _number_between(minimum: float, maximum: float) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        number = float(value)
        if not minimum <= number <= maximum:
            raise ValueError(f"a number from {minimum:g} to {maximum:g} is needed, not {value!r}")
        return number

    return parse


def _parse_processing_seconds(value: Any) -> float | None:
    return None if value is None else _number_between(0, 1e9)(value)


def _parse_token_caps(value: Any) -> dict[str, int]:
    if not isinstance(value or {}, dict):
        raise ValueError("enqueued_tokens is an object: {model: tokens}")
    return {str(model).removeprefix("models/"): int(tokens) for model, tokens in (value or {}).items()}


PARSERS: dict[str, Callable[[Any], Any]] = {
    "free_tier": _parse_bool,
    "explicit_caching": _parse_bool,
    "implicit_hit_rate": _parse_rate,
    "enqueued_tokens": _parse_token_caps,
    "max_jobs": int,
    "storage_bytes": int,
    "result_order": _one_of("result_order", "recorded", "input", "shuffled"),
    "duplicate_rows": _number_between(0, 1e9),
    "list_lag_seconds": _number_between(0, 1e9),
    "job_outcome": _parse_outcome,
    "clock_skew_seconds": _number_between(-1e9, 1e9),
    "pace": parse_pace,
    "account": _one_of("account", "ok", *ACCOUNT_REFUSALS),
    "cancel": _one_of("cancel", "recorded", "discard"),
    "progress": _one_of("progress", "growing", "stale"),
    "serve_v1": _parse_bool,
    "file_processing_seconds": _parse_processing_seconds,
    "file_processing": _one_of("file_processing", "succeeds", "fails"),
    "spacious_vectors": _parse_bool,
}


def pace_seconds(pace: str, rows: int) -> float:
    """How long a job of so many rows takes: `instant` 0.1 s; `realistic` 18 s for ten rows, 22 s for a thousand."""
    if pace == "instant":
        return 0.1
    if pace == "realistic":
        return 16 + 2 * len(str(max(rows, 1) - 1 or 1))
    return float(pace)
