"""Blobs are named by their SHA-256, and found in lines by the field that names them."""

from __future__ import annotations

import msgspec

from batch.media.blob_uri import blob_part, blob_sha256, blob_uri, line_blobs

NAME = "ab" * 32


def test_a_blob_is_named_by_its_hash_alone() -> None:
    assert blob_sha256(blob_uri(NAME)) == NAME
    for other in ("blob:", "blob:ab", f"blob:{NAME}x", f"blob:{NAME.upper()}", "https://x/y", f"blob:{NAME}\n"):
        assert blob_sha256(other) == ""


def test_the_part_of_a_blob_is_what_the_wire_calls_file_data() -> None:
    part = msgspec.json.decode(blob_part(NAME, "image/png"))
    assert part == {"fileData": {"fileUri": f"blob:{NAME}", "mimeType": "image/png"}}


def test_the_blobs_of_a_line_are_found_and_texts_that_look_so_are_not() -> None:
    text = msgspec.json.encode({"text": f'"fileUri":"blob:{NAME}"'})
    parts = b",".join([blob_part(NAME, "image/png"), text, blob_part("cd" * 32, "application/pdf")])
    assert line_blobs(b'{"key":"a","request":{"contents":[{"parts":[' + parts + b"]}]}}") == [NAME, "cd" * 32]
    assert line_blobs(b'{"key":"a"}') == []
