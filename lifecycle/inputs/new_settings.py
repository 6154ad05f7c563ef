"""A checked input under other settings, or for another model: its rows are taken as they are where they are alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from batch.errors import InputError
from batch.kinds.kind import RequestKind
from batch.model import Generation
from batch.requests.generation_settings import EncodedSettings, check_generation
from batch.requests.shared.fields import SharedFields
from batch.rules.model_rules import ModelRules
from lifecycle.core.draft_links import link_extras, link_file
from lifecycle.core.run_files import DRAFT, INPUTS, REQUESTS
from lifecycle.inputs.drafts import Draft
from lifecycle.requests.request_file import row_sizes
from lifecycle.requests.shared_file import read_shared, write_shared


def can_take(draft: Draft, request_kind: RequestKind) -> bool:
    """Whether other settings can be given to a draft without a look at its rows."""
    return draft.alike and request_kind.settings_apart and read_shared(draft.folder) is not None


def with_settings(draft: Draft, folder: Path, generation: Generation, shared_text: str, rules: ModelRules) -> Draft:
    """Write the draft into `folder` with other settings; only where it can take them. Raises InputError for settings
    that cannot be used."""
    for problem in check_generation(generation, rules):
        raise InputError(problem.fault, problem.remedy)
    shared = read_shared(draft.folder)
    if shared is None:
        raise ValueError("the rows of this draft are whole")
    settings = EncodedSettings(generation, shared_text, rules)
    for name in (REQUESTS, INPUTS):
        link_file(draft.folder / name, folder / name)
    link_extras(draft.folder, folder)
    write_shared(folder, msgspec.structs.replace(shared, fields=settings.fields))
    start, end = draft.settings_notes
    made = replace(
        draft,
        folder=folder,
        notes=(*draft.notes[:start], *settings.notes, *draft.notes[end:]),
        settings_notes=(start, start + len(settings.notes)),
    )
    if shared.prompts or _is_written_alike(shared.fields, settings.fields):
        more = _added_bytes(settings.fields) - _added_bytes(shared.fields)
        made = replace(made, size_bytes=made.size_bytes + more * made.rows, largest_bytes=made.largest_bytes + more)
    else:
        sizes = row_sizes(folder / REQUESTS)
        made = replace(made, size_bytes=int(sizes.sum()), largest_bytes=int(sizes.max(initial=0)))
    (folder / DRAFT).write_bytes(msgspec.json.encode(replace(made, folder=Path()), enc_hook=str))
    return made


def _is_written_alike(one: SharedFields, other: SharedFields) -> bool:
    """Whether white space of rows as they were given stays or goes under both: it goes where something is put in."""
    return one.has_values == other.has_values and (one.part is None) == (other.part is None)


def _added_bytes(fields: SharedFields) -> int:
    """Bytes that each row gets."""
    line = b'{"key":"","request":{"contents":[{"role":"user","parts":[{"text":""}]}]}}\n'
    return len(fields.prompt_line(line)) - len(line)
