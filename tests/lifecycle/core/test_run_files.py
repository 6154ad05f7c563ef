"""The names in a run's folder: each of one meaning, in the places that rebuilding reads."""

from __future__ import annotations

from pathlib import Path

from lifecycle.core import run_files


def test_no_two_names_are_the_same() -> None:
    names = [value for name, value in vars(run_files).items() if name.isupper() and isinstance(value, str)]
    assert len(names) == len(set(names))


def test_shards_and_what_came_back_are_found_by_number() -> None:
    assert run_files.shard_path(Path("r"), 3) == Path("r/shards/0003.jsonl")
    assert run_files.received_path(Path("r"), 1, 12) == Path("r/received/1-0012.jsonl")
    # Their order by name is the order of their numbers, as far as a run may have shards.
    assert sorted(str(run_files.shard_path(Path(), n)) for n in (2, 10, 9_999)) == [
        str(run_files.shard_path(Path(), n)) for n in (2, 10, 9_999)
    ]
