"""The picture of a plan, read without a browser."""

from __future__ import annotations

import json

from batch.planning.groups import ChoiceUsd
from gem_cache import CachingChoice, CostAtDuration, Group
from lifecycle.planning.forecast import ExpectedHours
from ui.pricing.plan_chart import chart_options


def a_group(hours: float | None, served: int = 5) -> Group:
    usd = ChoiceUsd(1.0, 1.0, 0.5)
    return Group("0a", None, 5, served, 2000, False, CachingChoice.EXPLICIT, usd, hours, True, False)


def test_the_picture_has_three_lines_and_marks_where_caches_stop_paying() -> None:
    curve = [CostAtDuration(hours, 0.1 * hours, 0.1, 0.5, 0.5) for hours in (0.25, 4.0, 48.0)]
    groups = [a_group(9.04), a_group(9.0), a_group(60.0), a_group(5.0, served=0), a_group(None)]
    rendered = chart_options(curve, ExpectedHours(4.0, 14.0, 0), groups)
    plan, best, plain = rendered["series"]
    assert [series["name"] for series in (plan, best, plain)] == ["This plan", "Best for that duration", "No cache"]
    assert plan["data"][1] == [4.0, 0.4] and plain["data"][2] == [48.0, 0.5]
    marks = {mark["name"]: mark["xAxis"] for mark in plan["markLine"]["data"]}
    assert marks == {"expected": 4.0, "95 % of jobs": 14.0, "break-even 9 h": 9.0}
    assert json.loads(json.dumps(rendered)) == rendered


def test_labels_that_would_cover_each_other_stand_in_different_lines() -> None:
    curve = [CostAtDuration(hours, 0.1, 0.1, 0.5, 0.5) for hours in (0.25, 48.0)]
    marks = chart_options(curve, ExpectedHours(4.0, 14.0, 0), [a_group(12.0), a_group(16.0)])["series"][0]["markLine"][
        "data"
    ]
    assert [mark["xAxis"] for mark in marks] == [4.0, 12.0, 14.0, 16.0]
    assert [mark["label"]["distance"] for mark in marks] == [4, 18, 32, 46]
    far = chart_options(curve, ExpectedHours(4.0, 4.0, 0), [a_group(24.0)])["series"][0]["markLine"]["data"]
    assert [mark["label"]["distance"] for mark in far] == [4, 4]
