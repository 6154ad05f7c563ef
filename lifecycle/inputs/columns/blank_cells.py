"""Which cells of a column have nothing in them, as `str.isspace` sees it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Flags = npt.NDArray[np.bool_]
# How characters that are space begin as UTF-8: ASCII, U+0085 and U+00A0, U+1680, U+2000 to U+205F, U+3000.
_MAY_BE_SPACE = np.zeros(256, bool)
_MAY_BE_SPACE[[9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0xC2, 0xE1, 0xE2, 0xE3]] = True


def blank_cells(column: pa.StringArray) -> Flags:
    """Which cells are empty or nothing but space. `column` has no nulls."""
    offsets, data = text_buffers(column)
    blank: Flags = offsets[1:] == offsets[:-1]
    if not len(data):
        return blank
    begins = _MAY_BE_SPACE[data[np.minimum(offsets[:-1], len(data) - 1)]] & ~blank
    candidates = np.flatnonzero(begins)
    if len(candidates):
        cells = column.take(pa.array(candidates)).to_pylist()
        blank[candidates] = np.fromiter(map(str.isspace, cells), bool, len(cells))
    return blank


def text_buffers(column: pa.StringArray) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each cell begins and the last one ends, and the bytes of all."""
    _, offsets, data = column.buffers()
    places = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    if not len(column) or data is None:
        return np.zeros(len(column) + 1, np.int32), np.zeros(0, np.uint8)
    return places - places[0], np.frombuffer(data, np.uint8)[places[0] : places[-1]]
