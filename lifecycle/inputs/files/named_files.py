"""Finds the files that rows name in a pile that was given beside them: in folders, in archives, and single ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from urllib.parse import unquote

from batch.errors import Fault
from lifecycle.inputs.files.found_file import FoundFile
from lifecycle.inputs.files.gather import gather

_NOT_GIVEN = Fault("is not among the files that were given", "Add the file, or correct its name in the table.")
_UNREADABLE = Fault("is not a name that a file can have", "Correct it in the table.")


class NamedFiles:
    """The files of a pile by their names. Archives stay open until it is closed. Raises InputError."""

    def __init__(self, pile: Iterable[Path]) -> None:
        self._archives = ExitStack()
        self._by_last_part: dict[str, list[FoundFile]] = defaultdict(list)
        try:
            for file in gather(pile, self._archives).files:
                self._by_last_part[_folded(file.name)[-1]].append(file)
        except BaseException:
            self._archives.close()
            raise

    def find(self, text: str) -> FoundFile:
        """The file that is called like this: a table may say more or fewer of its folders than the pile has.

        A folder that both name must be the same one. Two files that fit are not chosen between.
        """
        name = text.removeprefix("file://").removeprefix("file:").strip()
        fitting = self._fitting(name) or self._fitting(unquote(name))
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            return FoundFile(name, 0, fault=_NOT_GIVEN if _folded(name) else _UNREADABLE)
        names = " and ".join(file.name for file in fitting[:2])
        return FoundFile(name, 0, fault=Fault(f"may be {names}", "Name its folder in the table as well."))

    def __contains__(self, text: str) -> bool:
        """Whether there is a file that is called like this."""
        return self.find(text).fault is None

    def close(self) -> None:
        self._archives.close()

    def __enter__(self) -> NamedFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _fitting(self, name: str) -> list[FoundFile]:
        wanted = _folded(name)
        if not wanted:
            return []
        fitting = [file for file in self._by_last_part.get(wanted[-1], ()) if _agree(wanted, _folded(file.name))]
        exact = [file for file in fitting if file.name == name]
        return exact or fitting


def _folded(name: str) -> tuple[str, ...]:
    """A name's folders and its last part, without regard to case."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return tuple(part.casefold() for part in parts if part not in (".", "/"))


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[-shorter:] == other[-shorter:]
