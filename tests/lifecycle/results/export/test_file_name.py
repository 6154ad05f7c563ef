"""Files are called by what a person gave or typed, not by what he asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lifecycle.results.export.file_name import file_stem


@pytest.mark.parametrize(
    ("run_name", "source_name", "stem"),
    [
        ("tickets.xlsx", "tickets.xlsx", "tickets-answers"),
        ("Week 7", "tickets.xlsx", "Week 7"),
        ("Is this customer angry? Her name is…", "typed in", "r1"),
        ("Is this customer angry? Her name is Ann.", "tickets.csv", "tickets-answers"),
        ("", "old/tickets.v2.csv", "tickets.v2-answers"),
        ("", "typed in", "r1"),
    ],
)
def test_the_stem_of_a_file(tmp_path: Path, run_name: str, source_name: str, stem: str) -> None:
    preview = [["row-1", "Is this customer angry? Her name is Ann.\nShe wrote:"]]
    (tmp_path / "draft.json").write_text(json.dumps({"source_name": source_name, "preview": preview}))
    assert file_stem(tmp_path, run_name, "r1") == stem


def test_without_a_draft_a_run_goes_by_its_name_or_its_id(tmp_path: Path) -> None:
    assert [file_stem(tmp_path, name, "r1") for name in ("", "May")] == ["r1", "May"]
