"""The picture of a plan: input cost against how long the job takes, as an option object for ECharts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gem_cache import CostAtDuration, Group
from lifecycle.planning.forecast import ExpectedHours

MAX_MARKS = 4
MIN_LABEL_RATIO = 5.0  # durations whose ratio is smaller have labels that would overlap on a phone
LABEL_ROWS = 4
LEGEND, LABEL_HEIGHT = 50, 14  # pixels: a legend of two lines, as on a phone; a line of labels


def chart_options(curve: Sequence[CostAtDuration], hours: ExpectedHours, groups: Sequence[Group]) -> dict[str, Any]:
    """Lines for the plan, for the best plan had one known the duration, and for no cache; marks at the durations
    expected and at which caches of the plan stop paying."""
    marks = _marks(hours, groups, curve[-1].hours)
    labels_height = max((mark["label"]["distance"] for mark in marks), default=0)
    plan = _line("This plan", [(at.hours, at.chosen) for at in curve], width=4)
    plan["markLine"] = {
        "symbol": "none",
        "label": {"show": True, "position": "end", "formatter": "{b}"},
        "data": marks,
    }
    best = _line("Best for that duration", [(at.hours, at.optimum) for at in curve], type="dashed")
    uncached = _line("No cache", [(at.hours, at.uncached) for at in curve])
    return {
        "animation": False,
        "grid": {
            "left": 8,
            "right": 32,
            "top": LEGEND + labels_height + LABEL_HEIGHT,
            "bottom": 28,
            "containLabel": True,
        },
        "legend": {"top": 0, "left": 0, "itemGap": 16},
        "tooltip": {"trigger": "axis", "valueFormatter": "$%.6f"},
        "xAxis": {
            "type": "log",
            "logBase": 2,
            "min": curve[0].hours,
            "max": curve[-1].hours,
            "name": "hours",
            "nameLocation": "middle",
            "nameGap": 26,
        },
        "yAxis": {"type": "value", "axisLabel": {"formatter": "${value}"}},
        "series": [plan, best, uncached],
    }


def _line(name: str, points: Sequence[tuple[float, float | None]], **style: object) -> dict[str, Any]:
    data = [list(point) for point in points]
    return {"name": name, "type": "line", "showSymbol": False, "data": data, "lineStyle": {"width": 2, **style}}


def _marks(hours: ExpectedHours, groups: Sequence[Group], longest: float) -> list[dict[str, Any]]:
    """Vertical lines: the durations planned with, and where caches break even."""
    positions = {"expected": hours.expected, "95 % of jobs": hours.p95 if hours.p95 > hours.expected else None}
    paying = sorted({round(g.break_even_hours, 1) for g in groups if g.served and g.break_even_hours})
    positions |= {f"break-even {at:g} h": at for at in paying[:MAX_MARKS]}
    visible = sorted((at, name) for name, at in positions.items() if at is not None and at <= longest)
    return [
        {"name": name, "xAxis": at, "lineStyle": {"type": "dotted"}, "label": {"distance": 4 + LABEL_HEIGHT * row}}
        for (at, name), row in zip(visible, _label_rows([at for at, _ in visible]), strict=True)
    ]


def _label_rows(positions: Sequence[float]) -> list[int]:
    """The line of each label, so that neighbours on the logarithmic axis do not cover each other."""
    rows: list[int] = []
    last = [0.0] * LABEL_ROWS
    for position in positions:
        free = [row for row in range(LABEL_ROWS) if position >= last[row] * MIN_LABEL_RATIO]
        rows.append(free[0] if free else last.index(min(last)))
        last[rows[-1]] = position
    return rows
