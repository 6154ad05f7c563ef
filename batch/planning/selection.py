"""From a forest of prefixes and what requests save in it, the caches that cost least. Pure."""

from __future__ import annotations

import numpy as np

from batch.planning.optimizer import CacheCandidates, optimal_caches
from batch.prefixes.forest import Bools, Floats, Ints, PrefixForest


def select_caches(
    forest: PrefixForest,
    eligible: Bools,
    length: Floats,
    fixed: Floats,
    *,
    leaf: Ints,
    implicit_tokens: Floats,
    weight: Floats,
    forced: frozenset[int] = frozenset(),
    cover_all: bool = False,
) -> Bools:
    """Mark the prefixes to cache among those `able`; see `batch.optimum` for the words.

    `leaf`, `floor` and `weight` are per request, or per group of requests with the same leaf and floor. Requests
    without a candidate above them do not matter here.
    """
    nodes, deepest = np.flatnonzero(eligible), forest.deepest(eligible)
    position = np.full(len(eligible) + 1, -1)
    position[nodes] = np.arange(len(nodes))
    above = np.append(deepest, -1)[forest.parent[nodes]]
    candidate_of = position[np.append(deepest, -1)[leaf]]
    relevant = np.flatnonzero((candidate_of >= 0) & (weight > 0))
    order = relevant[np.lexsort((implicit_tokens[relevant], candidate_of[relevant]))]
    candidate_of, implicit_tokens, weight = candidate_of[order], implicit_tokens[order], weight[order]
    begin = np.flatnonzero(
        np.append(True, (candidate_of[1:] != candidate_of[:-1]) | (implicit_tokens[1:] != implicit_tokens[:-1]))[
            : len(candidate_of)
        ]
    )
    cached = np.zeros(len(eligible), dtype=bool)
    cached[nodes] = optimal_caches(
        CacheCandidates(
            parent=position[above],
            length=length[nodes],
            fixed=fixed[nodes],
            own_at=np.searchsorted(candidate_of[begin], np.arange(len(nodes) + 1)),
            own_floor=implicit_tokens[begin],
            own_weight=np.add.reduceat(weight, begin) if len(begin) else weight,
            forced=frozenset(position[list(forced)].tolist()),
            cover_all=cover_all,
        )
    )
    return cached
