"""From a forest of prefixes and what requests save in it, the caches that cost least. Pure."""

from __future__ import annotations

import numpy as np

from batch.planning.optimizer import Candidates, optimum
from batch.prefixes.forest import Bools, Floats, Forest, Ints


def cheapest(
    forest: Forest,
    able: Bools,
    length: Floats,
    fixed: Floats,
    *,
    leaf: Ints,
    floor: Floats,
    weight: Floats,
    forced: frozenset[int] = frozenset(),
    cover: bool = False,
) -> Bools:
    """Mark the prefixes to cache among those `able`; see `batch.optimum` for the words.

    `leaf`, `floor` and `weight` are per request, or per group of requests with the same leaf and floor. Requests
    without a candidate above them do not matter here.
    """
    nodes, deepest = np.flatnonzero(able), forest.deepest(able)
    place = np.full(len(able) + 1, -1)
    place[nodes] = np.arange(len(nodes))
    above = np.append(deepest, -1)[forest.parent[nodes]]
    home = place[np.append(deepest, -1)[leaf]]
    concerned = np.flatnonzero((home >= 0) & (weight > 0))
    order = concerned[np.lexsort((floor[concerned], home[concerned]))]
    home, floor, weight = home[order], floor[order], weight[order]
    begin = np.flatnonzero(np.append(True, (home[1:] != home[:-1]) | (floor[1:] != floor[:-1]))[: len(home)])
    cached = np.zeros(len(able), dtype=bool)
    cached[nodes] = optimum(
        Candidates(
            parent=place[above],
            length=length[nodes],
            fixed=fixed[nodes],
            own_at=np.searchsorted(home[begin], np.arange(len(nodes) + 1)),
            own_floor=floor[begin],
            own_weight=np.add.reduceat(weight, begin) if len(begin) else weight,
            forced=frozenset(place[list(forced)].tolist()),
            cover=cover,
        )
    )
    return cached
