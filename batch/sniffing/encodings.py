"""Which encoding a file of text is in, from its mark, its NULs, its UTF-8, or the likeliest text."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import BinaryIO

from batch.errors import InputError
from batch.sniffing.legacy_encodings import NAMES, LegacyGuess, guess_encoding

UTF8 = "utf-8-sig"
CHUNK_BYTES = 1 << 20
SAMPLE_BYTES = 12_000
GLANCE_BYTES = 1 << 18
NEARLY_ALL = 0.9  # of the bytes beyond ASCII are UTF-8: the file is, and some of it is damaged
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SPOKEN = {
    UTF8: "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 without a mark",
    "utf-16-be": "UTF-16 without a mark",
    "utf-32": "UTF-32",
    **NAMES,
}


@dataclass(frozen=True)
class FoundEncoding:
    """A text's encoding by Python's name, and the first line seen that is not UTF-8 (0 if all is).

    `question` is what only a person can decide, "" if nothing; `others` are the next likely encodings.
    """

    codec: str
    bad_line: int = 0
    question: str = ""
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name that people know it by."""
        return spoken_name(self.codec)


def spoken_name(codec: str) -> str:
    return _SPOKEN.get(codec, codec)


def find_encoding(stream: BinaryIO, *, glance: bool = False) -> FoundEncoding:
    """Find out how a text is encoded. Reads the stream to its end, or only its beginning at a `glance`."""
    start = stream.read(GLANCE_BYTES)
    for mark, codec in _MARKS:
        if start.startswith(mark) and codec != UTF8:
            return FoundEncoding(codec)
    if wide := _wide_encoding(start):
        return FoundEncoding(wide)
    look = _Look()
    block = start
    while block:
        look.take(block)
        block = b"" if glance else stream.read(CHUNK_BYTES)
    if not glance:
        look.end()
    look.count_lines(stream)
    return look.verdict()


def named_encoding(name: str) -> FoundEncoding:
    """The encoding that a person named. Raises InputError if there is none of that name."""
    folded = name.strip().casefold()
    known = {spoken.casefold(): codec for codec, spoken in _SPOKEN.items()}
    known |= {"utf-8": UTF8, "utf8": UTF8, "ansi": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "latin1": "cp1252"}
    known |= {"euc-kr": "cp949", "shift_jis": "cp932", "iso-8859-1": "cp1252", "windows-31j": "cp932"}
    codec = known.get(folded, folded)
    try:
        info = codecs.lookup(codec)
        is_text: bool = getattr(info, "_is_text_encoding", True)
    except (LookupError, ValueError):
        is_text = False
    if not is_text or not codec:
        raise InputError(f'There is no encoding "{name.strip()}".', "Use UTF-8, Windows-1252, GB18030 or the like.")
    return FoundEncoding(codec)


def _wide_encoding(start: bytes) -> str:
    """UTF-16 without a mark: about every second byte is NUL, and the others are not."""
    pairs = len(start) // 2
    if pairs < 2:
        return ""
    even, odd = start[: 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    if odd > 0.6 * pairs and even < 0.02 * pairs:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 * pairs and odd < 0.02 * pairs else ""


class _Look:
    """What was seen of a text's bytes so far."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._size = self._bad_at = 0
        self._is_bad = self._is_cut = self._is_foreign = False
        self._bad_line = 0
        self._sample = bytearray()
        self._valid = self._invalid = 0

    def take(self, block: bytes) -> None:
        if not self._is_bad and not block.isascii():
            unfinished = len(self._decoder.getstate()[0])
            try:
                self._is_foreign |= not self._decoder.decode(block).isascii()
            except UnicodeDecodeError as error:
                self._is_bad, self._bad_at = True, self._size + max(0, error.start - unfinished)
        elif not self._is_bad:
            self._finish(block[:1])
        if self._is_bad and len(self._sample) < SAMPLE_BYTES:
            self._collect(block)
        self._size += len(block)

    def _finish(self, following: bytes) -> None:
        """A character that the last block began must have ended there, when only ASCII follows."""
        try:
            self._decoder.decode(following)
        except UnicodeDecodeError:
            self._is_bad, self._bad_at = True, self._size

    def count_lines(self, stream: BinaryIO) -> None:
        """Find out in which line the first bytes are that are not UTF-8. Reads the stream from its start."""
        if not self._is_bad:
            return
        stream.seek(0)
        left = self._bad_at
        self._bad_line = 1
        while left and (block := stream.read(min(left, CHUNK_BYTES))):
            self._bad_line += block.count(b"\n")
            left -= len(block)

    def _collect(self, block: bytes) -> None:
        """Keep lines with bytes outside of ASCII, and count how many of those would be UTF-8."""
        for line in block.splitlines():
            if not line.isascii():
                text = line[:4000].decode("utf-8", "replace")
                broken = text.count("\ufffd")
                self._invalid += broken
                self._valid += sum(character > "\x7f" for character in text) - broken
                self._sample += line[:4000] + b"\n"
            if len(self._sample) >= SAMPLE_BYTES:
                return

    def end(self) -> None:
        """A character that was begun has no more bytes to come."""
        if not self._is_bad:
            try:
                self._decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                self._is_bad, self._bad_at, self._is_cut = True, self._size, self._is_foreign
                self._sample += self._decoder.getstate()[0]
                self._invalid += 1

    def verdict(self) -> FoundEncoding:
        if not self._bad_line:
            return FoundEncoding(UTF8)
        if self._is_cut:
            question = f"The file ends in line {self._bad_line} in the middle of a character; it seems to be cut off."
            return FoundEncoding(UTF8, self._bad_line, question)
        if self._valid > NEARLY_ALL * (self._valid + self._invalid):
            question = f"The file is UTF-8, but in line {self._bad_line} some bytes are not."
            return FoundEncoding(UTF8, self._bad_line, question)
        return _legacy_verdict(guess_encoding(bytes(self._sample)), self._bad_line)


def _legacy_verdict(guess: LegacyGuess, bad_line: int) -> FoundEncoding:
    codec = guess.codecs[0] if guess.codecs else "cp1252"
    if guess.sure:
        return FoundEncoding(codec, bad_line, others=guess.codecs[1:4])
    likely = " or ".join(spoken_name(codec) for codec in guess.codecs[:3])
    question = f"The file is not UTF-8 (line {bad_line}), and its encoding is not clear"
    return FoundEncoding(
        codec, bad_line, f"{question}: it may be {likely}." if likely else f"{question}.", guess.codecs[1:4]
    )
