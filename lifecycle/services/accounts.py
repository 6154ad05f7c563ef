"""Who is asking: keys held in memory and checked by free calls, rehearsals, and the models that each may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from batch.errors import ApiError, BatchRunnerError, KeyMissing
from lifecycle.core.models import NOBODY, Account, KeyCheck, ModelChoice, Visitor
from lifecycle.core.price_list import utc_today
from lifecycle.core.transport import StoredFiles
from lifecycle.services import run_views
from lifecycle.services.context import ServiceContext
from lifecycle.storage.sign_ins import SignIns

if TYPE_CHECKING:
    from gemini.client import GeminiClient

MODEL_LIST_TTL_SECONDS = 600.0


class AccountService:
    """`connect` makes a client for a key; `base_url` is where the calls of real keys go, "" for Google."""

    def __init__(
        self, context: ServiceContext, connect: Callable[[str, bool], GeminiClient], base_url: str, sign_ins: SignIns
    ) -> None:
        self._sign_ins = sign_ins
        self._context, self._connect, self._base_url = context, connect, base_url
        self._model_cache: dict[str, tuple[float, list[ModelChoice]]] = {}

    def register_key(self, key: str, *, permanent: bool = False, visitor: Visitor = NOBODY) -> Account:
        """Keep a key in memory: a `permanent` one while this process lives, others until nobody needs them.

        Asks nobody.
        """
        if not key.strip():
            raise KeyMissing("There is no API key.", "Paste a key, or rehearse without one.")
        keyring = self._context.keyring
        account = keyring.add(
            key.strip(), rehearsal=False, destination=self._base_url, permanent=permanent, visitor=visitor
        )
        self._sign_ins.recall(account.owner_id)
        self._context.wake_worker()
        return account

    def register_rehearsal(self, identity: str, *, visitor: Visitor = NOBODY) -> Account:
        """Work as a rehearsal identity, whose calls go to the emulator on this computer."""
        destination = "the rehearsal server on this computer"
        account = self._context.keyring.add(identity, rehearsal=True, destination=destination, visitor=visitor)
        self._context.wake_worker()
        return account

    def forget(self, account: Account) -> None:
        """Drop the key from memory at once, on every server. Runs under way wait for it, as after a restart.

        The installation's own key stays.
        """
        self._context.keyring.remove(account.owner_id)
        self._model_cache.pop(account.owner_id, None)
        if not self._context.keyring.has_key(account.owner_id):
            self._sign_ins.forget(account.owner_id)

    def note(self, account: Account, what: str, run_id: str = "") -> None:
        """Write into the audit log what somebody does on the page whom a login knows."""
        self._context.note(account, what, run_id)

    def keep(self, account: Account) -> bool:
        """Note that somebody is there who uses the account; False if its key is not held here any more."""
        return self._context.keyring.touch(account.owner_id)

    def is_forgotten(self, account: Account) -> bool:
        """Whether the key was dropped because its owner said so, here or elsewhere."""
        return self._sign_ins.is_forgotten(account.owner_id)

    def revoke(self, token: str, seconds: float) -> None:
        """Refuse an encrypted cookie from now on, whoever has a copy of it."""
        self._sign_ins.revoke(token, seconds)

    def is_revoked(self, token: str) -> bool:
        return self._sign_ins.is_revoked(token)

    def check_key(self, key: str, *, visitor: Visitor = NOBODY) -> KeyCheck:
        """Ask Google whether a key works, by a free call. A good key is held from then on."""
        try:
            client = self._connect(key.strip(), False) if key.strip() else None
            if client is None:
                return KeyCheck(False, "There is no key to check.", "Paste your Gemini API key.")
            next(iter(client.list_models()), None)
        except ApiError as error:
            return KeyCheck(False, str(error), error.remedy)
        return KeyCheck(True, "The key works.", account=self.register_key(key, visitor=visitor))

    def models(self, account: Account | None) -> list[ModelChoice]:
        """Models that can batch: Google's own list for an account, else the catalog's. Retired ones are left out."""
        cached = self._model_cache.get(account.owner_id if account else "")
        if cached and time.monotonic() - cached[0] < MODEL_LIST_TTL_SECONDS:
            return cached[1]
        try:
            live = list(self._context.client(account).list_models()) if account else []
        except BatchRunnerError:
            live = []
        choices = run_views.model_choices(self._context.price_list.catalog, live, utc_today())
        if live and account:
            self._model_cache[account.owner_id] = (time.monotonic(), choices)
        return choices

    def stored_files(self, account: Account) -> StoredFiles:
        """What the account has at Google in files, by Google's own list. Raises KeyMissing and ApiError."""
        sizes = [int(str(file.get("sizeBytes") or 0)) for file in self._context.client(account).list_files()]
        return StoredFiles(len(sizes), sum(sizes), self._context.limits.storage_bytes)
