"""A request arranged otherwise, by the rules that are allowed: a pure function from line to line.

What is said stays the same: lines and parts change their places only, and a short label is added where something would
be misread in its new place. What cannot be told apart surely stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET, MsgspecError, Raw
from xxhash import xxh3_64_intdigest as digest

from batch.arrangement.frames import Framed
from batch.arrangement.json_texts import before_name, is_structure, json_text, may_be_json, ordered, text_bytes
from batch.arrangement.rules import ALL_RULES, QUESTION_LABEL, REQUEST_LABEL, SYSTEM_WORD, Rule
from batch.arrangement.shared_blocks import EVERYWHERE, MIN_BLOCK_BYTES, MORE, Block, Layout
from batch.arrangement.shared_text import (
    MIN_LINE_BYTES,
    Request,
    SharedText,
    arrangeable,
    decode_turn,
    part_name,
    text_body,
)
from batch.arrangement.stand_ins import StandIns
from batch.arrangement.text_lines import NEWLINE, is_data, is_label, strip_newlines
from batch.arrangement.text_pieces import split_pieces
from batch.arrangement.tool_order import order_name
from batch.prefixes.locate import Turn, turn_json
from batch.prefixes.request_parts import TEXT

GAP = NEWLINE * 2
NOTED = 1 << 16
"""So many shared texts and instructions are remembered."""
RECENT = 256
"""So many texts are kept as they were arranged: shared ones come again soon."""
RULES_OF_TURNS = ALL_RULES - {Rule.SYSTEM_APART, Rule.SYSTEM_WORD, Rule.TOOLS_IN_ORDER} | {Rule.NOT_MOVED}
_members = msgspec.json.Decoder(dict[str, Raw]).decode


@dataclass
class Moved:
    """What one rule has done: in how many rows, to how many different shared texts.

    `largest` is the longest of them as a part; `before` how often so many lines (or parts) stood before it.
    """

    rows: int = 0
    names: set[int] = field(default_factory=set)
    largest: bytes = b""
    before: Counter[int] = field(default_factory=Counter)

    def note(self, shared: Sequence[bytes], before: int) -> None:
        """Note what was done to one row."""
        self.rows += 1
        self.before[before] += 1
        for part in shared:
            if len(self.names) < NOTED:
                self.names.add(digest(part))
            if len(part) > len(self.largest):
                self.largest = part


class _Note(NamedTuple):
    """What one rule did to one row: to which shared parts, and how much stood before them."""

    rule: Rule
    shared: tuple[bytes, ...]
    before: int


class _Part(NamedTuple):
    """A part to be arranged: as JSON, in how many rows or texts it is, whether it may go before others."""

    json: bytes
    rows: int
    movable: bool


class _System(NamedTuple):
    """A system instruction without what differs ("" for nothing left), and that."""

    kept: bytes
    apart: bytes
    before: int


class Rearrangement:
    """Arranges requests by some rules, by what a batch has in common."""

    def __init__(self, shared: SharedText, rules: frozenset[Rule] = ALL_RULES) -> None:
        self.shared, self.rules, self._opens_texts = shared, rules, bool(rules & RULES_OF_TURNS)
        self.moved: dict[Rule, Moved] = {}
        self._texts, self._systems = shared.finders()
        self._texts.learn_edges(shared.sampled_texts())
        self._known_systems: dict[int, _System | None] = {}
        self._known_texts: dict[int, tuple[list[_Part], _Note]] = {}
        self._left_as_is: set[int] = set()
        self._stand_ins: StandIns | None = None

    def with_rules(self, rules: frozenset[Rule]) -> Rearrangement:
        """The same with other rules; what was learned of texts is kept."""
        other = copy(self)
        other.rules, other._opens_texts = rules, bool(rules & RULES_OF_TURNS)
        other.moved, other._known_systems, other._known_texts, other._left_as_is = {}, {}, {}, set()
        return other

    def lines(self, lines: Iterable[bytes], stand_ins: StandIns | None = None) -> Iterator[bytes]:
        """Every line, arranged; with stand-ins for what is shared and would be long."""
        arranging = copy(self)
        arranging._stand_ins = stand_ins
        return map(arranging.line, lines)

    def shares_beginnings(self) -> bool:
        """Whether any of the texts looked at begins with what others have, too, and goes on with something else."""
        for line in self.shared.sample:
            for turn in (arrangeable(line) or (None, []))[1]:
                for part in turn.parts:
                    body = text_body(part) if turn.is_user and len(part) >= MIN_BLOCK_BYTES else None
                    layout = self._texts.layout(body) if body is not None else Layout(0, ())
                    if layout.blocks and layout.blocks[0].start <= layout.lead:
                        return True
        return False

    def line(self, line: bytes) -> bytes:
        """A line of the normalised JSONL, arranged; the same bytes where nothing is to be done."""
        framed = self.shared.frames.find(line) if len(line) >= MIN_LINE_BYTES else None
        if framed is not None:
            return self._framed_line(line, framed)
        found = arrangeable(line)
        if found is None:
            return line
        request, turns = found
        changes: dict[str, Raw] = {}
        notes: list[_Note] = []
        turns, has_changed = self._arranged_turns(turns, notes)
        system = None if request.systemInstruction is UNSET else self._system(request.systemInstruction)
        has_system = request.systemInstruction is not UNSET
        if system is not None:
            turns[-1] = Turn(
                [*turns[-1].parts, Raw(_text_part(REQUEST_LABEL + NEWLINE + system.apart))], turns[-1].role
            )
            changes["systemInstruction"] = Raw(self._short(system.kept))
            has_changed, has_system = True, bool(system.kept)
            tools = b"" if request.tools is UNSET else bytes(request.tools)
            shared = max(system.kept, tools, *map(bytes, turns[-1].parts), key=len)
            notes.append(_Note(Rule.SYSTEM_APART, (shared,), system.before))
        if request.tools is not UNSET:
            tools = self._tools(request.tools)
            if tools != bytes(request.tools):
                changes["tools"] = Raw(tools)
                notes.append(_Note(Rule.TOOLS_IN_ORDER, (tools,), 0))
            word_is_due = Rule.SYSTEM_WORD in self.rules and self._are_tools_shared(tools)
            if not has_system and (word_is_due or system is not None):
                changes["systemInstruction"] = Raw(b'{"parts":[%b]}' % _text_part(SYSTEM_WORD))
                notes.append(_Note(Rule.SYSTEM_WORD, (tools,), 0))
        if has_changed:
            turns = self._shortened(turns, notes)
            changes["contents"] = Raw(b"[%b]" % b",".join(map(turn_json, turns)))
        if not changes:
            return line
        for note in notes:
            self._note(note)
        return _spliced(line, request, changes) or _with(line, changes)

    def _framed_line(self, line: bytes, framed: Framed) -> bytes:
        """A line that holds one text alone, arranged."""
        opened = self._opened_body(framed.body) if self._opens_texts and len(framed.body) >= MIN_BLOCK_BYTES else None
        if opened is None:
            return line
        parts, note = opened
        self._note(note)
        *first, last = (part.json for part in parts)
        return framed.with_parts(line, b",".join((*map(self._short, first), last)))

    def _note(self, note: _Note) -> None:
        moved = self.moved.get(note.rule)
        if moved is None:
            moved = self.moved[note.rule] = Moved()
        moved.note(note.shared, note.before)

    def _short(self, shared: bytes) -> bytes:
        return shared if self._stand_ins is None else self._stand_ins.put(shared)

    def _shortened(self, turns: list[Turn], notes: list[_Note]) -> list[Turn]:
        """Turns with stand-ins for shared texts; the very last part is always itself."""
        if self._stand_ins is None:
            return turns
        shared = {part for note in notes for part in note.shared if part.startswith(TEXT)}
        short = [
            Turn([Raw(self._short(part)) if (part := bytes(raw)) in shared else raw for raw in turn.parts], turn.role)
            for turn in turns
        ]
        short[-1].parts[-1] = turns[-1].parts[-1]
        return short

    def _rows_of(self, parts: list[bytes]) -> list[int]:
        return self._rows_named([part_name(part) for part in parts])

    def _tools(self, tools: Raw) -> bytes:
        """The tools of a request, in order if more rows have them then."""
        raw = bytes(tools)
        if Rule.TOOLS_IN_ORDER not in self.rules:
            return raw
        in_order = self.shared.tool_order.ordered(raw)
        as_given, as_ordered = self._rows_named([part_name(raw), order_name(in_order)])
        return in_order if as_ordered > as_given else raw

    def _are_tools_shared(self, tools: bytes) -> bool:
        names = [part_name(tools)]
        if Rule.TOOLS_IN_ORDER in self.rules:
            names.append(order_name(self.shared.tool_order.ordered(tools)))
        return max(self._rows_named(names)) > 1

    # -- turns ---------------------------------------------------------------------------------------------------------

    def _arranged_turns(self, turns: list[Turn], notes: list[_Note]) -> tuple[list[Turn], bool]:
        """The turns with those of the user arranged, and whether any of them was."""
        arranged, has_changed = list(turns), False
        if Rule.NOT_MOVED in self.rules and len(turns) > 1 and (across := self._across_turns(turns, notes)):
            return across, True
        if self._opens_texts:
            for place, turn in enumerate(turns):
                parts = self._arranged(turn.parts, notes) if turn.is_user else None
                if parts is not None:
                    arranged[place], has_changed = Turn(list(map(Raw, parts)), turn.role), True
        return arranged, has_changed

    def _across_turns(self, turns: list[Turn], notes: list[_Note]) -> list[Turn] | None:
        """The turns as they would be with shared parts of later ones first; None where that would change nothing.

        A conversation would be another one then: it is done to know the price, never to be sent.
        """
        rows = [self._rows_of(list(map(bytes, turn.parts))) for turn in turns]
        before, moved, kept = min(rows[0]), [], [turns[0]]
        for turn, counts in zip(turns[1:], rows[1:], strict=True):
            is_moved = [
                turn.is_user and n > max(1, before) and len(p) >= MIN_BLOCK_BYTES
                for p, n in zip(turn.parts, counts, strict=True)
            ]
            moved += [part for part, is_first in zip(turn.parts, is_moved, strict=True) if is_first]
            if rest := [part for part, is_first in zip(turn.parts, is_moved, strict=True) if not is_first]:
                kept.append(Turn(rest, turn.role))
        if not moved or not kept[-1].is_user:
            return None
        notes.append(_Note(Rule.NOT_MOVED, tuple(map(bytes, moved)), len(turns[0].parts)))
        return [Turn(moved, "user"), *kept]

    def _arranged(self, given: list[Raw], notes: list[_Note]) -> list[bytes] | None:
        """The parts of a turn, arranged; None if they stay as they are."""
        raw_parts = list(map(bytes, given))
        parts: list[_Part] = []
        rows = self._rows_of(raw_parts) if len(given) > 1 else [0]
        for raw, count in zip(raw_parts, rows, strict=True):
            inside = self._inside(raw) if len(raw) >= MIN_BLOCK_BYTES else None
            is_long = len(raw) >= MIN_BLOCK_BYTES or not raw.startswith(b'{"text"')
            if inside is not None:
                notes.append(inside[1])
            parts += inside[0] if inside else [_Part(raw, count, is_long and count > 1)]
        if Rule.PART_FIRST in self.rules and len(given) > 1:
            parts = self._shared_first(parts, notes)
        arranged = [part.json for part in parts]
        return arranged if arranged != raw_parts else None

    def _inside(self, raw: bytes) -> tuple[list[_Part], _Note] | None:
        """A text as several parts, the shared ones first; None if it stays as it is."""
        name = digest(raw)
        if name in self._known_texts:
            return self._known_texts[name]
        if name in self._left_as_is:
            return None
        found = self._opened(raw)
        if found is None:
            if len(self._left_as_is) >= NOTED:
                self._left_as_is.clear()
            self._left_as_is.add(name)
            return None
        if len(self._known_texts) >= RECENT:
            self._known_texts.clear()
        self._known_texts[name] = found
        return found

    def _opened(self, raw: bytes) -> tuple[list[_Part], _Note] | None:
        body = text_body(raw)
        return None if body is None else self._opened_body(body)

    def _opened_body(self, body: bytes) -> tuple[list[_Part], _Note] | None:
        if may_be_json(body):
            members_first = self._json_opened(body)
            if members_first is not None:
                return members_first if members_first[1].rule in self.rules else None
        layout = self._texts.layout(body)
        if not layout.blocks:
            return None
        blocks = self._in_order(body, layout) if len(layout.blocks) > 1 else list(layout.blocks)
        last_start, head, tail = layout.blocks[-1].start, list[bytes](), list[bytes]()
        for place, piece in _rest(body, layout):
            (head if place < last_start else tail).append(piece)
        in_place = not head and blocks == list(layout.blocks)
        if in_place and not tail:
            return None
        if is_structure(body):
            rule = Rule.NOT_MOVED
        elif in_place:
            rule = Rule.OWN_PART
        else:
            asks_at_end = bool(tail) and is_label(tail[-1].rpartition(NEWLINE)[2])
            is_last = bool(head) and not asks_at_end and is_data(NEWLINE.join(head))
            rule = Rule.LINES_LAST if is_last else Rule.DOCUMENT_FIRST
        if rule not in self.rules:
            return None
        texts = [body[block.start : block.end] for block in blocks]
        if lead := strip_newlines(body[: layout.lead]):
            texts[0] = lead + GAP + texts[0]
        shared = tuple([b'{"text":"%b%b"}' % (text, GAP) for text in texts])
        parts = [_Part(part, block.texts, True) for part, block in zip(shared, blocks, strict=True)]
        is_asked = bool(head) and rule is not Rule.LINES_LAST
        before = len(head) + sum([piece.count(NEWLINE) for piece in head])
        if is_asked:
            head[0] = QUESTION_LABEL + NEWLINE + head[0]
        remaining = [*tail, *head] if rule is Rule.LINES_LAST else [*head, *tail]
        if remaining:
            parts.append(_Part(_text_part(GAP.join(remaining)), 0, False))
        return parts, _Note(rule, shared, before)

    def _json_opened(self, body: bytes) -> tuple[list[_Part], _Note] | None:
        """A text with an object as two parts, the members that rows share in the first; None if it shares none."""
        found = json_text(body)
        order = ordered(found.value, self._rows_named) if found is not None else None
        if found is None or order is None or len(order.first) < MIN_BLOCK_BYTES:
            return None
        before, behind = found.before, found.behind
        if before.strip() and self._rows_named([before_name(before)])[0] < EVERYWHERE * max(2, self.shared.texts):
            before, behind = "", f"{behind}\n\n{QUESTION_LABEL.decode()}\n{before.strip()}"
        is_moved = order.moved or before != found.before
        rule = Rule.MEMBERS_FIRST if is_moved else Rule.OWN_PART
        first = _text_part(text_bytes(before + order.first.decode(errors="surrogatepass")))
        rest = _text_part(text_bytes(order.rest.decode(errors="surrogatepass") + behind))
        return [_Part(first, 2, True), _Part(rest, 0, False)], _Note(rule, (first,), order.moved)

    def _rows_named(self, names: list[int]) -> list[int]:
        return self.shared.counts.of_few(names)

    def _in_order(self, body: bytes, layout: Layout) -> list[Block]:
        """The blocks, those of all rows first; those of more rows before others that they were parted from."""
        blocks = list(layout.blocks)
        everywhere = EVERYWHERE * max(2, self.shared.texts)
        for place in range(1, len(blocks)):
            at = place
            while at and _may_pass(body, blocks[at - 1], blocks[at], everywhere):
                blocks[at - 1], blocks[at] = blocks[at], blocks[at - 1]
                at -= 1
        return blocks

    def _shared_first(self, parts: list[_Part], notes: list[_Note]) -> list[_Part]:
        """Shared parts before those that differ, behind short ones that all rows begin with."""
        everywhere = EVERYWHERE * max(2, self.shared.rows)
        lead = 0
        while lead < len(parts) and parts[lead].rows >= everywhere:
            lead += 1
        behind = parts[lead:]
        movable = [part for part in behind if part.movable]
        movable = [p for p in movable if p.rows >= everywhere] + [p for p in movable if p.rows < everywhere]
        arranged = [*parts[:lead], *movable, *(part for part in behind if not part.movable)]
        if all(one is other for one, other in zip(arranged, parts, strict=True)):
            return parts
        last = max(place for place, part in enumerate(behind) if part.movable)
        before = sum(not part.movable for part in behind[:last])
        notes.append(_Note(Rule.PART_FIRST, tuple(part.json for part in movable), before))
        return arranged

    # -- the system instruction ----------------------------------------------------------------------------------------

    def _system(self, instruction: Raw) -> _System | None:
        """A system instruction without what differs between rows; None if nothing does, or it must stay."""
        if Rule.SYSTEM_APART not in self.rules or self.shared.system_texts < 2:
            return None
        name = digest(instruction)
        if name not in self._known_systems:
            if len(self._known_systems) > NOTED:
                self._known_systems.clear()
            self._known_systems[name] = self._divided(instruction)
        return self._known_systems[name]

    def _divided(self, instruction: Raw) -> _System | None:
        try:
            turn = decode_turn(instruction)
        except MsgspecError:
            return None
        kept_parts: list[bytes] = []
        apart: list[bytes] = []
        before = -1
        for part in turn.parts:
            body = text_body(part)
            if body is None:
                kept_parts.append(bytes(part))
                continue
            pieces, starts = split_pieces(body)
            stays = self._staying(body, pieces, starts)
            if before < 0 and not all(stays):
                before = sum(map(bool, pieces[: stays.index(False)]))
            kept = strip_newlines(_joined(body, pieces, starts, stays))
            apart.append(_joined(body, pieces, starts, [not stay for stay in stays]))
            if kept:
                kept_parts.append(_text_part(kept))
        if not any(apart):
            return None
        role = b"" if turn.role is None else b',"role":%b' % msgspec.json.encode(turn.role)
        kept_json = b'{"parts":[%b]%b}' % (b",".join(kept_parts), role) if kept_parts else b""
        return _System(kept_json, strip_newlines(NEWLINE.join(apart)), before)

    def _staying(self, body: bytes, lines: list[bytes], starts: list[int]) -> list[bool]:
        """Which pieces of a system instruction stay: those of all rows, and long blocks that others have, too."""
        stays: list[bool] = (self._systems.is_everywhere(lines) | np.array([not line for line in lines])).tolist()
        for block in self._systems.layout(body).blocks:
            for place, start in enumerate(starts[:-1]):
                stays[place] = stays[place] or block.start <= start < block.end
        for place in range(len(lines) - 1, 0, -1):
            if not stays[place] and lines[place]:
                above = place - 1
                while above > 0 and not lines[above]:
                    above -= 1
                if stays[above] and is_label(lines[above]):
                    stays[above] = False
        if sum(len(line) for line, stay in zip(lines, stays, strict=True) if stay) < SHORTEST_SYSTEM:
            return [False] * len(lines)
        return stays


SHORTEST_SYSTEM = 20
"""Fewer bytes are left over by chance, and go with the rest."""


def _joined(body: bytes, pieces: list[bytes], starts: list[int], chosen: list[bool]) -> bytes:
    """Some pieces of a text, with what is between them where they stood together."""
    joined: list[bytes] = []
    end, was_chosen = 0, False
    for piece, start, is_chosen in zip(pieces, starts, chosen, strict=False):
        if is_chosen:
            gap = body[end:start]
            glue = NEWLINE if NEWLINE in gap else b" "
            joined += [gap if was_chosen else glue if joined else b"", piece]
        end, was_chosen = start + len(piece), is_chosen
    return b"".join(joined)


def _rest(body: bytes, layout: Layout) -> Iterator[tuple[int, bytes]]:
    """What no block and no common beginning holds, with where it began."""
    at = layout.lead
    for block in layout.blocks:
        if block.start > at and (piece := strip_newlines(body[at : block.start].strip(b" "))):
            yield at, piece
        at = max(at, block.end)
    if piece := strip_newlines(body[at:].strip(b" ")):
        yield at, piece


def _may_pass(body: bytes, before: Block, behind: Block, everywhere: float) -> bool:
    """Whether a block may go before the one that stands before it."""
    if behind.texts < MORE * before.texts or before.texts >= everywhere:
        return False
    return behind.texts >= everywhere or bool(strip_newlines(body[before.end : behind.start]))


def _text_part(body: bytes) -> bytes:
    return b'{"text":"%b"}' % body


def _spliced(line: bytes, request: Request, changes: dict[str, Raw]) -> bytes | None:
    """A line with other members in the places of those that it has; None where these cannot be told surely."""
    given = {
        "contents": request.contents,
        "systemInstruction": request.systemInstruction,
        "tools": request.tools,
    }
    for name, value in changes.items():
        before = given[name]
        label = b'"%b":' % name.encode()
        start = line.find(label) + len(label)
        if before is UNSET or not bytes(value) or start < len(label) or line.find(label, start) >= 0:
            return None
        old = bytes(before)
        if line[start : start + len(old)] != old:
            return None
        line = b"%b%b%b" % (line[:start], bytes(value), line[start + len(old) :])
    return line


def _with(line: bytes, changes: dict[str, Raw]) -> bytes:
    """A line whose request has other members; an empty one is left out."""
    members = _members(line)
    request = _members(members["request"])
    request |= changes
    members["request"] = Raw(msgspec.json.encode({name: value for name, value in request.items() if bytes(value)}))
    return msgspec.json.encode(members) + (b"\n" if line.endswith(b"\n") else b"")
