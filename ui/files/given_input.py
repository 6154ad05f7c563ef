"""What every form of the page hands on: an input that can be checked into a draft, and a word on what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from batch.errors import InputError
from batch.model import Generation
from lifecycle.inputs.drafts import Draft
from lifecycle.runner import Runner
from ui.files.given_files import Upload

Progress = Callable[[float], None]
ShowChecked = Callable[[Draft], None]


class Missing(InputError):
    """What is not there yet, such as an instruction: a normal state, said quietly and never in red."""


@dataclass(frozen=True)
class RequestSettings:
    """What holds for every request, whatever was given. `use_cache` names a cache that all of them use, or is ""."""

    model: str
    generation: Generation
    shared_text: str
    use_cache: str
    owner_id: str = ""


class GivenInput(Protocol):
    """An input as it was given. A value: one that is equal, under the same settings, makes the same draft."""

    @property
    def name(self) -> str:
        """What it is called: a file's name; "" for what was typed."""

    def prepare(self, runner: Runner, settings: RequestSettings, progress: Progress | None) -> Draft:
        """Check it and write its good rows as requests. Raises InputError when nothing of it can be read."""


class FormContext(NamedTuple):
    """What a form is drawn with: the chosen `model`, and the files that were given (None: there are none)."""

    runner: Runner
    model: str
    upload: Upload | None


class Form(NamedTuple):
    """One way to compose.

    `draw` draws it, and returns what draws the rest of it, in its place, once the draft is checked. `read` tells what
    it holds, even before it is drawn again: None for nothing; it raises Missing, or InputError.
    """

    draw: Callable[[FormContext], ShowChecked]
    read: Callable[[Upload | None], GivenInput | None]


def show_nothing(draft: Draft) -> None:
    """What a form without findings of its own shows of a checked draft."""
