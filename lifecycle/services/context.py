"""What every service works with: the store, the keys in memory, the folders of runs, and today's prices."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import KeyMissing, NotFound
from batch.model import Tariff
from lifecycle.core.models import Account
from lifecycle.core.price_list import PriceList
from lifecycle.core.run_files import owner_folder_name
from lifecycle.core.run_records import RunRecord
from lifecycle.core.transport import BatchLimits
from lifecycle.planning import cache_support
from lifecycle.storage import audit_log
from lifecycle.storage.keyring import Keyring
from lifecycle.storage.store import Store
from lifecycle.workflow.worker import Worker

if TYPE_CHECKING:
    from gemini.client import GeminiClient


@dataclass(frozen=True)
class ServiceContext:
    """One per process, shared by all services.

    `prefix` begins the name of all that this installation makes at Google. Ended runs are kept for `retention_days`,
    and who is logged in may spend `user_monthly_usd` a month; 0 sets no limit.
    """

    store: Store
    keyring: Keyring
    price_list: PriceList
    limits: BatchLimits
    prefix: str
    data_dir: Path
    worker: Worker
    retention_days: float = 0.0
    user_monthly_usd: float = 0.0

    def folder(self, run_id: str) -> Path:
        """Where a run's files are. `run_id` must come from the store."""
        return run_folder(self.data_dir, run_id)

    def new_draft_folder(self, owner_id: str = "", *, made_of: Path | None = None) -> Path:
        """A new empty folder, named by its owner, or by the one of the draft that this one is `made_of`."""
        if made_of is not None and made_of.parent == self.data_dir / "drafts":
            owner_id = made_of.name.rpartition("-")[0]
        chance = secrets.token_hex(8)
        folder = self.data_dir / "drafts" / (owner_folder_name(owner_id, chance) if owner_id else chance)
        folder.mkdir(parents=True)
        return folder

    def run_row(self, account: Account, run_id: str) -> RunRecord:
        """An account's own run. Raises NotFound, in the same words whether it is absent or another's."""
        row = self.store.run(run_id, account.owner_id)
        if row is None:
            raise NotFound("There is no such run under this key.")
        return row

    def client(self, account: Account) -> GeminiClient:
        """The client under an account's key. Raises KeyMissing."""
        client = self.keyring.client(account.owner_id)
        if client is None:
            raise KeyMissing("This process does not hold the key.", "Sign in again.")
        return client

    def note(self, account: Account, what: str, run_id: str = "") -> None:
        """Write into the audit log what somebody does whom a login knows."""
        if account.visitor.user:
            audit_log.note(self.data_dir, account.visitor.user, account.visitor.address, what, run_id)

    def wake_worker(self) -> None:
        """Something may be due: the worker looks now."""
        self.worker.wake()

    def is_working_for(self, account: Account) -> bool | None:
        """Whether this process goes on with the account's runs by itself, however late it is; None if it works on none.

        Who looks at runs is there: the key is in use.
        """
        held = self.keyring.touch(account.owner_id)
        return held if self.worker.is_working else None

    def effective_tariff(self, account: Account | None, model: str, *, force: bool) -> Tariff | None:
        """The model's prices, and the smallest explicit cache by what this key's own replies have taught."""
        tariff = self.price_list.tariff(model)
        return (
            cache_support.effective_tariff(self.store, account.owner_id, model, tariff, force=force)
            if account
            else tariff
        )


def run_folder(data_dir: Path, run_id: str) -> Path:
    return data_dir / "runs" / run_id
