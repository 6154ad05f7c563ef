"""How many tokens UTF-8 bytes have: by the words that are known whole, and by pairs of neighbouring characters.

`token_weights.bin` holds what `scripts/calibrate_tokens.py` measured with the Gemma 3 tokenizer: for 65,536 pairs (a
character's last byte, the next one's kind) how often a token begins between them, in 64ths, 0 where that was hardly
ever seen; and for 100,000 words how many tokens they are, found by hash.
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
AT_ONCE = 1 << 15
"""So many bytes of several texts are weighed at once: enough to share the cost of each step, few enough for caches."""
SPACE = 32
_STEP = 1 / 64
_HALF, _LOW = 32, (1 << 32) - 1
_UNSEEN, _UNSEEN_LONG = 32, 128
"""What the calibration hardly saw, in units of `_STEP`: a byte, and a longer character, which goes byte by byte."""
_SLOT_BITS, _TAG_BITS = 17, 6
_PRIME = 0x9E3779B97F4A7C15

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

Words = NDArray[np.uint64]


class ByteTokens(NamedTuple):
    """Estimated tokens, and how many of them stand in what the calibration hardly knows."""

    tokens: float
    unfamiliar: float


class ManyTokens(NamedTuple):
    """The same of many texts, a number for each."""

    tokens: NDArray[np.float64]
    unfamiliar: NDArray[np.float64]


class FoundWords(NamedTuple):
    """Runs of letters, each with the single space before it: where it begins and ends, and a hash of its letters."""

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    hashes: Words


class _Weights(NamedTuple):
    pairs: NDArray[np.int64]
    words: NDArray[np.uint8]


def weigh(data: bytes) -> ByteTokens:
    """Tokens of UTF-8 bytes; what is not UTF-8 gets some figure, never an error."""
    many = weigh_many((data,))
    return ByteTokens(float(many.tokens[0]), float(many.unfamiliar[0]))


def weigh_many(texts: Sequence[bytes]) -> ManyTokens:
    """Tokens of many texts of UTF-8 bytes, in their order: exactly what `weigh` says of each, at a tenth of its cost.

    Takes any number of texts of any sizes, `()` and empty ones too, and returns two arrays of float64 with a number for
    each text: `tokens` (0.0 of an empty text; not rounded, as in `weigh`), and `unfamiliar`, for
    `batch.tokens.text_tokens.margin`. Beside them it needs memory for some 100 kB of text at a time.
    """
    looked_at = [data if len(data) <= SAMPLED_FROM else _slices(data) for data in texts]
    sizes = np.fromiter(map(len, looked_at), np.int64, len(looked_at))
    sums = np.empty(len(looked_at), np.int64)
    ends = np.cumsum(sizes + 1)
    first = 0
    while first < len(looked_at):
        before = ends[first] - sizes[first] - 1
        last = max(first + 1, int(np.searchsorted(ends, before + AT_ONCE, "right")))
        sums[first:last] = _weigh_joined(looked_at[first:last], sizes[first:last])
        first = last
    factors = np.full(len(looked_at), _STEP)
    for place, data in enumerate(texts):
        if len(data) > SAMPLED_FROM:
            factors[place] *= len(data) / (SAMPLED_FROM // SLICE // 2 * (SLICE + 1))
    return ManyTokens((sums & _LOW) * factors, (sums >> _HALF) * factors)


def _slices(data: bytes) -> bytes:
    """Pieces of a long text, evenly spread."""
    starts = np.linspace(0, len(data) - SLICE, SAMPLED_FROM // SLICE // 2).astype(int).tolist()
    return b"\n".join([data[start : start + SLICE] for start in starts])


def _weigh_joined(texts: Sequence[bytes], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums for each of a few texts: tokens, and above `_HALF` bits those that are unfamiliar, in units of `_STEP`.

    Whole numbers come to the same sum in every order, so that a text weighs the same in whatever company.
    """
    weights, data = _weights(), b"\0".join(texts)
    pairs, words = find_pairs(data), find_words(data)
    sums = np.zeros(len(data) + 1, np.int64)
    np.cumsum(weights.pairs.take(pairs), out=sums[1:])
    tokens = tokens_of_words(weights.words, words.hashes)
    known = tokens > 0
    # Of a word that is known whole, its tokens count in place of its pairs'; what was unfamiliar in it still counts.
    instead = tokens * np.int64(round(1 / _STEP)) - ((sums[words.ends] - sums[words.begins]) & _LOW)
    corrections = np.zeros(len(words.begins) + 1, np.int64)
    np.cumsum(instead * known, out=corrections[1:])
    ends = np.cumsum(sizes + 1) - 1
    begins = ends - sizes
    corrected = corrections[np.searchsorted(words.ends, ends, "right")]
    corrected -= corrections[np.searchsorted(words.ends, begins, "right")]
    found: NDArray[np.int64] = sums[ends] - sums[begins] + corrected
    return found


