"""From an input to a draft: a folder with the good rows as requests, and a list of what is wrong with the others.

Streams: a 2 GB file is never held in memory. The good part is always written; what is bad is named by line. A draft
is complete once `draft.json` is there, and can be opened again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from batch.dialects.conversion import describe_conversions, forms_of
from batch.errors import BatchRunnerError, Fault, InputError, NotFound, Problem
from batch.formatting import plural, quoted_list
from batch.kinds.kind import RequestKind, RowCheck
from batch.kinds.text import TEXT
from batch.media.blob_uri import line_blobs
from batch.model import EmptyCells, Generation
from batch.requests.generation_settings import EncodedSettings, check_generation
from batch.requests.input_formats import (
    BLOCKS,
    JSONL,
    KINDS,
    TABLE_KINDS,
    blocks,
    kind_of,
    numbered_lines,
    prompt_lines,
)
from batch.requests.prompt_template import Template, compile_template, default_template
from batch.requests.row_checker import LINE_LIMIT_BYTES, CheckedRow, PromptFiles
from batch.requests.shared.fields import SharedFields
from batch.requests.shared.pieces import SharedPieces
from batch.requests.use_cache_marker import empty_prompt_fault, match_marker
from batch.rules.model_rules import ModelRules
from batch.rules.rule_table import RULES, warning
from batch.sniffing.json_values import ARRAY, LINES, VALUES
from lifecycle.core import malloc
from lifecycle.core.run_files import DRAFT, REQUESTS
from lifecycle.inputs.attachments import NO_ACCESS, Attachments, FileAccess
from lifecycle.inputs.columns.request_blocks import RequestBlocks, is_empty, kept, with_keys
from lifecycle.inputs.draft_files import DraftWriter, first_rows, keep_source, request_line
from lifecycle.inputs.empty_cells import EmptyCellCount, describe_empty_cells
from lifecycle.inputs.file_cells import FileColumns, RowFiles
from lifecycle.inputs.files.file_entry import FileTotals
from lifecycle.inputs.input_kinds import file_kind, settled_kind
from lifecycle.inputs.json_fields import MAX_FIELDS, OwnFields
from lifecycle.inputs.local_parts import MARK as LOCAL_FILE
from lifecycle.inputs.local_parts import attach_local_files
from lifecycle.inputs.tables.opening import holds_bytes, open_table, table_preview
from lifecycle.inputs.tables.packed import packed_form, unpacked
from lifecycle.inputs.tables.reading import ReadAs, TableReading
from lifecycle.inputs.tables.records import json_rows
from lifecycle.inputs.tables.table import Batch, Table
from lifecycle.inputs.tables.text import open_binary, open_text
from lifecycle.requests.request_file import row_sizes
from lifecycle.requests.shared_file import Shared, write_shared

__all__ = ["EMPTY_DRAFT", "PROBLEMS_LISTED", "Draft", "file_kind", "kind_of", "open_draft", "prepare", "table_preview"]

PROBLEMS_LISTED = 100
PREVIEW_ROWS = 5
PREVIEW_CHARS = 20_000
LARGE_BYTES = 20_000_000
EMPTY_DRAFT = InputError("There is nothing to send.", "Add at least one request.")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Draft:
    """An input that was checked: its good rows, ready to be sent, and an account of the rest.

    `folder` holds requests.jsonl (one line `{"key", "request"}` for each of `rows`, in input order), what they share,
    inputs.parquet and draft.json. As they are sent, the requests have `size_bytes`, and the largest `largest_bytes` (0:
    not known). `problems` are the first 100 of `problem_count`, on `bad_rows` rows. `columns` are a
    table's own; `preview` is key and prompt of the first rows. `uses_caches` are the caches that rows name, `models`
    the models that rows ask for; `files` counts those that it was made of. `empty_rows` have nothing in some of
    the columns that the template names, `empty_columns` tells in which and how often; `skipped_rows` were left out.
    `forms` are those of other APIs that lines were written in, with how many of them; the most frequent first.
    `reused_rows` more are not sent, because their answers of earlier runs lie beside the draft. `rearranged` are the
    rules by which its requests were arranged otherwise than they were given. Where rows are `alike`, the model and what
    the run adds to them can be changed without a look at any; `settings_notes` are the place of the first of `notes`
    that is of those settings, and behind the last.
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
    read_as: ReadAs | None = None
    files: FileTotals | None = None
    empty_rows: int = 0
    empty_columns: tuple[tuple[str, int], ...] = ()
    skipped_rows: int = 0
    reused_rows: int = 0
    forms: tuple[tuple[str, int], ...] = ()
    rearranged: tuple[str, ...] = ()
    largest_bytes: int = 0
    alike: bool = False
    settings_notes: tuple[int, int] = (0, 0)

    @property
    def empty_cells_note(self) -> str:
        """The one of `notes` that tells of empty cells, "" if there is none: for who tells of them otherwise."""
        return describe_empty_cells(self.empty_rows, [name for name, _ in self.empty_columns], self.skipped_rows)


