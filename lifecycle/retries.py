"""A child run: chosen rows of an earlier run, sent again under their own keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import orjson

from batch.errors import InputError
from batch.model import Outcome
from lifecycle.drafts import DRAFT, Draft, open_draft
from lifecycle.forecast import Forecast
from lifecycle.results import Filter, ResultTable
from lifecycle.subset import copy_inputs, copy_lines
from lifecycle.views import RunSpec

WORTH_RETRYING = (  # what may well go better next time; blocked and refused rows only when asked for
    Outcome.ERROR_TRANSIENT,
    Outcome.NO_RESPONSE,
    Outcome.MISSING,
    Outcome.EMPTY,
    Outcome.THOUGHTS_ONLY,
    Outcome.TRUNCATED,
    Outcome.TRUNCATED_EMPTY,
    Outcome.INVALID_OUTPUT,
)


@dataclass(frozen=True)
class RetryOffer:
    """A child run as it would be sent: the parent's id, its requests, its decision, and what it will cost."""

    parent: str
    draft: Draft
    spec: RunSpec
    found: Forecast


def chosen_keys(
    table: ResultTable, outcomes: Collection[str], keys: Collection[str], where: Filter | None = None
) -> set[str]:
    """The keys of the rows to send again: those that fit `where`, or those with these outcomes or keys.

    With none of the three: those worth retrying.

    Raises InputError for an outcome that does not exist, and when nothing is chosen.
    """
    unknown = sorted(set(outcomes) - {o.value for o in Outcome})
    if unknown:
        raise InputError(f"There is no outcome {unknown[0]!r}.", f"Outcomes are: {', '.join(Outcome)}.")
    wanted = tuple(outcomes) or (() if keys else tuple(o.value for o in WORTH_RETRYING))
    found = set(table.keys(where if where is not None else Filter(outcomes=wanted, keys=tuple(keys))))
    if not found:
        raise InputError("No row of this run needs to be sent again.", "Choose other outcomes or rows.")
    return found


def prepare_child(parent: Path, keys: Collection[str], folder: Path, max_output_tokens: int | None = None) -> Draft:
    """Write the draft of a child run: the parent's requests with these keys, unchanged but for a new output cap."""
    rows, size = copy_lines(parent / "requests.jsonl", keys, folder / "requests.jsonl")
    if max_output_tokens is not None:
        size = _recap(folder / "requests.jsonl", max_output_tokens)
    copy_inputs(parent / "inputs.parquet", keys, folder / "inputs.parquet")
    draft = replace(
        open_draft(parent),
        folder=folder,
        rows=rows,
        size_bytes=size,
        problems=(),
        problem_count=0,
        bad_rows=0,
        notes=(),
    )
    (folder / DRAFT).write_bytes(msgspec.json.encode(draft, enc_hook=str))
    return draft


def _recap(path: Path, max_output_tokens: int) -> int:
    """Give every request another output cap; returns the file's new size in bytes."""
    part = path.with_suffix(".part")
    with path.open("rb") as lines, part.open("wb") as out:
        for line in lines:
            row = orjson.loads(line)
            row["request"].setdefault("generationConfig", {})["maxOutputTokens"] = max_output_tokens
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    part.replace(path)
    return path.stat().st_size
