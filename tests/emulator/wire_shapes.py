"""Golden shapes and how a value is held to one: the same fields and types, and where it matters the value."""

import json
import re
from pathlib import Path
from typing import Any

from tests.emulator_api import Json

KINDS = {  # names that stand for any value of a kind; every other value of a golden shape stands for itself
    "text": re.compile(".+", re.S),
    "count": re.compile(r"[1-9]\d*"),
    "batch name": re.compile("batches/[a-z0-9]{36}"),
    "file name": re.compile("files/[a-z0-9]{12}"),
    "cache name": re.compile("cachedContents/[a-z0-9]{40}"),
    "result file name": re.compile("files/batch-[a-z0-9]{36}"),
    "nanoseconds": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"),
    "microseconds": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"),
}
GOLDEN_DIR = Path(__file__).parent / "golden"


def read_golden(*names: str) -> dict[str, Json]:
    """The shapes in some files of the golden folder, by their names; each has an origin."""
    documents = [json.loads((GOLDEN_DIR / f"{name}.json").read_text()) for name in names]
    return {name: golden for document in documents for name, golden in document.items()}


def differences(shape: Any, value: Any, place: str = "$") -> list[str]:
    """Where a value leaves a shape; empty if nowhere."""
    if shape == "anything":
        return []
    if shape == "number":
        return [] if isinstance(value, (int, float)) and not isinstance(value, bool) else [f"{place}: {value!r}"]
    if isinstance(shape, str) and shape in KINDS:
        return [] if isinstance(value, str) and KINDS[shape].fullmatch(value) else [f"{place}: {value!r} is no {shape}"]
    if isinstance(shape, dict) and isinstance(value, dict):
        odd = [f"{place}: {name}" for name in shape.keys() ^ value.keys()]
        return odd + [d for n in shape.keys() & value.keys() for d in differences(shape[n], value[n], f"{place}.{n}")]
    if isinstance(shape, list) and isinstance(value, list):
        same = value and len(shape) in (1, len(value))
        shapes = shape * len(value) if len(shape) == 1 else shape
        found = [d for i, v in enumerate(value) for d in differences(shapes[i], v, f"{place}[{i}]")] if same else []
        return found if same else [f"{place}: {value!r}"]
    return [] if shape == value else [f"{place}: {value!r} is not {shape!r}"]