# msgspec learns the class now: two sessions whose drafts taught it at once would crash the process.
msgspec.json.Decoder(Draft, dec_hook=lambda type_, value: type_(value))


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
    rules: ModelRules | None = None,
    request_kind: RequestKind = TEXT,
    reading: TableReading | None = None,
    empty_cells: EmptyCells = EmptyCells.SEND,
    access: FileAccess = NO_ACCESS,
    progress: Progress | None = None,
) -> Draft:
    """Check an input and write its good rows into `folder`.

    `source` is a file, or the text itself. `template` is for tables; `generation` and `shared_text` go into every
    request; `model`, if given, makes rows that ask for another one a problem; `rules` are those of the model that rows
    and settings are held to, `request_kind` what its requests are; `reading` says how a table is to be read, and which
    column has its keys (else a column "key" has); `empty_cells`, what becomes of rows that lack what the template
    names; `access`, where files that rows name may come from. `progress` is told the part done, 0 to 1. Raises
    InputError where the input as a whole, the template or the settings cannot be used.
    """
    rules = rules or ModelRules()
    for problem in check_generation(generation or Generation(), rules):
        raise InputError(problem.fault, problem.remedy)
    if kind not in KINDS:
        raise InputError(f'"{kind}" is not a kind of input.', f"Choose one of {quoted_list(KINDS)}.")
    if kind == JSONL and isinstance(source, Path) and (packed := packed_form(source)):
        with unpacked(source, packed, glance=False) as inner:
            return prepare(
                inner,
                folder,
                kind=kind,
                template=template,
                generation=generation,
                shared_text=shared_text,
                source_name=source_name or source.name,
                model=model,
                rules=rules,
                request_kind=request_kind,
                reading=reading,
                empty_cells=empty_cells,
                access=access,
                progress=progress,
            )
    kind, written = settled_kind(source, kind, template)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        settings = EncodedSettings(generation or Generation(), shared_text, rules)
        apart = request_kind.settings_apart
        checker = request_kind.make_check(settings.apart() if apart else settings, model=model, rules=rules)
        builder = DraftBuilder(
            folder, checker, progress or (lambda done: None), access, settings.fields if apart else None
        )
        if kind in TABLE_KINDS:
            builder.table(source, kind, template, reading or TableReading(), empty_cells)
            keep_source(source, folder)
        elif kind == JSONL:
            builder.json_lines(source, written)
        else:
            builder.prompts(source, kind)
        return builder.build(source_name or _name_of(source), kind, settings)
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


