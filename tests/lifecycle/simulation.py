"""A service, a clock and processes of our own, all in one thread: what takes days happens in milliseconds.

The store, the worker and the stages are the real ones. `Google` remembers everything and counts what was bought; a
`Trouble` befalls one of its calls; `Process` works like a process that can be killed at any call and at any write.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import event, func, select

from batch.errors import ApiError
from batch.model import SendAs
from lifecycle.core.models import RunSpec
from lifecycle.core.run_progress import RunProgress
from lifecycle.core.run_records import RunRecord, ShardRecord
from lifecycle.core.transport import BatchLimits
from lifecycle.results.store.reconciliation import Reconciliation
from lifecycle.storage import schema
from lifecycle.storage import store as store_module
from lifecycle.storage.keyring import Keyring
from lifecycle.storage.store import LeaseLost, Store
from lifecycle.workflow.shards.context import WorkerOptions
from lifecycle.workflow.stages import collect as collect_stage
from lifecycle.workflow.worker import Worker

MODEL = "gemini-3.8-flash"
KEY = "made-up-key"
PREFIX = "gbr-test-"
TIMEOUT_SECONDS, SETTLE_SECONDS, LEASE_SECONDS = 60.0, 60.0, 15.0
JOB_LIFE = 48 * 3600.0
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")


class Crash(BaseException):
    """The process is gone, in the middle of what it was doing."""


@dataclass
class InjectedFault:
    """What befalls the next call of an operation: `kind` is a key of TROUBLES."""

    op: str
    kind: str
    during: Callable[[], None] = lambda: None


def _status(status: int, **more: Any) -> Callable[[], ApiError]:
    text = "Resource has been exhausted (e.g. check quota)." if status == 429 else f"status {status}"
    return lambda: ApiError(text, status=status, ambiguous=status >= 500, **more)


def _connection_lost() -> ApiError:
    return ApiError("The connection broke.", reason="NETWORK", ambiguous=True)


def _crash() -> Crash:
    return Crash()


NETWORK_FAULTS = ("unreachable", "lost before", "lost after", "malformed after")
SURVIVABLE_FAULTS = ("crash before", "crash after", *NETWORK_FAULTS, "500", "503", "500 after", "429", "429 with delay")
# kind: does the call take effect, and what is raised then
FAULTS: dict[str, tuple[bool, Callable[[], BaseException]]] = {
    "crash before": (False, _crash),
    "crash after": (True, _crash),
    "unreachable": (False, lambda: ApiError("The API cannot be reached.", reason="NETWORK")),
    "lost before": (False, _connection_lost),
    "lost after": (True, _connection_lost),
    "500": (False, _status(500)),
    "503": (False, _status(503)),
    "500 after": (True, _status(500)),
    "429": (False, _status(429)),
    "429 with delay": (False, _status(429, retry_after=20.0)),
    "400 after": (True, _status(400)),
    "malformed after": (True, lambda: ApiError("Not JSON.", reason="MALFORMED", ambiguous=True)),
}


@dataclass
class Job:
    name: str
    display_name: str
    keys: list[str]
    created: float
    ends: float
    file: str = ""
    state: str = "PENDING"
    cancelled: float = float("inf")


@dataclass
class File:
    name: str
    display_name: str
    keys: list[str]
    created: float


@dataclass
class FakeGoogle:
    """The service as it really is. `lag` is how late a job is listed, `room` how many jobs may be open.

    `files_room` is how many files may be kept, `cancel_seconds` how long a cancel takes.
    """

    now: float = 1_800_000_000.0
    list_lag: float = 0.0
    max_open_jobs: int = 100
    max_tokens: int | None = None
    duration: float = 5.0
    outcome: str = "SUCCEEDED"
    late_output: float = 0.0
    lost_keys: set[str] = field(default_factory=set)
    jobs: list[Job] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    results: dict[str, Job] = field(default_factory=dict)
    faults: list[InjectedFault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    create_methods: list[str] = field(default_factory=list)
    short_lists: int = 0
    max_files: int = 1_000
    cancel_seconds: float = 0.0
    key_accepted: bool = True
    output_tokens: Callable[[str], int] | None = None  # of the answer to a key; None: answers tell no usage
    ids: Iterator[int] = field(default_factory=itertools.count)

    def call(self, op: str, effect: Callable[[], Any]) -> Any:
        """One call: recorded, perhaps troubled."""
        self.calls.append(op)
        if not self.key_accepted:
            raise ApiError("Google does not accept this API key.", status=400, reason="API_KEY_INVALID")
        fault = next((t for t in self.faults if t.op == op), None)
        if fault is None:
            return effect()
        self.faults.remove(fault)
        takes_effect, error = FAULTS[fault.kind]
        if takes_effect:
            effect()
        fault.during()
        raise error()

    def advance(self) -> None:
        """Bring every job to this moment."""
        for job in self.jobs:
            if job.state in ENDED:
                continue
            if self.now >= job.cancelled:
                job.state = "CANCELLED"
            elif self.outcome == "STUCK":
                job.state = "EXPIRED" if self.now >= job.created + JOB_LIFE else "RUNNING"
            elif self.now >= job.ends:
                job.state = self.outcome
                self.results[f"files/batch-{job.name[8:]}"] = job
            elif self.now > job.created:
                job.state = "RUNNING"

    def open_jobs(self) -> list[Job]:
        self.advance()
        return [job for job in self.jobs if job.state not in ENDED]

    def jobs_named(self, display_name: str) -> list[Job]:
        return [job for job in self.jobs if job.display_name == display_name]


class FakeGeminiClient:
    """What the stages call, under the key that was given."""

    def __init__(self, google: FakeGoogle) -> None:
        self.google = google

    def shut(self) -> None:
        """The key was forgotten. One thread does everything here, so no call is under way that could go on."""

    def server_now(self) -> datetime:
        return datetime.fromtimestamp(self.google.now, UTC)

    def create_batch(self, model: str, batch: dict[str, Any], method: str = "batchGenerateContent") -> dict[str, Any]:
        self.google.create_methods.append(method)
        return dict(self.google.call("create", lambda: self._create(model, batch)))

    def _create(self, model: str, batch: dict[str, Any]) -> dict[str, Any]:
        google, source = self.google, batch["inputConfig"]
        if "fileName" in source:
            file = google.files.get(source["fileName"])
            if file is None:
                raise ApiError("No such file.", status=404)
            keys = file.keys
        else:
            keys = [row["metadata"]["key"] for row in source["requests"]["requests"]]
        waiting = sum(len(job.keys) for job in google.open_jobs())
        if len(google.open_jobs()) >= google.max_open_jobs or (
            google.max_tokens is not None and waiting + len(keys) > google.max_tokens
        ):
            raise ApiError("Resource has been exhausted (e.g. check quota).", status=429, reason="RESOURCE_EXHAUSTED")
        name = f"batches/{next(google.ids)}"
        job = Job(name, batch["displayName"], list(keys), google.now, google.now + google.duration)
        google.jobs.append(job)
        return self._shown(job)

    def _shown(self, job: Job, full: bool = True) -> dict[str, Any]:
        self.google.advance()
        stamp = datetime.fromtimestamp(job.created, UTC).isoformat()
        meta: dict[str, Any] = {
            "displayName": job.display_name,
            "model": f"models/{MODEL}",
            "state": f"BATCH_STATE_{job.state}",
            "createTime": stamp,
            "batchStats": {"requestCount": str(len(job.keys))},
        }
        if full and job.state == "SUCCEEDED" and self.google.now >= job.ends + self.google.late_output:
            meta["output"] = {"responsesFile": f"files/batch-{job.name[8:]}"}
        return {"name": job.name, "metadata": meta}

    def _job(self, name: str) -> Job:
        job = next((job for job in self.google.jobs if job.name == name), None)
        if job is None:
            raise ApiError("No such job.", status=404)
        return job

    def get_batch(self, name: str) -> dict[str, Any]:
        return dict(self.google.call("get", lambda: self._shown(self._job(name))))

    def list_batches(self) -> Iterator[dict[str, Any]]:
        google = self.google
        listed = google.call("list", lambda: [j for j in google.jobs if j.created + google.list_lag <= google.now])
        if google.short_lists > 0:
            google.short_lists -= 1
            listed = []
        return iter([self._shown(job, full=False) for job in listed])

    def cancel_batch(self, name: str) -> None:
        def cancel() -> None:
            self.google.advance()
            job = self._job(name)
            if job.state not in ENDED:
                job.cancelled = self.google.now + self.google.cancel_seconds
                self.google.advance()

        self.google.call("cancel", cancel)

    def upload_file(self, path: Path, display_name: str, mime_type: str = "") -> dict[str, Any]:
        return dict(self.google.call("upload", lambda: self._upload(path, display_name)))

    def _upload(self, path: Path, display_name: str) -> dict[str, Any]:
        if len(self.google.files) >= self.google.max_files:
            raise ApiError("Quota exceeded: file_storage_bytes.", status=429, reason="RESOURCE_EXHAUSTED")
        keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
        name = f"files/{next(self.google.ids)}"
        self.google.files[name] = File(name, display_name, keys, self.google.now)
        return {"name": name, "displayName": display_name, "state": "ACTIVE"}

    def get_file(self, name: str) -> dict[str, Any]:
        def get() -> dict[str, Any]:
            if name not in self.google.files:
                raise ApiError("No such file.", status=403)
            return {"name": name}

        return dict(self.google.call("get file", get))

    def list_files(self) -> Iterator[dict[str, Any]]:
        files = self.google.call("list files", lambda: list(self.google.files.values()))
        return iter([{"name": f.name, "displayName": f.display_name, "state": "ACTIVE"} for f in files])

    def delete_file(self, name: str) -> None:
        def delete() -> None:
            if len(name) > 40 or (name not in self.google.files and name not in self.google.results):
                raise ApiError("No such file.", status=403)
            self.google.files.pop(name, None)

        self.google.call("delete file", delete)

    def download_file(self, name: str, to: Path) -> None:
        def download() -> None:
            if name not in self.google.results:
                raise ApiError("No such file.", status=403)
            keys = [key for key in self.google.results[name].keys if key not in self.google.lost_keys]
            told = self.google.output_tokens
            lines = ({"key": key, "response": answer(key, told(key) if told else 0)} for key in keys)
            to.write_text("".join(json.dumps(line) + "\n" for line in lines))

        self.google.call("download", download)

    def list_caches(self) -> Iterator[dict[str, Any]]:
        return iter(self.google.call("list caches", list))


def answer(key: str, output_tokens: int = 0) -> dict[str, Any]:
    """The one right answer for a key; it tells its usage if that is given."""
    candidate = {"content": {"parts": [{"text": f"answer to {key}"}]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": output_tokens, "totalTokenCount": 1 + output_tokens}
    return {"candidates": [candidate], **({"usageMetadata": usage} if output_tokens else {})}


class CrashingStore(Store):
    """A store in which the process can die at a write: before it begins, or after it is kept."""

    crash_in: int = 0
    crash_after: bool = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.engine.dispose()  # a killed process loses nothing that a computer without power might: no need to wait
        event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))

    def next_due(self) -> float | None:
        """Seconds until the next run is due and its lease is over; None if all have ended."""
        r = schema.run
        query = select(func.min(func.max(r.c.due_at, r.c.lease_until))).where(r.c.stage != "finished")
        with self._read() as c:
            due = c.execute(query).scalar()
            return None if due is None else float(due) - self._now(c)

    @contextmanager
    def _write(self) -> Iterator[Any]:
        self.crash_in -= 1
        crashes = self.crash_in == 0
        if crashes and not self.crash_after:
            raise Crash
        with super()._write() as c:
            yield c
        if crashes:
            raise Crash


class Process:
    """A process that works on runs; it dies with Crash."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.store = CrashingStore(simulation.url)
        self.keyring = Keyring(b"salt", lambda key, rehearsal: FakeGeminiClient(simulation.google))  # type: ignore[arg-type,return-value]
        options = WorkerOptions(
            create_timeout_seconds=TIMEOUT_SECONDS,
            settle_seconds=SETTLE_SECONDS,
            rng=lambda: 0.5,
            limits=simulation.limits,
            enqueued_tokens=lambda model: None,
            price=lambda model: lambda usage: usage.output * simulation.token_usd,
        )
        self.worker = Worker(self.store, self.keyring, options, simulation.folder, PREFIX, lease_seconds=LEASE_SECONDS)
        self.keyring.add(KEY, rehearsal=False)

    def step(self) -> bool:
        """Advance one run that is due; False if none is. Raises Crash."""
        row = self.store.claim(self.keyring.owners(), LEASE_SECONDS)
        if row is None:
            return False
        try:
            self.worker.advance(row)
        except LeaseLost:
            return True
        return True

    def kill(self) -> None:
        self.store.close()


