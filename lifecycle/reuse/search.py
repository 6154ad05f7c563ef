"""Which rows of a draft have been answered by earlier runs, and where each answer is.

Only digests and places are held, so a million rows take some tens of megabytes. The newest run that answered a
request counts; of several rows of it that asked the same, the one with the draft row's own key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batch.model import Outcome
from lifecycle.core.run_files import RESULTS
from lifecycle.reuse.digests import Digests, read_digests

PLACE = np.dtype([("n", "<i8"), ("file", "<i4"), ("position", "<i8"), ("length", "<i8")])
NOT_FOUND = -1
_ODD = np.uint64(0x9E37_79B9_7F4A_7C15)  # spreads a key's hash over that of a request

Places = npt.NDArray[Any]
Numbers = npt.NDArray[np.int64]


@dataclass
class Found:
    """For each row of a draft the place in `folders` of the run that answered it, else NOT_FOUND, and where in it."""

    run: npt.NDArray[np.int32]
    place: Places

    @property
    def rows(self) -> int:
        return int(np.count_nonzero(self.run >= 0))


def search(draft: Path, folders: Sequence[Path]) -> Found:
    """Look through the folders of runs, the newest first, until every row of a draft is found."""
    wanted = read_digests(draft)
    found = Found(np.full(len(wanted), NOT_FOUND, np.int32), np.zeros(len(wanted), PLACE))
    missing = np.flatnonzero(_has_digest(wanted))
    for number, folder in enumerate(folders):
        if not len(missing):
            break
        places = _answered(folder)
        known = read_digests(folder)
        if not len(places) or places["n"][-1] >= len(known):  # its requests are not those of its results
            continue
        asked = known[places["n"]]
        nearest = _nearest(wanted[missing], asked)
        rows = missing[nearest >= 0]
        found.run[rows], found.place[rows] = number, places[nearest[nearest >= 0]]
        missing = missing[nearest < 0]
    return found


def _has_digest(digests: Digests) -> npt.NDArray[np.bool_]:
    present: npt.NDArray[np.bool_] = (digests["high"] != 0) | (digests["low"] != 0)
    return present


def _nearest(wanted: Digests, asked: Digests) -> Numbers:
    """For each digest that is wanted, the place of one that was asked: of the same key, else the first; else -1."""
    same_key = _lookup(_with_key(wanted), _with_key(asked), wanted, asked)
    open_rows = np.flatnonzero((same_key < 0) | (wanted["key"] != asked["key"][same_key]))
    rest = wanted[open_rows]
    same_key[open_rows] = _lookup(rest["high"], asked["high"], rest, asked)
    return same_key


def _with_key(digests: Digests) -> npt.NDArray[np.uint64]:
    mixed: npt.NDArray[np.uint64] = digests["high"] ^ (digests["key"] * _ODD)
    return mixed


def _lookup(
    names: npt.NDArray[np.uint64], asked_names: npt.NDArray[np.uint64], wanted: Digests, asked: Digests
) -> Numbers:
    """Where a name occurs first among those asked, and stands for the same digest there; else -1."""
    order = np.argsort(asked_names, kind="stable")
    at = np.searchsorted(asked_names, names, sorter=order).clip(max=len(order) - 1)
    place = order[at]
    same = (asked["high"][place] == wanted["high"]) & (asked["low"][place] == wanted["low"])
    return np.where(same, place, -1)


def _answered(folder: Path) -> Places:
    """The rows of a run that were answered, in its order, and where each answer is."""
    parts = [np.zeros(0, PLACE), *_answered_batches(folder / RESULTS)]
    return np.concatenate(parts)


def _answered_batches(results: Path) -> Iterator[Places]:
    with pq.ParquetFile(results, pre_buffer=False) as file:
        for batch in file.iter_batches(columns=["n", "outcome", "file", "position", "length"], use_threads=False):
            is_answer = pc.equal(batch.column("outcome"), Outcome.ANSWERED.value)
            rows = pa.Table.from_batches([batch]).filter(is_answer)
            places = np.zeros(rows.num_rows, PLACE)
            for name in PLACE.names or ():
                places[name] = rows.column(name).to_numpy()
            yield places
