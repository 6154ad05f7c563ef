"""The work of one job: its rows in order, each at its own moment, results streamed to disk.

Nothing of it is saved before the job ends; after a restart a running job simply starts again, and because answers are
deterministic and moments belong to rows, it comes to the same results.
"""

import random
from collections.abc import Iterator
from time import perf_counter
from typing import Any, BinaryIO

import orjson

from emulator.answers.request_scope import RequestScope
from emulator.core.model_list import BY_ID
from emulator.core.state import Job, State
from emulator.jobs.rows import RowResult, execute, unserved

SLICE_SECONDS = 0.003  # seconds of work between two looks at other requests
SHUFFLE_WINDOW = 4096  # results that are shuffled together
SHUFFLED_INLINE_ROWS = 100  # rows from which inline results come in any order; 96 of 200 were misplaced in one report
MAX_CACHES = 1000


class InvalidInput(Exception):
    """A line of the input is not a JSON object; the whole job fails."""


def record_cache_name(row: dict[str, Any], caches: list[str]) -> None:
    """Add the cache that a row names to a job's list, if it is not there and the list is not full."""
    request = row.get("request")
    if not isinstance(request, dict):
        return  # the row itself will be refused
    cache_name = request.get("cachedContent") or request.get("cached_content")
    if isinstance(cache_name, str) and cache_name not in caches and len(caches) < MAX_CACHES:
        caches.append(cache_name)


class JobExecution:
    """A job that is being executed. `done` rows have been; `billed` is long context -> counts and rows."""

    def __init__(self, state: State, job: Job) -> None:
        self.state = state
        self.job = job
        self.model = BY_ID[job.model]
        self.scope = RequestScope(state, job.owner, job.starts, allow_gcs=job.embed)
        self.done = 0
        self.succeeded = 0
        self.failed = 0
        self.billed: dict[bool, list[int]] = {}
        self.scanned = False
        self.late = False
        self._shuffle_buffer: list[bytes] = []
        self._rng = random.Random(job.id)
        source = (
            state.store.body_path("file", job.input_file) if job.input_file else state.store.body_path("rows", job.id)
        )
        self._input: BinaryIO = source.open("rb")
        self._output: BinaryIO = state.store.body_path("result", job.id).open("wb", buffering=1 << 20)
        self._scan = self._lines()
        self._rows = 0

    def scan(self) -> None:
        """Read on through the outline of the input for one slice. Raises InvalidInput."""
        deadline = perf_counter() + SLICE_SECONDS
        for number, line in self._scan:
            self._rows += 1
            self._check_line(number, line)
            if not number & 31 and perf_counter() > deadline:
                return
        if not self._rows:
            raise InvalidInput("the input has no requests")
        self.job.rows = self._rows
        self._input.seek(0)
        self._scan = self._lines()
        self.scanned = True

    def _check_line(self, number: int, line: bytes) -> None:
        """Check a line with the parser that will read it again, and note which cache it names."""
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            raise InvalidInput(f"Failed to parse the input file: line {number} is not a valid JSON object.")
        record_cache_name(row, self.job.caches)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Numbered lines, from one, without the empty ones."""
        for number, line in enumerate(self._input, 1):
            if not line.isspace():
                yield number, line

    def run(self, due: int) -> None:
        """Execute rows up to `due`, for one slice."""
        job, deadline = self.job, perf_counter() + SLICE_SECONDS
        step = (job.ends - job.starts) / job.rows
        inline, embedding = job.inline, job.embed
        while self.done < due:
            _, line = next(self._scan)
            self.done += 1
            self.scope.at = job.starts + step * self.done
            self._record_row(execute(line, inline, embedding, self.model, self.scope))
            if not self.done & 15 and perf_counter() > deadline:
                return

    def skip(self) -> None:
        """Pass over the rows that are left, for one slice: each fails with code 1 and costs nothing."""
        deadline = perf_counter() + SLICE_SECONDS
        for _, line in self._scan:
            self.done += 1
            self._record_row(unserved(line, self.job.inline))
            if not self.done & 15 and perf_counter() > deadline:
                return

    def _record_row(self, row: RowResult) -> None:
        settings = self.state.settings
        if settings.job_outcome == "partially_succeeded" and self.done % 3 == 0:
            row = RowResult(None, False)
        if row.succeeded:
            self.succeeded += 1
        else:
            self.failed += 1
        if row.usage:
            long_context, *counts = row.usage
            sums = self.billed.setdefault(long_context, [0, 0, 0, 0, 0])
            for index, count in enumerate(counts):
                sums[index] += count
            sums[4] += 1
        if row.line is None:
            return
        for _ in range(2 if self._duplicate_result(settings.duplicate_rows) else 1):
            self._write(row.line, self._is_shuffled(settings.result_order))

    def _is_shuffled(self, order: str) -> bool:
        """Whether results leave the order of the input: inline ones do, of large jobs (python-genai 1909, js 1207)."""
        large_inline = self.job.inline and self.job.rows >= SHUFFLED_INLINE_ROWS
        return order == "shuffled" or (order == "recorded" and large_inline)

    def _duplicate_result(self, share: float) -> bool:
        """Whether this row's result appears twice: a share below one of all rows, or the first so many."""
        return self._rng.random() < share if 0 < share < 1 else self.done <= share

    def _write(self, line: bytes, shuffled: bool) -> None:
        if not shuffled and not self._shuffle_buffer:
            self._output.write(line)
            self._output.write(b"\n")
            return
        self._shuffle_buffer.append(line)
        if len(self._shuffle_buffer) >= SHUFFLE_WINDOW:
            self._flush()

    def _flush(self) -> None:
        self._rng.shuffle(self._shuffle_buffer)
        self._output.writelines(line + b"\n" for line in self._shuffle_buffer)
        self._shuffle_buffer.clear()

    def close(self) -> None:
        """Finish the results on disk. Is idempotent."""
        if not self._output.closed:
            self._flush()
        self._output.close()
        self._input.close()
