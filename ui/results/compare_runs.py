"""Two runs on the same inputs, side by side: what changed, what came out better, what was cheaper."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from batch.errors import NotFound
from batch.formatting import count
from batch.model import Outcome
from batch.responses.text_diff import Pieces, differences
from lifecycle.core.models import Account, RunView
from lifecycle.results.read.compare import Comparison, compare
from lifecycle.results.read.table import ResultTable
from lifecycle.runner import Runner
from ui.shared import background
from ui.shared.format import clipped, money, outcome
from ui.shared.notices import plain

CHOICES, COMPARISON = "comparable", "comparison"
ROWS_A_PAGE = 50
CELL_CHARACTERS, MOST_CHARACTERS = 300, 100_000
PROMPT_CHARACTERS = 1000  # of a prompt; Results shows all of it
WORDS = {
    "changed": "changed",
    "better": "better outcome",
    "worse": "worse outcome",
    "better_formed": "better formed JSON",
    "worse_formed": "worse formed JSON",
    "cheaper": "cheaper",
    "dearer": "dearer",
    "asked_otherwise": "another prompt",
    "same": "the same",
}
EARLIER, LATER = "Earlier", "Later"
COLUMNS = {
    "Key": st.column_config.TextColumn(width=110),
    "Outcome": st.column_config.TextColumn(width=150),
    EARLIER: st.column_config.TextColumn(width=300),
    LATER: st.column_config.TextColumn(width=300),
    "Cost": st.column_config.TextColumn(width=150),
}


def draw(runner: Runner, account: Account, run: RunView, table: ResultTable) -> None:
    """Draw the drawer, without drawing the rest of the page again. Nothing is looked for before it is opened."""

    @st.fragment(key="comparing")
    def comparing() -> None:
        with st.expander("Compare with another run", key="compare", on_change="rerun") as drawer:
            if drawer.open:
                try:
                    _draw(runner, account, run, table)
                except NotFound as gone:  # deleted meanwhile
                    st.error(plain(f"{gone} {gone.remedy}".strip()))

    comparing()


def _draw(runner: Runner, account: Account, run: RunView, table: ResultTable) -> None:
    known = sum(view.has_results for view in runner.runs.runs(account))
    asked = background.ask(CHOICES, (run.id, known), lambda: runner.runs.comparable(account, run.id))
    if not asked.answer.done():
        background.draw_waiting(CHOICES, "Looking for runs with the same keys…")
        return
    others = {view.id: (view, keys) for view, keys in asked.answer.result()}
    if not others:
        st.caption("No other run with results has a key in common with this one.")
        return
    chosen = st.selectbox(
        "Compare with",
        list(others),
        index=None if len(others) > 1 else 0,
        key=f"compare-with-{run.id}",
        format_func=lambda name: _title(*others[name], run.rows),
        placeholder="Choose a run",
    )
    if chosen in others:
        _compare(runner, account, run, others[chosen][0], table)


def _title(view: RunView, keys: int, rows: int) -> str:
    name = clipped(view.name or view.id, 40)
    return f"{name} · {view.model} · {view.created_at:%d %b, %H:%M} UTC · {keys:,} of {count(rows, 'key')}"


def _compare(runner: Runner, account: Account, run: RunView, other: RunView, table: ResultTable) -> None:
    """Compare, the later run against the earlier one whichever is being looked at."""
    tables = {run.id: table, other.id: runner.runs.results(account, other.id)}
    first, second = sorted((run, other), key=lambda view: (view.created_at, view.id))
    one, two = tables[first.id], tables[second.id]
    asked = background.ask(COMPARISON, (str(one.results), str(two.results)), lambda: _counted(one, two))
    if not asked.answer.done():
        background.draw_waiting(COMPARISON, "Comparing…")
        return
    found = asked.answer.result()
    st.caption(plain(f"{EARLIER}: {_name(first)}. {LATER}: {_name(second)}."))
    with st.container(gap="xxsmall"):
        for words in summary(found.counts, found.usd):
            st.markdown(plain(words))
    _browse(found, f"{first.id}-{second.id}")


def _counted(one: ResultTable, two: ResultTable) -> Comparison:
    """A comparison whose counting is done."""
    found = compare(one, two)
    _ = found.counts
    return found


def _name(view: RunView) -> str:
    return f"{clipped(view.name or view.id, 60)}, {view.model}, {view.created_at:%d %b %Y, %H:%M} UTC"


def summary(counts: Mapping[str, int], usd: tuple[float | None, float | None]) -> list[str]:
    """What became of the keys that both runs have, in a few sentences."""
    both, changed = counts["both"], counts["changed"]
    said = [f"Of {count(both, 'row')} in both runs, {changed:,} changed and {counts['same']:,} stayed the same."]
    better = _both_ways(counts, "better", "worse", "Outcome")
    formed = _both_ways(counts, "better_formed", "worse_formed", "Form of the JSON")
    said += [f"{words}." for words in (better, formed) if words]
    said.append(_cheaper(counts, usd))
    alone = [f"{counts[name]:,} only in the {word}" for name, word in _ALONE.items() if counts[name]]
    if alone:
        said.append(f"{' and '.join(alone)} run: not compared.")
    if counts["asked_otherwise"]:
        said.append(f"{count(counts['asked_otherwise'], 'row')} had another prompt: not the same question.")
    return said


_ALONE = {"only_one": "earlier", "only_two": "later"}


def _both_ways(counts: Mapping[str, int], good: str, bad: str, what: str) -> str:
    if not counts[good] and not counts[bad]:
        return ""
    return f"{what} better in {counts[good]:,}, worse in {counts[bad]:,}"


def _cheaper(counts: Mapping[str, int], usd: tuple[float | None, float | None]) -> str:
    before, after = usd
    if before is None or after is None:
        return (
            f"What these answers cost is not known of all; {counts['cheaper']:,} cheaper, {counts['dearer']:,} dearer."
        )
    percent = round(100 * (after / before - 1)) if before else 0
    much = f", {abs(percent):,} % {'more' if percent > 0 else 'less'}" if percent else ""
    return (
        f"These answers cost {money(after)} instead of {money(before)}{much}: {counts['cheaper']:,} cheaper, "
        f"{counts['dearer']:,} dearer. Caches are not in it."
    )


# -- rows --------------------------------------------------------------------------------------------------------------


def _browse(found: Comparison, pair: str) -> None:
    """The rows of one kind in pages, and one of them in full."""
    counts = {kind: number for kind, number in found.counts.items() if kind in WORDS and number}
    kinds = [kind for kind in WORDS if kind in counts]
    kind = st.pills(
        "Rows that are",
        kinds,
        default=kinds[0] if kinds else None,
        format_func=lambda name: f"{WORDS[name]} {counts[name]:,}",
        key=f"kind-{pair}",
    )
    if kind is None:
        return
    turned = f"pair-page-{pair}-{kind}"
    first = (int(st.session_state.get(turned) or 1) - 1) * ROWS_A_PAGE
    rows, total = found.page(kind, offset=first, limit=ROWS_A_PAGE, clip=CELL_CHARACTERS)
    picked = st.dataframe(
        shown(rows),
        key=f"pairs-{pair}-{kind}-{first}",
        column_config=COLUMNS,
        hide_index=True,
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        placeholder="",
        alt="Rows of both runs side by side",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        last = min(first + ROWS_A_PAGE, total)
        st.caption(f"{first + 1:,} to {last:,} of {count(total, 'row')}", width="content")
        if total > ROWS_A_PAGE:
            st.pagination(-(-total // ROWS_A_PAGE), key=turned, max_visible_pages=5)
    chosen = picked["selection"]
    places = [*(row for row, _ in chosen["cells"]), *chosen["rows"]]
    if places or len(rows) == 1:
        _detail(found, str(rows["key"].iloc[places[0] if places else 0]))


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """A page of pairs as it is read."""
    outcomes = [_change(outcome(Outcome(a)), outcome(Outcome(b))) for a, b in _pairs(rows, "outcome")]
    costs = [_change(_cost(a), _cost(b)) for a, b in _pairs(rows, "cost_usd")]
    cells = {"Key": rows["key"], "Outcome": outcomes, EARLIER: rows["text_one"], LATER: rows["text_two"], "Cost": costs}
    return pd.DataFrame(cells)


def _pairs(rows: pd.DataFrame, name: str) -> Sequence[tuple[Any, Any]]:
    return list(zip(rows[f"{name}_one"], rows[f"{name}_two"], strict=True))


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _cost(usd: Any) -> str:
    return money(None if pd.isna(usd) else float(usd))


def _detail(found: Comparison, key: str) -> None:
    """One row of both runs: what was asked, and the two answers with what differs marked."""
    one, two = found.one.detail(key), found.two.detail(key)
    with st.container(border=True, key="pair"):
        st.markdown(f"**Row {plain(key)}**")
        prompts = {f"Prompt, {EARLIER.lower()}": one.prompt, f"Prompt, {LATER.lower()}": two.prompt}
        for title, prompt in {"Prompt": one.prompt}.items() if one.prompt == two.prompt else prompts.items():
            st.caption(title)
            st.code(clipped(prompt, PROMPT_CHARACTERS), language=None, wrap_lines=True)
        pieces = differences(one.text[:MOST_CHARACTERS], two.text[:MOST_CHARACTERS])
        for place, title, detail, text, tag in zip(
            st.columns(2), (EARLIER, LATER), (one, two), pieces, ("del", "ins"), strict=True
        ):
            with place:
                st.caption(plain(f"{title} · {outcome(Outcome(detail.outcome))} · {money(detail.usd)}"))
                if detail.text:
                    st.html(marked(text, tag, title))
                if detail.error_message:
                    st.error(plain(detail.error_message))
        if max(len(one.text), len(two.text)) > MOST_CHARACTERS:
            st.caption(f"Only the first {MOST_CHARACTERS:,} characters are shown.")


def marked(pieces: Pieces, tag: str, title: str) -> str:
    """Pieces of a text as HTML in which nothing of the text is markup; a text's own pieces stand in `tag`."""
    body = "".join(f"<{tag}>{html.escape(p.text)}</{tag}>" if p.own else html.escape(p.text) for p in pieces)
    return f'<div class="gbr-pair" role="region" tabindex="0" aria-label="{html.escape(title)} answer">{body}</div>'
