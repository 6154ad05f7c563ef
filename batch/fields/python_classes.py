"""Fields from Python classes: Pydantic models, dataclasses, TypedDicts and enums. Parsed, never run."""

from __future__ import annotations

import ast
from dataclasses import replace

from batch.errors import InputError
from batch.fields.answer_field import MAX_DEPTH, AnswerField, FieldType

_NAMES = {
    "str": FieldType.TEXT, "EmailStr": FieldType.TEXT, "HttpUrl": FieldType.TEXT, "AnyUrl": FieldType.TEXT,
    "UUID": FieldType.TEXT, "Any": FieldType.TEXT, "object": FieldType.TEXT, "constr": FieldType.TEXT,
    "StrictStr": FieldType.TEXT, "datetime": FieldType.TEXT, "time": FieldType.TEXT,
    "int": FieldType.WHOLE, "conint": FieldType.WHOLE, "StrictInt": FieldType.WHOLE,
    "PositiveInt": FieldType.WHOLE, "NonNegativeInt": FieldType.WHOLE,
    "float": FieldType.NUMBER, "Decimal": FieldType.NUMBER, "confloat": FieldType.NUMBER,
    "PositiveFloat": FieldType.NUMBER, "NonNegativeFloat": FieldType.NUMBER, "Number": FieldType.NUMBER,
    "bool": FieldType.YES_NO, "StrictBool": FieldType.YES_NO, "date": FieldType.DATE,
}  # fmt: skip
_LOWEST = {"PositiveInt": 1.0, "NonNegativeInt": 0.0, "NonNegativeFloat": 0.0}
_NOTES = {"datetime": "Date and time in ISO form.", "time": "Time as HH:MM.", "EmailStr": "An e-mail address."}
_LISTS = {"list", "List", "set", "Set", "frozenset", "Sequence", "Iterable", "tuple", "Tuple", "conlist"}
_ENUM_BASES = {"Enum", "StrEnum", "IntEnum"}
_BRACKETS = 40  # open at once; Python's own parser is slow on deeper text


def read_classes(text: str) -> list[AnswerField]:
    """The fields of the class that no other one uses; of several, the last. Raises InputError that names the place."""
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > _BRACKETS:
        raise InputError("The classes are nested too deeply to be read.", "Flatten them.")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise InputError(
            f"The Python text cannot be read{line}.", "Correct it, or write the fields as a line."
        ) from None
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    models = [node for node in classes.values() if not _is_enum(node)]
    used = {name for node in models for name in _names_used(node)}
    roots = [node for node in models if node.name not in used] or models
    if not roots:
        raise InputError(
            "There is no class with fields in the text.", "Give a class such as `class Answer(BaseModel):`."
        )
    return _Reader(classes, text.splitlines()).fields(roots[-1], ())


def _is_enum(node: ast.ClassDef) -> bool:
    return any(_name(base) in _ENUM_BASES for base in node.bases)


def _names_used(node: ast.ClassDef) -> set[str]:
    annotations = [part.annotation for part in node.body if isinstance(part, ast.AnnAssign)]
    found = {inner.id for one in annotations for inner in ast.walk(one) if isinstance(inner, ast.Name)}
    quoted = {str(inner.value) for one in annotations for inner in ast.walk(one) if isinstance(inner, ast.Constant)}
    return (found | quoted | {_name(base) for base in node.bases}) - {node.name}


