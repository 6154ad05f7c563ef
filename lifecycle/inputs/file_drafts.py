"""From files to a draft: one row for each file, or for each page, all with the same instruction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from batch.errors import BatchRunnerError, InputError, Problem
from batch.formatting import plural
from batch.kinds.kind import RequestKind, RowCheck
from batch.kinds.text import TEXT
from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings, check_generation
from batch.requests.row_checker import PromptFiles
from batch.requests.shared.fields import SharedFields
from batch.requests.shared.pieces import SharedPieces
from batch.rules.model_rules import ModelRules
from lifecycle.inputs.draft_files import DraftWriter
from lifecycle.inputs.drafts import Draft, DraftBuilder, Progress
from lifecycle.inputs.files.examine import Pages, Unit
from lifecycle.inputs.files.pile import Examination, ExaminedPile

KIND = "files"
FILE_COLUMNS = pa.schema([("file", pa.string()), ("page", pa.int32())])
_NO_INSTRUCTION = InputError("The files come without an instruction.", "Say what is to be done with each of them.")


@dataclass(frozen=True)
class FileInput:
    """Files to be sent: paths of files, folders and ZIP archives, and the instruction that goes with each.

    `pages`: a PDF or TIFF is sent "whole", or "each" page as a request. With `own` the files are ours, and never
    written to again: they are linked, not copied. `left_out` are names of files that are passed over; `known` is
    what was found out of the same files, taken in the same way, before.
    """

    sources: Sequence[Path]
    prompt: str
    pages: Pages = "whole"
    own: bool = False
    name: str = ""
    left_out: frozenset[str] = frozenset()
    known: ExaminedPile | None = None


def prepare_files(
    files: FileInput,
    folder: Path,
    *,
    generation: Generation | None = None,
    shared_text: str = "",
    model: str = "",
    rules: ModelRules | None = None,
    request_kind: RequestKind = TEXT,
    progress: Progress | None = None,
) -> Draft:
    """Check files and write a request for each good one, or each page, into `folder`; see `drafts.prepare`.

    What became of each file is in the draft's list of files. Raises InputError where nothing can be read.
    """
    rules, generation = rules or ModelRules(), generation or Generation()
    for problem in check_generation(generation, rules):
        raise InputError(problem.fault, problem.remedy)
    if not (
        files.prompt.strip() or shared_text.strip() or generation.system_instruction.strip() or request_kind.vectors
    ):
        raise _NO_INSTRUCTION
    try:
        folder.mkdir(parents=True, exist_ok=True)
        settings = EncodedSettings(generation, shared_text, rules)
        apart = request_kind.settings_apart
        checker = request_kind.make_check(settings.apart() if apart else settings, model=model, rules=rules)
        shared = settings.fields if apart else None
        builder = _FileDraftBuilder(folder, checker, progress or (lambda done: None), shared=shared)
        builder.take(files)
        return builder.build(files.name or _name_of(files.sources), KIND, settings)
    except UnicodeEncodeError:
        raise InputError("The instruction holds half a character (a lone surrogate).", "Type it again.") from None
    except OSError as error:
        raise BatchRunnerError(f"The draft could not be written: {error.strerror or error}.", "Make room.") from error


def _name_of(sources: Sequence[Path]) -> str:
    return sources[0].name if len(sources) == 1 else plural(len(sources), "file or folder", "files and folders")


class _FileDraftBuilder(DraftBuilder):
    """One preparation of files under way. The rows that are not written yet have these names and pages."""

    def __init__(self, folder: Path, checker: RowCheck, progress: Progress, *, shared: SharedFields | None) -> None:
        super().__init__(folder, checker, progress, shared=shared)
        self._columns = tuple(FILE_COLUMNS.names)
        self._names: list[str] = []
        self._pages: list[int | None] = []

    def take(self, files: FileInput) -> None:
        """Write the rows of all files, in their natural order."""
        known = files.known if files.known is not None and files.known.pages == files.pages else None
        examination = Examination(
            self._folder, files.sources, files.pages, files.own, files.left_out, known, self._progress
        )
        if self._shared is not None:
            self._pieces = SharedPieces.of_text(files.prompt)
        with self._writing(FILE_COLUMNS) as writer, closing(iter(examination)) as all_examined:
            for number, (entry, units) in enumerate(all_examined, 1):
                if entry.state == "problem":
                    self._row_count += 1
                    self._reject_row([Problem(0, entry.name, *entry.fault)])
                else:
                    self._add_rows(number, entry.name, units, files.prompt, writer)
            self._flush(writer)
        self._files = examination.totals
        self._note_left_out(examination.hidden)
        if self._files.copies:
            self._notes.append(f"{plural(self._files.copies, 'file has', 'files have')} the same content as another.")

    def _add_rows(self, number: int, name: str, units: Sequence[Unit], prompt: str, writer: DraftWriter) -> None:
        for page, parts in units:
            self._row_count += 1
            key = name if page is None else f"{name}#p{page:04d}"
            checked = self._checker.check_prompt(prompt, key, number, files=PromptFiles(parts, after_text=True))
            if self._accept_row(checked, number, writer, is_prompt=True):
                self._names.append(name)
                self._pages.append(page)
        if writer.full:
            self._flush(writer)

    def _flush(self, writer: DraftWriter) -> None:
        writer.flush([pa.array(self._names, pa.string()), pa.array(self._pages, pa.int32())])
        self._names, self._pages = [], []

    def _note_left_out(self, left_out: int) -> None:
        if left_out:
            self._notes.append(f"{plural(left_out, 'hidden file was', 'hidden files were')} left out.")
