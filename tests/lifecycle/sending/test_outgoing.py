"""What is sent of a shard, from whatever position it is read."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest

from batch.media.blob_uri import blob_part
from lifecycle.core.run_files import BLOBS
from lifecycle.sending import outgoing
from lifecycle.sending.outgoing import OutgoingRequests, with_files

CONTENTS = {"a" * 64: b"", "b" * 64: b"x", "c" * 64: bytes(range(256)) * 3, "d" * 64: b"a file at Google"}
URIS = {"d" * 64: "https://g/files/d"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(outgoing, "BLOCK_BYTES", 30)
    (tmp_path / BLOBS).mkdir()
    for name, data in CONTENTS.items():
        (tmp_path / BLOBS / name).write_bytes(data)
    names = list(CONTENTS)
    with (tmp_path / "requests.jsonl").open("wb") as out:
        for n in range(12):
            parts = b",".join(blob_part(name, "image/png") for name in names[: n % 5])
            out.write(b'{"key":"k%d","request":{"contents":[{"parts":[%b]}]}}\n' % (n, parts))
    return tmp_path


def sent(folder: Path) -> bytes:
    lines = (folder / "requests.jsonl").read_bytes().splitlines(keepends=True)
    return b"".join(with_files(line, folder, URIS) for line in lines)


def test_each_blob_is_sent_as_base64_or_named_by_its_address(folder: Path) -> None:
    parts = json.loads(sent(folder).splitlines()[4])["request"]["contents"][0]["parts"]
    inline = [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(d).decode()}} for d in CONTENTS.values()
    ]
    assert parts == [*inline[:3], {"fileData": {"fileUri": "https://g/files/d", "mimeType": "image/png"}}]


@pytest.mark.parametrize("chunk", [1, 7, 100, 10_000])
def test_reading_in_chunks_gives_the_whole_and_its_size(folder: Path, chunk: int) -> None:
    requests = OutgoingRequests(folder / "requests.jsonl", folder, URIS)
    with requests.open() as stream:
        whole = b"".join(iter(lambda: stream.read(chunk), b""))
    assert whole == sent(folder) and requests.size == len(whole)


def test_reading_goes_on_from_any_position(folder: Path) -> None:
    whole, rng = sent(folder), random.Random(1)
    with OutgoingRequests(folder / "requests.jsonl", folder, URIS).open() as stream:
        for position in [0, len(whole), len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(300))]:
            stream.seek(position)
            assert stream.read(50) == whole[position : position + 50]
            assert stream.read(9) == whole[position + 50 : position + 59]


def test_the_fingerprint_is_that_of_what_is_sent(folder: Path) -> None:
    path = folder / "requests.jsonl"
    first = OutgoingRequests(path, folder, URIS).fingerprint
    assert first == OutgoingRequests(path, folder, URIS).fingerprint
    assert first != OutgoingRequests(path, folder, {}).fingerprint
    path.write_bytes(path.read_bytes() + b"\n")
    assert first != OutgoingRequests(path, folder, URIS).fingerprint
