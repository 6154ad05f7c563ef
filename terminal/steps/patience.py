"""Wait for a database that is away, rather than answer that a run has failed which goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lifecycle.storage.availability import StoreUnavailable
from terminal.output.console import print_message

Answer = TypeVar("Answer")
POLL_SECONDS = 1.0


def when_there(ask: Callable[[], Answer]) -> Answer:
    """The answer, once the database gives one; says once that it is awaited. What is asked must bear to be repeated."""
    told = False
    while True:
        try:
            answer = ask()
        except StoreUnavailable as error:
            if not told:
                print_message(f"{error} {error.remedy} Waiting for it.")
            told = True
            time.sleep(POLL_SECONDS)
            continue
        if told:
            print_message("The database is there again.")
        return answer
