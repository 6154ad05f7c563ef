"""A draft becomes a run: priced, held against its budget, and recorded. The work then begins by itself."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from batch.errors import BatchRunnerError, InputError, OverBudget
from batch.model import SendAs, model_id
from batch.pricing.estimate import over_budget
from lifecycle.core import transport
from lifecycle.core.draft_links import link_draft
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_files import REQUESTS
from lifecycle.core.run_progress import Assumptions, RunProgress
from lifecycle.core.run_records import RunRecord
from lifecycle.core.transport import PayloadSize
from lifecycle.inputs import drafts
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.forecast import Forecast
from lifecycle.planning.monthly_budget import monthly_budget_error
from lifecycle.planning.plan_json import estimate_document
from lifecycle.requests.request_file import row_sizes
from lifecycle.sending.delivery import delivery_error, plan_delivery, row_limit
from lifecycle.services import user_caches
from lifecycle.services.context import ServiceContext
from lifecycle.services.forecasts import ForecastService
from lifecycle.storage.copies import run_record
from lifecycle.storage.store import OwnerSpending
from lifecycle.workflow.maintenance import server_is_running
from lifecycle.workflow.shards import budget
from lifecycle.workflow.shards.run_caches import UNATTENDED_LEASE_SECONDS


class SubmissionService:
    """Every run of this process begins here, whoever asked for it."""

    def __init__(self, context: ServiceContext, forecasts: ForecastService) -> None:
        self._context, self._forecasts = context, forecasts

    def submit(
        self,
        account: Account,
        draft: Draft,
        spec: RunSpec,
        idempotency_key: str,
        forecast: Forecast | None = None,
        *,
        attended: bool = True,
    ) -> str:
        """Record a run, and return its id; the work begins by itself. The same idempotency key again is the same run.

        `forecast` is the one that the user saw, made here otherwise. Not `attended`: nobody stays to renew the leases
        of caches, unless a server works on this data folder. Raises OverBudget, or InputError for a transport that
        cannot work, before anything is recorded.
        """
        if not draft.rows and not draft.reused_rows:
            raise drafts.EMPTY_DRAFT
        if not spec.model.strip():
            raise InputError("No model is chosen.", "Choose a model.")
        return self.submit_draft(
            account, draft, spec, idempotency_key, forecast, attended=attended or server_is_running(self._context.store)
        )

    def submit_draft(
        self,
        account: Account,
        draft: Draft,
        spec: RunSpec,
        idempotency_key: str,
        forecast: Forecast | None = None,
        *,
        parent_id: str = "",
        attended: bool = True,
        replaces_run: str = "",
    ) -> str:
        """Price, hold against the budget, and record. The run waits until `replaces_run`, if any, has ended."""
        caches = user_caches.cache_facts(self._context, account, draft, spec)
        if not attended and spec.hours is None:
            spec = replace(spec, hours=UNATTENDED_LEASE_SECONDS / 3600)
        forecast = forecast or self._forecasts.default_forecast(account, draft, spec)
        error = self.validate(draft, spec, forecast, self.spent_by_family(parent_id))
        if error:
            raise error
        # Where texts are cut was decided by what it saves; the run goes by that, whatever is known later.
        spec = replace(spec, split=forecast.plan.survey.split)
        options = forecast.plan.options
        assumed = Assumptions(
            hours=options.hours,
            implicit_rate=options.implicit_rate,
            token_counts=dict(options.counts),
            output_bytes=self._payload_size(draft, spec, forecast).output_bytes,
            explicit_minimum=forecast.plan.tariff.explicit_minimum,
        )
        progress = RunProgress(
            assumed=assumed,
            unattended=not attended,
            canary_pending=spec.canary > 0,
            user_caches=caches.expire_at,
            user_cache_tokens=caches.tokens,
            resolved_cache_names=caches.resolved_names,
            replaces_run=replaces_run,
            reused_rows=draft.reused_rows,
        )
        estimate = estimate_document(forecast)
        return self.insert_run(
            account,
            draft.folder,
            spec,
            idempotency_key,
            rows=draft.rows + draft.reused_rows,
            progress=progress,
            parent_id=parent_id,
            estimate=estimate,
            admit=self._monthly_limit(account, forecast),
        )

    def spent_by_family(self, parent_id: str) -> float:
        """What a run and its retries have cost, or may cost for what is under way, in USD; 0 without a run."""
        root = self._context.store.run(parent_id) if parent_id else None
        return 0.0 if root is None else budget.committed(self._context.store, root, with_retries=True)

    def validate(self, draft: Draft, spec: RunSpec, forecast: Forecast, spent: float = 0.0) -> BatchRunnerError | None:
        """Why a draft must not be sent like this: its budget, of which so much is `spent`, or a transport that cannot
        work. None if it may."""
        transport_problem = transport.transport_error(
            spec.send_as, self._payload_size(draft, spec, forecast), self._context.limits
        ) or (self._inline_error(spec) if spec.send_as is SendAs.INLINE else delivery_error(forecast.delivery))
        return transport_problem or (
            over_budget(forecast.estimate, spec.max_usd, spent) if spec.max_usd is not None else None
        )

    def _monthly_limit(self, account: Account, forecast: Forecast) -> Callable[[OwnerSpending], None] | None:
        """What raises OverBudget if a person whom a login knows must not send this this month; None without a limit."""
        monthly_usd = self._context.user_monthly_usd
        if not monthly_usd or not account.visitor.user or account.rehearsal:
            return None
        now = datetime.fromtimestamp(self._context.store.now(), UTC)

        def admit(spending: OwnerSpending) -> None:
            if error := monthly_budget_error(spending, forecast.estimate, monthly_usd, now):
                raise error

        return admit

    def insert_run(
        self,
        account: Account,
        source: Path | None,
        spec: RunSpec,
        idempotency_key: str,
        *,
        rows: int,
        progress: RunProgress,
        parent_id: str = "",
        estimate: dict[str, Any] | None = None,
        message: str = "",
        admit: Callable[[OwnerSpending], None] | None = None,
    ) -> str:
        """Write a run with the files of its draft in `source`, if it has one, and return its id.

        Its folder is there before its row. The same idempotency key again is the run recorded first. Raises what
        `admit` does, which is told in the same moment what the owner has spent and has under way.
        """
        context, run_id = self._context, "r" + secrets.token_hex(6)
        folder = context.folder(run_id)
        folder.mkdir(parents=True)
        if source is not None:
            link_draft(source, folder)
        run = RunRecord(
            id=run_id,
            owner_id=account.owner_id,
            rehearsal=account.rehearsal,
            identity=context.keyring.identity(account.owner_id),
            idempotency_key=idempotency_key or run_id,
            parent_id=parent_id,
            name=spec.name,
            model=model_id(spec.model),
            rows=rows,
            spec=spec,
            progress=progress,
            estimate=estimate or {},
            created_at=time.time(),
        )
        context.note(account, "submit", run_id)
        try:
            recorded = context.store.add_run(run, admit)
        except OverBudget:
            context.note(account, "submit refused", run_id)
            shutil.rmtree(folder)
            raise
        if recorded != run_id:
            shutil.rmtree(folder)
            return recorded
        context.store.add_event(run_id, message or _describe_submission(rows, progress.reused_rows, spec))
        run_record.write(context.store, folder, run_id, context.prefix)
        context.wake_worker()
        return run_id

    def _inline_error(self, spec: RunSpec) -> InputError | None:
        """Why requests of the model's kind cannot travel inline; None if they can."""
        from batch.kinds.registry import kind_of

        kind = kind_of(self._context.price_list.model(spec.model))
        if not kind.file_only:
            return None
        fault = f"Requests of kind {kind.name} travel as a file: their results are too large to come back inline."
        return InputError(fault, 'Send it as "File" or "Auto".')

    def _payload_size(self, draft: Draft, spec: RunSpec, forecast: Forecast) -> PayloadSize:
        from batch.kinds.registry import KINDS, kind_of

        kind = KINDS["image"] if draft.image_output else kind_of(self._context.price_list.model(spec.model))
        tokens = (forecast.estimate.output.expected or 0.0) / max(1, forecast.estimate.rows)
        result_bytes = kind.result_bytes(tokens, spec.generation)
        delivery = forecast.delivery
        if delivery is not None and spec.send_as is SendAs.INLINE:  # the forecast need not know how requests travel
            limit = row_limit(spec.send_as, self._context.limits)
            delivery = plan_delivery(draft.folder / REQUESTS, spec.send_files, limit)
        if delivery is not None:
            return PayloadSize(draft.rows, delivery.sent_bytes, delivery.largest_bytes, result_bytes)
        largest = draft.largest_bytes or int(row_sizes(draft.folder / REQUESTS).max(initial=0))
        return PayloadSize(draft.rows, draft.size_bytes, largest, result_bytes)


def _describe_submission(rows: int, reused: int, spec: RunSpec) -> str:
    taken_over = f" {reused:,} further rows were answered by earlier runs and are not sent." if reused else ""
    return f"Submitted: {rows - reused:,} requests to {spec.model}.{taken_over}"
