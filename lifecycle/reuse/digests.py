"""What each request asks, as a digest that is the same however its JSON is written; kept beside the requests.

Digests only find: before an answer is taken over, the requests themselves are compared. A request that names a cache
has none: what that cache held is not known, so its answer is never taken for another's.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow.parquet as pq
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from lifecycle.core.draft_links import whole_requests
from lifecycle.core.run_files import DIGESTS, INPUTS
from lifecycle.requests.request_file import open_requests

DIGEST = np.dtype([("high", "<u8"), ("low", "<u8"), ("key", "<u8")])  # of the request, and a hash of the row's key
NO_DIGEST = bytes(16)
BATCH_ROWS = 8192
MEMO_ENTRIES, MEMO_BYTES = 512, 4096

Digests = npt.NDArray[Any]


class _Line(msgspec.Struct, gc=False):
    key: str
    request: dict[str, msgspec.Raw]


_decode = msgspec.json.Decoder(_Line).decode
_ERRORS = (msgspec.DecodeError, orjson.JSONDecodeError, UnicodeEncodeError)  # half a character, for one


class Digester:
    """Digests of requests, one line after another; the settings that rows repeat are brought into order once."""

    def __init__(self) -> None:
        self._canonical: dict[bytes, bytes] = {}

    def digest(self, line: bytes) -> bytes:
        """The digest of a line's request, followed by the hash of its key."""
        try:
            row = _decode(line)
            request = row.request
            key = xxh3_64_intdigest(row.key).to_bytes(8, "little")
            if "cachedContent" in request:
                return NO_DIGEST + key
            return xxh3_128_digest(self._canonical_request(request)) + key
        except _ERRORS:
            return NO_DIGEST + bytes(8)

    def asks_the_same(self, line: bytes, other: bytes) -> bool:
        """Whether two lines have the same request, whatever their keys."""
        try:
            return self._canonical_request(_decode(line).request) == self._canonical_request(_decode(other).request)
        except _ERRORS:
            return False

    def _canonical_request(self, request: dict[str, msgspec.Raw]) -> bytes:
        return b"\n".join([b"%b:%b" % (name.encode(), self._in_order(request[name])) for name in sorted(request)])

    def _in_order(self, value: msgspec.Raw) -> bytes:
        raw = bytes(value)
        if raw.startswith(b"[") or len(raw) > MEMO_BYTES:  # contents, which are rarely the same twice
            return _sorted_json(raw)
        known = self._canonical.get(raw)
        if known is None:
            if len(self._canonical) >= MEMO_ENTRIES:
                self._canonical.clear()
            known = self._canonical[raw] = _sorted_json(raw)
        return known


def _sorted_json(raw: bytes) -> bytes:
    return orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)


def read_digests(folder: Path) -> Digests:
    """The digests of all rows of a draft or run, in the order of its inputs; made when they are first asked for."""
    path, rows = folder / DIGESTS, pq.read_metadata(folder / INPUTS).num_rows
    if not path.exists() or path.stat().st_size != rows * DIGEST.itemsize:
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            for block in _blocks(whole_requests(folder)):
                out.write(block)
        part.replace(path)
    return np.fromfile(path, DIGEST)


def _blocks(requests: Path) -> Iterator[bytes]:
    digest = Digester().digest
    with open_requests(requests) as lines:
        while block := b"".join(map(digest, islice(lines, BATCH_ROWS))):
            yield block
