"""The one object that the page and the terminal ask. It records, decides what is allowed, and draws nothing."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

import cache_utils
from batch import pricing, refusals
from batch.bills import Bill
from batch.cached_contents import CacheMetadata, resolve_use_cache
from batch.cached_requests import placeholder
from batch.catalog import Catalog
from batch.duration import Observed, learn_implicit_rate
from batch.errors import ApiError, BatchRunnerError, InputError, KeyMissing, NotFound
from batch.estimate import over_budget
from batch.model import ContextMode, Generation, RunState, Stage, Tariff, Usage
from batch.problems import count
from cache_utils import CachedText
from gemini.wire import job_state, operation
from lifecycle import (
    cache_desk,
    capability,
    data_folder,
    drafts,
    overview,
    recovery,
    retries,
    shared_cache,
    sweep,
    transport,
)
from lifecycle.ages import Usual, usual
from lifecycle.billing import UNREADABLE, bill_of, without_results
from lifecycle.cache_desk import CacheInfo
from lifecycle.drafts import Draft
from lifecycle.forecast import Forecast, expected_hours, forecast, to_count
from lifecycle.keyring import Keyring
from lifecycle.plan_report import estimate_document, plan_document
from lifecycle.recovery import Elsewhere, Recovered
from lifecycle.results import Filter, ResultTable, merged, shared_keys
from lifecycle.retries import RetryOffer
from lifecycle.shared_cache import CacheOffer
from lifecycle.stages import resubmitting
from lifecycle.stages.caching import UNATTENDED_SECONDS
from lifecycle.stages.collecting import DURATION, IMPLICIT
from lifecycle.stages.work import Options
from lifecycle.states import Fate, fate
from lifecycle.transport import Freight, Limits
from lifecycle.views import Account, EventView, KeyCheck, ModelChoice, RunSpec, RunView
from lifecycle.worker import Worker

if TYPE_CHECKING:
    from gemini.client import Gateway

log = logging.getLogger(__name__)

PREFIX = "gbr-"  # how everything this product makes at Google begins; the installation's id follows
MODELS_FRESH_SECONDS = 600.0
HOUSEKEEPING_SECONDS = 10.0
COUNTED = (ContextMode.AUTO, ContextMode.EXPLICIT)  # modes whose plan deserves exact counts
SWEEP_SECONDS = 3600.0
SWEEP_AGAIN_SECONDS = 60.0  # after one that could not look
SERVED_AT = "served_at"  # when a server last said that it is there
SERVED_SECONDS = 60.0


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


class Runner:
    """Runs of all accounts in one data folder. Thread-safe; one per process, any number of processes."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        setup.data_dir.mkdir(parents=True, exist_ok=True)
        self._store = data_folder.opened(setup.database_url, setup.data_dir)
        salt = self._store.constant("salt", lambda: secrets.token_hex(32))
        self._prefix = f"{PREFIX}{self._store.constant('installation', lambda: secrets.token_hex(4))}-"
        self._keyring = Keyring(bytes.fromhex(salt), self._connect, setup.rehearsal_url)
        self._limits = Limits()
        self._models: dict[str, tuple[float, list[ModelChoice]]] = {}
        self._tidied_at = 0.0
        self._serving = False
        self._swept: dict[str, float] = {}
        self._worker = Worker(
            self._store,
            self._keyring,
            self._options(),
            self.folder,
            self._prefix,
            threads=setup.workers,
            lease_seconds=setup.lease_seconds,
            housekeeping=self._housekeeping,
        )

    def start(self, *, serving: bool = False) -> None:
        """Go on with every unfinished run whose key is here. Is idempotent.

        `serving` says that this process stays: then runs of the terminal are attended to as well.
        """
        self._serving = serving
        if self._setup.env_key:
            self.hold_key(self._setup.env_key)
        self._worker.start()

    def close(self, seconds: float = 5.0) -> None:
        """Stop working; nothing is lost, and any process may go on."""
        self._worker.close(seconds)
        self._store.close()

    # -- who ---------------------------------------------------------------------------------------------------

    def hold_key(self, key: str) -> Account:
        """Keep a key in memory while this process lives. Asks nobody."""
        if not key.strip():
            raise KeyMissing("There is no API key.", "Paste a key, or rehearse without one.")
        account = self._keyring.hold(key.strip(), rehearsal=False, destination=self._setup.base_url)
        self._worker.wake()
        return account

    def hold_rehearsal(self, identity: str) -> Account:
        """Work as a rehearsal identity, whose calls go to the emulator on this computer."""
        account = self._keyring.hold(identity, rehearsal=True, destination="the rehearsal server on this computer")
        self._worker.wake()
        return account

    def forget(self, account: Account) -> None:
        """Drop the key, unless runs under way need it until they end."""
        if not self._store.unfinished([account.owner]):
            self._keyring.drop(account.owner)

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
            live = list(self._gateway(account).list_models()) if account else []
        except BatchRunnerError:
            live = []
        choices = overview.model_choices(self._setup.catalog, live, self._today())
        if live and account:
            self._models[account.owner] = (time.monotonic(), choices)
        return choices

    # -- before paying -----------------------------------------------------------------------------------------

    def new_draft_folder(self) -> Path:
        folder = self._setup.data_dir / "drafts" / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder

    def prepare(
        self,
        source: Path | str,
        *,
        kind: str,
        template: str = "",
        generation: Generation | None = None,
        shared_text: str = "",
        source_name: str = "",
        use_cache: str = "",
        progress: Callable[[float], None] | None = None,
    ) -> Draft:
        """Check an input and write its good rows as requests. Raises InputError when nothing of it can be read.

        With `use_cache`, a cache's name, every request uses that one; the settings' system instruction is left out.
        """
        if use_cache:
            generation = replace(generation or Generation(), system_instruction="")
        draft = drafts.prepare(
            source,
            self.new_draft_folder(),
            kind=kind,
            template=template,
            generation=generation or Generation(),
            shared_text=shared_text,
            source_name=source_name,
            progress=progress,
        )
        return shared_cache.use_for_all(draft, use_cache) if use_cache else draft

    def forecast(
        self,
        account: Account | None,
        draft: Draft,
        spec: RunSpec,
        *,
        exact: bool = True,
        before: Forecast | None = None,
    ) -> Forecast:
        """Plan and price a draft. With an account, shared texts and a sample of the rest are counted exactly, free.

        Not `exact`: nothing is counted anew. `before` is a forecast of the same draft for the same model, to go on
        from. Raises InputError for a cache that requests name and cannot use.
        """
        model, gateway = spec.model.removeprefix("models/"), self._gateway(account) if account else None
        seen = self._store.learned(account.owner, model, DURATION) if account else []
        hits = self._store.learned(account.owner, model, IMPLICIT) if account else []

        def count(prefix: bytes) -> int:
            return gateway.count_tokens(model, **to_count(prefix)) if gateway else 0

        insist = spec.context is ContextMode.EXPLICIT or not spec.allow_plain
        found = forecast(
            draft.folder / "requests.jsonl",
            spec,
            tariff=self._terms(account, model, insist=insist),
            model=self._setup.catalog.model(model),
            hours=expected_hours([hours for hours, _ in seen], spec.hours),
            implicit_rate=learn_implicit_rate([Observed(int(weight), rate) for rate, weight in hits[::-1]]),
            known_caches=self._sizes_of_caches(account, draft, spec) if account and before is None else None,
            count=count if gateway and exact else None,
            before=before,
        )
        shown = account if spec.context in COUNTED else None
        words = capability.caution(self._store, shown.owner, model, insist=insist) if shown else ""
        return replace(found, caution=" ".join(filter(None, (words, found.caution))))

    def tariff(self, model: str) -> Tariff | None:
        """The model's prices today; None if they are unknown."""
        return self._tariff(model.removeprefix("models/"))

    def offer_cache(self, account: Account, wanted: CachedText, hours: float) -> CacheOffer:
        """What a cache would cost if it were made and lived so long; nothing is asked of anybody."""
        terms = self._terms(account, wanted.model.removeprefix("models/"), insist=True)
        return shared_cache.offer(wanted, hours, terms)

    def plan_document(self, found: Forecast, model: str) -> dict[str, Any]:
        """A forecast's plan as `plan --json` prints it."""
        tariff = self._tariff(model)
        return plan_document(found, model, found.plan.tariff if tariff else None)

    def submit(
        self,
        account: Account,
        draft: Draft,
        spec: RunSpec,
        ticket: str,
        found: Forecast | None = None,
        *,
        attended: bool = True,
    ) -> str:
        """Record a run, and return its id; the work begins by itself. The same ticket again is the same run.

        `found` is the forecast that the user saw, made here otherwise. Not `attended`: nobody stays to renew the leases
        of caches, unless a server works on this data folder. Raises OverBudget, or InputError for a transport that
        cannot work, before anything is recorded.
        """
        if not draft.rows:
            raise drafts.NOTHING
        if not spec.model.strip():
            raise InputError("No model is chosen.", "Choose a model.")
        return self._accept(account, draft, spec, ticket, found, attended=attended or self._is_served())

    def _accept(
        self,
        account: Account,
        draft: Draft,
        spec: RunSpec,
        ticket: str,
        found: Forecast | None = None,
        *,
        parent: str = "",
        attended: bool = True,
        more: Mapping[str, Any] | None = None,
    ) -> str:
        """Price, hold against the budget, and record; `more` goes into the run's working memory."""
        named = self._named_caches(account, draft, spec)
        if not attended and spec.hours is None:
            spec = replace(spec, hours=UNATTENDED_SECONDS / 3600)
        found = found or self._priced(account, draft, spec)
        refused = self.refusal(draft, spec, found)
        if refused:
            raise refused
        options = found.plan.options
        assumed = {"hours": options.hours, "implicit_rate": options.implicit_rate, "token_counts": dict(options.counts)}
        output_bytes = self._freight(draft, spec, found).output_bytes
        facts = {"output_bytes": output_bytes, "canary": spec.canary > 0, "unattended": not attended}
        learned = {"explicit_minimum": found.plan.tariff.explicit_minimum}
        data = {**facts, **learned, **assumed, **named, **(more or {})}
        estimate = estimate_document(found)
        return self._record(
            account, draft.folder, spec, ticket, rows=draft.rows, data=data, parent=parent, estimate=estimate
        )

    def refusal(self, draft: Draft, spec: RunSpec, found: Forecast) -> BatchRunnerError | None:
        """Why a draft must not be sent like this: its budget, or a transport that cannot work. None if it may."""
        unfit = transport.refusal(spec.send_as, self._freight(draft, spec, found), self._limits)
        return unfit or (over_budget(found.card, spec.max_usd) if spec.max_usd is not None else None)

    def _freight(self, draft: Draft, spec: RunSpec, found: Forecast) -> Freight:
        model = self._setup.catalog.model(spec.model.removeprefix("models/"))
        kind = "image" if draft.image_output else model.kind if model else "text"
        sizes = np.diff(np.append(found.plan.survey.offset, draft.size_bytes))
        tokens = (found.card.output.expected or 0.0) / max(1, found.card.rows)
        return Freight(draft.rows, draft.size_bytes, int(sizes.max()), transport.result_bytes(kind, tokens))

    def _priced(self, account: Account, draft: Draft, spec: RunSpec) -> Forecast:
        """The forecast of a draft that nobody looked at yet, counted exactly where the plan deserves it."""
        return self.forecast(account if spec.context in COUNTED else None, draft, spec)

    # -- jobs made elsewhere -------------------------------------------------------------------------------------

    def recover(self, account: Account, job: str, *, name: str = "", draft: Draft | None = None) -> Recovered:
        """Adopt a batch job made elsewhere under the same key: it is watched, and its results become a run's.

        `draft` are its requests, if the user has them. A job that a run here has already is that run's. Asked twice,
        even at the same moment, it is one run. Raises InputError for what is no name, NotFound, ApiError.
        """
        found = recovery.job_name(job)
        ticket = recovery.ticket(found)
        known = self._store.run_with_job(account.owner, found, ticket)
        if known is None:
            op = recovery.read(self._gateway(account), found)
            known = self._awaited(account, op.display_name)
        if known is not None:
            return Recovered(known, True, self._row(account, known)["stage"] == Stage.FINISHED)
        told = recovery.facts(op, draft is not None)
        rows = draft.rows if draft else int(told["requests"])
        spec = RunSpec(model=op.model, name=name or op.display_name or found)
        said = f"Job {found}, made elsewhere, was adopted: {count(int(told['requests']), 'request')} to {op.model}."
        run_id = self._record(
            account, draft.folder if draft else None, spec, ticket, rows=rows, data={recovery.DATA: told}, said=said
        )
        return Recovered(run_id, False, fate(job_state(op.state)) in (Fate.COLLECT, Fate.SALVAGE))

    def jobs_elsewhere(self, account: Account) -> list[Elsewhere]:
        """The batch jobs under this key that no run here has, as Google lists them: newest first."""
        ops = map(operation, self._gateway(account).list_batches())
        mine = self._store.jobs(account.owner)
        return [
            recovery.elsewhere(op) for op in ops if op.name not in mine and not self._awaited(account, op.display_name)
        ]

    def _awaited(self, account: Account, display_name: str) -> str | None:
        """The run under way that a job of this display name belongs to, though it may not know of it yet."""
        if not display_name.startswith(self._prefix):
            return None
        run_id = display_name.removeprefix(self._prefix).split("-", 1)[0]
        row = self._store.run(run_id, account.owner)
        return run_id if row is not None and row["stage"] != Stage.FINISHED else None

    # -- after -------------------------------------------------------------------------------------------------

    def runs(self, account: Account, limit: int = 200) -> list[RunView]:
        """An account's runs, newest first, as last known; nothing is asked of Google."""
        rows = self._store.runs(account.owner, limit)
        shards = self._store.shards_of([str(r["id"]) for r in rows])
        return [
            overview.run_view(row, shards.get(str(row["id"]), []), [], self._now(), held=self._works_for(account))
            for row in rows
        ]

    def ended_since(self, account: Account, moment: float, limit: int) -> list[RunView]:
        """An account's runs that ended after a moment (epoch seconds), the last one first; without jobs and caches."""
        rows = self._store.ended_since(account.owner, moment, limit)
        return [overview.run_view(row, [], [], self._now(), held=self._works_for(account)) for row in rows]

    def run(self, account: Account, run_id: str) -> RunView:
        """One run in full. Raises NotFound, in the same words whether it is absent or another's."""
        row = self._row(account, run_id)
        return overview.run_view(
            row, self._store.shards(run_id), self._store.caches(run_id), self._now(), held=self._works_for(account)
        )

    def events(self, account: Account, run_id: str, limit: int = 200) -> list[EventView]:
        self._row(account, run_id)
        rows = self._store.events(run_id, limit)
        return [EventView(datetime.fromtimestamp(r["at"], UTC), r["level"], r["text"]) for r in rows]

    def cancel(self, account: Account, run_id: str) -> None:
        """Ask for a cancel. The run is cancelled when Google says so; what it finished is kept."""
        self._row(account, run_id)
        self._store.ask_cancel(run_id)
        self._store.tell(run_id, "A cancel was asked for.")
        self._worker.wake()

    def usual(self, account: Account, model: str) -> Usual | None:
        """How long this account's own jobs on a model took; None before one has succeeded."""
        return usual([hours for hours, _ in self._store.learned(account.owner, model, DURATION)])

    def keep(self, account: Account, run_id: str, hours: int) -> None:
        """Go on waiting although a warning says how old the run's job is; the next warning asks again."""
        self._row(account, run_id)
        self._store.note(f"kept:{run_id}", str(hours))

    def kept(self, account: Account, run_id: str) -> int:
        """The warning, in hours, that the user has answered with "keep waiting"; 0 for none."""
        self._row(account, run_id)
        return int(self._store.noted(f"kept:{run_id}") or 0)

    def look_now(self, account: Account, run_id: str) -> None:
        """Look at a run at once, whenever its next look would be due."""
        self._row(account, run_id)
        self._store.wake(run_id)
        self._worker.wake()

    def delete(self, account: Account, run_id: str) -> None:
        """Forget an ended run and its results on this computer. What it has cost stays on the account's bill.

        Its retries stand on their own from then on. Raises InputError while it, or one of them, is under way.
        """
        row = self._row(account, run_id)
        if row["stage"] != Stage.FINISHED:
            raise InputError("The run is still under way.", "Cancel it first.")
        if any(child["stage"] != Stage.FINISHED for child in self._store.children(run_id)):
            raise InputError("Rows of this run are being sent again.", "Wait until that run ends, or cancel it first.")
        if unread := self._write_bill(row):
            self._store.add_bill(account.owner, asdict(unread))
        self._store.remove_run(run_id)
        shutil.rmtree(self.folder(run_id), ignore_errors=True)

    def rerun(self, account: Account, run_id: str, ticket: str) -> str:
        """Submit the same requests again, as a new run."""
        spec = msgspec.convert(self._row(account, run_id)["spec"], RunSpec)
        return self._accept(account, self.draft_of(account, run_id), spec, ticket)

    def retry(
        self,
        account: Account,
        run_id: str,
        ticket: str,
        *,
        outcomes: Sequence[str] = (),
        keys: Sequence[str] = (),
        model: str = "",
        max_output_tokens: int | None = None,
        rows_per_job: int = 0,
    ) -> str:
        """Send chosen rows again as a child run, under their own keys; the parent's view merges the newest successes.

        Without outcomes and keys, the rows that may well go better next time. Without a ticket, the same wish at the
        same moment is the same run.
        """
        offer = self.retry_forecast(
            account,
            run_id,
            outcomes=outcomes,
            keys=keys,
            model=model,
            max_output_tokens=max_output_tokens,
            rows_per_job=rows_per_job,
        )
        return self.send_retry(account, offer, ticket)

    def retry_forecast(
        self,
        account: Account,
        run_id: str,
        *,
        outcomes: Sequence[str] = (),
        keys: Sequence[str] = (),
        where: Filter | None = None,
        model: str = "",
        max_output_tokens: int | None = None,
        rows_per_job: int = 0,
    ) -> RetryOffer:
        """Prepare a child run of chosen rows, and price it; nothing is sent or recorded before `send_retry`.

        Of a run that is a retry itself, its own rows are meant, as they stand after all retries. Rows that are being
        sent again already are left out.
        """
        row = self._row(account, run_id)
        self._known_inputs(row)
        parent = row["parent_id"] or run_id  # every retry is a child of the first run
        chosen = retries.chosen_keys(self.results(account, parent), outcomes, keys, where)
        if parent != run_id:
            chosen = retries.those_of(chosen, self.folder(run_id))
        children = self._store.children(parent)
        going = [str(child["id"]) for child in children if child["stage"] != Stage.FINISHED]
        chosen = retries.without_those_under_way(chosen, [(child, self.folder(child)) for child in going])
        draft = retries.prepare_child(self.folder(run_id), chosen, self.new_draft_folder(), max_output_tokens)
        spec = _otherwise(row, model, rows_per_job)
        return RetryOffer(parent, draft, spec, self._priced(account, draft, spec), siblings=len(children))

    def resubmit_forecast(self, account: Account, run_id: str, *, model: str = "", rows_per_job: int = 0) -> RetryOffer:
        """Price what sending all rows of a run under way again would cost, elsewhere: the most that it can come to.

        Nothing is cancelled or recorded before `send_retry`. Raises InputError for a run that has ended.
        """
        row = self._row(account, run_id)
        if row["stage"] == Stage.FINISHED:
            raise InputError("The run has ended.", "Send its rows again instead.")
        root = row["parent_id"] or run_id
        children = self._store.children(root)
        for child in children:
            if child["data"].get(resubmitting.AFTER) == run_id and child["stage"] != Stage.FINISHED:
                raise InputError(f"Run {child['id']} waits already to send its rows again.", "Cancel that one first.")
        draft, spec = self.draft_of(account, run_id), _otherwise(row, model, rows_per_job)
        found = self._priced(account, draft, spec)
        return RetryOffer(root, draft, spec, found, after=run_id, siblings=len(children))

    def send_retry(self, account: Account, offer: RetryOffer, ticket: str) -> str:
        """Submit a prepared child run; the same ticket again is the same run. Raises OverBudget."""
        self._row(account, offer.parent)
        known = {str(child["id"]) for child in self._store.children(offer.parent)}
        ticket = ticket or offer.ticket
        after = {resubmitting.AFTER: offer.after} if offer.after else {}
        child = self._accept(account, offer.draft, offer.spec, ticket, offer.found, parent=offer.parent, more=after)
        if offer.after:
            self.cancel(account, offer.after)
            self._store.tell(offer.after, f"What it leaves unanswered is sent again as run {child}.")
        elif child not in known:
            self._store.tell(offer.parent, f"{offer.draft.rows:,} rows are sent again as run {child}.")
        return child

    def retries_of(self, account: Account, run_id: str) -> list[RunView]:
        """The child runs of a run, oldest first."""
        self._row(account, run_id)
        rows = self._store.children(run_id)
        shards = self._store.shards_of([str(r["id"]) for r in rows])
        return [
            overview.run_view(row, shards.get(str(row["id"]), []), [], self._now(), held=self._works_for(account))
            for row in rows
        ]

    def draft_of(self, account: Account, run_id: str) -> Draft:
        """A run's requests, to be looked at and submitted again. Raises InputError where they are not known."""
        self._known_inputs(self._row(account, run_id))
        return drafts.open_draft(self.folder(run_id))

    def results(self, account: Account, run_id: str) -> ResultTable:
        """A run's results, each row at its newest success over the run and its retries. Raises NotFound."""
        self._row(account, run_id)
        return merged(self.folder(run_id), [self.folder(str(child["id"])) for child in self._store.children(run_id)])

    def comparable(self, account: Account, run_id: str, limit: int = 50) -> list[tuple[RunView, int]]:
        """Other runs with results and how many keys each shares with a run, newest first; retries are part of their
        run. Only the `limit` newest are looked at."""
        own = self._row(account, run_id)
        family = {run_id, str(own["parent_id"])}
        others = [
            view
            for view in self.runs(account, 10 * limit)
            if view.has_results and not view.parent_id and view.id not in family
        ]
        shared = ((view, shared_keys(self.folder(run_id), self.folder(view.id))) for view in others[:limit])
        return [(view, keys) for view, keys in shared if keys]

    # -- money -------------------------------------------------------------------------------------------------

    def bills(self, account: Account, run_id: str = "") -> list[Bill]:
        """What ended runs have cost, deleted ones included, oldest first: all of an account's, or a run's own and then
        its retries'. A bill is written when it is first asked for."""
        if run_id:
            self._row(account, run_id)
        unread = [bill for row in self._store.unbilled(account.owner, run_id) if (bill := self._write_bill(row))]
        bills = [*(Bill(**values) for values in self._store.bills(account.owner, run_id)), *unread]
        return sorted(bills, key=lambda bill: (bill.run != run_id, bill.ended_at))

    def _write_bill(self, row: dict[str, Any]) -> Bill | None:
        """Write a run's bill, unless its results cannot be read now: then it is returned as far as it is known."""
        run_id = str(row["id"])
        told = row, self._store.shards(run_id), self._store.caches(run_id)
        try:
            bill = bill_of(*told, self.folder(run_id), self._setup.catalog.tariff)
        except UNREADABLE:
            return without_results(*told)
        self._store.add_bill(str(row["owner"]), asdict(bill))
        return None

    # -- caches ------------------------------------------------------------------------------------------------

    def caches(self, account: Account) -> list[CacheInfo]:
        """Every cached content under this key, the forgotten ones included, dearest first."""
        return cache_desk.describe(
            self._gateway(account), self._setup.catalog, self._prefix, self._caches_in_use(account)
        )

    def create_cache(self, account: Account, wanted: CachedText, name: str, ttl_seconds: float) -> CacheInfo:
        """Make a cache, or find the one that already holds the same under this name."""
        model = wanted.model.removeprefix("models/")
        try:
            made = cache_utils.create_explicit_cache(
                self._gateway(account), wanted, display_name=name, ttl_seconds=ttl_seconds
            )
        except ApiError as error:
            capability.refused(self._store, account.owner, model, refusals.of(error))
            raise
        capability.accepted(self._store, account.owner, model)
        return next(cache for cache in self.caches(account) if cache.name == made.name)

    def extend_cache(self, account: Account, name: str, ttl_seconds: float) -> None:
        """Let a cache live so long from now; longer or shorter than it would."""
        cache_utils.update_cache_ttl(self._gateway(account), name, ttl_seconds)

    def delete_cache(self, account: Account, name: str) -> None:
        """Delete a cache. Raises InputError while a run under way needs it."""
        cache_desk.delete(self._gateway(account), name, self._caches_in_use(account))

    def _caches_in_use(self, account: Account) -> list[tuple[str, set[str]]]:
        """Runs under way and the caches that they made or borrowed."""
        return [
            (str(row["id"]), {*row["data"].get("borrowed", {}), *(c["name"] for c in self._store.caches(row["id"]))})
            for row in self._store.unfinished([account.owner])
        ]

    # -- folders -----------------------------------------------------------------------------------------------

    @property
    def data_dir(self) -> Path:
        return self._setup.data_dir

    def folder(self, run_id: str) -> Path:
        """Where a run's files are. `run_id` must come from the store."""
        return self._setup.data_dir / "runs" / run_id

    @staticmethod
    def _known_inputs(row: dict[str, Any]) -> None:
        if not overview.inputs_known(row):
            raise InputError(
                "This batch job was made elsewhere, and what it was asked is not known here.",
                "Delete the run, and recover the job together with the file of its requests.",
            )

    # -- plumbing ----------------------------------------------------------------------------------------------

    def _record(
        self,
        account: Account,
        source: Path | None,
        spec: RunSpec,
        ticket: str,
        *,
        rows: int,
        data: dict[str, Any],
        parent: str = "",
        estimate: dict[str, Any] | None = None,
        said: str = "",
    ) -> str:
        run_id = "r" + secrets.token_hex(6)
        folder = self.folder(run_id)
        folder.mkdir(parents=True)
        if source is not None:
            for file in ("requests.jsonl", "inputs.parquet", "draft.json"):
                os.link(source / file, folder / file)
        recorded = self._store.add_run(
            {
                "id": run_id,
                "owner": account.owner,
                "rehearsal": account.rehearsal,
                "identity": self._keyring.identity(account.owner),
                "ticket": ticket or run_id,
                "parent_id": parent,
                "name": spec.name,
                "model": spec.model.strip().removeprefix("models/"),
                "rows": rows,
                "stage": Stage.PLANNED.value,
                "state": RunState.ACTIVE.value,
                "ending": "",
                "spec": msgspec.to_builtins(spec),
                "data": data,
                "estimate": estimate or {},
                "counts": {},
                "note": "",
                "error": "",
                "cancel": False,
                "failures": 0,
                "created_at": time.time(),
                "due_at": 0.0,
                "lease_until": 0.0,
                "token": "",
            }
        )
        if recorded != run_id:
            shutil.rmtree(folder)
            return recorded
        self._store.tell(run_id, said or f"Submitted: {rows:,} requests to {spec.model}.")
        self._worker.wake()
        return run_id

    def _works_for(self, account: Account) -> bool:
        """Whether this process goes on with the account's runs by itself, however late it is."""
        return self._worker.is_working and self._keyring.holds(account.owner)

    def _row(self, account: Account, run_id: str) -> dict[str, Any]:
        row = self._store.run(run_id, account.owner)
        if row is None:
            raise NotFound("There is no such run under this key.")
        return row

    def _gateway(self, account: Account) -> Gateway:
        gateway = self._keyring.gateway(account.owner)
        if gateway is None:
            raise KeyMissing("This process does not hold the key.", "Sign in again.")
        return gateway

    def _connect(self, key: str, rehearsal: bool) -> Gateway:
        from gemini.client import Gateway  # the SDK takes a second to import, and nobody needs it at the start

        base_url = self._setup.rehearsal_url() if rehearsal else self._setup.base_url
        return Gateway(key, base_url, self._setup.request_timeout_seconds)

    def _named_caches(self, account: Account, draft: Draft, spec: RunSpec) -> dict[str, Any]:
        """The caches that a draft's `@use_cache` names mean, and when they expire. Raises InputError."""
        named, known = self._resolved(account, draft, spec)
        expire = {c.name: c.expire_at.timestamp() for c in known if c.expire_at}
        sizes = {c.name: c.tokens for c in known if c.tokens is not None}
        return {"named_for_use": named, "borrowed": expire, "cache_sizes": sizes} if named else {}

    def _sizes_of_caches(self, account: Account, draft: Draft, spec: RunSpec) -> dict[str, int]:
        """Tokens of the caches that requests name, by what stands in them. Raises InputError."""
        named, known = self._resolved(account, draft, spec)
        sizes = {c.name: c.tokens for c in known if c.tokens is not None}
        return {spelled: sizes[n] for w, n in named.items() if n in sizes for spelled in (n, placeholder(w))}

    def _resolved(self, account: Account, draft: Draft, spec: RunSpec) -> tuple[dict[str, str], list[CacheMetadata]]:
        """What a draft's names of caches mean, and these caches. Raises InputError."""
        if not draft.uses_caches:
            return {}, []
        gateway = self._gateway(account)
        known = cache_utils.list_caches(gateway)
        terms = self._terms(account, spec.model.removeprefix("models/"), insist=True)
        minimum = terms.explicit_minimum if terms else None
        named = resolve_use_cache(draft.uses_caches, known, spec.model, gateway.server_now(), minimum)
        return named, [c for c in known if c.name in named.values()]

    def _options(self) -> Options:
        setup = self._setup
        return Options(
            create_timeout=setup.request_timeout_seconds,
            settle=setup.settle_seconds,
            tariff=self._tariff,
            price=self._price,
            model=self._setup.catalog.model,
            enqueued_tokens=self._enqueued_tokens,
            limits=self._limits,
        )

    def _tariff(self, model: str) -> Tariff | None:
        return self._setup.catalog.tariff(model, self._today())

    def _terms(self, account: Account | None, model: str, *, insist: bool) -> Tariff | None:
        """The model's prices, and the smallest explicit cache by what this key's own replies have taught."""
        tariff = self._tariff(model)
        return capability.terms(self._store, account.owner, model, tariff, insist=insist) if account else tariff

    def _price(self, model: str) -> Callable[[Usage], float | None]:
        """What one row's usage costs in a batch today; None where no price is known."""
        tariff = self._tariff(model)
        return lambda usage: pricing.usage_usd(usage, tariff) if tariff else None

    def _is_served(self) -> bool:
        """Whether a server has been at this data folder within the last minute."""
        return time.time() - float(self._store.noted(SERVED_AT) or 0) < SERVED_SECONDS

    def _enqueued_tokens(self, model: str) -> int | None:
        """Input tokens that the model's active jobs may hold in the user's tier; None if nobody knows."""
        entry = self._setup.catalog.model(model)
        return (
            next((cap for tier, cap in entry.enqueued_tokens.items() if tier == self._setup.tier), None)
            if entry
            else None
        )

    def _housekeeping(self) -> None:
        """Take up rehearsal runs of other processes and of earlier lives of this one: their key is in their row."""
        if time.monotonic() - self._tidied_at < HOUSEKEEPING_SECONDS and self._tidied_at:
            return
        self._tidied_at = time.monotonic()
        if self._serving:
            self._store.note(SERVED_AT, str(time.time()))
        for row in self._store.unfinished():
            if row["rehearsal"] and not self._keyring.holds(str(row["owner"])):
                self._keyring.hold(str(row["identity"]), rehearsal=True)
        for owner in self._keyring.reachable():
            if time.monotonic() - self._swept.get(owner, -SWEEP_SECONDS) >= SWEEP_SECONDS:
                self._swept[owner] = time.monotonic()
                self._worker.aside(self._sweep, owner)

    def _sweep(self, owner: str) -> None:
        """Release what ended runs of this installation left under one key; what fails now is tried again soon."""
        try:
            gateway = self._keyring.gateway(owner)
            if gateway is not None:
                sweep.sweep(gateway, self._prefix, self._is_living)
        except ApiError as error:
            self._swept[owner] = time.monotonic() - SWEEP_SECONDS + SWEEP_AGAIN_SECONDS
            log.info("The sweep could not look: %s", error)

    def _is_living(self, run_id: str) -> bool:
        """Whether a run needs what bears its name at Google: itself, or another that has adopted its job."""
        row = self._store.run(run_id)
        if row is not None and row["stage"] != Stage.FINISHED:
            return True
        adopted = (r["data"].get(recovery.DATA, {}).get("display_name", "") for r in self._store.unfinished())
        return any(name.startswith(f"{self._prefix}{run_id}-") for name in adopted)

    @staticmethod
    def _today() -> date:
        return datetime.now(UTC).date()

    def _now(self) -> float:
        return time.time()


def _otherwise(row: Mapping[str, Any], model: str, rows_per_job: int) -> RunSpec:
    """What a run was sent with, but for another model or smaller jobs."""
    spec = msgspec.convert(row["spec"], RunSpec)
    return replace(spec, model=model or spec.model, rows_per_job=rows_per_job or spec.rows_per_job, canary=0)
