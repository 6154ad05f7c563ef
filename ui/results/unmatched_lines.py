"""Lines that came back and fit no row: what was paid for is shown, and nothing is guessed from its position."""

from __future__ import annotations

import streamlit as st

from batch.formatting import plural
from lifecycle.results.read.table import ResultTable

LINES_PER_PAGE = 10
LINE_BYTES = 600


def draw(run_id: str, table: ResultTable) -> None:
    """Offer to look at them, if there are any. Nothing is read before the expander is opened."""
    total = table.reconciliation.unmatched
    if not total:
        return
    title = f"{plural(total, 'line')} {'fits' if total == 1 else 'fit'} no row"
    with st.expander(title, key=f"unmatched-{run_id}", on_change="rerun") as drawer:
        if not drawer.open:
            return
        st.caption(
            "They have no key, a key that was not sent, or cannot be read. Rows are never matched by their position; "
            "what these lines cost is counted."
        )
        pages = -(-total // LINES_PER_PAGE)
        page = min(int(st.session_state.get(f"unmatched-page-{run_id}") or 1), pages)
        lines, _ = table.unmatched((page - 1) * LINES_PER_PAGE, LINES_PER_PAGE, clip=LINE_BYTES)
        st.code("\n\n".join(_mark_truncated(line) for line in lines), language=None, wrap_lines=True)
        if pages > 1:
            st.pagination(pages, key=f"unmatched-page-{run_id}", max_visible_pages=5)


def _mark_truncated(line: str) -> str:
    return f"{line}…" if len(line.encode()) >= LINE_BYTES else line
