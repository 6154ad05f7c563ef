"""Which of the encodings from before Unicode some bytes are in: the one in which they are the likeliest text."""

from __future__ import annotations

from typing import NamedTuple

from batch.sniffing.likely_text import likelihood, script_of

# Each with the name that people know, and what is taken off since the encoding is rare.
CANDIDATES = (
    ("cp1252", "Windows-1252", 0.0),
    ("cp1251", "Windows-1251", 0.0),
    ("cp1250", "Windows-1250", 0.07),
    ("gb18030", "GB18030", 0.05),
    ("cp932", "Shift-JIS", 0.05),
    ("cp949", "EUC-KR", 0.05),
    ("big5", "Big5", 0.08),
    ("euc_jp", "EUC-JP", 0.08),
    ("cp1253", "Windows-1253", 0.05),
    ("cp1254", "Windows-1254", 0.05),
    ("cp1255", "Windows-1255", 0.05),
    ("cp1256", "Windows-1256", 0.05),
    ("cp1257", "Windows-1257", 0.08),
    ("cp874", "Windows-874", 0.08),
    ("iso8859_2", "ISO-8859-2", 0.04),
    ("iso8859_15", "ISO-8859-15", 0.03),
    ("iso8859_5", "ISO-8859-5", 0.12),
    ("koi8_r", "KOI8-R", 0.1),
    ("koi8_u", "KOI8-U", 0.11),
    ("cp866", "DOS-866", 0.1),
    ("mac_roman", "Mac Roman", 0.1),
    ("mac_cyrillic", "Mac Cyrillic", 0.08),
    ("mac_latin2", "Mac Central European", 0.15),
    ("cp850", "DOS-850", 0.12),
    ("cp437", "DOS-437", 0.14),
    ("cp852", "DOS-852", 0.14),
)
NAMES = {codec: name for codec, name, _ in CANDIDATES}
PLAUSIBLE = 0.45
RIVAL = 0.7
CLEAR_LEAD = 0.05
SHORT = 60  # letters that tell little: a text in another script that is plausible as well leaves a doubt


class LegacyGuess(NamedTuple):
    """The likeliest encodings, best first, by Python's names. `sure`: the best is plausible, and well before others."""

    codecs: tuple[str, ...]
    sure: bool


def guess_encoding(sample: bytes) -> LegacyGuess:
    """Rank the encodings for some bytes that are not UTF-8. Encodings that give the same text count as one."""
    ranked: dict[str, tuple[float, str]] = {}
    scripts: dict[str, str] = {}
    for codec, _, handicap in CANDIDATES:
        text = _decoded(sample, codec)
        if text is None:
            continue
        points = likelihood(text) - handicap
        if text not in ranked or points > ranked[text][0]:
            ranked[text] = (points, codec)
            scripts[codec] = script_of(text)
    best = sorted(ranked.values(), reverse=True)
    if not best:
        return LegacyGuess((), False)
    lead = best[0][0] - best[1][0] if len(best) > 1 else 1.0
    sure = best[0][0] >= PLAUSIBLE and lead >= CLEAR_LEAD
    if sum(byte > 127 for byte in sample) < SHORT:
        sure = sure and not any(points >= RIVAL and scripts[codec] != scripts[best[0][1]] for points, codec in best)
    return LegacyGuess(tuple(codec for _, codec in best), sure)


def _decoded(sample: bytes, codec: str) -> str | None:
    """The text, None where bytes have no meaning. A character that the sample's end cuts is let go."""
    try:
        return sample.decode(codec)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 3:
            return None
        return sample[: error.start].decode(codec)
