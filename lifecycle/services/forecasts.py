"""Before paying: an input made into a draft, and what sending it would cost. Nothing is recorded or sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from batch.arrangement.rules import Rule
from batch.errors import InputError
from batch.kinds.registry import kind_of
from batch.model import ContextMode, EmptyCells, Generation, Tariff, model_id
from batch.planning.duration import JobObservation, learn_implicit_rate
from batch.rules.model_rules import ModelRules
from cache_utils import CachedText
from gem_cache import Plan
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.observation_kinds import DURATION_HOURS, IMPLICIT_RATE
from lifecycle.core.price_list import utc_today
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs import drafts, new_settings
from lifecycle.inputs.attachments import NO_ACCESS, FileAccess
from lifecycle.inputs.drafts import Draft
from lifecycle.inputs.file_drafts import KIND as FILES
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.inputs.files.examine import Pages
from lifecycle.inputs.files.pile import ExaminedPile, examine_pile
from lifecycle.inputs.tables.reading import TableReading
from lifecycle.planning import cache_estimate, cache_support, rearranged_draft
from lifecycle.planning.cache_estimate import CacheEstimate
from lifecycle.planning.forecast import Forecast, count_tokens_body, expected_hours, forecast
from lifecycle.planning.history.measured_rows import MeasuredRows
from lifecycle.planning.history.output_history import runs_like
from lifecycle.planning.plan_json import plan_document
from lifecycle.planning.rearranged_draft import RearrangedDraft
from lifecycle.planning.tried_rows import Tries
from lifecycle.services import user_caches
from lifecycle.services.context import ServiceContext
from lifecycle.storage.output_summaries import OutputSummaries

EXACTLY_COUNTED_MODES = (ContextMode.AUTO, ContextMode.EXPLICIT)  # modes whose plan deserves exact counts


class ForecastService:
    """Drafts and their prices; of Google, at most free token counts and the list of caches are asked."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def prepare_draft(
        self,
        source: Path | str,
        *,
        kind: str,
        template: str = "",
        generation: Generation | None = None,
        shared_text: str = "",
        source_name: str = "",
        model: str = "",
        use_cache: str = "",
        reading: TableReading | None = None,
        empty_cells: EmptyCells = EmptyCells.SEND,
        access: FileAccess = NO_ACCESS,
        progress: Callable[[float], None] | None = None,
        owner_id: str = "",
    ) -> Draft:
        """Check an input and write its good rows as requests. Raises InputError when nothing of it can be read.

        Rows and settings are held to the rules of the `model`, if one is named. With `use_cache`, a cache's name, every
        request uses that one; the settings' system instruction is left out. `reading` says how a table is to be read,
        `empty_cells` what becomes of its rows that lack what the template names, `access` where files that rows name
        may come from.
        """
        if use_cache:
            generation = replace(generation or Generation(), system_instruction="")
        draft = drafts.prepare(
            source,
            self._context.new_draft_folder(owner_id),
            kind=kind,
            template=template,
            generation=generation or Generation(),
            shared_text=shared_text,
            source_name=source_name,
            rules=self.model_rules(model),
            request_kind=kind_of(self._context.price_list.model(model)),
            reading=reading,
            empty_cells=empty_cells,
            access=access,
            progress=progress,
        )
        return cache_estimate.apply_cache_to_all(draft, use_cache) if use_cache else draft

    def with_settings(
        self, draft: Draft, *, generation: Generation, shared_text: str, model: str, owner_id: str = ""
    ) -> Draft | None:
        """A draft under other settings or for another model, its rows not checked again; None where they must be.

        Raises InputError for settings that cannot be used.
        """
        needs_words = draft.kind == FILES and not (shared_text.strip() or generation.system_instruction.strip())
        if needs_words or not new_settings.can_take(draft, kind_of(self._context.price_list.model(model))):
            return None
        folder = self._context.new_draft_folder(owner_id)
        try:
            return new_settings.with_settings(draft, folder, generation, shared_text, self.model_rules(model))
        except InputError:
            folder.rmdir()
            raise

    def examine_files(
        self,
        sources: Sequence[Path],
        pages: Pages,
        progress: Callable[[float], None] | None = None,
        owner_id: str = "",
    ) -> ExaminedPile:
        """Look at files that are ours, before anybody says what is to be done with them. Raises InputError."""
        folder = self._context.new_draft_folder(owner_id)
        return examine_pile(sources, folder, pages=pages, own=True, progress=progress)

    def prepare_files(
        self,
        files: FileInput,
        *,
        generation: Generation | None = None,
        shared_text: str = "",
        model: str = "",
        use_cache: str = "",
        progress: Callable[[float], None] | None = None,
        owner_id: str = "",
    ) -> Draft:
        """Check files and write a request for each good one, or each page; as `prepare_draft`. Raises InputError."""
        if use_cache:
            generation = replace(generation or Generation(), system_instruction="")
        draft = prepare_files(
            files,
            self._context.new_draft_folder(owner_id),
            generation=generation or Generation(),
            shared_text=shared_text,
            rules=self.model_rules(model),
            request_kind=kind_of(self._context.price_list.model(model)),
            progress=progress,
        )
        return cache_estimate.apply_cache_to_all(draft, use_cache) if use_cache else draft

    def model_rules(self, model: str) -> ModelRules:
        """What a model takes in a request, by the catalog."""
        return ModelRules(model_id(model), self._context.price_list.model(model))

    def picture_usd(self, model: str, size: str) -> float | None:
        """What one picture of a size costs in a batch today; None where that is not known."""
        return self._context.price_list.catalog.picture_usd(model_id(model), size, utc_today())

    def for_draft(
        self,
        account: Account | None,
        draft: Draft,
        spec: RunSpec,
        *,
        exact: bool = True,
        previous: Forecast | None = None,
        tries: Tries | None = None,
        measured: MeasuredRows | None = None,
    ) -> Forecast:
        """Plan and price a draft. With an account, shared texts and a sample of the rest are counted exactly, free.

        Not `exact`: nothing is counted anew. `previous` is a forecast of the same rows, to go on from; `tries` are rows
        that were tried, whose usage is measured; `measured` is what the same rows used before. Raises InputError for a
        cache that requests name and cannot use.
        """
        context, model = self._context, model_id(spec.model)
        if draft.uses_caches and previous is not None and previous.spec_model != spec.model:
            previous = None  # the sizes of those caches are to be asked for
        client = context.client(account) if account and exact else None
        durations = context.store.observations(account.owner_id, model, DURATION_HOURS) if account else []
        implicit_rates = context.store.observations(account.owner_id, model, IMPLICIT_RATE) if account else []

        def count(prefix: bytes) -> int:
            return client.count_tokens(model, **count_tokens_body(prefix)) if client else 0

        force = spec.context is ContextMode.EXPLICIT or not spec.allow_uncached
        draft_forecast = forecast(
            draft.folder / REQUESTS,
            spec,
            tariff=context.effective_tariff(account, model, force=force),
            model=context.price_list.model(model),
            hours=expected_hours([hours for hours, _ in durations], spec.hours),
            implicit_rate=learn_implicit_rate(
                [JobObservation(int(weight), rate) for rate, weight in implicit_rates[::-1]]
            ),
            runs_like=partial(runs_like, OutputSummaries(context.store), account.owner_id, model) if account else None,
            known_caches=user_caches.cache_token_counts(context, account, draft, spec)
            if account and previous is None
            else None,
            count=count if client else None,
            tries=tries,
            measured=measured,
            previous=previous,
        )
        warned_account = account if spec.context in EXACTLY_COUNTED_MODES else None
        support_warning = (
            cache_support.warning(context.store, warned_account.owner_id, model, force=force) if warned_account else ""
        )
        return replace(draft_forecast, warning=" ".join(filter(None, (support_warning, draft_forecast.warning))))

    def default_forecast(
        self, account: Account, draft: Draft, spec: RunSpec, measured: MeasuredRows | None = None
    ) -> Forecast:
        """The forecast of a draft that nobody looked at yet, counted exactly where the plan deserves it."""
        exact = spec.context in EXACTLY_COUNTED_MODES
        return self.for_draft(account, draft, spec, exact=exact, measured=measured)

    def rearrange(self, draft: Draft, plan: Plan, rules: frozenset[Rule] | None = None) -> RearrangedDraft:
        """A draft with its requests arranged otherwise: by these rules, or by those that save the most by its plan.

        The draft itself comes back where no request is changed.
        """
        rules = rearranged_draft.best_rules(plan) if rules is None else rules
        done = rearranged_draft.rearrange(draft, plan, rules, self._context.new_draft_folder(made_of=draft.folder))
        return done if done.rows else replace(done, draft=draft)

    def tariff(self, model: str) -> Tariff | None:
        """The model's prices today; None if they are unknown."""
        return self._context.price_list.tariff(model)

    def estimate_cache(self, account: Account, content: CachedText, hours: float) -> CacheEstimate:
        """What a cache would cost if it were made and lived so long; nothing is asked of anybody."""
        model = self._context.price_list.model(content.model)
        return cache_estimate.estimate_cache(
            content,
            hours,
            self._context.effective_tariff(account, model_id(content.model), force=True),
            model.family if model else "",
        )

    def plan_document(self, draft_forecast: Forecast, model: str) -> dict[str, Any]:
        """A forecast's plan as `plan --json` prints it."""
        return plan_document(draft_forecast, model, draft_forecast.plan.tariff if self.tariff(model) else None)
