"""What the checked draft will cost under what is chosen on the page: asked beside the page, once for each choice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from batch.errors import NotFound, OverBudget
from batch.model import ContextMode, Generation, SendAs
from batch.planning.arrangements import AUTO, PART, TEXT
from batch.pricing.estimate import over_budget
from gem_cache import CostAtDuration, Group, Hint
from lifecycle.core.models import Account, RunSpec
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.forecast import Forecast
from lifecycle.planning.tried_rows import Tries
from lifecycle.requests.request_file import rows_of
from lifecycle.runner import Runner
from ui.answers import tries
from ui.shared import background

NAME = "forecast"
NO_ROWS = (0, 0, 0)
CHART_HOURS = [*(0.25 * 2 ** (step / 4) for step in range(31)), 48.0]
PLANNED_MODES = (ContextMode.AUTO, ContextMode.EXPLICIT)  # modes in which exact counts may change what is done


@dataclass(frozen=True)
class DisplayedForecast:
    """A forecast with all that is drawn of it, worked out before the page needs it.

    `texts` keeps the groups' texts that were shown, by id.
    """

    forecast: Forecast
    groups: list[Group]
    hints: list[Hint]
    curve: list[CostAtDuration]
    priced: bool
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        return self.forecast.counted_texts > 0


@dataclass(frozen=True)
class _CacheKey:
    """What a forecast depends on. Name, transport, budget and canary do not change it."""

    folder: str
    owner: str
    spec: RunSpec
    exact: bool
    tries: Tries | None = None
    rows: tuple[int, int, int] = NO_ROWS

    def can_reuse(self, other: object) -> bool:
        """Whether the rows are the same, whatever the settings, model and folder."""
        if not isinstance(other, _CacheKey) or self.rows == NO_ROWS:
            return False
        return (self.rows, self.owner) == (other.rows, other.owner)


def with_user_choices(spec: RunSpec, *, chosen_cache: str = "") -> RunSpec:
    """A run's settings with what was chosen in plan and cost estimate, and the cache that it is to use."""
    state = st.session_state
    return replace(
        spec,
        hours=state.get("hours") or None,
        split=_split(),
        dedupe=bool(state.get("dedupe")),
        overrides=dict(state.get("overrides") or {}),
        allow_uncached=bool(state.get("allow_plain", True)),
        delete_user_caches=bool(state.get("end_cache")) and bool(chosen_cache),
        max_usd=state.get("max_usd"),
        canary=int(state.get("canary") or 0),
    )


def _split() -> str:
    """Where texts may be cut: as the plan decides, always, or never."""
    if not st.session_state.get("split_texts", True):
        return PART
    return TEXT if st.session_state.get("split_always") else AUTO


def restore(spec: RunSpec) -> None:
    """Choose what an earlier run had chosen."""
    st.session_state.update(
        hours=spec.hours,
        split_texts=True,
        split_always=False,
        dedupe=spec.dedupe,
        overrides=dict(spec.overrides),
        allow_uncached=spec.allow_uncached,
        max_usd=spec.max_usd,
        canary=spec.canary or None,
    )


def request_forecast(
    runner: Runner, account: Account | None, draft: Draft, spec: RunSpec
) -> background.BackgroundResult[DisplayedForecast]:
    """The forecast of a draft, under way or answered. What was read and counted for the last one is used again."""
    cache_key = _cache_key(account, draft, spec)
    latest: background.BackgroundResult[DisplayedForecast] | None = background.latest(NAME)
    previous = latest.value if latest and cache_key.can_reuse(latest.cache_key) else None
    has_exact_counts = (
        previous is not None
        and previous.counted
        and previous.forecast.plan.split == spec.split
        and previous.forecast.spec_model == spec.model
    )
    exact = cache_key.exact and not has_exact_counts

    def compute() -> DisplayedForecast:
        try:
            forecast = runner.forecasts.for_draft(
                account,
                draft,
                cache_key.spec,
                exact=exact,
                previous=previous.forecast if previous is not None else None,
                tries=cache_key.tries,
            )
        except FileNotFoundError as fault:
            if draft.folder.exists():
                raise
            raise NotFound("This input was replaced while its price was worked out.") from fault
        plan, priced = forecast.plan, runner.forecasts.tariff(spec.model) is not None
        _ = plan.usd_saved_inside_texts  # worked out here, and not while the page is drawn
        return DisplayedForecast(forecast, plan.groups, plan.hints, plan.curve(CHART_HOURS) if priced else [], priced)

    return background.run_once(NAME, cache_key, compute)


def count_exactly(folder: str) -> None:
    """Count the shared texts and a sample of the rest of this draft."""
    st.session_state["count_exactly"] = folder


def reset_choices() -> None:
    """Plan every group by arithmetic again."""
    st.session_state["overrides"] = {}


def final_forecast(runner: Runner, account: Account, draft: Draft, spec: RunSpec) -> tuple[RunSpec, Forecast | None]:
    """The decision with the choices that this draft's plan has, and the forecast to submit by.

    It is the one that was shown, with exact counts where they may change what is cached; None if none was asked for.
    """
    latest: background.BackgroundResult[DisplayedForecast] | None = background.latest(NAME)
    if latest is None or latest.cache_key != _cache_key(account, draft, spec) or latest.future.exception() is not None:
        return replace(spec, overrides={}), None
    displayed = latest.future.result()
    spec = replace(spec, overrides=dict(displayed.forecast.plan.overrides))
    needs_exact_counts = (
        spec.context in PLANNED_MODES and not displayed.counted and bool(displayed.forecast.plan.candidates)
    )
    return spec, runner.forecasts.for_draft(
        account, draft, spec, previous=displayed.forecast, tries=tries.of_draft(draft)
    ) if needs_exact_counts else displayed.forecast


def budget_error(displayed: DisplayedForecast | None, spec: RunSpec) -> OverBudget | None:
    """Why the budget forbids to submit."""
    return None if displayed is None or spec.max_usd is None else over_budget(displayed.forecast.estimate, spec.max_usd)


def _cache_key(account: Account | None, draft: Draft, spec: RunSpec) -> _CacheKey:
    folder = str(draft.folder)
    relevant_spec = replace(
        spec, name="", generation=Generation(), send_as=SendAs.AUTO, max_usd=None, canary=0, delete_user_caches=False
    )
    exact = account is not None and st.session_state.get("count_exactly") == folder
    owner = account.owner_id if account else ""
    try:
        rows = rows_of(draft.folder / REQUESTS)
    except FileNotFoundError:  # another input has taken its place meanwhile
        rows = NO_ROWS
    return _CacheKey(folder, owner, relevant_spec, exact, tries.of_draft(draft), rows)
