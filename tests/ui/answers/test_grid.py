"""A few rows are a real table, and whatever is in them is text."""

from __future__ import annotations

from ui.answers.grid import MAX_COLUMNS, GridColumn, grid_html


def test_every_text_is_escaped_and_answers_are_told_apart() -> None:
    columns = [GridColumn('<a"b>', "text, 1 empty"), GridColumn("mood", answer=True, number=True)]
    html = grid_html("First <rows>", columns, [("<script>", "3")])
    assert "<script>" not in html and "&lt;script&gt;" in html and "&lt;a&quot;b&gt;" in html
    assert '<td class="answer number">3</td>' in html and "<caption>First &lt;rows&gt;</caption>" in html


def test_long_cells_and_many_columns_are_cut() -> None:
    html = grid_html("Rows", [GridColumn(str(n)) for n in range(MAX_COLUMNS + 9)], [["x" * 1000] * (MAX_COLUMNS + 9)])
    assert html.count("<th ") == MAX_COLUMNS and "x" * 301 not in html and "…" in html
