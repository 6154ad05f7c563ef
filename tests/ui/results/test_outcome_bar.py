"""The outcomes at a glance, by what they ask of a person."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from batch.model import Outcome
from batch.responses.outcome_groups import OutcomeGroup
from tests.ui.results.conftest import narrow, rows
from ui.results.outcome_bar import bar


def choose(at: AppTest, *groups: OutcomeGroup | str) -> None:
    next(one for one in at.get("pills") if one.key == "groups-of-outcomes-r1").set_value(list(groups)).run()


def test_one_click_shows_the_rows_of_a_group_and_a_kind_is_one_of_them(results: AppTest) -> None:
    groups = next(one for one in results.get("pills") if one.key == "groups-of-outcomes-r1")
    assert [option.content.rpartition("] ")[2] for option in groups.proto.options] == [
        "All **64**",
        "**61** good",
        "**2** to try again",
        "**1** to decide",
    ]
    choose(results, OutcomeGroup.TRY_AGAIN, OutcomeGroup.DECIDE)
    assert rows(results) == ["blocked", "failed", "lost"]
    narrow(results, Outcome.MISSING)
    assert rows(results) == ["lost"]


def test_all_is_chosen_while_no_group_is_and_takes_groups_back(results: AppTest) -> None:
    def chosen() -> list[str]:
        return list(results.session_state["groups-of-outcomes-r1"])

    assert chosen() == ["all"]
    choose(results, "all", OutcomeGroup.DECIDE)
    assert chosen() == [OutcomeGroup.DECIDE] and rows(results) == ["blocked"]
    choose(results, OutcomeGroup.DECIDE, "all")
    assert chosen() == ["all"] and len(rows(results)) == 50
    choose(results)
    assert chosen() == ["all"]


@pytest.mark.parametrize(("counts", "words"), [({"answered": 9, "missing": 1}, "9 good, 1 to try again"), ({}, "")])
def test_the_bar_says_its_numbers_to_who_does_not_see_it(counts: dict[str, int], words: str) -> None:
    assert f'aria-label="Rows: {words}"' in bar(counts)
