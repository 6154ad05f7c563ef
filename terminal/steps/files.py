"""Files that a command line names."""

from __future__ import annotations

from collections.abc import Sequence
from glob import has_magic
from pathlib import Path
from typing import BinaryIO

from batch.errors import InputError
from batch.media.file_types import HEAD_BYTES, file_type, kind_of


def existing_file(name: str) -> Path:
    if not Path(name).is_file():
        raise InputError(f"There is no file {name}.", "Check the path.")
    return Path(name)


def names_files(paths: Sequence[str], with_prompt: bool) -> bool:
    """Whether paths are files to be sent, rather than one input of requests. Raises InputError if that is unclear."""
    if with_prompt:
        return True
    several = len(paths) > 1 or Path(paths[0]).is_dir() or (not Path(paths[0]).exists() and has_magic(paths[0]))
    if several or _is_media(Path(paths[0])):
        raise InputError(
            "Files are sent with an instruction.", 'Say what is to be done with each: --prompt "Transcribe."'
        )
    return False


def _is_media(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return kind_of(file_type(stream.read(HEAD_BYTES))) in ("picture", "PDF", "sound", "video")


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


def read_template(given: str | None) -> str:
    """The template that an option gives: as text, which names a column, or as a file."""
    return given if given and "{{" in given else read_option_file(given, "template")


def open_output(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error
