"""The header is found where a person sees it, and asked for where a person would hesitate."""

from __future__ import annotations

import pytest

from batch.sniffing.header import find_header


def rows(*lines: str) -> list[list[str]]:
    return [line.split(",") for line in lines]


@pytest.mark.parametrize(
    ("lines", "row", "count"),
    [
        (["a,b", "1,2", "3,4"], 0, 1),
        (["dish,taste", "soup,salty", "cake,sweet"], 0, 1),
        (["Menu,,", "day,dish,price", "Mon,Soup,3", "Tue,Cake,4"], 1, 1),
        (["Week:,12,,", "Cook:,Ann,,", "day,dish,price,n", "Mon,Soup,3,1", "Tue,Cake,4,1", "Wed,Pie,5,2"], 2, 1),
        (["Guest,,Dish,", "id,name,name,price", "1,Ann,Soup,5", "2,Bob,Pie,1"], 0, 2),
        (["country,2019,2020", "DE,3,4", "FR,5,6"], 0, 1),
        (["n", "1", "2"], 0, 1),
        ([",a,b", "0,1,2", "1,3,4"], 0, 1),
        (["a,b,c,d", "1,,,", "2,,,", "3,x,,"], 0, 1),
        (["text,n"], 0, 1),
        (["1,2", "3,4", "5,6"], None, 0),
        (["7", "1", "2"], None, 0),
        (["42"], None, 0),
        (["Ann,2020", "Bob,2021", "Cy,2022", "Di,2023"], None, 0),
        (["2024-01-02,x,3", "2024-01-03,y,4", "2024-01-04,z,5"], None, 0),
        (["sweet,cake", "salty,soup", "sweet,pie", "salty,stew", "sweet,jam", "salty,chips"], None, 0),
    ],
)
def test_titles_are_passed_and_data_is_no_header(lines: list[str], row: int | None, count: int) -> None:
    found = find_header(rows(*lines))
    assert (found.row, found.rows, found.question) == (row, count, "")
    assert (found.note != "") == (row is None or count == 2)


def test_without_a_header_only_titles_are_passed() -> None:
    assert find_header(rows("1,,", "2,,", "3,x,y", "4,x,y", "5,z,y")).first == 0
    assert find_header([["Some text"], ["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]]).first == 1


def test_codes_and_addresses_are_rows_where_all_look_alike() -> None:
    assert find_header(rows("a-1@x.org", "b-2@y.org", "c-3@z.org", "d-4@w.org")).row is None
    assert find_header(rows("mail", "b-2@y.org", "c-3@z.org", "d-4@w.org")).row == 0


def test_two_rows_of_names_are_joined() -> None:
    found = find_header(rows("Guest,,Dish,", "id,name,name,price", "1,Ann,Soup,5"))
    assert found.names == ("Guest id", "Guest name", "Dish name", "Dish price")


@pytest.mark.parametrize("lines", [["What is love?", "Who are you?"], ["dish,1,2", "soup,5,6", "cake,7,8"]])
def test_what_may_be_a_name_or_a_row_is_asked(lines: list[str]) -> None:
    assert "not clear" in find_header(rows(*lines)).question


def test_what_was_chosen_is_taken() -> None:
    assert find_header(rows("1,2", "3,4"), row=0).names == ("1", "2")
    assert find_header(rows("a,b", "c,d", "e,f"), row=0, count=2).names == ("a c", "b d")
