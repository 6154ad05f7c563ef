"""Rows are written without what they share, and read as if each had been written whole."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from batch.kinds.registry import KINDS
from batch.kinds.text import TEXT
from batch.model import ContextMode, Generation, RunState, SendAs
from batch.prefixes.forest import find_prefixes
from lifecycle.core.models import RunSpec
from lifecycle.core.run_files import REQUESTS
from lifecycle.inputs.drafts import Draft, prepare
from lifecycle.inputs.file_drafts import FileInput, prepare_files
from lifecycle.planning.retry_draft import prepare_child
from lifecycle.requests.request_file import ReopenableFile, content_digest, row_sizes, whole_copy
from lifecycle.reuse.digests import read_digests
from tests.emulator_process import EmulatorProcess
from tests.lifecycle.conftest import KEY, MODEL, Bench, wait_until_ended
from tests.lifecycle.whole_requests import whole_requests

WHOLE_TEXT = replace(TEXT, settings_apart=False)
DOCUMENT = 'Line of the shared document, é, "quoted", and a tab:\t.\n' * 30
SCHEMA = '{"type": "object", "properties": {"a": {"type": "string"}}}'
GENERATIONS = {
    "nothing": Generation(),
    "a system instruction": Generation(system_instruction='Be "brief".\nAlways.'),
    "everything": Generation(
        system_instruction=DOCUMENT,
        temperature=0.0,
        max_output_tokens=99,
        thinking="low",
        media_resolution="low",
        response_schema=SCHEMA,
    ),
}


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **fields}


MODEL_TURN = {"role": "model", "parts": [{"text": "b"}]}
LINES = [
    {"key": "plain", "request": said("one")},
    {"request": {"contents": [{"parts": [{"text": "no role, \t no key"}]}]}, "key": "second"},
    {"key": "own", "request": said("two", generationConfig={"temperature": 1, "stopSequences": ["]}]}}"]})},
    {"key": "own form", "request": said("x", generationConfig={"responseMimeType": "text/plain"})},
    {"key": "system", "request": said("three", systemInstruction={"parts": [{"text": "Own."}]})},
    {"key": "tools", "request": said("four", tools=[{"googleSearch": {}}])},
    {"key": "cache", "request": said("@use_cache theirs\nfive")},
    {"key": "again", "request": said("one")},
    {"key": "turns", "request": {"contents": [*said("a")["contents"], MODEL_TURN, *said("c")["contents"]]}},
    {"prompt": "a bare prompt"},
    {"key": 'a "key" with "request":{"contents":[{"role":"user","parts":[', "request": said("six")},
]  # fmt: skip


def rows_jsonl(spaced: bool) -> str:
    return "\n".join(json.dumps(line) if spaced else orjson.dumps(line).decode() for line in LINES)


TABLE = "key,q,n\n" + "".join(f'k{n},"question {n}, {{x}} ""y""",{n % 3}\n' for n in range(20)) + ',"@use_cache c",1\n'
INPUTS_BY_NAME: dict[str, dict[str, Any]] = {
    "prompts": {"source": 'one\n@use_cache theirs\ntwo\n\n"quoted" é\none', "kind": "lines"},
    "spaced lines": {"source": rows_jsonl(True), "kind": "jsonl"},
    "dense lines": {"source": rows_jsonl(False).replace("]}]}", "]}\t]}"), "kind": "jsonl"},
    "a table": {"source": TABLE, "kind": "csv", "template": "Rate {{q}} as {{n}}."},
    "a long template": {"source": TABLE, "kind": "csv", "template": DOCUMENT + "Rate {{q}} as {{n}}." + DOCUMENT},
    "a document behind": {"source": TABLE, "kind": "csv", "template": "{{q}}\n" + DOCUMENT},
}


