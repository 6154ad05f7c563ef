"""Who is asking: keys held in memory and checked by free calls, rehearsals, and the models that each may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from batch.errors import ApiError, BatchRunnerError, KeyMissing
from lifecycle.core.models import Account, KeyCheck, ModelChoice
from lifecycle.core.price_list import today
from lifecycle.services import run_views
from lifecycle.services.context import Office

if TYPE_CHECKING:
    from gemini.client import Gateway

MODELS_FRESH_SECONDS = 600.0


class Accounts:
    """`connect` makes a client for a key; `base_url` is where the calls of real keys go, "" for Google."""

    def __init__(self, office: Office, connect: Callable[[str, bool], Gateway], base_url: str) -> None:
        self._office, self._connect, self._base_url = office, connect, base_url
        self._models: dict[str, tuple[float, list[ModelChoice]]] = {}

    def hold_key(self, key: str) -> Account:
        """Keep a key in memory while this process lives. Asks nobody."""
        if not key.strip():
            raise KeyMissing("There is no API key.", "Paste a key, or rehearse without one.")
        account = self._office.keyring.hold(key.strip(), rehearsal=False, destination=self._base_url)
        self._office.wake()
        return account

    def hold_rehearsal(self, identity: str) -> Account:
        """Work as a rehearsal identity, whose calls go to the emulator on this computer."""
        destination = "the rehearsal server on this computer"
        account = self._office.keyring.hold(identity, rehearsal=True, destination=destination)
        self._office.wake()
        return account

    def forget(self, account: Account) -> None:
        """Drop the key, unless runs under way need it until they end."""
        if not self._office.store.unfinished([account.owner]):
            self._office.keyring.drop(account.owner)

    def check_key(self, key: str) -> KeyCheck:
        """Ask Google whether a key works, by a free call. A good key is held from then on."""
        try:
            gateway = self._connect(key.strip(), False) if key.strip() else None
            if gateway is None:
                return KeyCheck(False, "There is no key to check.", "Paste your Gemini API key.")
            next(iter(gateway.list_models()), None)
        except ApiError as error:
            return KeyCheck(False, str(error), error.remedy)
        return KeyCheck(True, "The key works.", account=self.hold_key(key))

    def models(self, account: Account | None) -> list[ModelChoice]:
        """Models that can batch: Google's own list for an account, else the catalog's. Retired ones are left out."""
        known = self._models.get(account.owner if account else "")
        if known and time.monotonic() - known[0] < MODELS_FRESH_SECONDS:
            return known[1]
        try:
            live = list(self._office.gateway(account).list_models()) if account else []
        except BatchRunnerError:
            live = []
        choices = run_views.model_choices(self._office.prices.catalog, live, today())
        if live and account:
            self._models[account.owner] = (time.monotonic(), choices)
        return choices
