"""The length of sound is read from its header."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

from lifecycle.inputs.decoding import recordings


def test_the_length_of_a_wav(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0" * 8000 * 2 * 3)
    assert recordings.look(tmp_path / "a.wav", "audio/wav").seconds == 3.0


def test_the_length_of_a_webm(tmp_path: Path) -> None:
    (tmp_path / "a.webm").write_bytes(b"\x1aE\xdf\xa3\x44\x89\x84" + struct.pack(">f", 4000.0))
    assert recordings.look(tmp_path / "a.webm", "video/webm").seconds == 4.0


def test_where_the_length_is_not_told_it_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"RIFF\0\0\0\0AVI LIST")
    assert recordings.look(tmp_path / "a.bin", "video/avi").seconds is None