def find_pairs(data: bytes) -> NDArray[np.uint16]:
    """For each byte the byte before it, and its kind above that: of a longer character, what its first two bytes say.

    An overlapping view reads two bytes at every place, and costs no copy.
    """
    padded, size = b"\0" + data + b"\0", len(data)
    before: NDArray[np.uint16] = np.ndarray((size,), "<u2", padded, 0, (1,))
    if data.isascii():
        return before
    kinds = _character_kinds().take(np.ndarray((size,), "<u2", padded, 1, (1,)))
    return (before & np.uint16(0xFF)) | (kinds.astype(np.uint16) << np.uint16(8))


def find_words(data: bytes) -> FoundWords:
    """The words of some bytes; the hashes of all come out of one running sum."""
    codes, size = np.frombuffer(b"\0\0" + data + b"\0", np.uint8), len(data)
    is_letter = _letters().take(codes)
    edges = np.flatnonzero(is_letter[2:] != is_letter[1:-1])
    begins, ends = edges[::2], edges[1::2]
    powers, inverse = _powers()
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum((codes[2:-1] + np.uint64(1)) * powers[:size], out=sums[1:])
    hashes = (sums[ends] - sums[begins]) * inverse[begins]
    hashes = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    # A word and the single space before it are one piece for the tokenizer; several spaces are one of their own.
    own_space = (codes[begins + 1] == SPACE) & (codes[begins] != SPACE)
    return FoundWords(begins - own_space, ends, hashes)


def tokens_of_words(table: NDArray[np.uint8], hashes: Words) -> NDArray[np.uint8]:
    """Of each word its tokens, 0 where it is not known."""
    slots, tags = slot_and_tag(hashes)
    entries = table.take(slots)
    return np.where((entries >> np.uint8(2)) == tags, entries & np.uint8(3), np.uint8(0))


def slot_and_tag(hashes: Any) -> tuple[Any, Any]:
    """Where the table has a word of a hash, and the tag that it has there. For one hash, or for an array of them."""
    if isinstance(hashes, int):
        return hashes >> (64 - _SLOT_BITS), hashes >> (64 - _SLOT_BITS - _TAG_BITS) & ((1 << _TAG_BITS) - 1)
    slots = (hashes >> np.uint64(64 - _SLOT_BITS)).astype(np.int64)
    tags = (hashes >> np.uint64(64 - _SLOT_BITS - _TAG_BITS)).astype(np.uint8) & np.uint8((1 << _TAG_BITS) - 1)
    return slots, tags


@cache
def _weights() -> _Weights:
    raw = np.frombuffer(resources.files("batch.tokens").joinpath("token_weights.bin").read_bytes(), np.uint8)
    pairs = raw[: 1 << 16].astype(np.int64)
    unseen = pairs == 0
    # Inside a character no token begins as a rule, whether or not the pair was seen.
    unseen[_INSIDE << 8 :] = False
    pairs[unseen] = _UNSEEN
    pairs[128 << 8 :][unseen[128 << 8 :]] = _UNSEEN_LONG
    return _Weights(pairs | (pairs * unseen) << _HALF, raw[1 << 16 :])


@cache
def _letters() -> NDArray[np.bool_]:
    """Bytes that are letters, or parts of characters beyond ASCII."""
    is_letter = np.zeros(256, bool)
    is_letter[list(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] = True
    is_letter[128:] = True
    return is_letter


@cache
def _powers() -> tuple[Words, Words]:
    """Powers of a number, and of its inverse, for hashes of any piece of a text that is looked at at once."""
    both = []
    for base in (_PRIME, pow(_PRIME, -1, 1 << 64)):
        powers = np.full(AT_ONCE + SAMPLED_FROM, base, np.uint64)
        powers[0] = 1
        both.append(np.cumprod(powers))
    return both[0], both[1]


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
