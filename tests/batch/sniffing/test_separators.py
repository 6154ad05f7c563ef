"""The separator that fits the lines, and what quotation marks mean."""

from __future__ import annotations

import pytest

from batch.sniffing.separators import Dialect, find_dialect


def dialect_of(text: str) -> Dialect:
    return find_dialect(text.splitlines(keepends=True), complete=True)


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("Name, first;Age, in years;Remark, long\nAnn;3;ok\nBob;4;fine\n", ";"),
        ("dish, name;price\nSoup, hot;5\nCake, cold;3\n", ";"),
        ("a;b\n1,5;2,5\n1,7;2,9\n", ";"),
        ("a\tb\n1, 2\t3\n4, 5\t6\n", "\t"),
        ("a|b\n1, 2|x\n3, 4|y\n", "|"),
        ("a\x01b\n1\x012\n", "\x01"),
        ("root:x:0\nbin:x:1\nsys:x:3\n", ":"),
        ("Menu of the week\n\nday,dish,price\nMon,Soup,3\nTue,Cake,4\n", ","),
        ("dish (hot, or cold)\nsoup\ncake\n", ""),
        ("question\nWell, what?\nSo, who?\n", ""),
        ("question\nWhat, why, and who?\nFine\nOne, two\n", ""),
        ("time: now\n12:30\n13:40\n", ""),
        ('"a;b;c;d",e,f\n1,2,3\n', ","),
    ],
)
def test_the_separator_is_that_which_fits_the_lines(text: str, separator: str) -> None:
    assert dialect_of(text).separator == separator


@pytest.mark.parametrize(
    ("text", "quote", "escape"),
    [
        ('a,b\n"x, y",1\n', '"', ""),
        ('a,b\n"He said ""no"", twice",1\n', '"', ""),
        ('a,b\n"He said \\"no, you\\"",2\n"x",3\n', '"', "\\"),
        ('path,n\n"C:\\dir\\",1\n"D:\\x\\",2\n', '"', ""),
        ("a,b\n'x, y',2\n'z',3\n", "'", ""),
        ('pipe\tn\n5" wide\t3\n"hello she said\t2\n"x\t4\n', "", ""),
        ("a,b\nit's,1\nthat's,2\n", '"', ""),
    ],
)
def test_what_quotation_marks_mean_is_seen(text: str, quote: str, escape: str) -> None:
    found = dialect_of(text)
    assert (found.quote, found.escape) == (quote, escape)


def test_a_space_behind_separators_is_no_part_of_a_quoted_cell() -> None:
    found = dialect_of('a, "b, c", d\n1, "2, 3", 4\n5, "6", 7\n')
    assert list(found.reader(iter(['1, "2, 3", 4\n']))) == [["1", "2, 3", "4"]]


def test_what_was_chosen_is_taken() -> None:
    lines = ["a,b;c\n", "1,2;3\n"]
    assert find_dialect(lines, complete=True, separator=";").separator == ";"
    assert find_dialect(['"a",b\n'], complete=True, quote="").quote == ""


def test_a_cell_that_ends_in_a_backslash_is_not_escaped() -> None:
    lines = ['"first","second"\n', '"""\\",""\n']
    assert find_dialect(lines, complete=True) == Dialect(",")
