"""Lines read together: what is written down of them is what is written down of each alone."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from random import Random

import pytest

from batch.prefixes import scan
from batch.prefixes.line_shapes import CLOSING, HEAD, OPENING, UNKNOWN, LineBlock, LineShapes, RowShape, count_quotes
from batch.prefixes.scan import PrefixScan
from tests.planner_reference import Json, random_batch, random_json_dump, tokens_of_part

TAILS = [
    "plain",
    'a "quoted" word',
    "a\\",
    "\\\\",
    '\\"',
    'ends with a quote"',
    "",
    '{"text":"x"}',
    "line\nline",
    "ü€\ud83d\ude00",
]
KEYS = [
    "k",
    "row-{}",
    "a much longer key, longer than eight words of eight bytes are together, of number {}",
    'k"{}',
    "k\\",
]
SETTINGS: list[Json] = [
    {},
    {"generationConfig": {"temperature": 0}},
    {"generationConfig": {"seed": 7}, "safetySettings": []},
]


def scanned(data: bytes, streamed: bool = True) -> PrefixScan:
    scanning = PrefixScan(tokens_of_part, {"cachedContents/a": 1_000})
    stream = io.BytesIO(data)
    scanning.run(stream if streamed else list(stream), within_turns=True)
    return scanning


def compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def many_rows(random: Random) -> list[Json]:
    """A few requests many times, with other keys, last texts and settings; a few that are none or name a cache."""
    rows: list[Json] = []
    for request in random_batch(random, 6, with_tools=random.random() < 0.3):
        key, settings = random.choice(KEYS), random.choice(SETTINGS)
        for _ in range(random.choice([3, 40])):
            *turns, last = request["contents"]
            parts = [*last["parts"][:-1], {"text": random.choice(TAILS) * random.choice([1, 1, 9])}]
            body = {**request, "contents": [*turns, {**last, "parts": parts}], **settings}
            rows.append({"key": key.format(len(rows)), "request": body})
    rows.append({"key": "c", "request": {**rows[0]["request"], "cachedContent": "cachedContents/a"}})
    rows.append({"key": "n", "request": {"contents": []}})
    equal = {"parts": [{"text": "the same"}]}
    rows += [{"key": "s", "request": {"contents": [equal], "systemInstruction": equal}}] * 3
    return random.sample(rows, len(rows)) if random.random() < 0.5 else rows


@pytest.mark.parametrize("dump_of", [lambda random: compact, random_json_dump])
def test_lines_read_together_are_written_down_as_if_read_alone(
    dump_of: Callable[[Random], Callable[[Json], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "SURELY_MEASURED", 3)
    monkeypatch.setattr(scan, "MEASURED_EVERY", 11)
    together = 0
    for seed in range(40):
        random = Random(seed)
        dump = dump_of(random)
        data = "".join(dump(row) + "\n" for row in many_rows(random)).encode()
        data = data if random.random() < 0.8 else data.replace(b"\n", random.choice([b"\n\n", b"\r\n"]), 5)[:-1]
        monkeypatch.setattr(scan, "BLOCK_BYTES", random.choice([300, 5_000, 1 << 20]))
        with monkeypatch.context() as alone:
            alone.setattr(PrefixScan, "_read_block", lambda self, text: self._read_lines(io.BytesIO(text)))
            expected = scanned(data)
        found = scanned(data, streamed=random.random() < 0.5)
        assert found.rows == expected.rows, seed
        assert found.prefixes.ids == expected.prefixes.ids, seed
        assert found.prefixes.tokens == expected.prefixes.tokens, seed
        assert found.own_cache_rows == expected.own_cache_rows, seed
        assert found.suffixes._rows == expected.suffixes._rows, seed
        together += len(found._shapes._known)
    assert together > 100 or dump_of is random_json_dump  # most were read together


def block_of(*texts: str) -> LineBlock:
    rows = [{"key": f"k{n}", "request": {"contents": [{"parts": [{"text": text}]}]}} for n, text in enumerate(texts)]
    return LineBlock("".join(compact(row) + "\n" for row in rows).encode())


def shapes_of(line: bytes, part: bytes) -> LineShapes:
    shapes = LineShapes(lambda line: json.dumps(json.loads(line)["request"]["contents"][-1]["parts"][-1],
                                                separators=(",", ":")).encode())  # fmt: skip
    shapes.learn_ending(line, part)
    return shapes


def test_a_shape_is_known_by_what_is_not_key_or_text() -> None:
    block = block_of("one", 'two "quoted"', "three")
    shapes = shapes_of(block.line(0), b'{"text":"one"}')
    first = shapes.match(block)
    assert first.shape.tolist() == [UNKNOWN] * 3
    assert len(set(first.names)) == 1
    shapes.learn(first.names[0], block.line(0), b'{"text":"one"}', int(first.begin[0]), RowShape(1, 2, 3, 4.0, 5))
    again = shapes.match(block)
    assert again.shape.tolist() == [0, 0, 0]
    assert shapes.table[0].tolist() == (1, 2, 3, 4.0, 5, 13)
    parts = [block.text[begin:end] for begin, end in zip(again.begin.tolist(), again.end.tolist(), strict=True)]
    assert [json.loads(part)["text"] for part in parts] == ["one", 'two "quoted"', "three"]


def test_a_text_behind_the_last_part_is_not_taken_for_it() -> None:
    part = OPENING + b"same" + CLOSING
    line = (
        HEAD + b'k","request":{"contents":[{"parts":[' + part + b']}],"systemInstruction":{"parts":[' + part + b"]}}}\n"
    )
    shapes = shapes_of(line, part)
    assert shapes.match(LineBlock(line)).names == [0]


@pytest.mark.parametrize(
    ("text", "quotes"), [(b'"a"\n', 2), (b'"a\\"b"\n', 2), (b'"a\\\\"\n', None), (b'\n"\\n"\n', 2)]
)
def test_quotes_that_end_a_text_are_told_from_others(text: bytes, quotes: int | None) -> None:
    assert count_quotes(text) == quotes
