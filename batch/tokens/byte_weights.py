"""How many tokens UTF-8 bytes have: by the words that are known whole, and by pairs of neighbouring characters.

`token_weights.bin` holds what `scripts/calibrate_tokens.py` measured with the Gemma 3 tokenizer: for 65,536 pairs (a
character's last byte, the next one's kind) how often a token begins between them, and by hash, for some 600,000 words
how many tokens they are, and for 200,000 neighbours in scripts beyond Latin how often one begins between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SAMPLED_FROM = 1 << 14
"""Bytes from which not all of a text is looked at, but as many slices, evenly spread, as are half of that."""
SLICE = 1 << 9
AT_ONCE = 31 << 10
"""So many bytes of several texts are weighed at once: enough to share the cost of each step, few enough for memory that
is had without asking the system for it (128 kB, at eight bytes for each)."""
UNIT = 64
"""Weights are whole numbers of this part of a token: they come to the same sum in every order."""
SHORT, REMEMBERED, LONGEST_PIECE = 1 << 12, 1 << 16, 1 << 6
"""Bytes of texts that are weighed piece by piece; so many pieces, of so many bytes, are remembered."""
SPACE = 32
UNKNOWN = -1
LONGEST_WORD = 32
"""Bytes of the longest words that may be known whole."""
SLOT_BITS = 20
_HALF, _LOW = 32, (1 << 32) - 1
_UNSEEN, _UNSEEN_LONG = UNIT // 2, UNIT * 2
"""What the calibration hardly saw, in units: a byte, and a longer character, which goes byte by byte."""
STEPS = np.array([0, UNIT // 3, UNIT * 2 // 3, UNIT], np.uint8)
"""How often a token begins between neighbours that are known, as the table tells it."""
_EDGE = b"\0" * 8
"""Before and behind what is looked at, so that eight bytes can be read at every place of a word."""
_MULTIPLIERS = tuple(
    map(
        np.uint64,
        (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9),
    )
)
_FOUR_BYTES = np.uint64(0x808080F8), np.uint64(0x808080F0)
_TWICE_THREE = np.uint64(0x8080F08080F0), np.uint64(0x8080E08080E0)
_TWICE_TWO = np.uint64(0xC0E0C0E000), np.uint64(0x80C080C000)
_ONE_MORE = np.uint64(0xC0E00000000000), np.uint64(0x80C00000000000)
"""Bits of eight bytes, and what they are where these begin with a whole character of four bytes, with two of three,
with two of two behind any byte, and with one more behind those."""
_FIRST_BYTES = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
"""What keeps so many bytes of eight."""

# Characters by their first bytes: how their second bytes divide each into kinds, as the lowest that counts, how many
# make a kind, and how many kinds there are. Where a script has its own second bytes (Indic, Thai), each is a kind; 0
# kinds: all those first bytes share one.
_KINDS: tuple[tuple[int, int, int, int, int], ...] = (
    (0xC2, 0xC5, 0x80, 32, 2),  # signs, and accented Latin letters
    (0xC6, 0xCD, 0, 0, 0),
    (0xCE, 0xCF, 0x80, 32, 2),  # Greek
    (0xD0, 0xD1, 0x80, 16, 4),  # Cyrillic
    (0xD2, 0xD3, 0, 0, 0),
    (0xD4, 0xD7, 0x80, 64, 1),  # Armenian, Hebrew
    (0xD8, 0xDB, 0x80, 32, 2),  # Arabic, Persian
    (0xDC, 0xDF, 0, 0, 0),
    (0xE0, 0xE0, 0xA0, 1, 32),  # Indic, Thai, Lao
    (0xE1, 0xE1, 0x80, 4, 16),  # Myanmar, Georgian, Ethiopic, Khmer; Vietnamese letters
    (0xE2, 0xE2, 0x80, 8, 8),  # quotation marks, dashes, symbols
    (0xE3, 0xE3, 0x80, 1, 5),  # Kana
    (0xE4, 0xE9, 0x80, 64, 1),  # Chinese characters
    (0xEA, 0xEA, 0x80, 32, 2),
    (0xEB, 0xED, 0x80, 64, 1),  # Hangul
    (0xEE, 0xEF, 0x80, 32, 2),  # full-width forms
    (0xF0, 0xF0, 0x80, 16, 4),  # emoji
    (0xF1, 0xFF, 0, 0, 0),
)
_INSIDE = 255
"""The kind of a byte inside a character: no token begins there as a rule."""

_remembered: dict[bytes, int] = {}
"""Units of pieces of texts that were weighed."""

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]


class ByteTokens(NamedTuple):
    """Estimated tokens, and how many of them stand in what the calibration hardly knows."""

    tokens: float
    unfamiliar: float


class ManyTokens(NamedTuple):
    """The same of many texts, a number for each."""

    tokens: NDArray[np.float64]
    unfamiliar: NDArray[np.float64]


class Letters(NamedTuple):
    """Bytes between two edges, and the words in them: runs of letters and of characters beyond ASCII.

    `codes` are the bytes, `eights` eight at a time from every place on. Of each word it is told where it begins and
    ends, whether a single space before it is its own (the tokenizer makes one piece of both; several spaces are a piece
    of their own), and a hash of its letters.
    """

    data: bytes
    codes: NDArray[np.uint8]
    is_letter: NDArray[np.bool_]
    eights: Hashes
    begins: Places
    ends: Places
    own_space: NDArray[np.bool_]
    hashes: Hashes


class _Weights(NamedTuple):
    pairs: NDArray[np.uint8]
    words: NDArray[np.uint8]


def weigh(data: bytes) -> ByteTokens:
    """Tokens of UTF-8 bytes; what is not UTF-8 gets some figure, never an error."""
    if len(data) <= SHORT and b"  " not in data and b"\0" not in data:
        units = _weigh_short(data)
        return ByteTokens((units & _LOW) / UNIT, (units >> _HALF) / UNIT)
    many = weigh_many((data,))
    return ByteTokens(float(many.tokens[0]), float(many.unfamiliar[0]))


def _weigh_short(data: bytes) -> int:
    """Units of a text, and above `_HALF` bits those that are unfamiliar: by what was remembered of its pieces.

    A token begins at every single space, whatever stands before it, so that pieces between spaces weigh the same
    wherever they stand; but for the first, which a NUL marks.
    """
    pieces = (b"\0" + data).split(b" ")
    try:
        return sum(map(_remembered.__getitem__, pieces))
    except KeyError:
        pass
    # Looked up once: another thread may forget everything at any time.
    own = {piece: _remembered.get(piece, -1) for piece in pieces}
    new = [piece for piece, units in own.items() if units < 0]
    texts = [piece[1:] if piece.startswith(b"\0") else b". " + piece for piece in new] + [b"."]
    tokens, unfamiliar = _weigh_joined(texts, np.fromiter(map(len, texts), np.int64, len(texts)))
    tokens[:-1] -= np.where([piece.startswith(b"\0") for piece in new], 0, tokens[-1])
    found = dict(zip(new, (tokens | unfamiliar << _HALF).tolist(), strict=False))
    if len(_remembered) > REMEMBERED:
        _remembered.clear()
    _remembered.update((piece, units) for piece, units in found.items() if len(piece) <= LONGEST_PIECE)
    own.update(found)
    return sum(map(own.__getitem__, pieces))


def weigh_many(texts: Sequence[bytes]) -> ManyTokens:
    """Tokens of many texts of UTF-8 bytes, in their order: exactly what `weigh` says of each, for less.

    Takes any number of texts of any sizes, `()` and empty ones too, and returns two arrays of float64 with a number for
    each text: `tokens` (0.0 of an empty text; not rounded, as in `weigh`), and `unfamiliar`, for
    `batch.tokens.text_tokens.margin`. Beside them it needs memory for some 100 kB of text at a time.
    """
    looked_at = [data if len(data) <= SAMPLED_FROM else _slices(data) for data in texts]
    sizes = np.fromiter(map(len, looked_at), np.int64, len(looked_at))
    tokens, unfamiliar = np.empty(len(looked_at)), np.empty(len(looked_at))
    ends = np.cumsum(sizes + 1)
    first = 0
    while first < len(looked_at):
        before = ends[first] - sizes[first] - 1
        last = max(first + 1, int(np.searchsorted(ends, before + AT_ONCE, "right")))
        tokens[first:last], unfamiliar[first:last] = _weigh_joined(looked_at[first:last], sizes[first:last])
        first = last
    factors = np.full(len(looked_at), 1 / UNIT)
    for place, data in enumerate(texts):
        if len(data) > SAMPLED_FROM:
            factors[place] *= len(data) / (SAMPLED_FROM // SLICE // 2 * (SLICE + 1))
    return ManyTokens(tokens * factors, unfamiliar * factors)


def _slices(data: bytes) -> bytes:
    """Pieces of a long text, evenly spread."""
    starts = np.linspace(0, len(data) - SLICE, SAMPLED_FROM // SLICE // 2).astype(int).tolist()
    return b"\n".join([data[start : start + SLICE] for start in starts])


def _weigh_joined(texts: Sequence[bytes], sizes: Places) -> tuple[Places, Places]:
    """Of each of a few texts the tokens, and those that are unfamiliar, in units."""
    letters = find_words(b"\0".join(texts))
    tokens = known_tokens(_weights().words, letters)
    ends = np.cumsum(sizes + 1) + (len(_EDGE) - 1)
    begins = ends - sizes
    places = unknown_places(letters, tokens)
    weights = _weights().pairs.take(pairs_at(letters, places))
    if not letters.data.isascii():
        which, neighbours = find_neighbours(letters, places)
        steps = look_up(_weights().words, neighbours)
        is_known = steps != UNKNOWN
        weights[which[is_known]] = STEPS.take(steps[is_known]) + 1
    first, last = np.searchsorted(places, begins), np.searchsorted(places, ends)
    # Weights are stored with one added, so that 0 can tell what was hardly seen.
    found = _sums_between(weights, first, last) - (last - first)
    found += UNIT * _sums_between(
        np.maximum(tokens, 0), np.searchsorted(letters.begins, begins), np.searchsorted(letters.begins, ends)
    )
    unseen = np.flatnonzero(weights == 0)
    if not len(unseen):
        return found, np.zeros(len(sizes), np.int64)
    instead = np.where(letters.codes.take(places.take(unseen)) < 128, _UNSEEN, _UNSEEN_LONG)
    first, last = np.searchsorted(unseen, first), np.searchsorted(unseen, last)
    unfamiliar = _sums_between(instead, first, last)
    return found + unfamiliar + (last - first), unfamiliar


def _sums_between(values: NDArray[np.integer[Any]], first: Places, last: Places) -> Places:
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    between: Places = sums.take(last) - sums.take(first)
    return between


def find_words(data: bytes) -> Letters:
    """The words of some bytes. Places are those in the bytes with an edge before them."""
    data = b"%b%b%b" % (_EDGE, data, _EDGE)
    codes = np.frombuffer(data, np.uint8)
    is_letter = ((codes | np.uint8(SPACE)) - np.uint8(97) < 26) | (codes > 127)
    edges = np.flatnonzero(is_letter[1:] != is_letter[:-1]).reshape(-1, 2).T + 1
    begins, ends = np.ascontiguousarray(edges)
    # An overlapping view reads eight bytes at every place.
    eights = np.ascontiguousarray(np.ndarray((len(data) - 7,), "<u8", data, 0, (1,)))
    hashes = _hash_words(eights, begins, ends)
    # The tokenizer has whole tags of HTML, which begin before their names.
    before, two_before = codes.take(begins - 1), codes.take(begins - 2)
    hashes[np.flatnonzero((before == ord("<")) | ((before == ord("/")) & (two_before == ord("<"))))] ^= _MULTIPLIERS[1]
    own_space = (before == SPACE) & (two_before != SPACE)
    return Letters(data, codes, is_letter, eights, begins, ends, own_space, hashes)


def _hash_words(eights: Hashes, begins: Places, ends: Places) -> Hashes:
    """Hashes of words by up to 32 of their bytes."""
    sizes = ends - begins
    hashes = (eights.take(begins) & _FIRST_BYTES.take(np.minimum(sizes, 8))) * _MULTIPLIERS[0]
    hashes ^= sizes.astype(np.uint64) * _MULTIPLIERS[1]
    long = np.flatnonzero(sizes > 8)
    hashes[long] += eights.take(ends.take(long) - 8) * _MULTIPLIERS[2]
    longer = long[sizes.take(long) > 16]
    middle = eights.take(begins.take(longer) + 8) * _MULTIPLIERS[3]
    hashes[longer] ^= middle + eights.take(ends.take(longer) - 16) * _MULTIPLIERS[1]
    return _mixed(hashes)


def _mixed(hashes: Hashes) -> Hashes:
    mixed: Hashes = (hashes ^ (hashes >> np.uint64(29))) * _MULTIPLIERS[4]
    return mixed ^ (mixed >> np.uint64(32))


def known_tokens(table: NDArray[np.uint8], letters: Letters) -> NDArray[np.int8]:
    """Of each word its tokens, UNKNOWN where it is not known."""
    tokens = look_up(table, letters.hashes)
    tokens[letters.ends - letters.begins > LONGEST_WORD] = UNKNOWN
    return tokens


def look_up(table: NDArray[np.uint8], hashes: Hashes) -> NDArray[np.int8]:
    """What the table has by these hashes, 0 to 3; UNKNOWN where it has nothing."""
    tags = tags_of(hashes)
    found = table.take(slots_of(hashes, 0)) ^ tags
    elsewhere = np.flatnonzero(found > 3)
    found[elsewhere] = table.take(slots_of(hashes.take(elsewhere), 1)) ^ tags.take(elsewhere)
    return np.where(found > 3, np.int8(UNKNOWN), found.view(np.int8))


def slots_of(hashes: Hashes, which: int) -> Places:
    """The first (0) or second (1) place of the table where what has these hashes may stand."""
    return (hashes >> np.uint64((64 - SLOT_BITS, 20)[which]) & np.uint64((1 << SLOT_BITS) - 1)).astype(np.int64)


def tags_of(hashes: Hashes) -> NDArray[np.uint8]:
    """The upper six bits of the entries of what has these hashes, never 0: an entry of 0 is free."""
    tags: NDArray[np.uint8] = np.maximum(hashes.astype(np.uint8) & np.uint8(0xFC), np.uint8(4))
    return tags


def find_neighbours(letters: Letters, places: Places) -> tuple[Places, Hashes]:
    """Which of the places stand before a longer character behind one of its length, and hashes of what stands there.

    Scripts with many characters (Chinese, Kana, Hangul) are told by the one before and the one behind a place, Indic
    ones and Thai by the end of one more before, those of two bytes (Cyrillic, Arabic) by one more on both sides, and
    emoji by themselves and whether a space is before them. Nothing else counts, so that a text may be cut anywhere.
    """
    which = np.flatnonzero(letters.codes.take(places) >= 0xC2)
    where, eights = places.take(which), letters.eights
    around, ahead = eights.take(where - 3), eights.take(where)
    is_long = ahead & _FOUR_BYTES[0] == _FOUR_BYTES[1]
    is_three = around & _TWICE_THREE[0] == _TWICE_THREE[1]
    is_two = around & _TWICE_TWO[0] == _TWICE_TWO[1]
    chosen = np.flatnonzero(is_long | is_three | is_two)
    where, around, ahead = where.take(chosen), around.take(chosen), ahead.take(chosen)
    hashes = around & _FIRST_BYTES[6]
    few = np.flatnonzero(ahead & np.uint64(0xFF) < 0xE3)
    hashes[few] = eights.take(where.take(few) - 5) >> np.uint64(8)
    two = np.flatnonzero(is_two.take(chosen))
    has_more = around.take(two) & _ONE_MORE[0] == _ONE_MORE[1]
    hashes[two] = around.take(two) & _FIRST_BYTES.take(np.where(has_more, 7, 5))
    long = np.flatnonzero(is_long.take(chosen))
    behind_space = letters.codes.take(where.take(long) - 1) == SPACE
    hashes[long] = (ahead.take(long) & _FIRST_BYTES[4]) ^ behind_space
    return which.take(chosen), _mixed(hashes * _MULTIPLIERS[3])


def unknown_places(letters: Letters, tokens: NDArray[np.int8]) -> Places:
    """Places where characters begin outside words that are known, but for NUL, which separates texts."""
    is_unknown = tokens == UNKNOWN
    mask = (letters.codes != 0) & ~letters.is_letter
    mask[letters.begins - 1] &= is_unknown | ~letters.own_space
    which = np.flatnonzero(is_unknown)
    begins, sizes = letters.begins.take(which), (letters.ends - letters.begins).take(which)
    mask[np.repeat(begins - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())] = True
    # No token begins inside a character: its later bytes are 0x80 to 0xBF.
    mask &= letters.codes & np.uint8(0xC0) != 0x80
    return np.flatnonzero(mask)


def pairs_at(letters: Letters, places: Places) -> NDArray[np.uint16]:
    """For each place the byte before it, and its kind above that: of a longer character, what its first bytes say."""
    codes = letters.codes
    kinds = codes.take(places)
    if not letters.data.isascii():
        kinds = _character_kinds().take(kinds.astype(np.uint16) | (codes.take(places + 1).astype(np.uint16) << 8))
    pairs: NDArray[np.uint16] = codes.take(places - 1) | (kinds.astype(np.uint16) << np.uint16(8))
    return pairs


@cache
def _weights() -> _Weights:
    raw = np.frombuffer(resources.files("batch.tokens").joinpath("token_weights.bin").read_bytes(), np.uint8)
    return _Weights(raw[: 1 << 16], raw[1 << 16 :])


@cache
def _character_kinds() -> NDArray[np.uint8]:
    """The kind of a byte and the one behind it, given as a number of both: below 128 the character itself."""
    kinds = np.full((256, 256), _INSIDE, np.uint8)  # [second byte, first byte]
    kinds[:, :128] = np.arange(128)
    following = 128
    seconds = np.arange(256)
    for first, last, lowest, step, count in _KINDS:
        for byte in range(first, last + 1):
            kinds[:, byte] = following + (np.clip((seconds - lowest) // step, 0, count - 1) if count else 0)
            following += count
        following += count == 0
    return kinds.reshape(-1)
