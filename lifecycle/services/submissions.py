"""A draft becomes a run: priced, held against its budget, and recorded. The work then begins by itself."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from batch.errors import BatchRunnerError, InputError
from batch.model import RunState, Stage
from batch.pricing.estimate import over_budget
from lifecycle.core import transport
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.price_list import bare
from lifecycle.core.transport import Freight
from lifecycle.inputs import drafts
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.forecast import Forecast
from lifecycle.planning.plan_json import estimate_document
from lifecycle.services import user_caches
from lifecycle.services.context import Office
from lifecycle.services.forecasts import Quotes
from lifecycle.workflow.maintenance import is_served
from lifecycle.workflow.shards.run_caches import UNATTENDED_SECONDS

DRAFT_FILES = ("requests.jsonl", "inputs.parquet", "draft.json")


class Submissions:
    """Every run of this process begins here, whoever asked for it."""

    def __init__(self, office: Office, quotes: Quotes) -> None:
        self._office, self._quotes = office, quotes

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
        return self.accept(account, draft, spec, ticket, found, attended=attended or is_served(self._office.store))

    def accept(
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
        named = user_caches.facts(self._office, account, draft, spec)
        if not attended and spec.hours is None:
            spec = replace(spec, hours=UNATTENDED_SECONDS / 3600)
        found = found or self._quotes.unseen(account, draft, spec)
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
        return self.record(
            account, draft.folder, spec, ticket, rows=draft.rows, data=data, parent=parent, estimate=estimate
        )

    def refusal(self, draft: Draft, spec: RunSpec, found: Forecast) -> BatchRunnerError | None:
        """Why a draft must not be sent like this: its budget, or a transport that cannot work. None if it may."""
        unfit = transport.refusal(spec.send_as, self._freight(draft, spec, found), self._office.limits)
        return unfit or (over_budget(found.card, spec.max_usd) if spec.max_usd is not None else None)

    def record(
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
        """Write a run with the files of its draft in `source`, if it has one, and return its id.

        Its folder is there before its row. The same ticket again is the run recorded first.
        """
        office, run_id = self._office, "r" + secrets.token_hex(6)
        folder = office.folder(run_id)
        folder.mkdir(parents=True)
        if source is not None:
            for file in DRAFT_FILES:
                os.link(source / file, folder / file)
        recorded = office.store.add_run(
            {
                "id": run_id,
                "owner": account.owner,
                "rehearsal": account.rehearsal,
                "identity": office.keyring.identity(account.owner),
                "ticket": ticket or run_id,
                "parent_id": parent,
                "name": spec.name,
                "model": bare(spec.model),
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
        office.store.tell(run_id, said or f"Submitted: {rows:,} requests to {spec.model}.")
        office.wake()
        return run_id

    def _freight(self, draft: Draft, spec: RunSpec, found: Forecast) -> Freight:
        model = self._office.prices.model(spec.model)
        kind = "image" if draft.image_output else model.kind if model else "text"
        sizes = np.diff(np.append(found.plan.survey.offset, draft.size_bytes))
        tokens = (found.card.output.expected or 0.0) / max(1, found.card.rows)
        return Freight(draft.rows, draft.size_bytes, int(sizes.max()), transport.result_bytes(kind, tokens))
