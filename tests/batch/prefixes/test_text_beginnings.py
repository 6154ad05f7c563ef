"""Beginnings of texts: named as the grid names them, however they were come by, and counted where two have them."""

from __future__ import annotations

from random import Random

import pytest

from batch.prefixes import text_beginnings
from batch.prefixes.text_beginnings import SCOUTS, SeenNames, TextBeginnings, scouts
from batch.prefixes.text_cuts import GRID, end_name, grid_names


def family(random: Random) -> list[bytes]:
    """Texts of which some begin like others, up to places of every kind."""
    texts = [random.randbytes(random.choice([2_000, 9_000, 20_000])).hex().encode() for _ in range(3)]
    for _ in range(40):
        text = random.choice(texts)
        place = random.choice([random.randrange(len(text)), random.choice(GRID[:12]) + random.randint(-2, 2)])
        texts.append(text[:place] + random.randbytes(random.choice([0, 1, 300, 3_000])).hex().encode())
    return [b'"%b"' % text for text in random.choices(texts, k=90)]


@pytest.mark.parametrize("most_kept", [1 << 25, 6_000])
def test_a_text_compared_with_others_has_the_names_that_it_has_alone(
    most_kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_beginnings, "MOST_KEPT_BYTES", most_kept)
    for seed in range(12):
        texts, beginnings = family(Random(seed)), TextBeginnings()
        for text in texts:
            assert beginnings.count(text, seed) == (end_name(text, grid_names(text, seed)), text)
        beginnings.seen.flush()
        names = [grid_names(text, seed)[1:] for text in texts]
        for text, own in zip(texts, names, strict=True):
            shared = [name for name in own if sum(name in others for others in names) > 1]
            assert beginnings.shared(text, seed) == [seed, *shared]


def test_what_begins_like_no_other_text_is_looked_at_no_further_than_that() -> None:
    beginnings, seed = TextBeginnings(), 7
    one, two, other = (b'"%b"' % (letter * 300) for letter in (b"a", b"b", b"c"))
    for text in (one, two, one[:200] + two[200:], other):
        beginnings.count(text, seed)
    beginnings.seen.flush()
    assert beginnings.reach(one, seed, len(one)) == len(one)
    assert beginnings.reach(other, seed, len(other)) == SCOUTS[0] + 2
    assert beginnings.reach(other, seed, 100) == 100


def test_texts_spelled_otherwise_are_the_same_text() -> None:
    beginnings = TextBeginnings()
    plain, escaped = b'"a/b %b"' % (b"x" * 3_000), b'"a\\/b %b"' % (b"x" * 3_000)
    first = beginnings.count(plain, 1)
    assert beginnings.count(escaped, 1) == first == (first[0], plain)
    beginnings.seen.flush()
    assert len(beginnings.shared(plain, 1)) == len(grid_names(plain, 1))
    assert scouts(plain, 1)[0] in beginnings.seen


def test_a_name_is_met_twice_if_it_was_counted_twice() -> None:
    seen = SeenNames()
    seen.add([1 << 20, 2 << 20, 2 << 20])
    seen.flush()
    seen.add([3 << 20, 3 << 20])
    seen.flush()
    assert [name in seen for name in (1 << 20, 2 << 20, 3 << 20)] == [False, True, True]
