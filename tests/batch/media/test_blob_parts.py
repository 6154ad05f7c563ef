"""A request's JSON is cut at its blobs, and nowhere else."""

from __future__ import annotations

import base64
import json

import pytest

from batch.media.blob_parts import BlobPart, cut_at_blobs, encoded_size, file_reference, inline_frame
from batch.media.blob_uri import blob_part

SHA, OTHER = "a" * 64, "b" * 64


def test_a_line_is_cut_at_each_blob_and_joins_to_what_it_was() -> None:
    line = b'{"parts":[{"text":"x"},%b,{"mediaResolution":{"level":"L"},%b' % (
        blob_part(SHA, "image/png"),
        blob_part(OTHER, "application/pdf")[1:] + b"]}",
    )
    pieces = cut_at_blobs(line)
    assert [piece for piece in pieces if isinstance(piece, BlobPart)] == [
        BlobPart(SHA, "image/png"),
        BlobPart(OTHER, "application/pdf"),
    ]
    sent = b"".join(
        piece if isinstance(piece, bytes) else file_reference("https://g/files/x", piece.mime_type) for piece in pieces
    )
    parts = json.loads(sent)["parts"]
    assert parts[1] == {"fileData": {"fileUri": "https://g/files/x", "mimeType": "image/png"}}
    assert parts[2]["mediaResolution"] == {"level": "L"}


@pytest.mark.parametrize(
    "line",
    [
        b'{"text":"say \\"fileData\\":{\\"fileUri\\":\\"blob:%b\\"}"}' % SHA.encode(),
        b'{"fileData":{"fileUri":"https://g/files/abc","mimeType":"image/png"}}',
        b'{"fileData":{"fileUri":"blob:short"}}',
        b'{"text":"\\"blob:"}',
    ],
    ids=["inside a text", "an uploaded file", "no hash", "the word alone"],
)
def test_what_names_no_blob_is_sent_as_it_stands(line: bytes) -> None:
    assert b"".join(piece for piece in cut_at_blobs(line) if isinstance(piece, bytes)) == line


def test_order_and_blanks_inside_the_part_do_not_matter() -> None:
    line = b'{"fileData" : { "mimeType": "image/webp", "fileUri": "blob:%b" }}' % SHA.encode()
    assert cut_at_blobs(line)[1] == BlobPart(SHA, "image/webp")


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1000])
def test_the_size_of_base64_is_known_before(size: int) -> None:
    assert encoded_size(size) == len(base64.b64encode(bytes(size)))


def test_the_frame_around_inline_data_is_json() -> None:
    before, behind = inline_frame('image/x;q="1"')
    assert json.loads(b"{" + before + b"QUI=" + behind + b"}") == {
        "inlineData": {"mimeType": 'image/x;q="1"', "data": "QUI="}
    }
