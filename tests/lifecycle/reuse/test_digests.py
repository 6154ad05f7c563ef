"""Requests that ask the same have one digest, however they are written, and no others do."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from lifecycle.reuse.digests import DIGEST, NO_DIGEST, Digester, read_digests
from tests.lifecycle.run_fixture import RunFixture

LINE = (
    b'{"key":"k","request":{"contents":[{"role":"user","parts":[{"text":"a"}]}],'
    b'"generationConfig":{"topP":1,"seed":2}}}'
)
LINES = {
    "spaces": orjson.dumps(orjson.loads(LINE), option=orjson.OPT_INDENT_2).replace(b"\n", b" "),
    "order": b'{"request":{"generationConfig":{"seed":2,"topP":1},"contents":[{"parts":[{"text":"\\u0061"}],'
    b'"role":"user"}]},"key":"k"}',
}
OTHER_LINES = {
    "text": LINE.replace(b'"a"', b'"b"'),
    "setting": LINE.replace(b'"seed":2', b'"seed":3'),
    "field": LINE.replace(b'"contents"', b'"safetySettings":[],"contents"'),
    "turns": LINE.replace(b'[{"text":"a"}]}]', b'[{"text":"a"}]},{"role":"user","parts":[{"text":"a"}]}]'),
}


def digest(line: bytes) -> bytes:
    return Digester().digest(line)[:16]


@pytest.mark.parametrize("name", LINES)
def test_what_is_written_otherwise_is_the_same(name: str) -> None:
    assert digest(LINES[name]) == digest(LINE) != NO_DIGEST


@pytest.mark.parametrize("name", OTHER_LINES)
def test_what_asks_otherwise_is_not(name: str) -> None:
    assert digest(OTHER_LINES[name]) not in (digest(LINE), NO_DIGEST)


def test_the_key_stands_beside_the_digest() -> None:
    other_key = Digester().digest(LINE.replace(b'"k"', b'"K"'))
    assert other_key[:16] == digest(LINE)
    assert other_key[16:] != Digester().digest(LINE)[16:]


@pytest.mark.parametrize("line", [LINE.replace(b'"contents"', b'"cachedContent":"cachedContents/x","contents"'), b"{"])
def test_what_nobody_can_compare_has_none(line: bytes) -> None:
    assert digest(line) == NO_DIGEST


def test_they_are_kept_and_made_anew_where_the_rows_are_others(tmp_path: Path) -> None:
    run = RunFixture(tmp_path).send(["a", "b"])
    digests = read_digests(tmp_path)
    (tmp_path / "requests.jsonl").write_bytes(b"")
    assert read_digests(tmp_path).tolist() == digests.tolist()
    run.send(["a", "b", "c"])
    assert read_digests(tmp_path)["high"][:2].tolist() == digests["high"].tolist()
    assert (tmp_path / "digests-1.bin").stat().st_size == 3 * DIGEST.itemsize
