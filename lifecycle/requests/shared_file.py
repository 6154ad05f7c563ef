"""The file beside the requests of a draft that has what all of them share: the run's settings, and long literals."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Raw

from batch.requests.shared.fields import SharedFields
from lifecycle.core.run_files import SHARED


class _Stored(msgspec.Struct, omit_defaults=True):
    """JSON as texts, so that every byte comes back as it was."""

    part: str = ""
    system: str = ""
    values: dict[str, str] = {}
    thinking: dict[str, str] = {}
    image: dict[str, str] = {}
    schema: str = ""
    pieces: list[str] = []
    prompts: bool = False


class Shared(msgspec.Struct, frozen=True):
    """What rows share: `fields` of their requests, and `pieces` of their lines, to which these refer by number.

    With `prompts` the rows were made of prompts, each in the one form that such rows have.
    """

    fields: SharedFields = SharedFields()
    pieces: tuple[bytes, ...] = ()
    prompts: bool = False


_decode = msgspec.json.Decoder(_Stored).decode
MOST_REMEMBERED = 8


def write_shared(folder: Path, shared: Shared) -> None:
    """Write what the rows of a draft share; appears whole or not at all."""
    fields = shared.fields
    stored = _Stored(
        part=_text(fields.part),
        system=_text(fields.system),
        values=_texts(fields.values),
        thinking=_texts(fields.thinking),
        image=_texts(fields.image),
        schema=_text(fields.schema),
        pieces=[piece.decode() for piece in shared.pieces],
        prompts=shared.prompts,
    )
    part = folder / f"{SHARED}.part"
    part.write_bytes(msgspec.json.encode(stored))
    part.replace(folder / SHARED)


def read_shared(folder: Path) -> Shared | None:
    """What the rows of a draft or run share; None where each row is written whole."""
    try:
        status = (folder / SHARED).stat()
    except FileNotFoundError:
        return None
    return _read(folder, status.st_ino, status.st_mtime_ns)


@lru_cache(MOST_REMEMBERED)
def _read(folder: Path, inode: int, changed: int) -> Shared:
    stored = _decode((folder / SHARED).read_bytes())
    fields = SharedFields(
        part=_raw(stored.part),
        system=_raw(stored.system),
        values=_raws(stored.values),
        thinking=_raws(stored.thinking),
        image=_raws(stored.image),
        schema=_raw(stored.schema),
    )
    return Shared(fields, tuple(piece.encode() for piece in stored.pieces), stored.prompts)


def _text(value: Raw | None) -> str:
    return "" if value is None else bytes(value).decode()


def _texts(members: dict[str, Raw]) -> dict[str, str]:
    return {name: bytes(value).decode() for name, value in members.items()}


def _raw(text: str) -> Raw | None:
    return Raw(text.encode()) if text else None


def _raws(members: dict[str, str]) -> dict[str, Raw]:
    return {name: Raw(text.encode()) for name, text in members.items()}
