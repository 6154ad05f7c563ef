"""Text is read in the encoding that it has, or that is assumed and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.errors import Fault
from lifecycle.inputs.files import text_file
from lifecycle.inputs.files.text_file import read_text


@pytest.mark.parametrize(
    ("data", "assumed"),
    [
        ("Grüße".encode(), False),
        ("Grüße".encode("utf-8-sig"), False),
        ("Grüße".encode("utf-16"), False),
        ("Grüße".encode("cp1252"), True),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, data: bytes, assumed: bool) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    text, words = read_text(tmp_path / "a.txt", len(data))
    assert (text, bool(words)) == ("Grüße", assumed)


@pytest.mark.parametrize(("data", "fault"), [(b"  \n", "is empty"), (b"a\0b", "not known"), (b"x" * 50, "longer")])
def test_what_is_no_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, fault: str) -> None:
    monkeypatch.setattr(text_file, "LINE_LIMIT_BYTES", 80)
    (tmp_path / "a.txt").write_bytes(data)
    found, _ = read_text(tmp_path / "a.txt", len(data))
    assert isinstance(found, Fault) and fault in found.fault
