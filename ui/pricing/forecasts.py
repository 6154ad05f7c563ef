"""What the checked draft will cost under what is chosen on the page: asked beside the page, once for each choice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from batch.errors import OverBudget
from batch.model import ContextMode, Generation, SendAs
from batch.pricing.estimate import over_budget
from gem_cache import CostAt, Group, Hint
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.planning.forecast import Forecast
from lifecycle.runner import Runner
from ui.shared import background

NAME = "forecast"
PICTURED_HOURS = [*(0.25 * 2 ** (step / 4) for step in range(31)), 48.0]
PLANNED = (ContextMode.AUTO, ContextMode.EXPLICIT)  # modes in which exact counts may change what is done


@dataclass(frozen=True)
class Outlook:
    """A forecast with all that is drawn of it, worked out before the page needs it.

    `texts` keeps the groups' texts that were shown, by id.
    """

    found: Forecast
    groups: list[Group]
    hints: list[Hint]
    curve: list[CostAt]
    priced: bool
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        return self.found.counted > 0


@dataclass(frozen=True)
class _About:
    """What a forecast hangs on. Name, transport, budget and canary do not change it."""

    folder: str
    owner: str
    spec: RunSpec
    exact: bool

    def may_follow(self, other: object) -> bool:
        return isinstance(other, _About) and (self.folder, self.owner, self.spec.model) == (
            other.folder,
            other.owner,
            other.spec.model,
        )


def decided(spec: RunSpec, *, chosen_cache: str = "") -> RunSpec:
    """A submission's decision with what was chosen in plan and cost card, and the cache that it is to use."""
    said = st.session_state
    return replace(
        spec,
        hours=said.get("hours") or None,
        split="text" if said.get("split_texts") else "part",
        dedupe=bool(said.get("dedupe")),
        overrides=dict(said.get("overrides") or {}),
        allow_plain=bool(said.get("allow_plain", True)),
        end_cache=bool(said.get("end_cache")) and bool(chosen_cache),
        max_usd=said.get("max_usd"),
        canary=int(said.get("canary") or 0),
    )


def take(spec: RunSpec) -> None:
    """Choose what an earlier run had chosen."""
    st.session_state.update(
        hours=spec.hours,
        split_texts=spec.split == "text",
        dedupe=spec.dedupe,
        overrides=dict(spec.overrides),
        allow_plain=spec.allow_plain,
        max_usd=spec.max_usd,
        canary=spec.canary or None,
    )


def ask(runner: Runner, account: Account | None, draft: Draft, spec: RunSpec) -> background.Asked[Outlook]:
    """The forecast of a draft, under way or answered. What was read and counted for the last one is used again."""
    about = _about(account, draft, spec)
    known: background.Asked[Outlook] | None = background.last(NAME)
    before = known.found if known and about.may_follow(known.about) else None
    again = before is not None and before.counted and before.found.plan.survey.split == spec.split
    exact = about.exact and not again

    def question() -> Outlook:
        found = runner.forecasts.forecast(
            account, draft, about.spec, exact=exact, before=before.found if before is not None else None
        )
        plan, priced = found.plan, runner.forecasts.tariff(spec.model) is not None
        return Outlook(found, plan.groups, plan.hints, plan.curve(PICTURED_HOURS) if priced else [], priced)

    return background.ask(NAME, about, question)


def count_exactly(folder: str) -> None:
    """Count the shared texts and a sample of the rest of this draft."""
    st.session_state["count_exactly"] = folder


def forget_choices() -> None:
    """Plan every group by arithmetic again."""
    st.session_state["overrides"] = {}


def for_submission(runner: Runner, account: Account, draft: Draft, spec: RunSpec) -> tuple[RunSpec, Forecast | None]:
    """The decision with the choices that this draft's plan has, and the forecast to submit by.

    It is the one that was shown, with exact counts where they may change what is cached; None if none was asked for.
    """
    known: background.Asked[Outlook] | None = background.last(NAME)
    if known is None or known.about != _about(account, draft, spec) or known.answer.exception() is not None:
        return replace(spec, overrides={}), None
    outlook = known.answer.result()
    spec = replace(spec, overrides=dict(outlook.found.plan.overrides))
    undecided = spec.context in PLANNED and not outlook.counted and bool(outlook.found.plan.candidates)
    return spec, runner.forecasts.forecast(account, draft, spec, before=outlook.found) if undecided else outlook.found


def blocked(outlook: Outlook | None, spec: RunSpec) -> OverBudget | None:
    """Why the budget forbids to submit."""
    return None if outlook is None or spec.max_usd is None else over_budget(outlook.found.card, spec.max_usd)


def _about(account: Account | None, draft: Draft, spec: RunSpec) -> _About:
    folder = str(draft.folder)
    plain = replace(
        spec, name="", generation=Generation(), send_as=SendAs.AUTO, max_usd=None, canary=0, end_cache=False
    )
    exact = account is not None and st.session_state.get("count_exactly") == folder
    return _About(folder, account.owner if account else "", plain, exact)
