"""What the planner promises, written down a second time and simply: no hashes, no tree, no arrays.

Prefixes are enumerated from the definition, sharing is equality of JSON, costs are sums over requests, and optima
come from trying every set of caches or from an integer programme. Only for small batches.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any

import highspy

from batch.model import Tariff

Json = dict[str, Any]
MILLION = 1_000_000


def tokens_of_part(part: bytes) -> float:
    """The tests' token count: one for each character of a text as JSON, or of the JSON of anything else."""
    value = json.loads(part)
    if isinstance(value, dict) and set(value) == {"text"}:
        return float(len(json.dumps(value["text"])))
    return float(len(_canonical_json(value)))


@dataclass(frozen=True)
class Prefix:
    """A beginning of one request: what a cache would hold, its tokens, whether it may be one.

    It may if a user's turn follows and no call of a function is parted from what answers it.
    """

    content: str
    tokens: float
    can_end: bool


def prefixes(request: Json, split: str) -> list[Prefix]:
    """All beginnings of a request that leave at least one part, shortest first."""
    root = {key: request[key] for key in ("systemInstruction", "tools", "toolConfig") if key in request}
    size = sum(_tokens(part) for part in root.get("systemInstruction", {}).get("parts", []))
    size += sum(_tokens(root[key]) for key in ("tools", "toolConfig") if key in root)
    contents = [with_role(content) for content in request["contents"]]
    exchanges = exchange_turns(contents)
    steps = [(n, content, place) for n, content in enumerate(contents) for place in range(len(content["parts"]))]
    # Tools alone are no cache, and no first turn answers a call.
    cacheable = "systemInstruction" in root and _is_user(request["contents"][0]) and 0 not in exchanges
    result = [Prefix(_canonical_json(root), size, cacheable)] if root else []
    complete_turns: list[Json] = []
    for number, (turn_number, content, place) in enumerate(steps):
        started_turns = (
            [*complete_turns, {**content, "parts": content["parts"][:place]}] if place else [*complete_turns]
        )
        part = content["parts"][place]
        if split == "text" and _is_user(content) and set(part) == {"text"} and turn_number not in exchanges:
            for end in text_cuts(part["text"]):
                cut = _with_part(started_turns, content, place, {"text": part["text"][:end]})
                result.append(
                    Prefix(
                        _canonical_json({**root, "contents": cut}), size + len(json.dumps(part["text"][:end])) - 1, True
                    )
                )
        size += _tokens(part)
        done = _with_part(started_turns, content, place, part)
        if place + 1 == len(content["parts"]):
            complete_turns.append(content)
        if number + 1 < len(steps):
            following, follower, inside = steps[number + 1]
            allowed = _is_user(follower) and following not in exchanges and (split != "turn" or inside == 0)
            result.append(Prefix(_canonical_json({**root, "contents": done}), size, allowed))
    return result


def exchange_turns(contents: Sequence[Json]) -> set[int]:
    """Turns that respond to a call or follow one: no cache may end beside or within them."""

    def holds(turn: Json, field: str) -> bool:
        return any(field in part for part in turn["parts"])

    called = {number + 1 for number, turn in enumerate(contents) if holds(turn, "functionCall")}
    return called | {number for number, turn in enumerate(contents) if holds(turn, "functionResponse")}


def with_role(content: Json) -> Json:
    """A turn that names no role is a user's."""
    return {"role": "user", **content}


def canonical_body(body: Json) -> str:
    """What a cache holds, as `Prefix.content` spells it."""
    return _canonical_json(
        {**body, "contents": [with_role(turn) for turn in body["contents"]]} if "contents" in body else body
    )


def text_cuts(text: str) -> list[int]:
    """Places inside a text that follow a whole run of newlines."""
    runs = (run for run in re.finditer(r"[\r\n]+", text) if "\n" in run.group())
    return [run.end() for run in runs if run.end() < len(text)]