class DraftBuilder:
    """One preparation under way."""

    def __init__(
        self,
        folder: Path,
        checker: RowCheck,
        progress: Progress,
        access: FileAccess = NO_ACCESS,
        shared: SharedFields | None = None,
    ) -> None:
        """`shared` is what rows are written without; None: the check writes them whole."""
        self._folder = folder
        self._shared, self._pieces = shared, SharedPieces()
        self._prompts = True
        self._access = access
        self._attachments: Attachments | None = None
        self._checker = checker
        self._progress = progress
        self._writer: DraftWriter | None = None
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._bad_rows = 0
        self._row_count = 0
        self._columns: tuple[str, ...] = ()
        self._read_as: ReadAs | None = None
        self._notes: list[str] = []
        self._counts: Counter[str] = Counter()
        self._named_caches: dict[str, None] = {}
        self._own_fields = OwnFields(folder)
        self._media = self._image_output = False
        self._files: FileTotals | None = None
        self._empty = EmptyCellCount((), EmptyCells.SEND)

    # -- sources -----------------------------------------------------------------------------------------------------

    def json_lines(self, source: Path | str, written: str = LINES) -> None:
        self._prompts = False
        if written in (ARRAY, VALUES):
            self._json_values(source, written)
            return
        check = self._check_line
        with open_binary(source) as (stream, size), self._writing(pa.schema([])) as writer:
            for chunk in numbered_lines(stream, LINE_LIMIT_BYTES):
                for number, raw in enumerate(chunk.lines, chunk.first):
                    if raw is None:
                        self._row_count += 1
                        self._reject_row([Problem(number, "", *_TOO_LONG)])
                        continue
                    raw = raw.strip()
                    if not raw:
                        self._counts["blank"] += 1
                        continue
                    self._row_count += 1
                    self._accept_row(check(raw, number), number, writer)
                if writer.full:
                    writer.flush()
                self._progress(chunk.end / size)

    def _json_values(self, source: Path | str, written: str) -> None:
        """Requests in an array, or over several lines each; they are counted, for their lines say nothing."""
        with self._writing(pa.schema([])) as writer:
            for number, raw in json_rows(source, written):
                self._row_count += 1
                if isinstance(raw, Fault):
                    self._reject_row([Problem(number, "", *raw)])
                else:
                    self._accept_row(self._check_line(raw, number), number, writer)
                if writer.full:
                    writer.flush()

    def _check_line(self, raw: bytes, number: int) -> CheckedRow | list[Problem]:
        """Check a line, its local files taken over first."""
        if LOCAL_FILE in raw:
            attached = attach_local_files(raw, self._attach().take)
            if isinstance(attached, Fault):
                return [Problem(number, "", *attached)]
            raw = attached
        checked = self._checker.check_line(raw, number)
        if isinstance(checked, CheckedRow) and checked.media and not self._has_blobs(checked.line or checked.request):
            return [Problem(number, checked.key, *_FOREIGN_BLOB)]
        return checked

    def _attach(self) -> Attachments:
        if self._attachments is None:
            self._attachments = Attachments(self._folder, self._access)
        return self._attachments

    def _has_blobs(self, line: bytes) -> bool:
        """Whether all blobs that a line refers to were taken over for this draft."""
        return all(self._attachments is not None and self._attachments.holds(name) for name in line_blobs(line))

    def prompts(self, source: Path | str, kind: str) -> None:
        check = self._checker.check_prompt
        with open_text(source, self._notes) as (text, stream, size), self._writing(pa.schema([])) as writer:
            numbered_prompts = (
                blocks(text, LINE_LIMIT_BYTES) if kind == BLOCKS else prompt_lines(text, LINE_LIMIT_BYTES)
            )
            marked = nonblank = 0
            for number, prompt in numbered_prompts:
                marked, nonblank = (
                    marked + bool(prompt and match_marker(prompt)),
                    nonblank + bool(prompt and prompt.strip()),
                )
                if prompt is None:
                    self._row_count += 1
                    self._reject_row([Problem(number, "", *_TOO_LONG)])
                elif prompt.strip():
                    self._row_count += 1
                    self._accept_row(check(prompt.rstrip("\r\n"), "", number), number, writer, is_prompt=True)
                else:
                    self._counts["blank"] += 1
                if writer.full:
                    writer.flush()
                    self._progress(stream.tell() / size)
        if 0 < marked < nonblank:
            self._notes.append(
                f"{marked:,} of {nonblank:,} prompts begin with @use_cache, the others use no cache: "
                "the line holds for the prompt below it only."
            )

    def table(
        self, source: Path | str, kind: str, template: str, reading: TableReading, empty_cells: EmptyCells
    ) -> None:
        with open_table(source, kind, reading) as table:
            if table.read_as.question:
                raise InputError(table.read_as.question, table.read_as.remedy)
            key = _key_column(table, reading.key_column)
            compiled = (
                compile_template(template, table.names, needs_column=not reading.file_columns)
                if template.strip()
                else default_template(table.names, key)
            )
            if not template.strip():
                self._notes.append(f'The column "{table.names[compiled.columns[0]]}" is the prompt.')
            self._columns = tuple(table.names)
            self._empty = EmptyCellCount([table.names[n] for n in compiled.columns], empty_cells)
            self._read_as = table.read_as
            if not table.read_as.is_plain and table.read_as.summary:
                self._notes.append(f"Read as {table.read_as.format.upper()}: {table.read_as.summary}.")
            files = FileColumns(table, reading.file_columns) if reading.file_columns else None
            self._notes += _bytes_as_text(table, compiled, reading.file_columns)
            schema = files.schema if files else table.schema
            if self._shared is not None:
                self._pieces = SharedPieces.of(compiled)
            with self._writing(schema, unique_keys=key is None) as writer:
                self._table_rows(table, compiled, key, files, writer)
            self._notes += table.notes

    def _table_rows(
        self, table: Table, template: Template, key: int | None, files: FileColumns | None, writer: DraftWriter
    ) -> None:
        needed_columns = sorted({*template.columns, *([key] if key is not None else [])})
        frame = self._checker.prompt_frame(template.literals[0][: template.prefix_chars]) if files is None else None
        blocks = RequestBlocks(template, frame, self._pieces) if frame else None
        for batch in table.batches(needed_columns):
            for part in batch.parts(blocks.rows) if blocks else (batch,):
                if not blocks or not self._accept_block(part, template, key, blocks, writer):
                    self._accept_rows(part, template, key, files, writer)
            self._progress(batch.progress)

    def _accept_block(
        self, batch: Batch, template: Template, key: int | None, blocks: RequestBlocks, writer: DraftWriter
    ) -> bool:
        """Accept the rows of a batch all at once; False if they have to be looked at one by one."""
        lines, cells = batch.lines, [batch.texts[n] for n in template.columns]
        numbers = self._row_count + 1 + np.arange(len(lines))
        numbers += np.searchsorted(np.array([line for line, _ in batch.faults], np.int64), lines)
        keys = batch.texts[key] if key is not None else None
        empty = self._empty.find(cells, len(lines))
        wordless = blocks.wordless(cells, len(lines)) & empty.sent
        sent = empty.sent & ~wordless
        generated = is_empty(keys) if keys is not None else np.ones(len(lines), bool)
        block = blocks.make([kept(column, sent) for column in cells], kept(with_keys(keys, generated, numbers), sent))
        if block is None:
            return False
        self._row_count += len(lines) + len(batch.faults)
        self._empty.add(empty)
        problems = [Problem(line, "", *fault) for line, fault in batch.faults]
        problems += [
            Problem(int(lines[n]), keys[n].as_py() if keys is not None else "", *empty_prompt_fault(False))
            for n in np.flatnonzero(wordless).tolist()
        ]
        for problem in sorted(problems, key=lambda one: one.line):
            self._reject_row([problem])
        self._checker.notes["json_prompt"] += block.json_prompts
        generated = generated[sent]
        self._counts["generated"] += int(generated.sum())
        columns = [kept(column, sent) for column in batch.source_columns.columns]
        writer.add_block(block, lines[sent], generated, columns)
        return True

    def _accept_rows(
        self, batch: Batch, template: Template, key: int | None, files: FileColumns | None, writer: DraftWriter
    ) -> None:
        faults = iter([*batch.faults, (0, Fault(""))])
        fault_line, fault = next(faults)
        keys = batch.texts[key].to_pylist() if key is not None else [""] * len(batch.lines)
        cells: Iterable[tuple[str, ...]] = zip(*(batch.texts[n].to_pylist() for n in template.columns), strict=True)
        cells = cells if template.columns else repeat(())
        row_files: Iterable[RowFiles] = repeat(RowFiles())
        source_columns = batch.source_columns
        if files is not None:
            row_files, source_columns = files.read(batch.source_columns, self._attach().take)
        accepted = []
        for line, name, row, own in zip(batch.lines.tolist(), keys, cells, row_files, strict=False):
            while 0 < fault_line < line:
                fault_line, fault = self._reject_fault(fault_line, fault, faults)
            self._row_count += 1
            if not self._empty.accept(row):
                accepted.append(False)
                continue
            checked = (
                [Problem(line, name, *own.fault)]
                if own.fault
                else self._check_cells(template, row, name, line, own)
            )  # fmt: skip
            accepted.append(self._accept_row(checked, line, writer, is_prompt=True))
        while fault_line:
            fault_line, fault = self._reject_fault(fault_line, fault, faults)
        if not all(accepted):
            source_columns = source_columns.filter(pa.array(accepted, pa.bool_()))
        writer.flush(source_columns.columns)

    def _check_cells(
        self, template: Template, row: tuple[str, ...], name: str, line: int, files: RowFiles
    ) -> CheckedRow | list[Problem]:
        prompt = template.render(row)
        return self._checker.check_prompt(prompt, name, line, template.prefix_chars, PromptFiles(files.parts))

    def _reject_fault(self, line: int, fault: Fault, remaining: Iterator[tuple[int, Fault]]) -> tuple[int, Fault]:
        self._row_count += 1
        self._reject_row([Problem(line, "", *fault)])
        return next(remaining)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _accept_row(
        self, checked: CheckedRow | list[Problem], number: int, writer: DraftWriter, *, is_prompt: bool = False
    ) -> bool:
        if isinstance(checked, list):
            self._reject_row(checked)
            return False
        checked.number = number
        if not checked.line:
            if not checked.key:
                checked.key, checked.key_generated = f"row-{self._row_count:06d}", True
                self._counts["generated"] += 1
            checked.line = request_line(checked.key, checked.request)
        if is_prompt:
            checked.line = self._pieces.left_out(checked.line)
        writer.add(checked)
        if checked.own_fields:
            self._own_fields.add(number, checked.own_fields)
        if checked.cache:
            self._named_caches[checked.cache] = None
        if checked.media:
            self._media = True
        if checked.image_output:
            self._image_output = True
        return True

    def _reject_row(self, problems: list[Problem]) -> None:
        self._bad_rows += 1
        self._problem_count += len(problems)
        if len(self._problems) < PROBLEMS_LISTED:
            self._problems += problems

    @contextmanager
    def _writing(self, source_columns: pa.Schema, *, unique_keys: bool = False) -> Iterator[DraftWriter]:
        """Hold a writer open, and remove what it wrote if the work is broken off."""
        long_prompts = bool(self._pieces.texts)
        self._writer = writer = DraftWriter(
            self._folder, source_columns, unique_keys=unique_keys, long_prompts=long_prompts
        )
        try:
            yield writer
            writer.flush()
            writer.close()
        except BaseException:
            writer.discard()
            self._own_fields.discard()
            if self._attachments is not None:
                self._attachments.discard()
            raise

    # -- the end -----------------------------------------------------------------------------------------------------

    def build(self, source_name: str, kind: str, settings: EncodedSettings) -> Draft:
        writer = self._writer
        if writer is None:
            raise InputError("There was nothing to read.", "Choose another input.")
        try:
            self._reject_duplicates(writer)
            writer.append_columns(self._own_fields)
            if self._shared is not None:
                write_shared(self._folder, Shared(self._shared, tuple(self._pieces.texts), self._prompts))
            writer.publish()
            sizes = row_sizes(self._folder / REQUESTS)
            size = int(sizes.sum())
        except BaseException:
            writer.discard()
            raise
        finally:
            self._own_fields.discard()
        self._close_attachments()
        before, behind = [*self._notes, *filter(None, [self._empty.describe()])], list(self._notes_of_rows())
        draft = Draft(
            folder=self._folder,
            source_name=source_name,
            kind=kind,
            rows=writer.rows,
            size_bytes=size,
            largest_bytes=int(sizes.max(initial=0)),
            problems=tuple(self._problems[:PROBLEMS_LISTED]),
            problem_count=self._problem_count,
            bad_rows=self._bad_rows,
            columns=self._columns,
            preview=tuple((key, _truncate(prompt)) for key, prompt in first_rows(self._folder, PREVIEW_ROWS)),
            notes=(*before, *settings.notes, *behind),
            alike=self._checker.alike and self._shared is not None and not self._named_caches,
            settings_notes=(len(before), len(before) + len(settings.notes)),
            media=self._media,
            image_output=self._image_output,
            uses_caches=tuple(self._named_caches),
            models=tuple(self._checker.models),
            read_as=self._read_as,
            files=self._files,
            empty_rows=self._empty.rows,
            empty_columns=tuple(self._empty.columns.items()),
            skipped_rows=self._empty.skipped,
            forms=tuple(forms_of(self._checker.notes).items()),
        )
        stored = {**asdict(draft), "folder": ""}
        part = self._folder / f"{DRAFT}.part"
        part.write_bytes(msgspec.json.encode(stored))
        part.replace(self._folder / DRAFT)
        self._progress(1.0)
        if size > LARGE_BYTES:
            malloc.release_free_memory()
        return draft

    def _close_attachments(self) -> None:
        if self._attachments is None:
            return
        self._files = self._attachments.close()
        if self._files.mended:
            self._notes.append(f"{plural(self._files.mended, 'file was', 'files were')} converted or turned upright.")
        if urls := self._attachments.passed_urls:
            self._notes.append(f"{plural(urls, 'address is', 'addresses are')} handed on to Google, {_PASSED_ON}")

    def _reject_duplicates(self, writer: DraftWriter) -> None:
        dropped, duplicate_keys = writer.resolve_duplicates(PROBLEMS_LISTED)
        self._bad_rows += dropped
        self._problem_count += dropped
        duplicate_problems = [
            Problem(
                line,
                key,
                f'The key "{_truncate(key, 80)}" was used before, in line {first}.',
                "Give every row its own key.",
            )
            for line, key, first in duplicate_keys
        ]
        self._problems = sorted([*self._problems, *duplicate_problems], key=lambda problem: problem.line)

    def _notes_of_rows(self) -> Iterator[str]:
        counts = self._counts + self._checker.notes
        for code, (message, noun, nouns) in _NOTES.items():
            if counts[code]:
                yield message.format(plural(counts[code], noun, nouns))
        for rule_id in RULES:
            if counts[rule_id]:
                yield warning(rule_id, plural(counts[rule_id], "row has", "rows have"), self._checker.rules.name)
        yield from describe_conversions(counts)
        models = self._checker.models
        if models:
            naming = plural(models.total(), "row names", "rows name")
            yield (
                f"{naming} a model ({quoted_list(tuple(models))}); it was left out."
                " The model chosen for the run is used."
            )
        if dropped := self._own_fields.names.dropped:
            values = plural(dropped, "value")
            yield f"Only {MAX_FIELDS} fields beside the requests are kept; {values} of others are not."
        if not self._row_count:
            yield "The input is empty."


