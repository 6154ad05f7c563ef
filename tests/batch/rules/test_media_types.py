"""Media are known by their first bytes, in whatever way these are encoded, and no data stops the check."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.media.file_types import sniff
from batch.rules.media_types import FINE, judge_blob

STARTS = {
    b"\x89PNG\r\n\x1a\n\0\0": "image/png",
    b"\xff\xd8\xff\xe0": "image/jpeg",
    b"RIFF\x24\0\0\0WEBPVP8 ": "image/webp",
    b"RIFF\x24\0\0\0WAVEfmt ": "audio/wav",
    b"RIFF\x24\0\0\0AVI LIST": "video/avi",
    b"\0\0\0\x18ftypheic": "image/heic",
    b"\0\0\0\x18ftypavif": "image/avif",
    b"\0\0\0\x18ftypmp42": "video/mp4",
    b"OggS\0": "audio/ogg",
    b"%PDF-1.7": "application/pdf",
    b"\xef\xbb\xbf \n<!doctype HTML>": "text/html",
    b"<?xml version='1.0'?><svg/>": "image/svg+xml",
    b"<?xml version='1.0'?><Error/>": "application/xml",
    b'{"error": {}}': "application/json",
    b"": "",
    b"\0\0\0\0": "",
}


@pytest.mark.parametrize(("head", "kind"), STARTS.items(), ids=map(repr, STARTS))
def test_the_first_bytes_tell_the_type(head: bytes, kind: str) -> None:
    assert sniff(head) == kind


def test_both_alphabets_of_base64_are_read() -> None:
    data = base64.b64encode(b"\xff\xd8\xff\xff\xfe" + bytes(40))
    for text in (data, data.translate(bytes.maketrans(b"+/", b"-_"))):
        assert judge_blob("image/jpeg", text.decode(), "p") is FINE
        assert judge_blob("application/pdf", text.decode(), "p").fault


@given(st.text(max_size=60), st.text(max_size=3000))
def test_no_type_and_no_data_stop_the_check(declared: str, data: str) -> None:
    judge_blob(declared, data, "p")


@given(st.binary(max_size=400))
def test_what_begins_with_zeros_is_never_taken_for_something_else(tail: bytes) -> None:
    assert judge_blob("image/png", base64.b64encode(bytes(16) + tail).decode(), "p") is FINE
