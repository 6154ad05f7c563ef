"""Everything the emulated service knows: files, caches, batch jobs, settings and the time.

Things are never forgotten, only marked as deleted, because the ledger must be able to bill them.
"""

import random
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from emulator.core.clock import RESULT_LIFE, Clock
from emulator.core.errors import ServiceError, denied
from emulator.core.implicit_cache import ImplicitCache
from emulator.core.settings import Settings
from emulator.core.store import Store

PENDING, RUNNING = "BATCH_STATE_PENDING", "BATCH_STATE_RUNNING"
SUCCEEDED, FAILED = "BATCH_STATE_SUCCEEDED", "BATCH_STATE_FAILED"
CANCELLED, EXPIRED = "BATCH_STATE_CANCELLED", "BATCH_STATE_EXPIRED"
PARTIAL = "BATCH_STATE_PARTIALLY_SUCCEEDED"
ENDED = {SUCCEEDED, FAILED, CANCELLED, EXPIRED, PARTIAL}
FILE_URI_PREFIX = (
    "https://generativelanguage.googleapis.com/v1beta/files/"  # also locally: clients cut the id out of this form
)
CACHE_NOT_FOUND_MESSAGE = "CachedContent not found (or permission denied)"
_ALPHABET = string.ascii_lowercase + string.digits


@dataclass
class StoredFile:
    """An uploaded or generated file. Times are seconds; the bytes are in the store."""

    id: str
    owner: str
    mime: str
    size: int
    created: float
    expires: float
    display_name: str | None = None
    sha256: str = ""
    source: str = "UPLOADED"
    deleted: float | None = None
    processed: float = 0.0  # when it becomes ACTIVE, or FAILED
    unreadable: bool = False

    kind = "file"

    def state_at(self, now: float) -> str:
        if now < self.processed:
            return "PROCESSING"
        return "FAILED" if self.unreadable else "ACTIVE"

    def alive(self, now: float) -> bool:
        return self.deleted is None and now < self.expires


@dataclass
class Cache:
    """A cached content. `ends` is when it stops being usable and being billed."""

    id: str
    owner: str
    model: str
    tokens: dict[str, int]
    created: float
    updated: float
    expires: float
    display_name: str | None = None
    deleted: float | None = None

    kind = "cache"

    @property
    def name(self) -> str:
        return f"cachedContents/{self.id}"

    @property
    def total(self) -> int:
        return sum(self.tokens.values())

    @property
    def ends(self) -> float:
        return min(self.expires, self.deleted if self.deleted is not None else self.expires)

    def alive(self, now: float) -> bool:
        return now < self.ends


@dataclass
class Job:
    """A batch job. It is pending until `starts`, and its last row executes at `ends`.

    `rows`, `good` and `bad` are what batchStats shows; rows neither good nor bad are pending.
    """

    id: str
    owner: str
    model: str
    embed: bool
    created: float
    starts: float
    ends: float
    rows: int
    display_name: str | None = None
    priority: int = 0
    input_file: str | None = None
    state: str = PENDING
    updated: float = 0.0
    ended: float | None = None
    good: int = 0
    bad: int = 0
    error: dict[str, Any] | None = None
    tokens: int | None = None  # enqueued, once somebody asked
    caches: list[str] = field(default_factory=list)
    cancelled: float | None = None  # when a cancel came while it ran: rows due later are not served
    deleted: float | None = None

    kind = "job"

    @property
    def name(self) -> str:
        return f"batches/{self.id}"

    @property
    def inline(self) -> bool:
        return self.input_file is None

    @property
    def active(self) -> bool:
        return self.state not in ENDED and self.deleted is None

    def has_results(self, now: float) -> bool:
        return self.state in (SUCCEEDED, PARTIAL) and now < (self.ended or 0) + RESULT_LIFE

    def alive(self, now: float) -> bool:
        return self.deleted is None


@dataclass
class Upload:
    """A resumable upload that has begun. What has arrived is in the store's body of this id."""

    id: str
    owner: str
    file_id: str
    mime: str
    size: int | None = None
    display_name: str | None = None

    kind = "upload"


class Identified(Protocol):
    kind: str
    id: str


