"""A batch as it could be sent otherwise: read again, each time as one set of rules arranges it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

from batch.arrangement.rearrange import Moved, Rearrangement
from batch.arrangement.rules import ALL_RULES, Rule
from batch.arrangement.shared_text import SharedText
from batch.arrangement.stand_ins import StandIns
from batch.prefixes.forest import LineSource, PrefixSurvey, opened
from batch.prefixes.partial_lines import partial
from batch.prefixes.request_parts import Measure
from batch.prefixes.scan import each_line

AUTO, PART, TEXT = "auto", "part", "text"
"""Where a batch is cut: inside texts where that saves enough, or only between contents and parts, or inside texts."""
MOST_KEPT_ROWS = 2_000_000
"""Of all readings together; others are made anew when they are asked for again."""
ReadBatch = Callable[[LineSource, str], PrefixSurvey]
"""Finds the prefixes of a batch, cut at turns, parts or inside texts, with all else as the plan had it."""


@dataclass(frozen=True)
class Arranged:
    """A batch under some rules: its prefixes, and what each rule moved."""

    survey: PrefixSurvey
    moved: Mapping[Rule, Moved]


class Arrangements:
    """Readings of a batch under rules, made when they are first asked for and kept while there is room.

    `split` is where it was asked to be cut, and `level` where it is: in AUTO, inside texts where that saves enough.
    """

    def __init__(self, lines: LineSource, split: str, read: ReadBatch, measure: Measure) -> None:
        self._lines, self.split, self._read, self.measure = lines, split, read, measure
        self.level = PART if split == AUTO else split
        self._kept: dict[tuple[str, frozenset[Rule]], Arranged] = {}
        self._as_is: dict[str, PrefixSurvey] = {}

    def at(self, level: str) -> Arrangements:
        """The same batch cut at another level; what was read is kept for both."""
        if level == self.level:
            return self
        other = copy(self)
        other.level = level
        return other

    def as_is(self, level: str) -> PrefixSurvey:
        """The batch as it is, cut at a level."""
        if level not in self._as_is:
            self._as_is[level] = self._read(self._lines, level)
        return self._as_is[level]

    def of(self, lines: LineSource, adapted: Callable[[PrefixSurvey], PrefixSurvey]) -> Arrangements:
        """The same of other lines that say the same; what was read is kept, `adapted` to them."""
        other = copy(self)
        other._lines = lines
        other._as_is = {level: adapted(survey) for level, survey in self._as_is.items()}
        other._kept = {
            key: replace(kept, survey=replace(kept.survey, flags=adapted(kept.survey).flags))
            for key, kept in self._kept.items()
        }
        return other

    @cached_property
    def rearrangement(self) -> Rearrangement:
        """All rules, by what the batch has in common."""
        with opened(self._lines) as lines:
            on_disk, reader = partial(lines)
            return Rearrangement(SharedText.of(each_line(on_disk), reader))

    @cached_property
    def applicable(self) -> frozenset[Rule]:
        """The rules that change any of the rows looked at, or would."""
        trial = self.rearrangement.with_rules(ALL_RULES | {Rule.NOT_MOVED})
        for line in trial.shared.sample:
            trial.line(line)
        return frozenset(trial.moved)

    @cached_property
    def unsized_files(self) -> dict[bytes, int]:
        """Files of unknown size that several of the rows looked at name, and how many rows have each, most first."""
        rows = self.rearrangement.shared.rows_with
        files = {part for part in self.rearrangement.shared.sampled_files() if math.isnan(self.measure(part))}
        found = {part: rows(part) for part in files}
        return {part: n for part, n in sorted(found.items(), key=lambda item: (-item[1], item[0])) if n > 1}

    def under(self, rules: frozenset[Rule]) -> Arranged:
        """The batch under some rules."""
        key = self.level, rules
        if key not in self._kept:
            rearrangement = self.rearrangement.with_rules(rules)
            survey = self._read(ArrangedLines(self._lines, rearrangement), self.level)
            if len(survey) * (len(self._kept) + 1) > MOST_KEPT_ROWS:
                self._kept.clear()
            self._kept[key] = Arranged(survey, dict(rearrangement.moved))
        return self._kept[key]

    @cached_property
    def _shares_beginnings(self) -> bool:
        return self.rearrangement.shares_beginnings()

    @property
    def cut_inside_texts(self) -> PrefixSurvey | None:
        """The batch as it is, cut inside texts too; None where it is cut like that, or where nothing begins alike."""
        if self.level == TEXT or not self._shares_beginnings:
            return None
        return self.as_is(TEXT)


class ArrangedLines:
    """The lines of a batch, arranged."""

    def __init__(self, lines: LineSource, rearrangement: Rearrangement) -> None:
        self._lines, self._rearrangement = lines, rearrangement

    def __call__(self) -> ArrangedStream:
        return ArrangedStream(self._lines, self._rearrangement)


class ArrangedStream:
    """One reading of arranged lines; a scan reads them with stand-ins for what they share."""

    def __init__(self, lines: LineSource, rearrangement: Rearrangement) -> None:
        self._lines, self._rearrangement, self.reader = lines, rearrangement, StandIns()

    @property
    def on_disk(self) -> Iterator[bytes]:
        """The lines with stand-ins."""
        self._rearrangement.moved.clear()  # what is told is of one reading
        with opened(self._lines) as lines:
            yield from self._rearrangement.lines(each_line(lines), self.reader)

    def __iter__(self) -> Iterator[bytes]:
        return map(self.reader.whole, self.on_disk)
