"""Two runs on the same inputs, side by side: what changed, what came out better, what was cheaper."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from batch.errors import NotFound
from batch.formatting import money, plural
from batch.model import Outcome
from batch.text_diff import TextPieces, diff_texts
from lifecycle.core.models import Account, RunView
from lifecycle.results.read.compare import Comparison, compare
from lifecycle.results.read.table import ResultTable
from lifecycle.runner import Runner
from ui.shared import background, notices
from ui.shared.format import OUTCOME_COLOURS, outcome, truncate
from ui.shared.notices import escape_markdown

CHOICES, COMPARISON = "comparable", "comparison"
ROWS_PER_PAGE = 50
CELL_CHARACTERS, MAX_CHARACTERS = 300, 100_000
PROMPT_CHARACTERS = 1000  # of a prompt; Results shows all of it
LABELS = {
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
    """Draw the expander, without drawing the rest of the page again. Nothing is looked for before it is opened."""

    @st.fragment(key="comparing")
    def draw_comparison() -> None:
        with st.expander("Compare with another run", key="compare", on_change="rerun") as drawer:
            if drawer.open:
                try:
                    _draw(runner, account, run, table)
                except NotFound as error:  # deleted meanwhile
                    notices.draw_error(error)

    draw_comparison()


def _draw(runner: Runner, account: Account, run: RunView, table: ResultTable) -> None:
    result_count = sum(view.has_results for view in runner.runs.list_recent(account))
    result = background.run_once(CHOICES, (run.id, result_count), lambda: runner.runs.comparable_runs(account, run.id))
    if not result.future.done():
        background.draw_pending(CHOICES, "Looking for runs with the same keys…")
        return
    others = {view.id: (view, keys) for view, keys in result.future.result()}
    if not others:
        st.caption("No other run with results has a key in common with this one.")
        return
    key = f"compare-with-{run.id}"
    if st.session_state.setdefault(key, None if len(others) > 1 else next(iter(others))) not in (None, *others):
        st.caption("The other run has no key in common with this one: their rows cannot be told to be the same.")
        st.session_state[key] = None
    selected_id = st.selectbox(
        "Compare with",
        list(others),
        key=key,
        persist_state="session",
        format_func=lambda name: _title(*others[name], run.rows),
        placeholder="Choose a run",
    )
    if selected_id in others:
        _compare(runner, account, run, others[selected_id][0], table)


def _title(view: RunView, keys: int, rows: int) -> str:
    name = truncate(view.name or view.id, 40)
    return f"{name} · {view.model} · {view.created_at:%d %b, %H:%M} UTC · {keys:,} of {plural(rows, 'key')}"


def _compare(runner: Runner, account: Account, run: RunView, other: RunView, table: ResultTable) -> None:
    """Compare, the later run against the earlier one whichever is being looked at."""
    tables = {run.id: table, other.id: runner.runs.results(account, other.id)}
    earlier, later = sorted((run, other), key=lambda view: (view.created_at, view.id))
    before, after = tables[earlier.id], tables[later.id]
    result = background.run_once(
        COMPARISON, (str(before.results), str(after.results)), lambda: _compare_and_count(before, after)
    )
    if not result.future.done():
        background.draw_pending(COMPARISON, "Comparing…")
        return
    comparison = result.future.result()
    st.caption(escape_markdown(f"{EARLIER}: {_name(earlier)}. {LATER}: {_name(later)}."))
    with st.container(gap="xxsmall"):
        for sentence in summary(comparison.counts, comparison.usd):
            st.markdown(escape_markdown(sentence))
    _draw_rows(comparison, f"{earlier.id}-{later.id}")


def _compare_and_count(before: ResultTable, after: ResultTable) -> Comparison:
    """A comparison whose counting is done."""
    comparison = compare(before, after)
    _ = comparison.counts
    return comparison


def _name(view: RunView) -> str:
    return f"{truncate(view.name or view.id, 60)}, {view.model}, {view.created_at:%d %b %Y, %H:%M} UTC"


def summary(counts: Mapping[str, int], usd: tuple[float | None, float | None]) -> list[str]:
    """What became of the keys that both runs have, in a few sentences."""
    both, changed = counts["both"], counts["changed"]
    sentences = [f"Of {plural(both, 'row')} in both runs, {changed:,} changed and {counts['same']:,} stayed the same."]
    better = _better_and_worse(counts, "better", "worse", "Outcome")
    better_formed = _better_and_worse(counts, "better_formed", "worse_formed", "Form of the JSON")
    sentences += [f"{sentence}." for sentence in (better, better_formed) if sentence]
    sentences.append(_describe_cost(counts, usd))
    only_in_one = [f"{counts[name]:,} only in the {word}" for name, word in _ONLY_IN.items() if counts[name]]
    if only_in_one:
        sentences.append(f"{' and '.join(only_in_one)} run: not compared.")
    if counts["asked_otherwise"]:
        sentences.append(f"{plural(counts['asked_otherwise'], 'row')} had another prompt: not the same question.")
    return sentences


_ONLY_IN = {"only_one": "earlier", "only_two": "later"}


def _better_and_worse(counts: Mapping[str, int], good: str, bad: str, subject: str) -> str:
    if not counts[good] and not counts[bad]:
        return ""
    return f"{subject} better in {counts[good]:,}, worse in {counts[bad]:,}"


def _describe_cost(counts: Mapping[str, int], usd: tuple[float | None, float | None]) -> str:
    before, after = usd
    if before is None or after is None:
        return (
            f"What these answers cost is not known of all; {counts['cheaper']:,} cheaper, {counts['dearer']:,} dearer."
        )
    percent = round(100 * (after / before - 1)) if before else 0
    difference = f", {abs(percent):,} % {'more' if percent > 0 else 'less'}" if percent else ""
    return (
        f"These answers cost {money(after)} instead of {money(before)}{difference}: {counts['cheaper']:,} cheaper, "
        f"{counts['dearer']:,} dearer. Caches are not in it."
    )


# -- rows --------------------------------------------------------------------------------------------------------------


def _draw_rows(comparison: Comparison, pair: str) -> None:
    """The rows of one kind in pages, and one of them in full."""
    counts = {kind: number for kind, number in comparison.counts.items() if kind in LABELS and number}
    kinds = [kind for kind in LABELS if kind in counts]
    kind = st.pills(
        "Rows that are",
        kinds,
        default=kinds[0] if kinds else None,
        format_func=lambda name: f"{LABELS[name]} {counts[name]:,}",
        key=f"kind-{pair}",
    )
    if kind is None:
        return
    page_key = f"pair-page-{pair}-{kind}"
    first = (int(st.session_state.get(page_key) or 1) - 1) * ROWS_PER_PAGE
    rows, total = comparison.page(kind, offset=first, limit=ROWS_PER_PAGE, clip=CELL_CHARACTERS)
    event = st.dataframe(
        display_frame(rows),
        key=f"pairs-{pair}-{kind}-{first}",
        column_config=COLUMNS,
        hide_index=True,
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        placeholder="",
        alt="Rows of both runs side by side",
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        last = min(first + ROWS_PER_PAGE, total)
        st.caption(f"{first + 1:,} to {last:,} of {plural(total, 'row')}", width="content")
        if total > ROWS_PER_PAGE:
            st.pagination(-(-total // ROWS_PER_PAGE), key=page_key, max_visible_pages=5)
    selection = event["selection"]
    row_indexes = [*(row for row, _ in selection["cells"]), *selection["rows"]]
    if len(rows):
        _draw_pair(comparison, str(rows["key"].iloc[row_indexes[0] if row_indexes else 0]))


def display_frame(rows: pd.DataFrame) -> pd.DataFrame:
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


def _draw_pair(comparison: Comparison, key: str) -> None:
    """One row of both runs: what was asked, and the two answers with what differs marked."""
    before, after = comparison.before.detail(key), comparison.after.detail(key)
    with st.container(border=True, key="pair"):
        st.markdown(f"**Row {escape_markdown(key)}**")
        prompts = {f"Prompt, {EARLIER.lower()}": before.prompt, f"Prompt, {LATER.lower()}": after.prompt}
        for title, prompt in {"Prompt": before.prompt}.items() if before.prompt == after.prompt else prompts.items():
            st.caption(title)
            st.code(truncate(prompt, PROMPT_CHARACTERS), language=None, wrap_lines=True)
        pieces = diff_texts(before.text[:MAX_CHARACTERS], after.text[:MAX_CHARACTERS])
        for column, title, detail, text, tag in zip(
            st.columns(2), (EARLIER, LATER), (before, after), pieces, ("del", "ins"), strict=True
        ):
            with column:
                st.caption(escape_markdown(f"{title} · {outcome(Outcome(detail.outcome))} · {money(detail.usd)}"))
                if detail.text:
                    st.html(mark_differences(text, tag, title))
                if detail.error_message:
                    colour, words = OUTCOME_COLOURS[Outcome(detail.outcome)], " ".join(detail.error_message.split())
                    st.markdown(f":{colour}-background[{escape_markdown(words)}]")
        if max(len(before.text), len(after.text)) > MAX_CHARACTERS:
            st.caption(f"Only the first {MAX_CHARACTERS:,} characters are shown.")


def mark_differences(pieces: TextPieces, tag: str, title: str) -> str:
    """Pieces of a text as HTML in which nothing of the text is markup; a text's own pieces stand in `tag`."""
    body = "".join(f"<{tag}>{html.escape(p.text)}</{tag}>" if p.changed else html.escape(p.text) for p in pieces)
    return f'<div class="gbr-pair" role="region" tabindex="0" aria-label="{html.escape(title)} answer">{body}</div>'
