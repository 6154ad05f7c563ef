"""What a word or two say of a field's type: "whole number 1..5", "list of text", "positive | negative"."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace

from batch.errors import InputError
from batch.fields import line_scanner
from batch.fields.answer_field import MAX_DEPTH, AnswerField, FieldType

_WORDS = {
    FieldType.TEXT: "text,texts,string,strings,str,varchar,char,free text,short text,long text,plain text,one line",
    FieldType.NUMBER: "number,numbers,float,double,decimal,decimals,decimal number,numeric,num,real,amount,percent,"
    "percentage",
    FieldType.WHOLE: "whole number,whole numbers,whole,integer,integers,int,bigint,count",
    FieldType.YES_NO: "yes/no,boolean,bool,flag,true/false,y/n,yes or no,true or false,yes-no",
    FieldType.DATE: "date,dates,day",
}
_WORDS_OF_OTHER_LANGUAGES = {  # none that means something else in another of them
    FieldType.TEXT: "texte,texten,freitext,texto,textos,testo,testi,tekst",
    FieldType.NUMBER: "zahl,zahlen,dezimalzahl,kommazahl,prozent,número,numero,décimal,getal",
    FieldType.WHOLE: "ganzzahl,ganzzahlen,ganze zahl,ganze zahlen,entier,entiers,entero,número entero,intero,"
    "numero intero,geheel getal",
    FieldType.YES_NO: "wahrheitswert,booleano",
    FieldType.DATE: "datum,fecha",
}
_ENGLISH = [word for words in _WORDS.values() for word in words.split(",")]
TYPE_WORDS = {
    word: kind for known in (_WORDS, _WORDS_OF_OTHER_LANGUAGES) for kind in known for word in known[kind].split(",")
}
_YES_NO = ({"yes", "no"}, {"true", "false"}, {"y", "n"})
_EMPTY_WORDS = {"null", "none", "empty", "undefined", "nil"}
OPTIONAL = {"optional", "nullable", "may be empty", "can be empty", "if any", "if known", "or empty", "not required"}
REQUIRED = {"required", "mandatory", "not empty", "never empty"}
LIST_OF: tuple[str, ...] = (
    *("list of ", "lists of ", "array of ", "many of ", "any of ", "several of ", "set of ", "all of "),
    *("liste von ", "liste mit ", "liste de ", "lista de ", "lista di ", "lijst van "),
)
ONE_OF: tuple[str, ...] = (
    *("one of ", "choice of ", "either ", "one of:", "choice:", "enum "),
    *("auswahl aus ", "auswahl:", "eines von ", "eine von ", "une de ", "un de ", "una de ", "uno di "),
)
_NUMBER = r"[-+]?\d[\d_]*(?:\.\d+|,\d{1,2}(?!\d))?"
_SPAN = re.compile(rf"({_NUMBER})?\s*(?:\.\.\.?|…|–|—|-|\bto\b|\bbis\b|\bà\b)\s*({_NUMBER})?", re.ASCII)
_BOUND = re.compile(rf"(>=|<=|≥|≤|at least|at most|min(?:imum)?|max(?:imum)?|up to|from)\s*({_NUMBER})", re.ASCII)
_RANGE_WORDS = (("from ", " to "), ("between ", " and "), ("von ", " bis "), ("zwischen ", " und "), ("de ", " à "))
_AT_LEAST = {">=", "≥", "at least", "min", "minimum", "from"}
MAX_WORD = 30
MAX_SPEC_CHARS = 10_000


def read_type(spec: str, depth: int = 1) -> AnswerField | None:
    """The type that a text describes, as a field without a name; None where it describes none.

    What follows a type's name is its note. Raises InputError for a list of lists of lists.
    """
    text = " ".join(spec.split()) if len(spec) <= MAX_SPEC_CHARS else ""
    if not text or depth > MAX_DEPTH:
        return None
    folded = text.casefold()
    if (kind := TYPE_WORDS.get(folded)) is not None:
        return AnswerField("", kind)
    return (
        _read_list(text, folded, depth)
        or _read_choices(text, folded)
        or read_range(folded)
        or _read_leading_word(text, folded)
    )


def _read_list(text: str, folded: str, depth: int) -> AnswerField | None:
    if folded in ("list", "array", "lists", "list[]", "tags", "liste", "lista", "lijst"):
        return AnswerField("", FieldType.LIST)
    inner = next((text[len(start) :] for start in LIST_OF if folded.startswith(start)), None)
    if inner is None and text.endswith("[]"):
        inner = text[:-2].strip()
    if inner is None and (text[:1] == "[" and text[-1:] == "]"):
        inner = text[1:-1]
    if inner is None and folded.startswith(("list", "array")) and text[-1:] in (")", "]", ">"):
        opening = min((at for at in map(text.find, "([<") if at >= 0), default=-1)
        inner = text[opening + 1 : -1] if 4 <= opening <= 6 else None
    if inner is None:
        return None
    inner = inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner
    held = read_type(inner, depth + 1)
    if held is None and line_scanner.find(inner, ",") >= 0:
        held = choice_of(line_scanner.split(inner, ","))
    if held is None:
        refuse_misspelt("the list", inner)
    if held is not None and held.type is FieldType.TEXT and not held.note:
        held = None
    return AnswerField("", FieldType.LIST, items=held and replace(held, note=""), note=_note_of_items(held, inner))


def _note_of_items(held: AnswerField | None, inner: str) -> str:
    if held is not None:
        return held.note
    return "" if TYPE_WORDS.get(inner.strip().casefold()) is FieldType.TEXT else inner.strip()


def _read_choices(text: str, folded: str) -> AnswerField | None:
    start = next((start for start in ONE_OF if folded.startswith(start)), "")
    inner = text[len(start) :].strip(" :") if start else text
    if folded.startswith("enum(") and text.endswith(")"):
        start, inner = "enum(", text[5:-1]
    separator = next(
        (mark for mark in ("|", ",") if line_scanner.find(inner, mark) >= 0 and (start or mark == "|")), ""
    )
    if not separator and (start or _is_slashed(inner)) and "/" in inner:
        separator = "/"
    if separator:
        return choice_of(line_scanner.split(inner, separator))
    parts = inner.split(" or ")
    if len(parts) > 1 and (start or all(len(part.split()) == 1 for part in parts)):
        return choice_of([part.strip() for part in parts])
    return choice_of([inner]) if line_scanner.is_quoted(inner) else None


def _is_slashed(text: str) -> bool:
    """Whether a text is a few short words with slashes between them, and no date, path or fraction."""
    pieces = text.split("/")
    return len(pieces) > 1 and all(
        0 < len(piece.strip()) <= MAX_WORD and len(piece.split()) <= 2 and not piece.strip()[0].isdigit()
        for piece in pieces
    )


def choice_of(given: list[str]) -> AnswerField:
    """The choice of these words. Notes in brackets behind them become its note; `null` among them makes it optional;
    yes and no alone are a yes/no, consecutive whole numbers a range.
    """
    pieces = [line_scanner.cut_brackets(piece) for piece in given]
    if pieces and pieces[-1][0].casefold().startswith("or "):
        pieces[-1] = (pieces[-1][0][3:].strip(), pieces[-1][1])
    elif len(pieces) > 1 and pieces[-1][0].count(" or ") == 1:
        pieces[-1:] = [(word.strip(), "") for word in pieces[-1][0].split(" or ")]
    words = [(word, note) for word, note in pieces if word.casefold() not in _EMPTY_WORDS]
    required = len(words) == len(pieces)
    names = tuple(line_scanner.unquote(word).strip() for word, _ in words)
    folded = {name.casefold() for name in names}
    if len(names) == 1 and not required and (single := TYPE_WORDS.get(names[0].casefold())):
        return AnswerField("", single, required=False)
    if folded in _YES_NO and not any(note for _, note in words):
        return AnswerField("", FieldType.YES_NO, required=required)
    if names and all(name.isascii() and name.isdigit() and len(name) < MAX_WORD for name in names):
        numbers = [int(name) for name in names]
        if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return AnswerField("", FieldType.WHOLE, minimum=numbers[0], maximum=numbers[-1], required=required)
    note = "; ".join(f"{line_scanner.unquote(word)}: {note}" for word, note in words if note)
    return AnswerField("", FieldType.CHOICE, choices=names, note=note, required=required)


def read_range(folded: str) -> AnswerField | None:
    """The number that a range alone describes: "1..5", "0.0 to 1.0", ">= 0"."""
    if len(folded) > 100:
        return None
    folded = _as_span(folded)
    if match := _SPAN.fullmatch(folded):
        low, high = match[1], match[2]
    elif match := _BOUND.fullmatch(folded):
        low, high = (match[2], None) if match[1] in _AT_LEAST else (None, match[2])
    else:
        return None
    if not (low or high):
        return None
    low, high = (bound and bound.replace("_", "").replace(",", ".") for bound in (low, high))
    whole = not any("." in bound for bound in (low, high) if bound)
    bounds = [None if bound is None else float(bound) for bound in (low, high)]
    return AnswerField("", FieldType.WHOLE if whole else FieldType.NUMBER, minimum=bounds[0], maximum=bounds[1])


def _as_span(folded: str) -> str:
    """A range without the words around it: "from 1 to 5", "zwischen 1 und 5", "0-100 %"."""
    text = folded.removesuffix("%").removesuffix("percent").removesuffix("prozent").strip()
    for start, middle in _RANGE_WORDS:
        low, found, high = text.removeprefix(start).partition(middle)
        if text.startswith(start) and found:
            return f"{low.strip()}..{high.strip()}"
    return text


def _read_leading_word(text: str, folded: str) -> AnswerField | None:
    """A type's name with something behind it: a range, or a note."""
    for length in (2, 1):
        words = folded.split(" ", length)
        kind = TYPE_WORDS.get(" ".join(words[:length]).rstrip(",:"))
        if kind is None or len(words) <= length:
            continue
        rest = text.split(" ", length)[length].strip()
        if kind in (FieldType.NUMBER, FieldType.WHOLE):
            span = read_range(rest.casefold().removeprefix("from ").removeprefix("between "))
            if span is not None:
                return replace(span, type=kind)
        if rest.casefold() in OPTIONAL | {"or empty", "or null", "or none"}:
            return AnswerField("", kind, required=False)
        return AnswerField("", kind, note=rest)
    return None


def refuse_misspelt(name: str, spec: str) -> None:
    """Raises InputError for a single word that nearly is a type's name."""
    word = spec.strip().casefold()
    if not word or " " in word or len(word) > MAX_WORD:
        return
    close = difflib.get_close_matches(word, [*_ENGLISH, "list"], n=1, cutoff=0.8)
    if close:
        raise InputError(
            f'"{name}" has the type "{word}", which is not known.',
            f'Did you mean "{close[0]}"? Choices are written {word} | other.',
        )
