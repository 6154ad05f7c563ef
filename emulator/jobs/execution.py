"""The work of one job: its rows in order, each at its own moment, results streamed to disk.

Nothing of it is saved before the job ends; after a restart a running job simply starts again, and because answers are
deterministic and moments belong to rows, it comes to the same results.
"""

import random
from collections.abc import Iterator
from time import perf_counter
from typing import Any, BinaryIO

import orjson

from emulator.answers.request_scope import World
from emulator.core.models import BY_ID
from emulator.core.state import Job, State
from emulator.jobs.rows import Row, execute

SLICE = 0.003  # seconds of work between two looks at other requests
WINDOW = 4096  # results that are shuffled together
MOST_CACHES = 1000


class BrokenInput(Exception):
    """A line of the input is not a JSON object; the whole job fails."""


def note_cache(row: dict[str, Any], caches: list[str]) -> None:
    """Add the cache that a row names to a job's list, if it is not there and the list is not full."""
    request = row.get("request")
    if not isinstance(request, dict):
        return  # the row itself will be refused
    named = request.get("cachedContent") or request.get("cached_content")
    if isinstance(named, str) and named not in caches and len(caches) < MOST_CACHES:
        caches.append(named)


class Execution:
    """A job that is being executed. `done` rows have been; `billed` is long context -> counts and rows."""

    def __init__(self, state: State, job: Job) -> None:
        self.state = state
        self.job = job
        self.model = BY_ID[job.model]
        self.world = World(state, job.owner, job.starts, abroad=job.embed)
        self.done = 0
        self.good = 0
        self.bad = 0
        self.billed: dict[bool, list[int]] = {}
        self.scanned = False
        self.late = False
        self._held: list[bytes] = []
        self._dice = random.Random(job.id)
        source = state.store.body("file", job.input_file) if job.input_file else state.store.body("rows", job.id)
        self._input: BinaryIO = source.open("rb")
        self._output: BinaryIO = state.store.body("result", job.id).open("wb", buffering=1 << 20)
        self._scan = self._lines()
        self._rows = 0

    def scan(self) -> None:
        """Read on through the outline of the input for one slice. Raises BrokenInput."""
        until = perf_counter() + SLICE
        for number, line in self._scan:
            self._rows += 1
            self._note(number, line)
            if not number & 31 and perf_counter() > until:
                return
        if not self._rows:
            raise BrokenInput("the input has no requests")
        self.job.rows = self._rows
        self._input.seek(0)
        self._scan = self._lines()
        self.scanned = True

    def _note(self, number: int, line: bytes) -> None:
        """Check a line with the parser that will read it again, and note which cache it names."""
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            row = None
        if not isinstance(row, dict):
            raise BrokenInput(f"Failed to parse the input file: line {number} is not a valid JSON object.")
        note_cache(row, self.job.caches)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Numbered lines, from one, without the empty ones."""
        for number, line in enumerate(self._input, 1):
            if not line.isspace():
                yield number, line

    def run(self, due: int) -> None:
        """Execute rows up to `due`, for one slice."""
        job, until = self.job, perf_counter() + SLICE
        step = (job.ends - job.starts) / job.rows
        inline, embedding = job.inline, job.embed
        while self.done < due:
            _, line = next(self._scan)
            self.done += 1
            self.world.at = job.starts + step * self.done
            self._take(execute(line, inline, embedding, self.model, self.world))
            if not self.done & 15 and perf_counter() > until:
                return

    def _take(self, row: Row) -> None:
        settings = self.state.settings
        if settings.job_outcome == "partially_succeeded" and self.done % 3 == 0:
            row = Row(None, False)
        if row.good:
            self.good += 1
        else:
            self.bad += 1
        if row.usage:
            long_context, *counts = row.usage
            sums = self.billed.setdefault(long_context, [0, 0, 0, 0, 0])
            for index, count in enumerate(counts):
                sums[index] += count
            sums[4] += 1
        if row.line is None:
            return
        for _ in range(2 if self._twice(settings.duplicate_rows) else 1):
            self._write(row.line, settings.result_order == "shuffled")

    def _twice(self, wanted: float) -> bool:
        """Whether this row's result appears twice: a share below one of all rows, or the first so many."""
        return self._dice.random() < wanted if 0 < wanted < 1 else self.done <= wanted

    def _write(self, line: bytes, shuffled: bool) -> None:
        if not shuffled and not self._held:
            self._output.write(line)
            self._output.write(b"\n")
            return
        self._held.append(line)
        if len(self._held) >= WINDOW:
            self._pour()

    def _pour(self) -> None:
        self._dice.shuffle(self._held)
        self._output.writelines(line + b"\n" for line in self._held)
        self._held.clear()

    def close(self) -> None:
        """Finish the results on disk. Is idempotent."""
        if not self._output.closed:
            self._pour()
        self._output.close()
        self._input.close()
