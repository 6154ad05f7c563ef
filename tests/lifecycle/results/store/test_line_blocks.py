"""A file comes in blocks that never part a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lifecycle.results.store import line_blocks as module
from lifecycle.results.store.line_blocks import line_blocks


@pytest.mark.parametrize("end", [b"\n", b""])
def test_blocks_end_where_lines_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes) -> None:
    monkeypatch.setattr(module, "BLOCK", 10)
    content = b"\n".join([b"a" * 3, b"b" * 25, b"", b"c"]) + end
    path = tmp_path / "lines"
    path.write_bytes(content)
    blocks = list(line_blocks(path))
    assert b"".join(blocks) == content
    assert len(blocks) > 1
    assert all(block.endswith(b"\n") for block in blocks[:-1])


def test_no_file_has_no_blocks(tmp_path: Path) -> None:
    assert list(line_blocks(tmp_path / "absent")) == []
