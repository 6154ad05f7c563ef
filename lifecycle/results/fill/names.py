"""Names for columns that are put beside a table's own, which keep theirs."""

from __future__ import annotations

from collections.abc import Iterable

ANSWER, RUN = " (answer)", " (run)"


def free_names(names: Iterable[str], taken: Iterable[str], suffix: str) -> list[str]:
    """Each name, with the suffix behind it as often as it takes for no two to be the same in any case."""
    used = {name.strip().casefold() for name in taken}
    free = []
    for name in names:
        while name.casefold() in used:
            name += suffix
        used.add(name.casefold())
        free.append(name)
    return free
