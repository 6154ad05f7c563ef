"""A runner for tests of the page that plans and prices for real and keeps everything else in mind only."""

from __future__ import annotations

import itertools
import shutil
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from batch.arrangement.rules import Rule
from batch.errors import BatchRunnerError
from batch.model import Tariff
from batch.pricing.estimate import over_budget
from cache_utils import CachedText
from gem_cache import Plan
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs import drafts
from lifecycle.planning import cache_estimate, rearranged_draft
from lifecycle.planning.cache_estimate import CacheEstimate
from lifecycle.planning.forecast import Forecast, expected_hours, forecast
from lifecycle.planning.history.measured_rows import MeasuredRows
from lifecycle.planning.tried_rows import Tries
from lifecycle.services.caches import CacheInfo, CacheService
from tests.lifecycle.whole_requests import whole_requests
from tests.patience import PATIENCE_SECONDS
from tests.ui.fakes import NOW, FakeForecasts, FakeRunner, FakeRuns, FakeSubmissions

TARIFF = Tariff(0.3, 0.15, 2.5, 1.25, 0.03, None, 1.0, explicit_minimum=1024, implicit_minimum=2048)
GUIDE = "The guide says which parcels go where, and what to do with those that nobody wants. " * 120


def make_cache(name: str, **changes: Any) -> CacheInfo:
    """A cache with half an hour left, with whatever is different about it."""
    base = CacheInfo(
        name=f"cachedContents/{name}",
        label=name,
        model="gemini-3-flash",
        tokens=20_000,
        created_at=NOW - timedelta(hours=2),
        expire_at=NOW + timedelta(minutes=30),
        age_hours=2.0,
        seconds_left=1800.0,
        expired=False,
        usd_per_hour=0.02,
        usd_so_far=0.046,
        ours=False,
        runs=(),
    )
    return replace(base, **changes)


class PricingForecasts(FakeForecasts):
    """Plans and prices for real, when the `gate` is open."""

    def __init__(self, runner: PricingRunner) -> None:
        self.runner = runner
        self._drafts = itertools.count(1)

    def prepare_draft(
        self, source: Path | str, *, use_cache: str = "", owner_id: str = "", **options: Any
    ) -> drafts.Draft:
        target = self.runner.drafts_folder / "drafts" / f"d{next(self._drafts)}"
        options["rules"] = self.model_rules(options.pop("model"))
        if use_cache:
            options["generation"] = replace(options["generation"], system_instruction="")
        draft = drafts.prepare(source, target, **options)
        return cache_estimate.apply_cache_to_all(draft, use_cache) if use_cache else draft

    def tariff(self, model: str) -> Tariff | None:
        return None if "mystery" in model else TARIFF

    def for_draft(
        self,
        account: Account | None,
        draft: drafts.Draft,
        spec: RunSpec,
        *,
        exact: bool = True,
        previous: Forecast | None = None,
        tries: Tries | None = None,
        measured: MeasuredRows | None = None,
    ) -> Forecast:
        self.runner.forecast_requests.append((draft.folder.name, spec, exact))
        assert self.runner.gate.wait(PATIENCE_SECONDS)
        if self.runner.error:
            raise self.runner.error
        return forecast(
            draft.folder / "requests.jsonl",
            spec,
            tariff=self.tariff(spec.model),
            model=None,
            hours=expected_hours([], spec.hours),
            count=(lambda prefix: len(prefix) // 4) if account and exact else None,
            tries=tries,
            measured=measured,
            previous=previous,
        )

    def rearrange(
        self, draft: drafts.Draft, plan: Plan, rules: frozenset[Rule] | None = None
    ) -> rearranged_draft.RearrangedDraft:
        target = self.runner.drafts_folder / "drafts" / f"d{next(self._drafts)}"
        target.mkdir()
        return rearranged_draft.rearrange(draft, plan, rules or frozenset(), target)

    def estimate_cache(self, account: Account, wanted: CachedText, hours: float) -> CacheEstimate:
        return cache_estimate.estimate_cache(wanted, hours, self.tariff(wanted.model))


class PricingSubmissions(FakeSubmissions):
    """Keeps what was submitted, and refuses what is over budget."""

    runner: PricingRunner

    def validate(
        self, draft: drafts.Draft, spec: RunSpec, forecast: Forecast, spent: float = 0.0
    ) -> BatchRunnerError | None:
        return self.runner.validation_error or (
            None if spec.max_usd is None else over_budget(forecast.estimate, spec.max_usd, spent)
        )

    def submit(
        self,
        account: Account,
        draft: drafts.Draft,
        spec: RunSpec,
        idempotency_key: str,
        forecast: Forecast | None = None,
        *,
        attended: bool = True,
    ) -> str:
        lines = whole_requests(draft.folder / "requests.jsonl").splitlines()
        self.runner.submitted.append((spec, forecast, lines))
        run_id = super().submit(account, draft, spec, idempotency_key)
        shutil.copytree(draft.folder, self.runner.drafts_folder / run_id, dirs_exist_ok=True)
        return run_id


class PricingRuns(FakeRuns):
    """Gives the drafts of its runs back."""

    runner: PricingRunner

    def draft_of(self, account: Account, run_id: str) -> drafts.Draft:
        return drafts.open_draft(self.runner.drafts_folder / run_id)


class PricingCaches(CacheService):
    """Caches of `runner.stored_caches`."""

    def __init__(self, runner: PricingRunner) -> None:
        self.runner = runner

    def list_all(self, account: Account) -> list[CacheInfo]:
        self.runner.list_calls += 1
        if self.runner.error:
            raise self.runner.error
        return list(self.runner.stored_caches)

    def create(self, account: Account, wanted: CachedText, name: str, ttl_seconds: float) -> CacheInfo:
        if self.runner.error:
            raise self.runner.error
        self.runner.created.append((wanted, name, ttl_seconds))
        made = make_cache(name, model=wanted.model)
        self.runner.stored_caches.append(made)
        return made

    def extend(self, account: Account, name: str, ttl_seconds: float) -> None:
        self.runner.calls.append(("extend", name, f"{ttl_seconds:g}"))

    def delete(self, account: Account, name: str) -> None:
        self.runner.calls.append(("delete cache", name))
        self.runner.stored_caches = [cache for cache in self.runner.stored_caches if cache.name != name]


class PricingRunner(FakeRunner):
    """Remembers `forecast_requests` and `submitted`; `error` is raised by forecasts, which wait at the `gate`."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.drafts_folder = folder
        self.forecast_requests: list[tuple[str, RunSpec, bool]] = []
        self.submitted: list[tuple[RunSpec, Forecast | None, list[bytes]]] = []
        self.stored_caches: list[CacheInfo] = []
        self.created: list[tuple[CachedText, str, float]] = []
        self.list_calls = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.validation_error: BatchRunnerError | None = None
        self.forecasts = PricingForecasts(self)
        self.submissions = PricingSubmissions(self)
        self.runs = PricingRuns(self)
        self.caches = PricingCaches(self)
