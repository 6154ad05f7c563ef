"""JSON as Google's servers take it: also with single quotes, bare names and commas before a closing bracket.

The Batch guide and the guide to files print their curl examples with single-quoted bodies, so those must work.
"""

import re
from typing import Any

import orjson

_TOKEN = re.compile(
    r"""(?P<plain>"(?:[^"\\]|\\.)*")|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<name>[A-Za-z_$][\w$]*)(?=\s*:)|(?P<comma>,)(?=\s*[\]}])""",
    re.S,
)


def loads(raw: bytes | bytearray) -> Any:
    """Parse JSON, strictly first. Raises orjson.JSONDecodeError of the strict reading if neither takes it."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as wrong:
        try:
            return orjson.loads(_TOKEN.sub(_strict, raw.decode()))
        except ValueError:
            raise wrong from None


def _strict(found: "re.Match[str]") -> str:
    if found["single"] is not None:
        inside = re.sub(r'\\(\')|(")|\\.', lambda m: m[1] or ('\\"' if m[2] else m[0]), found["single"], flags=re.S)
        return f'"{inside}"'
    if found["name"]:
        return f'"{found["name"]}"'
    return found["plain"] or ""
