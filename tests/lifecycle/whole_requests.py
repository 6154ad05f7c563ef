"""The requests of a draft or run as they are sent, whatever of them is held once for all."""

from __future__ import annotations

from pathlib import Path

from lifecycle.requests.request_file import open_requests


def whole_requests(path: Path) -> bytes:
    with open_requests(path) as lines:
        return b"".join(lines)
