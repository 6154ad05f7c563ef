"""Fields from TypeScript: interfaces, type aliases, enums, or an object type alone. Comments become notes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from batch.errors import InputError
from batch.fields.answer_field import MAX_DEPTH, AnswerField, FieldType
from batch.fields.type_words import choice_of, read_range

_NAMES = {
    "string": FieldType.TEXT, "any": FieldType.TEXT, "unknown": FieldType.TEXT, "String": FieldType.TEXT,
    "number": FieldType.NUMBER, "Number": FieldType.NUMBER, "float": FieldType.NUMBER,
    "integer": FieldType.WHOLE, "int": FieldType.WHOLE, "bigint": FieldType.WHOLE,
    "boolean": FieldType.YES_NO, "Boolean": FieldType.YES_NO, "Date": FieldType.DATE, "date": FieldType.DATE,
}  # fmt: skip
_EMPTY = {"null", "undefined"}
_LISTS = {"Array", "ReadonlyArray", "Set"}
# One token each; every alternative is possessive or of one character, so a text is read once.
_TOKEN = re.compile(
    r"""(?P<space>\s++)|(?P<line>//[^\n]*+)|(?P<block>/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/)|(?P<name>[A-Za-z_$][\w$]*+)
    |(?P<text>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|`[^`]*+`)|(?P<number>-?\d[\d_]*+(?:\.\d++)?+)|(?P<mark>.)""",
    re.VERBOSE,
)
_NO_SPACE = ("space", "line", "block")


@dataclass
class _Token:
    kind: str
    text: str
    line: int
    note: str = ""  # the comment before it
    after: str = ""  # the comment behind it on its line


def read_typescript(text: str) -> list[AnswerField]:
    """The fields of the type that no other one uses; of several, the last. Raises InputError that names the line."""
    return _Parser(_tokens(text)).read()


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    line, note = 1, ""
    for match in _TOKEN.finditer(text):
        kind, piece = match.lastgroup or "mark", match[0]
        if kind in ("line", "block"):
            comment = " ".join(piece.strip("/*").replace("\n", " ").replace(" * ", " ").split())
            if tokens and tokens[-1].line == line:
                tokens[-1].after = comment
            else:
                note = f"{note} {comment}".strip()
        elif kind != "space":
            tokens.append(_Token(kind, piece, line, note))
            note = ""
        line += piece.count("\n")
    return [*tokens, _Token("end", "", line)]


@dataclass
class _Parser:
    tokens: list[_Token]
    at: int = 0
    declared: dict[str, AnswerField] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def read(self) -> list[AnswerField]:
        while self._here.kind != "end":
            self._declaration()
        groups = {name: one for name, one in self.declared.items() if one.type is FieldType.GROUP}
        roots = [one for name, one in groups.items() if name not in self.used] or list(groups.values())
        if not roots:
            raise InputError("There is no type with fields in the text.", "Give one such as `interface Answer { … }`.")
        return list(self._resolved(roots[-1], ()).fields)

    @property
    def _here(self) -> _Token:
        return self.tokens[self.at]

    def _next(self) -> _Token:
        token = self._here
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def _skip(self, *marks: str) -> bool:
        if self._here.text in marks and self._here.kind in ("mark", "name"):
            self._next()
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._skip(mark):
            raise self._fault(f'"{mark}" is missing')

    def _fault(self, what: str) -> InputError:
        token = self._here
        where = f'before "{token.text[:30]}" in line {token.line}' if token.text else "at the end"
        return InputError(
            f"The TypeScript text cannot be read: {what} {where}.", "Correct it, or write the fields as a line."
        )

    def _declaration(self) -> None:
        while self._skip("export", "declare", "const", "default", ";"):
            pass
        if self._here.kind == "end":
            return
        if self._here.text == "{":
            self.declared[""] = self._object(1)
            return
        word, name = self._next().text, self._next().text
        if word == "interface":
            while self._here.text not in ("{", ""):
                self._next()
            self.declared[name] = self._object(1)
        elif word == "type":
            self._expect("=")
            self.declared[name] = self._type(1)
        elif word == "enum":
            self.declared[name] = self._enum()
        else:
            self.at -= 2
            raise self._fault("an interface, a type or an enum was expected")

    def _enum(self) -> AnswerField:
        self._expect("{")
        choices: list[str] = []
        while not self._skip("}"):
            choices.append(_bare(self._next()))
            if self._skip("="):
                choices[-1] = _bare(self._next())
            if not self._skip(",") and self._here.text != "}":
                raise self._fault('"," is missing')
        return AnswerField("", FieldType.CHOICE, choices=tuple(choices))

    def _object(self, depth: int) -> AnswerField:
        if depth > MAX_DEPTH:
            raise self._fault(f"more than {MAX_DEPTH} levels")
        self._expect("{")
        fields: list[AnswerField] = []
        while not self._skip("}"):
            if self._here.kind == "end":
                raise self._fault('"}" is missing')
            self._skip("readonly")
            named = self._next()
            if named.kind not in ("name", "text"):
                self.at -= 1
                raise self._fault("a field's name was expected")
            optional = self._skip("?")
            self._expect(":")
            value = self._type(depth + 1)
            self._skip(";", ",")
            note = self.tokens[self.at - 1].after or named.note
            fields.append(_noted(replace(value, name=_bare(named), required=value.required and not optional), note))
        return AnswerField("", FieldType.GROUP, fields=tuple(fields))

    def _type(self, depth: int) -> AnswerField:
        self._skip("|")
        options = [self._option(depth)]
        while self._skip("|"):
            options.append(self._option(depth))
        present = [one for one in options if one is not None]
        required = len(present) == len(options)
        literals = [one for one in present if isinstance(one, str)]
        if len(literals) == len(present) and literals:
            chosen = choice_of(literals)
            return replace(chosen, required=required)
        if len(present) != 1 or not isinstance(present[0], AnswerField):
            raise self._fault("one type is needed, not several,")
        return replace(present[0], required=present[0].required and required)

    def _option(self, depth: int) -> AnswerField | str | None:
        """One alternative: a type, a literal (as typed), or None for null. Brackets of a list may follow."""
        if depth > MAX_DEPTH + 2:
            raise self._fault(f"more than {MAX_DEPTH} levels")
        token = self._here
        found: AnswerField | str | None
        if token.text == "{" and token.kind == "mark":
            found = self._object(depth)
        elif self._skip("("):
            found = self._type(depth + 1)
            self._expect(")")
        elif token.kind in ("text", "number"):
            found = self._next().text
        elif token.kind == "name":
            found = self._named(self._next().text, depth)
        else:
            raise self._fault("a type was expected")
        while self._here.text == "[":
            self._next()
            self._expect("]")
            held = found if isinstance(found, AnswerField) else AnswerField("")
            found = AnswerField("", FieldType.LIST, items=None if held == AnswerField("") else held)
        return found

    def _named(self, name: str, depth: int) -> AnswerField | str | None:
        if name in _EMPTY:
            return None
        if name in ("true", "false"):
            return name
        if name in _NAMES:
            return AnswerField("", _NAMES[name])
        if name in _LISTS and self._skip("<"):
            held = self._type(depth + 1)
            self._expect(">")
            return AnswerField("", FieldType.LIST, items=None if held == AnswerField("") else held)
        if name in ("Record", "Map", "Promise"):
            raise self._fault(f"{name} cannot be a field;")
        self.used.add(name)
        return AnswerField("", FieldType.GROUP, note=f"\0{name}")  # resolved when all is read

    def _resolved(self, one: AnswerField, within: tuple[str, ...]) -> AnswerField:
        """A type with the names in it replaced by what was declared."""
        if len(within) > 2 * MAX_DEPTH:
            raise InputError(f"The types are more than {MAX_DEPTH} levels deep.", "Flatten them.")
        if one.note.startswith("\0"):
            name, _, note = one.note[1:].partition("\0")
            if name not in self.declared:
                raise InputError(
                    f'The type "{name[:60]}" is not known.', "Write string, number, boolean, or declare it."
                )
            if name in within:
                raise InputError(f'The type "{name[:60]}" holds itself.', "Limit the depth by hand.")
            target = self._resolved(self.declared[name], (*within, name))
            return replace(target, name=one.name, note=note, required=one.required and target.required)
        items = self._resolved(one.items, (*within, "")) if one.items else None
        return replace(one, items=items, fields=tuple(self._resolved(part, (*within, "")) for part in one.fields))


def _bare(token: _Token) -> str:
    return token.text[1:-1] if token.kind == "text" else token.text


def _noted(one: AnswerField, note: str) -> AnswerField:
    """A field with its comment: a range of a number, else a note."""
    span = read_range(note.casefold()) if one.type is FieldType.NUMBER else None
    if span is not None:
        return replace(span, name=one.name, required=one.required)
    if one.note.startswith("\0"):
        return replace(one, note=f"{one.note}\0{note}")
    return replace(one, note=note)
