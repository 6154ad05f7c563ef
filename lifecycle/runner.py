"""The one object that the page and the terminal ask: its parts, one for each noun, put together.

It decides what is allowed and records; it draws nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from batch.pricing.catalog import Catalog
from lifecycle.core.price_list import PriceList
from lifecycle.core.transport import BatchLimits
from lifecycle.services.context import ServiceContext, run_folder
from lifecycle.storage import data_folder
from lifecycle.storage.availability import StoreUnavailable
from lifecycle.storage.keyring import Keyring
from lifecycle.storage.sign_ins import SignIns
from lifecycle.workflow.maintenance import Maintenance
from lifecycle.workflow.shards.context import WorkerOptions
from lifecycle.workflow.worker import Worker

if TYPE_CHECKING:
    from gemini.client import GeminiClient
    from lifecycle.reuse.answers import EarlierAnswerService
    from lifecycle.run_list.table import RunTableService
    from lifecycle.services.accounts import AccountService
    from lifecycle.services.billing import BillingService
    from lifecycle.services.caches import CacheService
    from lifecycle.services.forecasts import ForecastService
    from lifecycle.services.imported_jobs import ImportService
    from lifecycle.services.retries import RetryService
    from lifecycle.services.runs import RunService
    from lifecycle.services.submissions import SubmissionService
    from lifecycle.services.tries import TryService
    from lifecycle.storage.copies.backup import BackupSummary

PREFIX = "gbr-"  # how everything this product makes at Google begins; the installation's id follows


@dataclass(frozen=True)
class Setup:
    """What a Runner is made of; plain values from the settings, and how to reach the rehearsal server.

    Ended runs are deleted after `retention_days`, and who is logged in may spend `user_monthly_usd` a month; 0 sets no
    limit. `adopting` lets folders of runs be beside an empty database.
    """

    data_dir: Path
    database_url: str
    catalog: Catalog
    rehearsal_url: Callable[[], str]
    base_url: str = ""
    api_version: str = ""
    env_key: str = field(default="", repr=False)
    request_timeout_seconds: float = 60.0
    settle_seconds: float = 60.0
    lease_seconds: float = 15.0
    workers: int = 6
    tier: str = "1"
    retention_days: float = 0.0
    user_monthly_usd: float = 0.0
    adopting: bool = False

    def connect(self, key: str, rehearsal: bool) -> GeminiClient:
        """A client of Google under a key, or of the rehearsal server. Asks nobody."""
        from gemini.client import GeminiClient  # the SDK takes a second to import, and nobody needs it at the start

        base_url = self.rehearsal_url() if rehearsal else self.base_url
        return GeminiClient(key, base_url, self.request_timeout_seconds, self.api_version)


class Runner:
    """Runs of all accounts in one data folder. Thread-safe; one per process, any number of processes.

    What may be asked of it are the methods of its parts: `runner.runs.cancel(…)`, `runner.caches.create(…)`.
    """

    def __init__(self, setup: Setup) -> None:
        setup.data_dir.mkdir(parents=True, exist_ok=True)
        store = data_folder.open_store(setup.database_url, setup.data_dir, adopting=setup.adopting)
        salt = store.get_or_create_setting("salt", lambda: secrets.token_hex(32))
        prefix = f"{PREFIX}{data_folder.installation_id(store, setup.data_dir)}-"
        keyring = Keyring(bytes.fromhex(salt), setup.connect, setup.rehearsal_url)
        prices, limits = PriceList(setup.catalog, setup.tier), BatchLimits()
        self._sign_ins = SignIns(store)
        housekeeping = Maintenance(
            store, keyring, prefix, self._sign_ins, partial(run_folder, setup.data_dir), self._delete_expired
        )
        worker = Worker(
            store,
            keyring,
            WorkerOptions(
                create_timeout_seconds=setup.request_timeout_seconds,
                settle_seconds=setup.settle_seconds,
                tariff=prices.tariff,
                price=prices.price,
                model=prices.model,
                enqueued_tokens=prices.enqueued_tokens,
                limits=limits,
            ),
            partial(run_folder, setup.data_dir),
            prefix,
            threads=setup.workers,
            lease_seconds=setup.lease_seconds,
            maintenance=housekeeping.run_once,
        )
        self._context = ServiceContext(
            store, keyring, prices, limits, prefix, setup.data_dir, worker, setup.retention_days, setup.user_monthly_usd
        )
        self._setup, self._housekeeping = setup, housekeeping
        self.data_dir = setup.data_dir

    # -- its parts; each is imported when it is first asked, so that `gemini-batch runs` does not wait for Arrow -----

    @cached_property
    def accounts(self) -> AccountService:
        from lifecycle.services.accounts import AccountService

        return AccountService(self._context, self._setup.connect, self._setup.base_url, self._sign_ins)

    @cached_property
    def forecasts(self) -> ForecastService:
        from lifecycle.services.forecasts import ForecastService

        return ForecastService(self._context)

    @cached_property
    def submissions(self) -> SubmissionService:
        from lifecycle.services.submissions import SubmissionService

        return SubmissionService(self._context, self.forecasts)

    @cached_property
    def tries(self) -> TryService:
        from lifecycle.services.tries import TryService

        return TryService(self._context)

    @cached_property
    def earlier_answers(self) -> EarlierAnswerService:
        from lifecycle.reuse.answers import EarlierAnswerService

        return EarlierAnswerService(self._context)

    @cached_property
    def imports(self) -> ImportService:
        from lifecycle.services.imported_jobs import ImportService

        return ImportService(self._context, self.submissions)

    @cached_property
    def billing(self) -> BillingService:
        from lifecycle.services.billing import BillingService

        return BillingService(self._context)

    @cached_property
    def runs(self) -> RunService:
        from lifecycle.services.runs import RunService

        return RunService(self._context, self.billing)

    @cached_property
    def run_table(self) -> RunTableService:
        from lifecycle.run_list.table import RunTableService

        return RunTableService(self._context, self.runs)

    @cached_property
    def retries(self) -> RetryService:
        from lifecycle.services.retries import RetryService

        return RetryService(self._context, self.forecasts, self.submissions, self.runs)

    @cached_property
    def caches(self) -> CacheService:
        from lifecycle.services.caches import CacheService

        return CacheService(self._context)

    # -- life ------------------------------------------------------------------------------------------------------

    def folder(self, run_id: str) -> Path:
        """Where a run's files are. `run_id` must come from the store."""
        return self._context.folder(run_id)

    def new_draft_folder(self) -> Path:
        """A new empty folder for one draft."""
        return self._context.new_draft_folder()

    def backup(self, target: Path) -> BackupSummary:
        """Write a copy of all runs, results and bills to one file, while everything works."""
        from lifecycle.storage.copies.backup import write_backup

        return write_backup(self._context.store, self.data_dir, target)

    def _delete_expired(self) -> None:
        self.runs.delete_expired()

    def store_trouble(self) -> StoreUnavailable | None:
        """Why the database cannot be asked now; None while it can."""
        try:
            self._context.store.check()
        except StoreUnavailable as error:
            return error
        return None

    def start(self, *, serving: bool = False) -> None:
        """Go on with every unfinished run whose key is here. Is idempotent.

        `serving` says that this process stays: then runs of the terminal are attended to as well.
        """
        self._housekeeping.serving = serving
        if self._setup.env_key:
            self.accounts.register_key(self._setup.env_key, permanent=True)
        self._context.worker.start()

    def close(self, seconds: float = 5.0) -> None:
        """Stop working; nothing is lost, and any process may go on."""
        self._context.worker.close(seconds)
        self._context.store.close()