class Simulation:
    """Google, the clock, the database and one process; a context manager."""

    def __init__(self, folder: Path, limits: BatchLimits | None = None) -> None:
        self.google = FakeGoogle()
        self.limits = limits or BatchLimits()
        self.root = folder
        self.url = f"sqlite:///{folder / 'runs.db'}"
        self.patches = pytest.MonkeyPatch()
        self.count = 0
        self.turned = 0.0  # seconds by which this machine's clock is ahead of Google's
        self.token_usd = 0.0

    def __enter__(self) -> Simulation:
        self.patches.setattr(store_module, "time", SimpleNamespace(time=lambda: self.google.now + self.turned))
        self.patches.setattr(collect_stage, "build_results", _build)
        self.process = Process(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.patches.undo()

    def folder(self, run_id: str) -> Path:
        return self.root / run_id

    @property
    def owner(self) -> str:
        return self.process.keyring.fingerprint(KEY, False)

    def submit(
        self,
        rows: int = 3,
        send_as: SendAs = SendAs.FILE,
        keys: Sequence[str] = (),
        parent: str = "",
        progress: RunProgress | None = None,
        max_usd: float | None = None,
        estimate: dict[str, Any] | None = None,
    ) -> str:
        """Record a run of so many rows, as the runner does; with `keys`, a retry of these rows of `parent`."""
        self.count += 1
        run_id = f"r{self.count}"
        folder = self.folder(run_id)
        folder.mkdir()
        keys = list(keys) or [f"{run_id}-{n}" for n in range(rows)]
        line = '{{"key":"{}","request":{{"contents":[{{"role":"user","parts":[{{"text":"x"}}]}}]}}}}\n'
        (folder / "requests.jsonl").write_text("".join(line.format(key) for key in keys))
        pq.write_table(pa.table({"n": pa.array(range(len(keys)), pa.int64()), "key": keys}), folder / "inputs.parquet")
        run = RunRecord(
            id=run_id,
            owner_id=self.owner,
            spec=RunSpec(model=MODEL, send_as=send_as, max_usd=max_usd),
            model=MODEL,
            rows=len(keys),
            created_at=self.google.now,
            idempotency_key=run_id,
            parent_id=parent,
            progress=progress or RunProgress(),
            estimate=estimate or {},
        )
        self.process.store.add_run(run)
        return run_id

    def submit_alive(self, **what: Any) -> str:
        """Record a run; a process that is to die at one of the next writes does so only once the run is recorded."""
        store = self.process.store
        crash_in, store.crash_in = store.crash_in, 0
        run_id = self.submit(**what)
        store.crash_in = crash_in
        return run_id

    def row(self, run_id: str) -> RunRecord:
        row = self.process.store.run(run_id)
        assert row is not None
        return row

    def shards(self, run_id: str) -> list[ShardRecord]:
        return self.process.store.shards(run_id)

    def log_text(self, run_id: str) -> str:
        """The run's log."""
        return "\n".join(e.text for e in self.process.store.events(run_id))

    def restart(self) -> None:
        """The process dies and another starts."""
        self.process.kill()
        self.process = Process(self)

    def work(self, seconds: float = 0.0) -> None:
        """Work for so long, the clock going on from one thing due to the next; a process that dies is replaced."""
        deadline = self.google.now + seconds
        for _ in range(20_000):
            try:
                while self.process.step():
                    pass
            except Crash:
                self.restart()
                continue
            due = self.process.store.next_due()
            # Without a key nobody may touch a run, however long it has been due.
            if due is None or self.google.now + due > deadline or not self.process.keyring.owners():
                self.google.now = max(self.google.now, deadline)
                return
            self.google.now += max(due, 0.01)
        raise AssertionError("the run goes round in circles")

    def run_until_ended(self, *run_ids: str, hours: float = 72.0) -> None:
        """Work until these runs have ended."""
        deadline = self.google.now + hours * 3600
        while any(self.row(run_id).stage != "finished" for run_id in run_ids):
            assert self.google.now < deadline, [self.row(run_id) for run_id in run_ids]
            due = self.process.store.next_due()
            self.work(max(due or 0.0, 0.1))

    def keys(self, run_id: str) -> list[str]:
        """The keys of a run's requests, in order."""
        lines = (self.folder(run_id) / "requests.jsonl").read_text().splitlines()
        return [json.loads(line)["key"] for line in lines]

    def answers(self, run_id: str) -> dict[str, str]:
        """The answers that were saved, by key. Fails where one stands under another's key."""
        texts_by_key = {}
        for path in sorted((self.folder(run_id) / "received").glob("*.jsonl")):
            for line in path.read_text().splitlines():
                row = json.loads(line)
                assert row["response"]["candidates"] == answer(row["key"])["candidates"]
                texts_by_key[row["key"]] = row["response"]["candidates"][0]["content"]["parts"][0]["text"]
        return texts_by_key


def _build(folder: Path, *, received: list[Path], **_: Any) -> Reconciliation:
    """Counting only; the real join has its own tests."""
    sent = len((folder / "requests.jsonl").read_text().splitlines())
    keys = {json.loads(line)["key"] for path in received for line in path.read_text().splitlines()}
    counts = {"answered": len(keys), "missing": sent - len(keys)}
    return Reconciliation(sent=sent, matched=len(keys), missing=sent - len(keys), counts=counts, usd=0.0)
