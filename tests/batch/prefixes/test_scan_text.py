"""The scan inside texts: lines read together are written down as if read alone, and no shared text is missed."""

from __future__ import annotations

import io
import json
from random import Random

import numpy as np
import pytest

from batch.prefixes import scan, scan_text
from batch.prefixes.forest import PrefixForest, find_prefixes
from batch.prefixes.scan_text import TextScan
from batch.prefixes.text_beginnings import TextBeginnings
from tests.planner_reference import Json, random_batch, random_json_dump, tokens_of_part

PIECES = ["alpha", 'be "q"', "gam\\ma", "ze/ta", "é", "\n", "\n\n", "\r\n", "x" * 60]


def prose(random: Random, size: int) -> str:
    return " ".join(random.choice(PIECES) for _ in range(size // 5))[:size]


def long_rows(random: Random) -> list[Json]:
    """Documents of all sizes that begin alike up to some place, and questions, in one text, in several, in turns."""
    head = prose(random, random.choice([0, 200, 700, 2_500]))
    sizes = [50, 400, 1_500, 2_046, 2_049, 3_000, 9_000]
    documents = [head + prose(random, random.choice(sizes)) for _ in range(random.choice([1, 3, 9]))]
    rows: list[Json] = []
    for n in range(random.choice([30, 90])):
        document, other = random.choices(documents, k=2)
        question = random.choice([f"q {n}", f"line\nof {n}\nmore", "same", prose(random, 300), ""])
        parts = random.choice(
            [[document + "\n\n" + question], [document, question], [question + "\n" + document + "\n"]]
        )
        turns: list[Json] = [{"role": "user", "parts": [{"text": text} for text in parts]}]
        if random.random() < 0.3:
            turns += [{"role": "model", "parts": [{"text": other}]}, {"parts": [{"text": other + question}]}]
        if random.random() < 0.1:
            turns[-1]["parts"].append({"fileData": {"fileUri": "a"}})
        settings = random.choice([{}, {}, {"generationConfig": {"temperature": 0}}])
        rows.append({"key": f"k{n}", "request": {"contents": turns, **settings}})
    rows.append({"key": "c", "request": {**rows[0]["request"], "cachedContent": "cachedContents/a"}})
    rows.append({"key": "n", "request": {"contents": []}})
    return random.sample(rows, len(rows))


def scanned(data: bytes, streamed: bool, min_tokens: float) -> TextScan:
    scanning = TextScan(tokens_of_part, {"cachedContents/a": 1_000})
    first, second = (io.BytesIO(data) if streamed else data.splitlines(keepends=True) for _ in range(2))
    scanning.read(first, second, min_tokens)
    return scanning


def test_lines_read_together_are_written_down_as_if_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (scan, scan_text):
        monkeypatch.setattr(module, "SURELY_MEASURED", 3)
        monkeypatch.setattr(module, "MEASURED_EVERY", 11)
    together = 0
    for seed in range(40):
        random = Random(seed)
        rows = long_rows(random) if seed % 3 else [{"key": "k", "request": row} for row in random_batch(random, 30)]
        dump = random.choice([lambda row: json.dumps(row, separators=(",", ":")), random_json_dump(random)])
        data = "".join(dump(row) + "\n" for row in rows).encode()
        data = data if random.random() < 0.8 else data.replace(b"\n", b"\n\n", 5)[:-1]
        monkeypatch.setattr(scan, "BLOCK_BYTES", random.choice([300, 30_000, 1 << 20]))
        min_tokens = random.choice([0.0, 600.0])
        with monkeypatch.context() as alone:
            alone.setattr(TextScan, "_read_block", lambda self, text: self._read_lines(io.BytesIO(text)))
            expected = scanned(data, True, min_tokens)
        found = scanned(data, random.random() < 0.5, min_tokens)
        assert found.rows == expected.rows, seed
        assert found.prefixes.ids == expected.prefixes.ids, seed
        assert found.prefixes.tokens == expected.prefixes.tokens, seed
        assert found.own_cache_rows == expected.own_cache_rows, seed
        together += len(found._shapes._known)
    assert together > 100


def forests(rows: list[Json], min_tokens: float) -> PrefixForest:
    data = [json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows]
    return find_prefixes(lambda: data, "text", tokens_of_part, min_tokens=min_tokens).forest


def same(one: PrefixForest, other: PrefixForest) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


@pytest.mark.parametrize("min_tokens", [0.0, 600.0])
def test_what_is_compared_with_the_last_row_or_left_out_changes_no_prefix(
    min_tokens: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row's cuts named one by one, up to the next place of the grid, give the same tree."""
    shared = 0
    for seed in range(40):
        rows = long_rows(Random(seed))
        found = forests(rows, min_tokens)
        with monkeypatch.context() as plainly:
            plainly.setattr(scan_text._UnsharedText, "count_same", lambda *_: 0)
            plainly.setattr(TextBeginnings, "reach", lambda self, text, seed, until: until)
            expected = forests(rows, min_tokens)
        assert same(found, expected), seed
        shared += len(found)
    assert shared > 1_000