_FOREIGN_BLOB = Fault(
    'A fileUri begins with "blob:", which names bytes that are not in this input.',
    "Give the uri of an uploaded file, an address, or the bytes as inlineData.",
)
_PASSED_ON = (
    "which fetches them when the row is worked on: many servers refuse that, their size is not known, and links may "
    "have expired by then."
)
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
    "beside": (
        "{} beside the request; such fields are not sent, and become columns of the results.",
        "field stands",
        "fields stand",
    ),
    "embedding_too_long": (
        "{} longer than the model reads; whether such texts are cut or refused is not documented.",
        "text is probably",
        "texts are probably",
    ),
    "task_in_words": ("The task stands in words before {}: the model has no field for it.", "text", "texts"),
    "settings_left_out": (
        "Settings of text models are left out of embeddings ({} given).",
        "set was",
        "sets were",
    ),
    "sdk_config": ('In {}, the SDK\'s "config" was put where the wire has its fields.', "row", "rows"),
    "text_content": ("In {}, a text was put into contents and parts.", "place", "places"),
    "request_as_text": ("In {}, the request was a text that holds JSON; it was read as such.", "row", "rows"),
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


def _bytes_as_text(table: Table, template: Template, file_columns: Sequence[str]) -> list[str]:
    """What to say of columns that hold files, where the template would put them into words."""
    named = {name.casefold() for name in file_columns}
    held = {
        table.names[n]: None
        for n in template.columns
        if table.names[n].casefold() not in named and holds_bytes(table.schema.field(n).type)
    }
    if not held:
        return []
    return [f"What {quoted_list(list(held), 5)} holds is bytes, not words. Name it as a file column to send the files."]


def _key_column(table: Table, requested: str) -> int | None:
    folded = [name.casefold() for name in table.names]
    if requested:
        if requested.casefold() not in folded:
            known_columns = f"The columns are {quoted_list(table.names, 30)}."
            raise InputError(f'The table has no column "{requested}" for the keys.', known_columns)
        return folded.index(requested.casefold())
    return folded.index("key") if "key" in folded else None


def _truncate(text: str, limit: int = PREVIEW_CHARS) -> str:
    return text if len(text) <= limit else text[:limit] + "…"
