"""A database that is away for a while: told in plain words, so that whoever asks can wait for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

from batch.errors import BatchRunnerError

REMEDY = "What is under way at Google goes on there, and here as soon as the database answers."
SQLITE_WORDS = {  # what the driver says, and what is told
    "is locked": "another program keeps it locked",
    "is full": "the disk is full",
    "readonly": "it cannot be written to",
    "disk i/o error": "the disk cannot be read or written",
    "unable to open": "its file cannot be opened",
    "no such table": "its tables are gone",
    "malformed": "its file is damaged",
    "not a database": "its file is damaged",
}


class StoreUnavailable(BatchRunnerError):
    """The database cannot be asked now. Nothing is lost, and nothing that was known has changed."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"The database cannot be used now: {cause}.", REMEDY)
        self.cause = cause


@contextmanager
def told_in_words() -> Iterator[None]:
    """Turn what drivers raise while a database is away into StoreUnavailable; everything else passes."""
    try:
        yield
    except TimeoutError as error:  # of the pool: all connections wait for something
        raise StoreUnavailable("it does not answer") from error
    except DBAPIError as error:
        if cause := cause_of(error):
            raise StoreUnavailable(cause) from error
        raise


def cause_of(error: DBAPIError) -> str:
    """Why a database cannot be used, in words; "" for an error that says nothing of the kind."""
    text = str(error.orig or error).strip()
    if isinstance(error.orig, sqlite3.Error):
        known = next((told for said, told in SQLITE_WORDS.items() if said in text.lower()), "")
        return known or (_first_line(text) if isinstance(error, OperationalError) else "")
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state.startswith("25006"):
        return "it cannot be written to"
    if error.connection_invalidated or state[:2] in ("08", "53", "57", "58"):
        return _first_line(text)
    # Without a code, nothing has reached a server.
    return _first_line(text) if not state and isinstance(error, OperationalError | InterfaceError) else ""


def _first_line(text: str) -> str:
    return text.splitlines()[0].strip().rstrip(".") if text else "it does not answer"
