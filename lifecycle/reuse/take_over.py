"""A draft made anew: requests that were answered before are left out, and their answers lie ready beside the rest.

All of the first draft stays with it, so that the run has every row in its results: an answer is copied as it was
received, under the row's own key, and outlives the run that it is from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch.formatting import plural
from lifecycle.core import malloc
from lifecycle.core.draft_links import link_extras, link_file, link_shared, whole_requests
from lifecycle.core.run_files import (
    ANSWERS,
    DIGESTS,
    DRAFT,
    INPUTS,
    REQUESTS,
    REUSED,
    answers_path,
    origin_of_answers,
)
from lifecycle.inputs.drafts import Draft
from lifecycle.requests.request_file import line_reader, open_requests
from lifecycle.requests.request_subset import key_of_line
from lifecycle.reuse.digests import Digester
from lifecycle.reuse.search import NOT_FOUND, Found

COPY_ROWS = 10_000
_REQUEST = b'"request":{'


@dataclass(frozen=True)
class AnsweringRun:
    """A run that has answers to give: where its files are, and which received files its results name."""

    id: str
    name: str
    ended_at: float
    folder: Path
    files: tuple[str, ...] = ()

    @property
    def day(self) -> str:
        return f"{datetime.fromtimestamp(self.ended_at, UTC):%Y-%m-%d}"


class _AnyLine(msgspec.Struct):
    key: str | None = None


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_keyed = msgspec.json.Decoder(_AnyLine).decode


def take_over(draft: Draft, found: Found, runs: Sequence[AnsweringRun], folder: Path) -> Draft:
    """Write the draft of the rows that nobody has answered, and the answers to all others, into `folder`."""
    (folder / REUSED / ANSWERS).mkdir(parents=True)
    for name in (REQUESTS, INPUTS, DRAFT):
        link_file(draft.folder / name, folder / REUSED / name)
    for target in (folder, folder / REUSED):
        link_shared(draft.folder, target)
    link_extras(draft.folder, folder)
    if (draft.folder / DIGESTS).exists():
        link_file(draft.folder / DIGESTS, folder / DIGESTS)
    size = _divide_requests(draft.folder / REQUESTS, found, runs, folder)  # says what was found by mistake, too
    _copy_inputs(draft.folder / INPUTS, found, folder / INPUTS)
    answered = f"{found.rows:,} of {plural(draft.rows, 'row')}"
    note = f"{answered} were answered before and are not sent: {_origins(found, runs)}."
    rest = replace(
        draft,
        folder=folder,
        rows=draft.rows - found.rows,
        size_bytes=size,
        largest_bytes=0,
        alike=False,
        reused_rows=found.rows,
        notes=(*draft.notes, note),
    )
    (folder / DRAFT).write_bytes(msgspec.json.encode(rest, enc_hook=str))
    malloc.release_free_memory()
    return rest


def rows_by_run(found: Found) -> Mapping[int, int]:
    """How many rows each run answered, by its place, the newest first."""
    numbers, counts = np.unique(found.run[found.run >= 0], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _origins(found: Found, runs: Sequence[AnsweringRun]) -> str:
    """Which runs answered how many rows, the first few by name."""
    counts = rows_by_run(found)
    named = [f"{rows:,} in run {runs[number].id} of {runs[number].day}" for number, rows in list(counts.items())[:3]]
    further = len(counts) - len(named)
    return ", ".join([*named, *([f"the others in {plural(further, 'earlier run')}"] if further else [])])


def _divide_requests(requests: Path, found: Found, runs: Sequence[AnsweringRun], folder: Path) -> int:
    """Copy the requests to be sent, and for all others their answers; returns the size of the former in bytes."""
    size, whole = 0, line_reader(requests).whole
    with ExitStack() as stack, requests.open("rb", buffering=1 << 20) as lines:
        out = stack.enter_context((folder / REQUESTS).open("wb"))
        answers, asked = _Answers(runs, folder, stack), _Asked(runs, stack)
        for n, (number, written) in enumerate(zip(found.run.tolist(), lines, strict=True)):
            line = whole(written)
            if number >= 0:
                row, file, position, length = found.place[n].item()
                if asked.is_same(line, number, row):
                    answers.copy(number, file, position, length, key_of_line(line))
                    continue
                found.run[n] = NOT_FOUND  # two requests of one digest
            out.write(written)
            size += len(line)
    return size


class _Asked:
    """The requests of earlier runs, to be held against those of a draft."""

    def __init__(self, runs: Sequence[AnsweringRun], stack: ExitStack) -> None:
        self._runs, self._stack = runs, stack
        self._open: dict[int, tuple[BinaryIO, npt.NDArray[np.int64]]] = {}
        self._asks_the_same = Digester().asks_the_same

    def is_same(self, line: bytes, number: int, row: int) -> bool:
        """Whether a row of a run, by its place among all rows, asked what a line asks."""
        if number not in self._open:
            path = whole_requests(self._runs[number].folder)
            self._open[number] = self._stack.enter_context(open_requests(path)), _line_starts(path)
        file, starts = self._open[number]
        file.seek(starts[row])
        other = file.readline()
        at, other_at = line.find(_REQUEST), other.find(_REQUEST)
        written_alike = at > 0 and line[at:] == other[other_at:]
        return written_alike or self._asks_the_same(line, other)


def _line_starts(path: Path) -> npt.NDArray[np.int64]:
    starts, offset = [np.zeros(1, np.int64)], 0
    with path.open("rb") as file:
        while block := file.read(1 << 24):
            starts.append(np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + (offset + 1))
            offset += len(block)
    return np.concatenate(starts)


class _Answers:
    """Received lines of earlier runs, copied into a file for each run that they were first received in."""

    def __init__(self, runs: Sequence[AnsweringRun], folder: Path, stack: ExitStack) -> None:
        self._runs, self._folder, self._stack = runs, folder, stack
        self._sources: dict[tuple[int, int], IO[bytes]] = {}
        self._targets: dict[str, IO[bytes]] = {}

    def copy(self, number: int, file: int, position: int, length: int, key: str) -> None:
        source = self._sources.get((number, file))
        run = self._runs[number]
        if source is None:
            source = self._stack.enter_context((run.folder / run.files[file]).open("rb"))
            self._sources[number, file] = source
        source.seek(position)
        self._target(origin_of_answers(run.files[file]) or run.id).write(_under_key(source.read(length).strip(), key))

    def _target(self, origin: str) -> IO[bytes]:
        if origin not in self._targets:
            self._targets[origin] = self._stack.enter_context(answers_path(self._folder, origin).open("wb"))
        return self._targets[origin]


def _under_key(line: bytes, key: str) -> bytes:
    """A received line under the key of the row that takes it over."""
    if _keyed(line).key == key:
        return line + b"\n"
    members = {name: orjson.Fragment(bytes(value)) for name, value in _members(line).items()}
    return orjson.dumps({**members, "key": key}, option=orjson.OPT_APPEND_NEWLINE)


def _copy_inputs(source: Path, found: Found, target: Path) -> None:
    """The rows of an inputs.parquet that are sent, numbered anew in the same order."""
    start = n = 0
    with (
        pq.ParquetFile(source, pre_buffer=False) as source_file,
        pq.ParquetWriter(target, source_file.schema_arrow) as out,
    ):
        for batch in source_file.iter_batches(COPY_ROWS, use_threads=False):
            sent = batch.filter(pa.array(found.run[start : start + batch.num_rows] < 0))
            numbers = pa.array(range(n, n + sent.num_rows), pa.int64())
            out.write_batch(sent.set_column(sent.schema.get_field_index("n"), "n", numbers))
            start, n = start + batch.num_rows, n + sent.num_rows