class Listable(Protocol):
    id: str
    owner: str
    created: float

    def alive(self, now: float) -> bool: ...


L = TypeVar("L", bound=Listable)


def new_id(length: int) -> str:
    """Lower-case letters and digits, as the service's ids: 12 for a file, 36 for a batch job, 40 for a cache."""
    return "".join(random.SystemRandom().choices(_ALPHABET, k=length))


def sort_key(item: Listable) -> str:
    """What listings are sorted by, newest first, and what their page tokens are made of."""
    return f"{item.created * 1e6:.0f}{item.id}"


class State:
    """The service's memory. One thread uses it; every change goes through `save`."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.clock = Clock()
        self.initial_settings = settings
        self.settings = settings
        self.files: dict[str, StoredFile] = {}
        self.caches: dict[str, Cache] = {}
        self.jobs: dict[str, Job] = {}
        self.uploads: dict[str, Upload] = {}
        self.implicit_cache = ImplicitCache()

    def load(self) -> None:
        """Take up what an earlier process left."""
        self.files.update((d["id"], StoredFile(**d)) for d in self.store.documents("file"))
        self.caches.update((d["id"], Cache(**d)) for d in self.store.documents("cache"))
        self.jobs.update((d["id"], Job(**d)) for d in self.store.documents("job"))
        self.uploads.update((d["id"], Upload(**d)) for d in self.store.documents("upload"))
        for document in self.store.documents("meta"):
            self.clock.advanced = document["advanced"]
            self.change_settings(document["settings"])

    def save(self, *records: Identified) -> None:
        for thing in records:
            self.store.put(thing.kind, thing.id, thing)

    def save_meta(self) -> None:
        self.store.put("meta", "meta", {"advanced": self.clock.advanced, "settings": self.settings.as_dict()})

    def change_settings(self, values: dict[str, Any]) -> None:
        self.settings = self.settings.with_changes(values)
        self.clock.skew = self.settings.clock_skew_seconds
        self.save_meta()

    def reset(self) -> None:
        self.store.clear()
        for collection in (self.files, self.caches, self.jobs, self.uploads):
            collection.clear()
        self.clock.advanced = self.clock.skew = 0.0
        self.settings = self.initial_settings
        self.implicit_cache = ImplicitCache()
        self.save_meta()

    def file(self, owner: str, id: str) -> StoredFile:
        """A live file of this key. Raises 403: the service does not tell absent from forbidden."""
        return self._live_file(owner, id, self.clock.now())

    def active_file(self, owner: str, id: str, at: float) -> StoredFile:
        """A file of this key that could be used at a moment. Raises 403, or 400 for one that is not ACTIVE."""
        file = self._live_file(owner, id, at)
        if file.state_at(at) != "ACTIVE":
            raise ServiceError(9, f"The File {id} is not in an ACTIVE state and usage is not allowed.")
        return file

    def _live_file(self, owner: str, id: str, at: float) -> StoredFile:
        file = self.files.get(id)
        if file is None or file.owner != owner or not file.alive(at):
            raise denied(f"You do not have permission to access the File {id} or it may not exist.")
        return file

    def cache(self, owner: str, id: str, at: float) -> Cache:
        """A cache of this key that was usable at a moment. Raises 403."""
        cache = self.caches.get(id)
        if cache is None or cache.owner != owner or not cache.created <= at or not cache.alive(at):
            raise denied(CACHE_NOT_FOUND_MESSAGE)
        return cache

    def list_visible(self, items: Iterable[L], owner: str) -> list[L]:
        """What a listing shows of this key's things, newest first; new ones appear after the set lag."""
        now = self.clock.now()
        visible = [
            t for t in items if t.owner == owner and t.alive(now) and t.created + self.settings.list_lag_seconds <= now
        ]
        return sorted(visible, key=sort_key, reverse=True)

    def active_jobs(self, owner: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.owner == owner and job.active]

    def stored_bytes(self, owner: str) -> int:
        """What counts against the storage quota, generated files included (python-genai issue 1759)."""
        now = self.clock.now()
        return sum(f.size for f in self.files.values() if f.owner == owner and f.alive(now))