def both(tmp_path: Path, given: str, settings: str, shared_text: str) -> tuple[Draft, Draft]:
    """The draft of an input, and that with every row written whole."""
    what = {**INPUTS_BY_NAME[given], "generation": GENERATIONS[settings], "shared_text": shared_text}
    apart, whole = (
        prepare(folder=tmp_path / name, request_kind=kind, **what)
        for name, kind in (("apart", TEXT), ("whole", WHOLE_TEXT))
    )
    return apart, whole


@pytest.mark.parametrize("shared_text", ["", DOCUMENT], ids=["alone", "shared text"])
@pytest.mark.parametrize("settings", GENERATIONS)
@pytest.mark.parametrize("given", INPUTS_BY_NAME)
def test_rows_are_read_as_if_they_had_been_written_whole(
    tmp_path: Path, given: str, settings: str, shared_text: str
) -> None:
    apart, whole = both(tmp_path, given, settings, shared_text)
    written = (whole.folder / REQUESTS).read_bytes()
    assert whole_requests(apart.folder / REQUESTS) == written
    assert replace(apart, folder=whole.folder, alike=False) == whole
    assert apart.size_bytes == len(written)
    sizes = row_sizes(apart.folder / REQUESTS)
    assert (sizes.sum(), sizes.max()) == (apart.size_bytes, apart.largest_bytes)
    assert read_digests(apart.folder).tobytes() == read_digests(whole.folder).tobytes()
    with whole_copy(apart.folder / REQUESTS) as copy:
        assert copy.read_bytes() == written


@pytest.mark.parametrize("split", ["part", "turn", "text"])
@pytest.mark.parametrize("given", INPUTS_BY_NAME)
def test_a_scan_finds_what_it_would_find_in_whole_rows(tmp_path: Path, given: str, split: str) -> None:
    apart, whole = (
        find_prefixes(ReopenableFile(draft.folder / REQUESTS), split)
        for draft in both(tmp_path, given, "everything", DOCUMENT)
    )
    for name in ("ids", "parent", "end", "row", "tokens", "unknown_size", "can_end", "leaf"):
        assert np.array_equal(getattr(apart.forest, name), getattr(whole.forest, name)), name
    for name in ("duplicate_of", "flags", "own_cache_rows"):
        assert np.array_equal(getattr(apart, name), getattr(whole, name)), name
    assert np.allclose(apart.tokens, whole.tokens)


def test_a_child_run_has_the_same_rows_and_its_own_cap(tmp_path: Path) -> None:
    for name, draft in zip(("apart", "whole"), both(tmp_path, "spaced lines", "everything", DOCUMENT), strict=True):
        (tmp_path / f"{name}-child").mkdir()
        keys = {"plain", "own", "tools", "row-000010"}
        child = prepare_child(draft.folder, keys, tmp_path / f"{name}-child", 1234)
        assert child.rows == 4
    made = [whole_requests(tmp_path / f"{name}-child" / REQUESTS) for name in ("apart", "whole")]
    assert [json.loads(line) for line in made[0].splitlines()] == [json.loads(line) for line in made[1].splitlines()]
    assert made[0].count(b'"maxOutputTokens":1234') == 4


def test_other_settings_make_other_requests(tmp_path: Path) -> None:
    digests = set()
    for n, temperature in enumerate((0.0, 1.0)):
        draft = prepare("one", tmp_path / str(n), kind="lines", generation=Generation(temperature=temperature))
        digests.add(content_digest(draft.folder / REQUESTS))
    assert len(digests) == 2


def test_a_shared_document_is_held_once(tmp_path: Path) -> None:
    chance, rows = random.Random(1), 200
    document = "".join(chance.choice("abcdefghijklmnop   \n") for _ in range(81_000))
    table = "q\n" + "".join(f"question {n}\n" for n in range(rows))
    text = "\n".join(f"question {n}" for n in range(rows))
    drafts = [
        prepare(text, tmp_path / "prompts", kind="lines", shared_text=document),
        prepare(table, tmp_path / "table", kind="csv", template="{{q}}", shared_text=document),
        prepare(text, tmp_path / "system", kind="lines", generation=Generation(system_instruction=document)),
        prepare(table, tmp_path / "template", kind="csv", template=document + "\n{{q}}"),
        prepare(table, tmp_path / "behind", kind="csv", template="{{q}}\n" + document),
    ]
    for draft in drafts:
        assert draft.size_bytes > rows * len(document)
        assert sum(path.stat().st_size for path in draft.folder.iterdir()) < 5 * len(document), draft.folder.name


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for n in range(3):
        Image.new("RGB", (40, 30), (n, 0, 0)).save(folder / f"p{n}.pdf")
    return folder


