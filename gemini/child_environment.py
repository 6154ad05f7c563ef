"""What a process that we start is given of our environment: what a program needs to run, and nothing that is secret."""

from __future__ import annotations

import os
from collections.abc import Mapping

_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "USERPROFILE", "LOCALAPPDATA", "PATHEXT"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV"),  # where an interpreter and its libraries are found
        *("PYTHONHOME", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS"),
    }
)
_BEGINNINGS = ("LC_",)


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables by name that may be passed on. A name that is not listed may hold a key, whatever it is called."""
    given = os.environ if environment is None else environment
    return {name: value for name, value in given.items() if name.upper() in _NAMES or name.startswith(_BEGINNINGS)}
