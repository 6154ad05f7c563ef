"""What a file of results is called: by the input's name or the run's, never by the text of a prompt."""

from __future__ import annotations

from pathlib import Path, PurePath

import msgspec

from lifecycle.core.run_files import DRAFT

_LONGEST_SUFFIX = 8


class _Stored(msgspec.Struct):
    source_name: str = ""
    preview: list[tuple[str, str]] = []


_decode = msgspec.json.Decoder(_Stored).decode


def file_stem(folder: Path, run_name: str, run_id: str) -> str:
    """The name without its ending. A run that was named after its first prompt goes by its input, or by its id."""
    stored = _read(folder)
    names = [stored.source_name] if _is_prompt(run_name, stored) else [run_name, stored.source_name]
    for name in names:
        if _is_file_name(name):
            return f"{PurePath(name.replace(chr(92), '/')).stem}-answers"
        if name and name != stored.source_name:
            return name
    return run_id


def _read(folder: Path) -> _Stored:
    try:
        return _decode((folder / DRAFT).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return _Stored()


def _is_prompt(name: str, stored: _Stored) -> bool:
    """Whether a run was called as its first prompt begins."""
    begin = name.rstrip("\u2026").strip()
    return bool(begin) and any(prompt.strip().startswith(begin) for _, prompt in stored.preview[:1])


def _is_file_name(name: str) -> bool:
    return 1 < len(PurePath(name).suffix) <= _LONGEST_SUFFIX and " " not in PurePath(name).suffix