@dataclass(frozen=True)
class PlannerCase:
    """A batch, what it is priced by, and what may be cached."""

    requests: Sequence[Json]
    tariff: Tariff
    hours: float
    implicit_rate: float = 0.0
    fixed: float = 0.0
    split: str = "part"

    @cached_property
    def chains(self) -> list[list[Prefix]]:
        return [prefixes(request, self.split) for request in self.requests]

    @cached_property
    def sizes(self) -> list[float]:
        return [sum(_tokens(part) for part in all_parts(request)) for request in self.requests]

    @cached_property
    def shared(self) -> dict[Prefix, int]:
        """Prefixes of two requests or more, with how many begin so."""
        counts: dict[Prefix, int] = {}
        for chain in self.chains:
            for prefix in chain:
                counts[prefix] = counts.get(prefix, 0) + 1
        return {prefix: count for prefix, count in counts.items() if count > 1}

    @cached_property
    def cacheable(self) -> list[Prefix]:
        minimum = self.tariff.explicit_minimum
        return [p for p in self.shared if minimum is not None and p.can_end and p.tokens >= minimum]

    def uncached_cost(self, row: int, implicit: bool = True) -> float:
        """USD of a request without an explicit cache."""
        saving = self._saving_per_token(row)
        best = 0.0
        minimum = self.tariff.implicit_minimum
        for prefix in self.chains[row]:
            if implicit and minimum is not None and prefix in self.shared and prefix.tokens >= minimum:
                best = max(best, self.implicit_rate * (1 - 1 / self.shared[prefix]) * prefix.tokens)
        return self._price(row).input_batch * self.sizes[row] / MILLION - saving * best

    def cached_cost(self, row: int, prefix: Prefix) -> float:
        """USD of a request that uses a cache of this prefix."""
        return self.uncached_cost(row, implicit=False) - self._saving_per_token(row) * prefix.tokens

    def cache_cost(self, prefix: Prefix) -> float:
        """USD of a cache of this prefix."""
        tier = self._tier(prefix.tokens)
        storage = self.tariff.storage if tier.storage is None else tier.storage
        return (tier.input_standard + storage * self.hours) * prefix.tokens / MILLION + self.fixed

    def cost(self, caches: Iterable[Prefix]) -> float:
        """USD of the batch with these caches, every request served as cheaply as they allow."""
        chosen = set(caches)
        total = sum(self.cache_cost(prefix) for prefix in chosen)
        for row, chain in enumerate(self.chains):
            options = [self.cached_cost(row, prefix) for prefix in chain if prefix in chosen]
            total += min([self.uncached_cost(row), *options])
        return total

    @property
    def cost_without_caches(self) -> float:
        return sum(self.uncached_cost(row, implicit=False) for row in range(len(self.requests)))

    def brute_force(self) -> float:
        """The least cost over all sets of caches."""
        cacheable = self.cacheable
        sets = itertools.chain.from_iterable(
            itertools.combinations(cacheable, size) for size in range(len(cacheable) + 1)
        )
        return min(self.cost(chosen) for chosen in sets)

    def integer_programme(self) -> float:
        """The least cost by HiGHS: buy caches, assign each request to at most one that it begins with."""
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("mip_rel_gap", 0.0)
        solver.setOptionValue("mip_abs_gap", 0.0)
        scale = 1000.0  # the solver's tolerances are absolute
        bought = {prefix: solver.addBinary(obj=scale * self.cache_cost(prefix)) for prefix in self.cacheable}
        total = 0.0
        for row, chain in enumerate(self.chains):
            uncached = self.uncached_cost(row)
            total += uncached
            used = []
            for prefix in chain:
                if prefix in bought and self.cached_cost(row, prefix) < uncached:
                    uses = solver.addBinary(obj=scale * (self.cached_cost(row, prefix) - uncached))
                    solver.addConstr(uses <= bought[prefix])
                    used.append(uses)
            if used:
                solver.addConstr(sum(used[1:], used[0]) <= 1)
        if not bought:
            return total
        solver.minimize()
        return total + solver.getObjectiveValue() / scale

    def _tier(self, tokens: float) -> Tariff:
        limit = self.tariff.long_context_threshold
        return self.tariff.long if self.tariff.long and limit is not None and tokens > limit else self.tariff

    def _price(self, row: int) -> Tariff:
        return self._tier(self.sizes[row])

    def _saving_per_token(self, row: int) -> float:
        return max(0.0, self._price(row).input_batch - self._price(row).cached) / MILLION


def all_parts(request: Json) -> list[Any]:
    parts = list(request.get("systemInstruction", {}).get("parts", []))
    parts += [request[key] for key in ("tools", "toolConfig") if key in request]
    return parts + [part for content in request["contents"] for part in content["parts"]]


def lines(requests: Sequence[Json], dump: Callable[[Json], str] = json.dumps) -> list[bytes]:
    """The requests as normalised JSONL."""
    rows = [dump({"key": f"k{number}", "request": request}) for number, request in enumerate(requests)]
    return [row.encode() + b"\n" for row in rows]


