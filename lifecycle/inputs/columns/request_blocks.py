"""Requests of many rows of a table at once: the instruction, the cells and all around them joined column by column.

What comes out is byte for byte what `RowChecker.check_prompt` makes of each row. Where a row of a block needs a look of
its own (no words, `@use_cache`, signs that JSON writes as codes), the block is left to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from batch.requests.prompt_template import Template
from batch.requests.row_checker import PromptFrame
from batch.requests.shared.pieces import SharedPieces
from lifecycle.inputs.columns.blank_cells import Flags, blank_cells, text_buffers

BLOCK_BYTES = 16 << 20  # of what is the same in all requests of a block
_ESCAPES = ((b"\\", "\\\\"), (b'"', '\\"'), (b"\n", "\\n"), (b"\r", "\\r"), (b"\t", "\\t"))
_MARKER = "@use_cache"
_MARKER_START = "@ \t"
_KEY_DIGITS = 6


class RequestBlock(NamedTuple):
    """Rows with their prompts, and the lines of their requests, each with its line feed."""

    keys: pa.StringArray
    prompts: pa.StringArray
    lines: pa.StringArray
    json_prompts: int


class RequestBlocks:
    """Makes the requests of one template. `frame` is what stands around the text in each of them.

    Lines leave the `shared` pieces out.
    """

    def __init__(self, template: Template, frame: PromptFrame, shared: SharedPieces | None = None) -> None:
        self._literals = template.literals
        first, *others = (_escaped(literal) for literal in template.literals)
        prefix = _escaped(template.literals[0][: template.prefix_chars])
        self._pieces = [f'","request":{frame.before}"{first[len(prefix) :]}', *others]
        self._pieces[-1] += f'"{frame.after}}}\n'
        if shared is not None:
            self._pieces = [shared.left_out(piece.encode()).decode() for piece in self._pieces]
        self._constant = len('{"key":""') + sum(len(piece.encode()) for piece in self._pieces)
        self._constant += sum(len(literal.encode()) for literal in self._literals)
        self._has_words = any(literal.strip() for literal in self._literals)
        self._may_be_marker = self._literals[0][:1] in _MARKER_START
        self._may_be_json = self._literals[0][:1] in "{"

    @property
    def rows(self) -> int:
        """How many rows a block should have at most."""
        return max(1, BLOCK_BYTES // self._constant)

    def wordless(self, cells: Sequence[pa.StringArray], rows: int) -> Flags:
        """Which rows have a prompt without words."""
        if self._has_words:
            return np.zeros(rows, bool)
        wordless = np.ones(rows, bool)
        for column in cells:
            wordless &= blank_cells(column)
        return wordless

    def make(self, cells: Sequence[pa.StringArray], keys: pa.StringArray) -> RequestBlock | None:
        """The requests of some rows, none wordless; None if one needs a look of its own. `cells` are the template's."""
        written = [_escaped_cells(column) for column in cells]
        written_keys = _escaped_cells(keys)
        if written_keys is None or any(column is None for column in written):
            return None
        prompts = _joined([self._literals[0]], cells, self._literals[1:], len(keys))
        if self._may_be_marker and pc.any(pc.match_substring(prompts, _MARKER)).as_py():
            return None
        lines = _joined(['{"key":"', written_keys, self._pieces[0]], written, self._pieces[1:], len(keys))
        return RequestBlock(keys, prompts, lines, self._json_prompts(prompts))

    def _json_prompts(self, prompts: pa.StringArray) -> int:
        if not self._may_be_json:
            return 0
        begins = pc.starts_with(prompts, "{")
        if not pc.any(begins).as_py():
            return 0
        return int(pc.sum(pc.and_(begins, pc.match_substring(prompts, '"contents"'))).as_py() or 0)


def generated_keys(numbers: npt.NDArray[np.int64]) -> pa.StringArray:
    """The keys of rows that have none, by the rows' numbers: row-000001."""
    texts = pc.cast(pa.array(numbers), pa.string())
    if len(numbers) and numbers[0] < 10 ** (_KEY_DIGITS - 1):
        texts = pc.utf8_lpad(texts, _KEY_DIGITS, "0")
    return pc.binary_join_element_wise(pa.scalar("row-"), texts, pa.scalar(""))


def with_keys(keys: pa.StringArray | None, generated: Flags, numbers: npt.NDArray[np.int64]) -> pa.StringArray:
    """The keys of rows, made where there is none."""
    if keys is None:
        return generated_keys(numbers)
    return pc.if_else(pa.array(generated), generated_keys(numbers), keys) if generated.any() else keys


def is_empty(column: pa.StringArray) -> Flags:
    flags: Flags = pc.equal(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    return flags


def kept(column: pa.Array, flags: Flags) -> pa.Array:
    return column if flags.all() else column.filter(pa.array(flags))


def _joined(
    start: list[str | pa.StringArray], cells: Sequence[pa.StringArray], literals: Sequence[str], rows: int
) -> pa.StringArray:
    pieces = list(start)
    for column, literal in zip(cells, literals, strict=True):
        pieces += [column, literal]
    if not any(isinstance(piece, pa.Array) for piece in pieces):
        return pa.array(["".join(map(str, pieces))] * rows, pa.string())
    scalars = [piece if isinstance(piece, pa.Array) else pa.scalar(piece) for piece in pieces]
    return pc.binary_join_element_wise(*scalars, pa.scalar(""))


def _escaped(text: str) -> str:
    """A text as it stands between the quotation marks of JSON."""
    return msgspec.json.encode(text)[1:-1].decode()


def _escaped_cells(column: pa.StringArray) -> pa.StringArray | None:
    """The same of each cell; None if there are signs that JSON writes as codes."""
    _, data = text_buffers(column)
    low = int(np.count_nonzero(data < 32))
    for sign, written in _ESCAPES:
        if sign[0] < 32 and not low:
            continue
        found = int(np.count_nonzero(data == sign[0]))
        low -= found if sign[0] < 32 else 0
        if found:
            column = pc.replace_substring(column, sign.decode(), written)
    return None if low else column
