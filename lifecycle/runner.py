"""The one object that the page and the terminal ask: every deed by its name, and the parts that do it, put together.

It decides what is allowed and records; it draws nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from batch.pricing.catalog import Catalog
from lifecycle.core.price_list import PriceList
from lifecycle.core.transport import Limits
from lifecycle.services.accounts import Accounts
from lifecycle.services.billing import Billing
from lifecycle.services.caches import CacheDesk
from lifecycle.services.context import Office, run_folder
from lifecycle.services.forecasts import Quotes
from lifecycle.services.imported_jobs import Adoptions
from lifecycle.services.retries import Resubmissions
from lifecycle.services.runs import Runs
from lifecycle.services.submissions import Submissions
from lifecycle.storage import data_folder
from lifecycle.storage.keyring import Keyring
from lifecycle.workflow.maintenance import Housekeeping
from lifecycle.workflow.shards.context import Options
from lifecycle.workflow.worker import Worker

if TYPE_CHECKING:
    from gemini.client import Gateway

PREFIX = "gbr-"  # how everything this product makes at Google begins; the installation's id follows


@dataclass(frozen=True)
class Setup:
    """What a Runner is made of; plain values from the settings, and how to reach the rehearsal server."""

    data_dir: Path
    database_url: str
    catalog: Catalog
    rehearsal_url: Callable[[], str]
    base_url: str = ""
    env_key: str = field(default="", repr=False)
    request_timeout_seconds: float = 60.0
    settle_seconds: float = 60.0
    lease_seconds: float = 15.0
    workers: int = 6
    tier: str = "1"

    def connect(self, key: str, rehearsal: bool) -> Gateway:
        """A client of Google under a key, or of the rehearsal server. Asks nobody."""
        from gemini.client import Gateway  # the SDK takes a second to import, and nobody needs it at the start

        base_url = self.rehearsal_url() if rehearsal else self.base_url
        return Gateway(key, base_url, self.request_timeout_seconds)


class Runner:
    """Runs of all accounts in one data folder. Thread-safe; one per process, any number of processes.

    A verb is a method of the part named beside it, where its promises stand too.
    """

    def __init__(self, setup: Setup) -> None:
        setup.data_dir.mkdir(parents=True, exist_ok=True)
        store = data_folder.opened(setup.database_url, setup.data_dir)
        salt = store.constant("salt", lambda: secrets.token_hex(32))
        prefix = f"{PREFIX}{store.constant('installation', lambda: secrets.token_hex(4))}-"
        keyring = Keyring(bytes.fromhex(salt), setup.connect, setup.rehearsal_url)
        prices, limits = PriceList(setup.catalog, setup.tier), Limits()
        housekeeping = Housekeeping(store, keyring, prefix)
        worker = Worker(
            store,
            keyring,
            Options(
                create_timeout=setup.request_timeout_seconds,
                settle=setup.settle_seconds,
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
            housekeeping=housekeeping.tidy,
        )
        office = Office(store, keyring, prices, limits, prefix, setup.data_dir, worker)
        self._office, self._housekeeping, self._env_key = office, housekeeping, setup.env_key

        accounts = Accounts(office, setup.connect, setup.base_url)
        self.hold_key = accounts.hold_key
        self.hold_rehearsal = accounts.hold_rehearsal
        self.forget = accounts.forget
        self.check_key = accounts.check_key
        self.models = accounts.models

        quotes = Quotes(office)
        self.new_draft_folder = office.new_draft_folder
        self.prepare = quotes.prepare
        self.forecast = quotes.forecast
        self.tariff = quotes.tariff
        self.offer_cache = quotes.offer_cache
        self.plan_document = quotes.plan_document

        submissions = Submissions(office, quotes)
        self.submit = submissions.submit
        self.refusal = submissions.refusal

        adoptions = Adoptions(office, submissions)
        self.recover = adoptions.recover
        self.jobs_elsewhere = adoptions.jobs_elsewhere

        billing = Billing(office)
        self.bills = billing.bills

        runs = Runs(office, billing)
        self.runs = runs.runs
        self.ended_since = runs.ended_since
        self.run = runs.run
        self.retries_of = runs.retries_of
        self.events = runs.events
        self.usual = runs.usual
        self.draft_of = runs.draft_of
        self.results = runs.results
        self.comparable = runs.comparable
        self.look_now = runs.look_now
        self.cancel = runs.cancel
        self.leave = runs.leave
        self.keep = runs.keep
        self.kept = runs.kept
        self.delete = runs.delete

        resubmissions = Resubmissions(office, quotes, submissions, runs)
        self.rerun = resubmissions.rerun
        self.retry = resubmissions.retry
        self.retry_forecast = resubmissions.retry_forecast
        self.resubmit_forecast = resubmissions.resubmit_forecast
        self.send_retry = resubmissions.send_retry

        desk = CacheDesk(office)
        self.caches = desk.caches
        self.create_cache = desk.create_cache
        self.extend_cache = desk.extend_cache
        self.delete_cache = desk.delete_cache

        self.data_dir = setup.data_dir
        self.folder = office.folder

    def start(self, *, serving: bool = False) -> None:
        """Go on with every unfinished run whose key is here. Is idempotent.

        `serving` says that this process stays: then runs of the terminal are attended to as well.
        """
        self._housekeeping.serving = serving
        if self._env_key:
            self.hold_key(self._env_key)
        self._office.worker.start()

    def close(self, seconds: float = 5.0) -> None:
        """Stop working; nothing is lost, and any process may go on."""
        self._office.worker.close(seconds)
        self._office.store.close()
