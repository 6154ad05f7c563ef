"""Rows that are tried before a file is sent: as written, and beside it as they would be sent otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from batch.errors import KeyMissing
from lifecycle.core.models import Account, RunSpec
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner

if TYPE_CHECKING:
    from lifecycle.planning.tried_rows import TriedRow, Tries

AS_WRITTEN, AS_SENT = "as written", "as sent"


def try_rows(
    runner: Runner, account: Account | None, given: Draft, sent: Draft, spec: RunSpec, rows: int
) -> list[dict[str, Any]]:
    """The answers to some rows, each with a member for either way; one way where the draft is sent as it was given.

    Raises KeyMissing without an account.
    """
    if account is None:
        raise KeyMissing("--try asks for answers.", "Set GEMINI_API_KEY, or add --rehearse.")
    ways = {AS_WRITTEN: runner.tries.try_rows(account, given, spec, rows)}
    if sent.folder != given.folder:
        ways[AS_SENT] = runner.tries.try_rows(account, sent, spec, rows)
    return list(_side_by_side(ways))


def _side_by_side(ways: dict[str, Tries]) -> Iterator[dict[str, Any]]:
    others = {name: {row.n: row for row in tries.rows} for name, tries in ways.items()}
    for row in ways[AS_WRITTEN].rows:
        answers = {name: _answer(rows[row.n]) for name, rows in others.items() if row.n in rows}
        yield {"row": row.n + 1, "key": row.key, "answers": answers}


def _answer(row: TriedRow) -> dict[str, Any]:
    return {"outcome": row.outcome.value, "text": row.text, "error": row.error or None, "usd": row.usd}