def is_close(left: float, right: float) -> bool:
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-15)


def _with_part(turns: list[Json], content: Json, place: int, part: Json) -> list[Json]:
    parts = turns[-1]["parts"] if place else []
    return [*(turns[:-1] if place else turns), {**content, "parts": [*parts, part]}]


def _tokens(part: Any) -> float:
    return tokens_of_part(json.dumps(part).encode())


def _is_user(content: Json) -> bool:
    return content.get("role", "user") == "user"


def _canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def random_batch(random: Random, max_requests: int = 12, with_tools: bool = False) -> list[Json]:
    """A few requests that share a lot: nested prefixes, several roots, turns of both roles, equal requests.

    `with_tools`, many turns are exchanges with functions: one call or two, responses alone or beside a text.
    """
    words = [letter * random.choice([3, 20, 40, 90, 150]) for letter in "abcdefgh"]
    texts = [f"{one}\n\n{two}\n{three}" for one, two, three in zip(words, words[1:], words[2:], strict=False)]
    pool = [*words, *texts, *(f"{texts[0]}{tail}" for tail in ("", "\n\nx", "\ny", "z"))]
    roots: list[Json] = [{}, {"systemInstruction": {"parts": [{"text": "s" * random.choice([5, 60, 200])}]}}]
    roots.append({**roots[1], "tools": [{"googleSearch": {}}]})
    roots.append({"tools": [{"functionDeclarations": [{"name": "f" * 40}]}]})
    sizes = random.choice([(1, 1), (1, 3), (2, 4)])
    exchanges = [_exchange(random, pool) for _ in range(4)] if with_tools else []
    stems: list[list[Json]] = [[]]
    requests = []
    for _ in range(random.randint(2, max_requests)):
        turns = list(random.choice(stems))[: random.randint(0, 4)]
        while not turns or random.random() < 0.4:
            if with_tools and random.random() < 0.5:
                turns += random.choice(exchanges)
                continue
            role = "user" if not turns else random.choice(["user", "model"])
            parts = [{"text": random.choice(pool)} for _ in range(random.randint(*sizes))]
            turns.append({"role": role, "parts": parts} if random.random() < 0.9 else {"parts": parts})
        stems.append(turns)
        requests.append({**random.choice(roots), "contents": turns})
        if random.random() < 0.2:
            requests.append(requests[-1])
    return requests


def _exchange(random: Random, pool: Sequence[str]) -> list[Json]:
    names = ["f", "g"][: random.randint(1, 2)]
    answer: list[Json] = [
        {"functionResponse": {"name": name, "response": {"r": random.choice(pool)}}} for name in names
    ]
    answer.insert(random.randint(0, len(answer)), {"text": random.choice(pool)})
    calls: list[Json] = [{"functionCall": {"name": name, "args": {}}} for name in names]
    return [
        {"role": "model", "parts": calls},
        {"role": "user", "parts": answer if random.random() < 0.6 else answer[1:]},
    ]


def random_tariff(random: Random) -> Tariff:
    """Prices of the usual proportions, sometimes with a long-context tier within reach of the tests' texts."""
    batch = random.choice([50.0, 100.0, 500.0])
    base = Tariff(
        input_standard=2 * batch,
        input_batch=batch,
        output_standard=None,
        output_batch=None,
        cached=batch * random.choice([0.1, 0.2, 0.5]),
        cached_best=None,
        storage=batch * random.choice([0.5, 2.0, 7.0]),
        explicit_minimum=random.choice([1, 20, 100]),
        implicit_minimum=random.choice([None, 20, 100]),
    )
    if random.random() < 0.6:
        return base
    long = replace(base, input_standard=4 * batch, input_batch=2 * batch, cached=base.cached * 2)
    return replace(base, long=long, long_context_threshold=random.choice([60, 150, 300]))


def random_json_dump(random: Random) -> Callable[[Json], str]:
    """Dump JSON with white space, escapes and the order of keys at random."""

    def shuffle_keys(value: Any) -> Any:
        if isinstance(value, dict):
            keys = random.sample(sorted(value), len(value))
            return {key: shuffle_keys(value[key]) for key in keys}
        return [shuffle_keys(item) for item in value] if isinstance(value, list) else value

    def dump(value: Json) -> str:
        return json.dumps(shuffle_keys(value), separators=random.choice([(",", ":"), (", ", ": "), (" , ", " : ")]))

    return dump
