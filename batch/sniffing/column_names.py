"""The names of a table's columns, from one row of names or from two."""

from __future__ import annotations

from collections.abc import Sequence


def column_names(header: Sequence[str], labels: Sequence[str] = ()) -> list[str]:
    """Unique names: unnamed columns are "column 3", or "column D" by `labels`; repeated names get a number."""
    names: list[str] = []
    taken: set[str] = set()
    next_number: dict[str, int] = {}
    for n, given in enumerate(header, 1):
        name = base = " ".join(given.replace("\ufeff", "").split()) or f"column {labels[n - 1] if labels else n}"
        folded = base.casefold()
        while name.casefold() in taken:
            number = next_number.get(folded, 2)
            next_number[folded] = number + 1
            name = f"{base} ({number})"
        taken.add(name.casefold())
        names.append(name)
    return names


def joined_names(groups: Sequence[str], names: Sequence[str], *, carry: bool = True) -> list[str]:
    """The names of two rows as one: each group's name goes before those of its columns.

    With `carry`, a group goes on to the next one.
    """
    joined, group = [], ""
    for place in range(max(len(groups), len(names))):
        own = (groups[place] if place < len(groups) else "").strip()
        group = own or (group if carry else "")
        name = (names[place] if place < len(names) else "").strip()
        joined.append(f"{group} {name}".strip() if group.casefold() != name.casefold() else name)
    return joined
