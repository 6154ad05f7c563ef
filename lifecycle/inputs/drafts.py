"""From an input to a draft: a folder with the good rows as requests, and a list of what is wrong with the others.

Streams: a 2 GB file is never held in memory. The good part is always written; what is bad is named by line. A draft
is complete once `draft.json` is there, and can be opened again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import pyarrow as pa

from batch.errors import BatchRunnerError, InputError, NotFound
from batch.formatting import Fault, Problem, count, listed
from batch.model import Generation
from batch.requests.generation_settings import Settings, check_generation
from batch.requests.input_formats import BLOCKS, JSONL, KINDS, TABLES, blocks, kind_of, numbered_lines, prompt_lines
from batch.requests.prompt_template import Template, compile_template, default_template
from batch.requests.row_checker import LINE_LIMIT_BYTES, Checker, Row
from batch.requests.use_cache_marker import marker
from lifecycle.core import malloc
from lifecycle.inputs.draft_files import DraftWriter, first_rows, made_line
from lifecycle.inputs.tables import Table, open_binary, open_table, open_text, table_preview

__all__ = ["NOTHING", "PROBLEMS_LISTED", "Draft", "kind_of", "open_draft", "prepare", "table_preview"]

DRAFT = "draft.json"
PROBLEMS_LISTED = 100
PREVIEW_ROWS = 5
PREVIEW_CHARS = 20_000
LARGE_BYTES = 20_000_000
NOTHING = InputError("There is nothing to send.", "Add at least one request.")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Draft:
    """An input that was checked: its good rows, ready to be sent, and an account of the rest.

    `folder` holds requests.jsonl (one line `{"key", "request"}` for each of `rows`, in input order; `size_bytes`),
    inputs.parquet and draft.json. `problems` are the first 100 of `problem_count`, on `bad_rows` rows. `columns` are a
    table's own; `preview` is key and prompt of the first rows. `uses_caches` are the caches that rows name, `models`
    the models that rows ask for.
    """

    folder: Path
    source_name: str
    kind: str
    rows: int
    size_bytes: int
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    bad_rows: int = 0
    columns: tuple[str, ...] = ()
    preview: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    media: bool = False
    image_output: bool = False
    uses_caches: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def prepare(
    source: Path | str,
    folder: Path,
    *,
    kind: str,
    template: str = "",
    generation: Generation | None = None,
    shared_text: str = "",
    source_name: str = "",
    model: str = "",
    key_column: str = "",
    progress: Progress | None = None,
) -> Draft:
    """Check an input and write its good rows into `folder`.

    `source` is a file, or the text itself. `template` is for tables; `generation` and `shared_text` go into every
    request; `model`, if given, makes rows that ask for another one a problem; `key_column` names a table's column of
    keys (else a column "key" is one). `progress` is told the part done, 0 to 1. Raises InputError where the input as
    a whole, the template or the settings cannot be used.
    """
    for problem in check_generation(generation or Generation()):
        raise InputError(problem.fault, problem.remedy)
    if kind not in KINDS:
        raise InputError(f'"{kind}" is not a kind of input.', f"Choose one of {listed(KINDS)}.")
    if template.strip() and kind not in TABLES:
        raise InputError("A template needs a table.", "Give a CSV, TSV, Parquet or XLSX file, or no template.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        settings = Settings(generation or Generation(), shared_text)
        drafting = _Drafting(folder, Checker(settings, model=model), progress or (lambda done: None))
        if kind in TABLES:
            drafting.table(source, kind, template, key_column)
        elif kind == JSONL:
            drafting.json_lines(source)
        else:
            drafting.prompts(source, kind)
        return drafting.finish(source_name or _name_of(source), kind, settings)
    except UnicodeEncodeError:
        raise InputError("The shared text holds half a character (a lone surrogate).", "Type it again.") from None
    except OSError as error:
        raise BatchRunnerError(f"The draft could not be written: {error.strerror or error}.", "Make room.") from error


def open_draft(folder: Path) -> Draft:
    """Open a draft that was prepared earlier. Raises NotFound where there is none."""
    try:
        stored = msgspec.json.decode((folder / DRAFT).read_bytes())
        return msgspec.convert({**stored, "folder": str(folder)}, Draft, dec_hook=lambda type_, value: type_(value))
    except (OSError, msgspec.MsgspecError) as error:
        raise NotFound("There is no such draft.", "Prepare the input again.") from error


def _name_of(source: Path | str) -> str:
    return source.name if isinstance(source, Path) else "typed in"


class _Drafting:
    """One preparation under way."""

    def __init__(self, folder: Path, checker: Checker, progress: Progress) -> None:
        self._folder = folder
        self._checker = checker
        self._progress = progress
        self._writer: DraftWriter | None = None
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._bad_rows = 0
        self._seen = 0
        self._columns: tuple[str, ...] = ()
        self._notes: list[str] = []
        self._counts: Counter[str] = Counter()
        self._caches: dict[str, None] = {}
        self._media = self._images = False

    # -- sources -----------------------------------------------------------------------------------------------------

    def json_lines(self, source: Path | str) -> None:
        check = self._checker.line
        with open_binary(source) as (stream, size), self._writing(pa.schema([])) as writer:
            for piece in numbered_lines(stream, LINE_LIMIT_BYTES):
                for number, raw in enumerate(piece.lines, piece.first):
                    if raw is None:
                        self._seen += 1
                        self._bad([Problem(number, "", *_TOO_LONG)])
                        continue
                    raw = raw.strip()
                    if not raw:
                        self._counts["blank"] += 1
                        continue
                    self._seen += 1
                    self._take(check(raw, number), number, writer)
                if writer.full:
                    writer.flush()
                self._progress(piece.end / size)

    def prompts(self, source: Path | str, kind: str) -> None:
        check = self._checker.prompt
        with open_text(source, self._notes) as (text, stream, size), self._writing(pa.schema([])) as writer:
            pieces = blocks(text, LINE_LIMIT_BYTES) if kind == BLOCKS else prompt_lines(text, LINE_LIMIT_BYTES)
            marked = seen = 0
            for number, prompt in pieces:
                marked, seen = marked + bool(prompt and marker(prompt)), seen + bool(prompt and prompt.strip())
                if prompt is None:
                    self._seen += 1
                    self._bad([Problem(number, "", *_TOO_LONG)])
                elif prompt.strip():
                    self._seen += 1
                    self._take(check(prompt.rstrip("\r\n"), "", number), number, writer)
                else:
                    self._counts["blank"] += 1
                if writer.full:
                    writer.flush()
                    self._progress(stream.tell() / size)
        if 0 < marked < seen:
            self._notes.append(
                f"{marked:,} of {seen:,} prompts begin with @use_cache, the others use no cache: "
                "the line holds for the prompt below it only."
            )

    def table(self, source: Path | str, kind: str, template: str, key_column: str) -> None:
        with open_table(source, kind) as table:
            key = _key_column(table, key_column)
            compiled = (
                compile_template(template, table.names) if template.strip() else default_template(table.names, key)
            )
            if not template.strip():
                self._notes.append(f'The column "{table.names[compiled.columns[0]]}" is the prompt.')
            self._columns = tuple(table.names)
            self._notes += table.notes
            with self._writing(table.schema) as writer:
                self._table_rows(table, compiled, key, writer)

    def _table_rows(self, table: Table, template: Template, key: int | None, writer: DraftWriter) -> None:
        wanted = sorted({*template.columns, *([key] if key is not None else [])})
        for batch in table.batches(wanted):
            faults = iter([*batch.faults, (0, Fault(""))])
            at, fault = next(faults)
            keys = batch.texts[key] if key is not None else [""] * len(batch.lines)
            cells = zip(*(batch.texts[n] for n in template.columns), strict=True)
            good = []
            for line, name, row in zip(batch.lines, keys, cells, strict=True):
                while 0 < at < line:
                    at, fault = self._faulty(at, fault, faults)
                self._seen += 1
                checked = self._checker.prompt(template.render(row), name, line, template.lead)
                good.append(self._take(checked, line, writer))
            while at:
                at, fault = self._faulty(at, fault, faults)
            own = batch.own.filter(pa.array(good, pa.bool_())) if not all(good) else batch.own
            writer.flush(own.columns)
            self._progress(batch.done)

    def _faulty(self, line: int, fault: Fault, rest: Iterator[tuple[int, Fault]]) -> tuple[int, Fault]:
        self._seen += 1
        self._bad([Problem(line, "", *fault)])
        return next(rest)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _take(self, checked: Row | list[Problem], number: int, writer: DraftWriter) -> bool:
        if isinstance(checked, list):
            self._bad(checked)
            return False
        checked.number = number
        if not checked.line:
            if not checked.key:
                checked.key, checked.made = f"row-{self._seen:06d}", True
                self._counts["generated"] += 1
            checked.line = made_line(checked.key, checked.request)
        writer.add(checked)
        if checked.cache:
            self._caches[checked.cache] = None
        if checked.media:
            self._media = True
        if checked.image_output:
            self._images = True
        return True

    def _bad(self, problems: list[Problem]) -> None:
        self._bad_rows += 1
        self._problem_count += len(problems)
        if len(self._problems) < PROBLEMS_LISTED:
            self._problems += problems

    @contextmanager
    def _writing(self, own: pa.Schema) -> Iterator[DraftWriter]:
        """Hold a writer open, and remove what it wrote if the work is broken off."""
        self._writer = writer = DraftWriter(self._folder, own)
        try:
            yield writer
            writer.flush()
            writer.close()
        except BaseException:
            writer.discard()
            raise

    # -- the end -----------------------------------------------------------------------------------------------------

    def finish(self, source_name: str, kind: str, settings: Settings) -> Draft:
        writer = self._writer
        if writer is None:
            raise InputError("There was nothing to read.", "Choose another input.")
        try:
            self._repeated(writer)
            size = writer.publish()
        except BaseException:
            writer.discard()
            raise
        draft = Draft(
            folder=self._folder,
            source_name=source_name,
            kind=kind,
            rows=writer.rows,
            size_bytes=size,
            problems=tuple(self._problems[:PROBLEMS_LISTED]),
            problem_count=self._problem_count,
            bad_rows=self._bad_rows,
            columns=self._columns,
            preview=tuple((key, _clipped(prompt)) for key, prompt in first_rows(self._folder, PREVIEW_ROWS)),
            notes=tuple(self._all_notes(settings)),
            media=self._media,
            image_output=self._images,
            uses_caches=tuple(self._caches),
            models=tuple(self._checker.models),
        )
        stored = {**asdict(draft), "folder": ""}
        part = self._folder / f"{DRAFT}.part"
        part.write_bytes(msgspec.json.encode(stored))
        part.replace(self._folder / DRAFT)
        self._progress(1.0)
        if size > LARGE_BYTES:
            malloc.give_back()
        return draft

    def _repeated(self, writer: DraftWriter) -> None:
        dropped, repeats = writer.unique(PROBLEMS_LISTED)
        self._bad_rows += dropped
        self._problem_count += dropped
        found = [
            Problem(
                line,
                key,
                f'The key "{_clipped(key, 80)}" was used before, in line {first}.',
                "Give every row its own key.",
            )
            for line, key, first in repeats
        ]
        self._problems = sorted([*self._problems, *found], key=lambda problem: problem.line)

    def _all_notes(self, settings: Settings) -> Iterator[str]:
        yield from self._notes
        yield from settings.notes
        counts = self._counts + self._checker.notes
        for code, (words, noun, nouns) in _NOTES.items():
            if counts[code]:
                yield words.format(count(counts[code], noun, nouns))
        models = self._checker.models
        if models:
            naming = count(models.total(), "row names", "rows name")
            yield f"{naming} a model ({listed(tuple(models))}); it was left out. The model chosen for the run is used."
        if not self._seen:
            yield "The input is empty."


_TOO_LONG = Fault(
    f"This is longer than {LINE_LIMIT_BYTES // 1_000_000} MB.",
    "Upload large media as files and name them by fileUri.",
)
_NOTES: dict[str, tuple[str, str, str]] = {
    "blank": ("{} skipped.", "blank line was", "blank lines were"),
    "generated": ("Keys were generated for {}.", "row", "rows"),
    "id_as_key": ('In {} without "key", "id" was taken as the key.', "row", "rows"),
    "number_key": ("In {} the key was a number; it is sent as a text.", "row", "rows"),
    "bare": ('{} "request"; it was put around what was there.', "line had no", "lines had no"),
    "prompt_line": ("{} only a prompt; a request was made of it.", "line had", "lines had"),
    "json_prompt": (
        "{}, yet would be sent as mere text. Give requests as a JSONL file.",
        "prompt reads as a JSON request",
        "prompts read as JSON requests",
    ),
    "beside": ("What stood beside key and request was not sent ({}).", "value", "values"),
    "one_part": ("In {}, a single part was put into a list.", "place", "places"),
    "schema": ("The response schemas of {} were brought into Gemini's form.", "row", "rows"),
    "deep_schema": ("The response schemas of {} are deep; Gemini may refuse them.", "row", "rows"),
    "json_schema": (
        "{} responseJsonSchema; users report unusable answers for it in batches. responseSchema is safer.",
        "row uses",
        "rows use",
    ),
    "system_left_out": (
        "The run's system instruction was left out of {} that use a cache; Gemini refuses both together.",
        "row",
        "rows",
    ),
}


def _key_column(table: Table, wanted: str) -> int | None:
    folded = [name.casefold() for name in table.names]
    if wanted:
        if wanted.casefold() not in folded:
            known = f"The columns are {listed(table.names, 30)}."
            raise InputError(f'The table has no column "{wanted}" for the keys.', known)
        return folded.index(wanted.casefold())
    return folded.index("key") if "key" in folded else None


def _clipped(text: str, limit: int = PREVIEW_CHARS) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
