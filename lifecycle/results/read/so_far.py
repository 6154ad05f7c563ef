"""What has come back of a run that is under way: the lines of its jobs that have ended, a page at a time.

They are not joined to what was sent and not accounted for before the run ends: a row that is sent again by the run
itself, or for whose request several answers came, is a line like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from batch.responses.parsed_row import ParsedRow
from lifecycle.core.run_files import INPUTS
from lifecycle.results.read.shared_text import own_part, shared_text
from lifecycle.results.store import sql

STEP = 50  # lines between two places that are remembered
_CHUNK = 1 << 20


class LineSoFar(NamedTuple):
    """One line that came back: its key ("" without one), what became of it, and what its prompt has of its own."""

    key: str
    outcome: str
    text: str
    error: str
    asked: str


class ResultsSoFar(NamedTuple):
    """A page of them; `total` have come back."""

    total: int
    lines: tuple[LineSoFar, ...]


def results_so_far(
    folder: Path, received: Sequence[Path], classify: Callable[[bytes], ParsedRow], first: int, limit: int, clip: int
) -> ResultsSoFar:
    """A page of what is in the received files, in their order; texts are cut after `clip` characters."""
    indexes = [(path, *_index(path, path.stat().st_mtime_ns)) for path in received]
    rows = [classify(line) for line in islice(_lines(indexes, first), limit)]
    prompts = _prompts(folder / INPUTS, tuple(row.key for row in rows if row.key is not None))
    shared = shared_text(list(prompts.values()))
    lines = tuple(
        LineSoFar(
            row.key or "",
            row.outcome.value,
            row.text[:clip],
            row.error_message[:clip],
            own_part(prompts.get(row.key or "", ""), shared)[:clip],
        )
        for row in rows
    )
    return ResultsSoFar(sum(total for _, total, _ in indexes), lines)


@lru_cache(512)
def _index(path: Path, changed_at: int) -> tuple[int, tuple[int, ...]]:
    """(how many lines, where every STEP-th of them begins). `changed_at` tells one state of the file from another."""
    total, size, places = 0, 0, [0]
    last = b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            at = chunk.find(b"\n")
            while at >= 0:
                total += 1
                if total % STEP == 0:
                    places.append(size + at + 1)
                at = chunk.find(b"\n", at + 1)
            size += len(chunk)
            last = chunk[-1:]
    return total + (last != b"\n"), tuple(places)


def _lines(indexes: Sequence[tuple[Path, int, tuple[int, ...]]], first: int) -> Iterator[bytes]:
    for path, total, places in indexes:
        if first >= total:
            first -= total
            continue
        with path.open("rb") as file:
            file.seek(places[first // STEP])
            yield from islice(file, first % STEP, None)
        first = 0


@lru_cache(32)
def _prompts(inputs: Path, keys: tuple[str, ...]) -> dict[str, str]:
    if not keys or not inputs.exists():
        return {}
    with sql.cursor() as db:
        marks = ", ".join("?" * len(keys))
        query = f"SELECT key, prompt FROM {sql.parquet(inputs)} WHERE key IN ({marks})"
        return dict(db.execute(query, list(keys)).fetchall())
