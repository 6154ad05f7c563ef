"""Files that a command line names."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from batch.errors import InputError


def existing_file(name: str) -> Path:
    if not Path(name).is_file():
        raise InputError(f"There is no file {name}.", "Check the path.")
    return Path(name)


def read_option_file(path: str | None, description: str) -> str:
    """The text of a file that an option names, "" without one."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"The {description} {path} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"The {description} {path} is not valid UTF-8.", "Save it as UTF-8.") from error


def open_output(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error