def _name(node: ast.expr) -> str:
    """The last word of a name: "Optional" of `typing.Optional`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


class _Reader:
    def __init__(self, classes: dict[str, ast.ClassDef], lines: list[str]) -> None:
        self._classes, self._lines = classes, lines
        self._count = 0

    def fields(self, node: ast.ClassDef, within: tuple[str, ...]) -> list[AnswerField]:
        if node.name in within:
            raise InputError(f'The class "{node.name}" holds itself.', "Limit the depth by hand.")
        if len(within) > MAX_DEPTH:
            raise InputError(f'The classes are more than {MAX_DEPTH} levels deep at "{node.name}".', "Flatten them.")
        inherited = [self._classes[_name(base)] for base in node.bases if _name(base) in self._classes]
        fields = {field.name: field for base in inherited for field in self.fields(base, (*within, node.name))}
        for part in node.body:
            if (
                isinstance(part, ast.AnnAssign)
                and isinstance(part.target, ast.Name)
                and part.target.id != "model_config"
            ):
                fields[part.target.id] = self._field(part, part.target.id, (*within, node.name))
        if not fields:
            raise InputError(f'The class "{node.name}" has no fields.', "Write them as `name: type`.")
        return list(fields.values())

    def _field(self, part: ast.AnnAssign, name: str, within: tuple[str, ...]) -> AnswerField:
        self._count += 1
        if self._count > 2000:
            raise InputError("The classes have too many fields.", "Ask for fewer.")
        field = replace(self._type(part.annotation, name, within), name=name)
        if isinstance(part.value, ast.Call):
            field = _with_settings(field, part.value)
        elif isinstance(part.value, ast.Constant) and part.value.value is None:
            field = replace(field, required=False)
        comment = self._lines[(part.end_lineno or 1) - 1].encode()[part.end_col_offset or 0 :].decode(errors="replace")
        note = comment.partition("#")[2].strip()
        return replace(field, note=field.note or note)

    def _type(self, node: ast.expr, place: str, within: tuple[str, ...]) -> AnswerField:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._type(_expression(node.value, place), place, within)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._union(_options(node), place, within)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, place, within)
        if isinstance(node, ast.Call):
            return _with_settings(self._named(_name(node.func), place, within), node)
        return self._named(_name(node), place, within)

    def _named(self, name: str, place: str, within: tuple[str, ...]) -> AnswerField:
        if name in _NAMES:
            return AnswerField("", _NAMES[name], minimum=_LOWEST.get(name), note=_NOTES.get(name, ""))
        if name in _LISTS:
            return AnswerField("", FieldType.LIST)
        node = self._classes.get(name)
        if node is None:
            raise InputError(
                f'"{place}" has the type "{name or "?"}", which is not known.', "Write str, int, list[str], …"
            )
        if _is_enum(node):
            values = [
                one.value.value
                for one in node.body
                if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)
            ]
            names = [
                str(one.targets[0].id)
                for one in node.body
                if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
            ]
            return AnswerField("", FieldType.CHOICE, choices=tuple(map(str, values or names)))
        return AnswerField("", FieldType.GROUP, fields=tuple(self.fields(node, within)))

    def _subscript(self, node: ast.Subscript, place: str, within: tuple[str, ...]) -> AnswerField:
        name = _name(node.value)
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Literal":
            return _literal([one.value for one in inner if isinstance(one, ast.Constant)])
        if name in ("Optional", "Union"):
            field = self._union(list(inner), place, within)
            return replace(field, required=False) if name == "Optional" else field
        if name in ("Annotated", "Required", "NotRequired", "ClassVar", "Final"):
            field = self._type(inner[0], place, within)
            for extra in inner[1:]:
                field = _with_settings(field, extra) if isinstance(extra, ast.Call) else _with_text(field, extra)
            return replace(field, required=field.required and name != "NotRequired")
        if name in _LISTS:
            held = self._type(inner[0], place, within)
            return AnswerField("", FieldType.LIST, items=None if held == AnswerField("") else held)
        raise InputError(f'"{place}" has the type "{name}[…]", which cannot be a field.', "Use a list or a class.")

    def _union(self, options: list[ast.expr], place: str, within: tuple[str, ...]) -> AnswerField:
        present = [one for one in options if not (isinstance(one, ast.Constant) and one.value is None)]
        if len(present) != 1:
            raise InputError(f'"{place}" may have several types.', "Choose one of them.")
        field = self._type(present[0], place, within)
        return replace(field, required=field.required and len(present) == len(options))


def _options(node: ast.expr) -> list[ast.expr]:
    options: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        options.append(node.right)
        node = node.left
    return [node, *options[::-1]]


def _expression(text: str, place: str) -> ast.expr:
    try:
        return ast.parse(text[:500], mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f'The type of "{place}" cannot be read.', "Write str, int, list[str], …") from None


def _literal(values: list[object]) -> AnswerField:
    present = [value for value in values if value is not None]
    numbers = [value for value in present if isinstance(value, int) and not isinstance(value, bool)]
    required = len(present) == len(values)
    if set(present) == {True, False} and not numbers:
        return AnswerField("", FieldType.YES_NO, required=required)
    if len(numbers) == len(present) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return AnswerField("", FieldType.WHOLE, minimum=numbers[0], maximum=numbers[-1], required=required)
    return AnswerField("", FieldType.CHOICE, choices=tuple(map(str, present)), required=required)


def _with_text(field: AnswerField, extra: ast.expr) -> AnswerField:
    text = extra.value if isinstance(extra, ast.Constant) and isinstance(extra.value, str) else ""
    return replace(field, note=field.note or text)


def _with_settings(field: AnswerField, call: ast.Call) -> AnswerField:
    """What `Field(…)` says: description, bounds, a default of None."""
    values = {word.arg: _constant(word.value) for word in call.keywords if word.arg}
    default = _constant(call.args[0]) if call.args else values.get("default", ...)
    numeric = field.type in (FieldType.WHOLE, FieldType.NUMBER)
    low, high = (_bound(values, "ge", "gt", 1), _bound(values, "le", "lt", -1)) if numeric else (None, None)
    if field.type is FieldType.LIST:
        low, high = (_as_number(values.get(name)) for name in ("min_length", "max_length"))
    return replace(
        field,
        minimum=field.minimum if low is None else low,
        maximum=field.maximum if high is None else high,
        note=field.note or str(values.get("description") or ""),
        required=field.required and default is not None,
    )


def _bound(values: dict[str, object], inclusive: str, exclusive: str, step: int) -> float | None:
    bound = _as_number(values.get(inclusive))
    beyond = _as_number(values.get(exclusive))
    return bound if bound is not None or beyond is None else beyond + step if beyond.is_integer() else beyond


def _as_number(value: object) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e18 else None
    )


def _constant(node: ast.expr) -> object:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        return -value if isinstance(value, int | float) else ...
    return node.value if isinstance(node, ast.Constant) else ...
