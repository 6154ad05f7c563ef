"""Before paying: an input made into a draft, and what sending it would cost. Nothing is recorded or sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from batch.model import ContextMode, Generation, Tariff
from batch.planning.duration import Observed, learn_implicit_rate
from cache_utils import CachedText
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.price_list import bare
from lifecycle.inputs import drafts
from lifecycle.inputs.drafts import Draft
from lifecycle.planning import cache_estimate, cache_support
from lifecycle.planning.cache_estimate import CacheOffer
from lifecycle.planning.forecast import Forecast, expected_hours, forecast, to_count
from lifecycle.planning.plan_json import plan_document
from lifecycle.services import user_caches
from lifecycle.services.context import Office
from lifecycle.workflow.stages.collect import DURATION, IMPLICIT

COUNTED = (ContextMode.AUTO, ContextMode.EXPLICIT)  # modes whose plan deserves exact counts


class Quotes:
    """Drafts and their prices; of Google, at most free token counts and the list of caches are asked."""

    def __init__(self, office: Office) -> None:
        self._office = office

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
            self._office.new_draft_folder(),
            kind=kind,
            template=template,
            generation=generation or Generation(),
            shared_text=shared_text,
            source_name=source_name,
            progress=progress,
        )
        return cache_estimate.use_for_all(draft, use_cache) if use_cache else draft

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
        office, model = self._office, bare(spec.model)
        gateway = office.gateway(account) if account else None
        seen = office.store.learned(account.owner, model, DURATION) if account else []
        hits = office.store.learned(account.owner, model, IMPLICIT) if account else []

        def count(prefix: bytes) -> int:
            return gateway.count_tokens(model, **to_count(prefix)) if gateway else 0

        insist = spec.context is ContextMode.EXPLICIT or not spec.allow_plain
        found = forecast(
            draft.folder / "requests.jsonl",
            spec,
            tariff=office.terms(account, model, insist=insist),
            model=office.prices.model(model),
            hours=expected_hours([hours for hours, _ in seen], spec.hours),
            implicit_rate=learn_implicit_rate([Observed(int(weight), rate) for rate, weight in hits[::-1]]),
            known_caches=user_caches.sizes(office, account, draft, spec) if account and before is None else None,
            count=count if gateway and exact else None,
            before=before,
        )
        shown = account if spec.context in COUNTED else None
        words = cache_support.caution(office.store, shown.owner, model, insist=insist) if shown else ""
        return replace(found, caution=" ".join(filter(None, (words, found.caution))))

    def unseen(self, account: Account, draft: Draft, spec: RunSpec) -> Forecast:
        """The forecast of a draft that nobody looked at yet, counted exactly where the plan deserves it."""
        return self.forecast(account if spec.context in COUNTED else None, draft, spec)

    def tariff(self, model: str) -> Tariff | None:
        """The model's prices today; None if they are unknown."""
        return self._office.prices.tariff(model)

    def offer_cache(self, account: Account, wanted: CachedText, hours: float) -> CacheOffer:
        """What a cache would cost if it were made and lived so long; nothing is asked of anybody."""
        return cache_estimate.offer(wanted, hours, self._office.terms(account, bare(wanted.model), insist=True))

    def plan_document(self, found: Forecast, model: str) -> dict[str, Any]:
        """A forecast's plan as `plan --json` prints it."""
        return plan_document(found, model, found.plan.tariff if self.tariff(model) else None)
