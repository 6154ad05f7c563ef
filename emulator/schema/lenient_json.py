"""JSON as Google's servers take it: also with single quotes, bare names and commas before a closing bracket.

The Batch guide and the guide to files print their curl examples with single-quoted bodies, so those must work.
"""

import re
from typing import Any

import orjson

_TOKEN = re.compile(  # possessive, and words are read whole: linear in its input
    r"""(?P<plain>"(?:[^"\\]|\\.)*+(?:"|\\?\Z))|'(?P<single>(?:[^'\\]|\\.)*+)(?:'|\\?\Z)"""
    r"""|(?P<word>[A-Za-z_$][\w$]*+)(?:(?=\s*+(?P<colon>:))|)|(?P<comma>,)(?=\s*+[\]}])""",
    re.S,
)


def loads(raw: bytes | bytearray) -> Any:
    """Parse JSON, strictly first. Raises orjson.JSONDecodeError of the strict reading if neither takes it."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as strict_error:
        try:
            return orjson.loads(_TOKEN.sub(_to_strict, raw.decode()))
        except ValueError:
            raise strict_error from None


def _to_strict(match: "re.Match[str]") -> str:
    if match["single"] is not None:
        inside = re.sub(r'\\(\')|(")|\\.', lambda m: m[1] or ('\\"' if m[2] else m[0]), match["single"], flags=re.S)
        return f'"{inside}"'
    if match["word"]:
        return f'"{match["word"]}"' if match["colon"] else match["word"]
    return match["plain"] or ""
