"""What a stage is given: one claimed run, the client under its key, its folder, and the limits in force."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from batch.model import Stage, Tariff, Usage
from batch.pricing.catalog import CatalogModel
from lifecycle.core import run_files
from lifecycle.core.models import RunSpec
from lifecycle.core.run_progress import RunProgress
from lifecycle.core.run_records import Observation, RunRecord, ShardRecord
from lifecycle.core.transport import BatchLimits
from lifecycle.storage.store import Store

if TYPE_CHECKING:
    from batch.kinds.kind import RequestKind
    from gemini.client import GeminiClient


class StageResult(NamedTuple):
    """Where a run goes next, and after how many seconds."""

    stage: Stage
    delay_seconds: float = 0.0
    note: str = ""


class StageFailed(Exception):
    """The run cannot go on; `str()` says why in plain words. It is still released."""


@dataclass(frozen=True)
class WorkerOptions:
    """How long things may take, in seconds, and the limits in force."""

    create_timeout_seconds: float = 60.0
    settle_seconds: float = 60.0
    rng: Callable[[], float] = random.random
    limits: BatchLimits = field(default_factory=BatchLimits)
    tariff: Callable[[str], Tariff | None] = lambda model: None
    price: Callable[[str], Callable[[Usage], float | None]] = lambda model: lambda usage: None
    model: Callable[[str], CatalogModel | None] = lambda model: None
    enqueued_tokens: Callable[[str], int | None] = lambda model: None


@dataclass
class StageContext:
    """One claimed run. Everything written through it is fenced by the claim's token."""

    run: RunRecord
    store: Store
    client: GeminiClient
    folder: Path
    prefix: str
    options: WorkerOptions

    def __post_init__(self) -> None:
        self.observations: list[Observation] = []
        self._changes: dict[str, Any] = {}

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def model(self) -> str:
        return self.run.model

    @property
    def spec(self) -> RunSpec:
        return self.run.spec

    @property
    def progress(self) -> RunProgress:
        return self.run.progress

    @property
    def cancelled(self) -> bool:
        """Nothing more is to be sent: the user cancelled, or the run cannot go on."""
        return bool(self.run.cancel) or self.progress.ending is not None

    @property
    def is_imported(self) -> bool:
        """The run's job was made elsewhere: it is not ours to cancel, unless the user does, nor to delete."""
        return self.progress.imported_job is not None

    @property
    def display_prefix(self) -> str:
        """How everything this run makes at Google begins: ours, this installation's, this run's."""
        return f"{self.prefix}{self.id}-"

    @property
    def kind(self) -> RequestKind:
        """What the run's requests are, by its model."""
        from batch.kinds.registry import kind_of

        return kind_of(self.options.model(self.model))

    def shard_display_name(self, n: int) -> str:
        """The name by which a shard's job is found at Google."""
        return f"{self.display_prefix}s{n:04d}"

    def now(self) -> float:
        """Epoch seconds by the clock that all who share the store go by, for waiting."""
        return self.store.now()

    def server_now(self) -> datetime:
        """Google's clock, for everything compared with its timestamps."""
        return self.client.server_now()

    def google_time(self) -> float:
        """Google's clock in epoch seconds: for what may yet show up there, since nobody here can turn it."""
        return self.server_now().timestamp()

    def log_event(self, text: str, level: str = "info") -> None:
        self.store.add_event(self.id, text, level)

    def add_observation(self, kind: str, value: float, weight: float = 1.0) -> None:
        """Remember a fact about this owner and model, in the transaction that ends the stage: a crash forgets it."""
        self.observations.append(Observation(self.run.owner_id, self.model, kind, value, weight))

    def shards(self) -> list[ShardRecord]:
        return self.store.shards(self.id)

    def set_shard(self, shard: ShardRecord, **values: Any) -> None:
        """Write changes of a shard, here and in the store; nothing is written where nothing changed."""
        changed = {name: value for name, value in values.items() if getattr(shard, name) != value}
        if changed:
            self.store.set_shard(self.id, self.run.token, shard.n, **changed)
            for name, value in changed.items():
                setattr(shard, name, value)

    def update_run(self, **values: Any) -> None:
        """Change fields of the run's row, here now, and in the store with what is written next."""
        for name, value in values.items():
            setattr(self.run, name, value)
        self._changes |= values

    def changed_values(self) -> dict[str, Any]:
        """What the store does not know of the run yet."""
        return {"progress": self.progress, **self._changes}

    def extend_lease(self, seconds: float) -> None:
        """Keep the run for that long, whatever happens to the process."""
        self.store.extend_lease(self.id, str(self.run.token), seconds)

    def save(self) -> None:
        """Write the progress now, without giving the run back."""
        self.store.commit(self.id, self.run.token, self.changed_values(), release=False)

    def shard_path(self, n: int) -> Path:
        return run_files.shard_path(self.folder, n)

    def received_path(self, shard: ShardRecord) -> Path:
        """Where a shard's result lines are, as received; the name says which attempt and which shard."""
        return run_files.received_path(self.folder, shard.attempt, shard.n)


def effective_tariff(ctx: StageContext) -> Tariff | None:
    """The prices, and the smallest explicit cache as it was known when the run was priced."""
    tariff, minimum = ctx.options.tariff(ctx.model), ctx.progress.assumed.explicit_minimum
    return tariff if tariff is None or minimum is UNSET else replace(tariff, explicit_minimum=minimum)