def test_files_are_sent_with_what_they_share(scans: Path, tmp_path: Path) -> None:
    made = []
    for name, kind in (("apart", TEXT), ("whole", WHOLE_TEXT)):
        files = FileInput([scans], DOCUMENT)
        draft = prepare_files(
            files, tmp_path / name, generation=GENERATIONS["everything"], shared_text=DOCUMENT, request_kind=kind
        )
        made.append((whole_requests(draft.folder / REQUESTS), draft.size_bytes))
    assert made[0] == made[1]


def sent(emulator: EmulatorProcess) -> list[bytes]:
    """What every job was sent, job by job, and what every cache was made of; whatever caches are named there."""
    ledger = emulator.ledger()
    caches = [cache["name"] for cache in ledger["cached_contents"]]
    texts = [emulator.sent_bytes("batch_jobs", job["name"]) for job in ledger["batch_jobs"]]
    for name in caches:
        texts = [text.replace(name.encode(), b"CACHE") for text in texts]
    contents = [json.loads(emulator.sent_bytes("cached_contents", name)) for name in caches]
    made = [json.dumps({**body, "displayName": ""}, sort_keys=True).encode() for body in contents]
    return [*(line for text in texts for line in sorted(text.splitlines())), *sorted(made)]


def test_google_gets_what_it_got_when_rows_were_written_whole(
    bench: Bench, emulator: EmulatorProcess, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents, files, tools, settings, caches and a retry, byte for byte."""
    rows = [
        said(f"{n}: {'[[emulate: error:13]]' if n == 3 else 'well?'}", tools=[{"googleSearch": {}}] if n < 5 else [])
        for n in range(12)
    ]
    lines = "\n".join(orjson.dumps({"key": f"k{n}", "request": row}).decode() for n, row in enumerate(rows))
    got: list[list[bytes]] = []
    runner = bench.open()
    account = runner.accounts.register_key(KEY)
    for kind in (TEXT, WHOLE_TEXT):
        monkeypatch.setitem(KINDS, "text", kind)
        emulator.reset()
        told: dict[str, Any] = {"generation": GENERATIONS["everything"], "shared_text": DOCUMENT * 6, "model": MODEL}
        drafts = [
            runner.forecasts.prepare_draft(lines, kind="jsonl", **told),
            runner.forecasts.prepare_draft(TABLE, kind="csv", template=DOCUMENT * 6 + "Rate {{q}}.", **told),
            runner.forecasts.prepare_files(FileInput([scans], "Read."), **told),
        ]
        for number, draft in enumerate(drafts):
            context = ContextMode.NONE if number == 2 else ContextMode.EXPLICIT
            spec = RunSpec(MODEL, context=context, hours=0.25, send_as=SendAs.FILE)
            run_id = runner.submissions.submit(account, draft, spec, f"{kind.settings_apart}-{number}")
            run = wait_until_ended(runner, account, run_id)
            assert run.state is RunState.FINISHED
            if number == 0:
                assert run.counts["error_transient"] == 1
                retry = runner.retries.retry_forecast(account, run_id, max_output_tokens=55)
                wait_until_ended(runner, account, runner.retries.submit_retry(account, retry, ""))
        got.append(sent(emulator))
    assert len(got[0]) == len(got[1]) > 36
    assert got[0] == got[1]
    assert any(b"CACHE" in line for line in got[0])
