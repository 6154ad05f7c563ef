"""Any input becomes a draft: the good rows as requests in input order, the bad ones named by line."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.errors import BatchRunnerError, InputError, NotFound
from batch.model import Generation
from batch.pricing.catalog import CatalogModel
from batch.rules.model_rules import ModelRules
from lifecycle.core import malloc
from lifecycle.core.run_files import SOURCE
from lifecycle.inputs import draft_files, drafts
from lifecycle.inputs.draft_files import first_rows
from lifecycle.inputs.drafts import Draft, open_draft, prepare
from lifecycle.inputs.tables.reading import TableReading
from tests.lifecycle.whole_requests import whole_requests

ROOT = Path(__file__).parents[3]


def line(key: str, text: str = "hi") -> str:
    return json.dumps({"key": key, "request": {"contents": [{"parts": [{"text": text}]}]}}) + "\n"


def requests(draft: Draft) -> list[dict[str, Any]]:
    content = whole_requests(draft.folder / "requests.jsonl")
    assert len(content) == draft.size_bytes
    assert not content or content.endswith(b"\n")
    found = [json.loads(one) for one in content.splitlines()]
    assert len(found) == draft.rows
    assert all(set(one) == {"key", "request"} for one in found)
    return found


def inputs(draft: Draft) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = pq.read_table(draft.folder / "inputs.parquet").to_pydict()
    assert columns["n"] == list(range(draft.rows))
    assert columns["key"] == [one["key"] for one in requests(draft)]
    return columns


def texts(draft: Draft) -> list[str]:
    return ["".join(p["text"] for p in one["request"]["contents"][-1]["parts"]) for one in requests(draft)]


# -- prompts -----------------------------------------------------------------------------------------------------------


def test_one_prompt_a_line(tmp_path: Path) -> None:
    draft = prepare("first\n\n  second, indented\r\nthird", tmp_path, kind="lines")
    assert texts(draft) == ["first", "  second, indented", "third"]
    assert [one["key"] for one in requests(draft)] == ["row-000001", "row-000002", "row-000003"]
    assert inputs(draft)["line"] == [1, 3, 4]
    assert draft.notes == ("1 blank line was skipped.", "Keys were generated for 3 rows.")
    assert draft.preview == (("row-000001", "first"), ("row-000002", "  second, indented"), ("row-000003", "third"))
    assert (draft.problem_count, draft.bad_rows, draft.columns) == (0, 0, ())


def test_blocks_hold_several_lines(tmp_path: Path) -> None:
    draft = prepare("one\ntwo\n\n\nthree\n", tmp_path, kind="blocks")
    assert texts(draft) == ["one\ntwo", "three"]
    assert inputs(draft)["line"] == [1, 5]


def test_a_marker_leads_a_block_or_the_line_below_it_and_no_more(tmp_path: Path) -> None:
    draft = prepare("@use_cache handbook\nWhere is it?\n\nplain", tmp_path / "a", kind="blocks")
    assert draft.uses_caches == ("handbook",)
    assert requests(draft)[0]["request"]["cachedContent"] == "@use_cache:handbook"
    alone = prepare("@use_cache handbook\nWhere is it?", tmp_path / "b", kind="lines")
    assert (alone.rows, alone.bad_rows, alone.uses_caches) == (1, 0, ("handbook",))
    mixed = prepare("@use_cache handbook\nWhere is it?\nWho?", tmp_path / "c", kind="lines")
    assert [request["request"].get("cachedContent") for request in requests(mixed)] == ["@use_cache:handbook", None]
    assert any(note.startswith("1 of 2 prompts begin with @use_cache") for note in mixed.notes)


def test_a_text_file_in_another_encoding_is_read_and_said_to_be(tmp_path: Path) -> None:
    source = tmp_path / "prompts.txt"
    source.write_bytes("plain\nGröße\n".encode("cp1252"))
    draft = prepare(source, tmp_path / "a", kind="txt")
    assert texts(draft) == ["plain", "Größe"]
    assert "line 2" in draft.notes[0]
    assert "Windows-1252" in draft.notes[0]
    source.write_bytes("\ufeffGröße\r\n".encode())
    assert texts(prepare(source, tmp_path / "b", kind="txt")) == ["Größe"]


def test_settings_and_shared_text_are_in_every_request(tmp_path: Path) -> None:
    draft = prepare("a\nb", tmp_path, kind="lines", generation=Generation(temperature=0.5), shared_text="Shared.\n")
    for one in requests(draft):
        assert one["request"]["generationConfig"] == {"temperature": 0.5}
        assert one["request"]["contents"][0]["parts"][0] == {"text": "Shared.\n"}
    assert inputs(draft)["prompt"] == ["a", "b"]


# -- JSONL -------------------------------------------------------------------------------------------------------------


def test_marks_blank_lines_and_line_ends_do_no_harm(tmp_path: Path) -> None:
    content = "\ufeff" + line("a", "Größe 🚀").replace("\n", "\r\n") + "\r\n   \n" + line("b").rstrip("\n")
    source = tmp_path / "in.jsonl"
    source.write_text(content, encoding="utf-8", newline="")
    draft = prepare(source, tmp_path / "a", kind="jsonl")
    assert [one["key"] for one in requests(draft)] == ["a", "b"]
    assert inputs(draft)["prompt"] == ["Größe 🚀", "hi"]
    assert inputs(draft)["line"] == [1, 4]
    assert draft.source_name == "in.jsonl"
    assert draft.notes == ("2 blank lines were skipped.",)


def test_one_bad_line_costs_one_row(tmp_path: Path) -> None:
    lines = [line(f"k{n}") for n in range(5)]
    lines[2] = '{"key": "k2", "request": {"contents": [}\n'
    draft = prepare("".join(lines), tmp_path, kind="jsonl")
    assert [one["key"] for one in requests(draft)] == ["k0", "k1", "k3", "k4"]
    (problem,) = draft.problems
    assert (problem.line, draft.bad_rows, draft.problem_count) == (3, 1, 1)


def test_invalid_utf8_and_lines_over_the_limit_cost_one_row_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "LINE_LIMIT_BYTES", 200)
    source = tmp_path / "in.jsonl"
    source.write_bytes(line("a").encode() + b'{"key":"\xff"}\n' + line("long", "x" * 300).encode() + line("b").encode())
    draft = prepare(source, tmp_path / "a", kind="jsonl")
    assert [one["key"] for one in requests(draft)] == ["a", "b"]
    assert [(p.line, p.fault.split(":")[0]) for p in draft.problems] == [
        (2, "The line is not valid UTF-8"),
        (3, "This is longer than 20 MB."),
    ]


def test_prompts_over_the_limit_cost_one_row_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "LINE_LIMIT_BYTES", 20)
    for kind, places in (("lines", [1, 3]), ("blocks", [1, 5])):
        end = "\n" if kind == "lines" else "\n\n"
        draft = prepare(end.join(["x" * 30, "short", "y" * 300, "last"]), tmp_path / kind, kind=kind)
        assert texts(draft) == ["short", "last"]
        assert [p.line for p in draft.problems] == places


def test_the_first_hundred_problems_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    draft = prepare("{}\n" * 250 + line("a"), tmp_path, kind="jsonl")
    assert (len(draft.problems), draft.problem_count, draft.bad_rows, draft.rows) == (100, 250, 250, 1)
    assert [p.line for p in draft.problems] == list(range(1, 101))


def test_a_line_of_many_faults_and_a_repeated_key_stay_within_the_hundred(tmp_path: Path) -> None:
    broken = json.dumps({"request": {"contents": [{"parts": [5] * 9}]}}) + "\n"
    draft = prepare(line("a") * 2 + "{}\n" * 96 + broken, tmp_path, kind="jsonl")
    assert (len(draft.problems), draft.problem_count, draft.bad_rows) == (100, 106, 98)
    assert [p.line for p in draft.problems] == [2, *range(3, 99), 99, 99, 99]


def test_a_key_that_was_used_before_is_a_problem_of_the_later_row(tmp_path: Path) -> None:
    draft = prepare(line("a", "1") + line("b") + line("a", "2") + "{}\n" + line("a", "3"), tmp_path, kind="jsonl")
    assert [one["key"] for one in requests(draft)] == ["a", "b"]
    assert texts(draft)[0] == "1"
    assert inputs(draft)["line"] == [1, 2]
    assert [(p.line, p.key) for p in draft.problems] == [(3, "a"), (4, ""), (5, "a")]
    assert "line 1" in draft.problems[0].fault
    assert (draft.bad_rows, draft.problem_count) == (3, 3)


def test_keys_made_by_us_give_way_to_keys_given(tmp_path: Path) -> None:
    bare = json.dumps({"request": {"contents": [{"parts": [{"text": "mine"}]}]}}) + "\n"
    content = bare + line("row-000001", "given") + line("row-000001-2", "given too") + bare
    draft = prepare(content, tmp_path, kind="jsonl")
    assert draft.problems == ()
    assert [one["key"] for one in requests(draft)] == ["row-000001-3", "row-000001", "row-000001-2", "row-000004"]
    assert texts(draft) == ["mine", "given", "given too", "mine"]
    assert inputs(draft)["prompt"] == texts(draft)


def test_equal_hashes_alone_make_no_duplicate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_files, "hash", lambda key: len(key), raising=False)
    draft = prepare(line("aa") + line("bb") + line("aa") + line("c"), tmp_path, kind="jsonl")
    assert [one["key"] for one in requests(draft)] == ["aa", "bb", "c"]
    assert draft.bad_rows == 1


def test_many_rows_go_through_in_batches_with_a_duplicate_in_the_last(tmp_path: Path) -> None:
    count = draft_files.FLUSH_ROWS * 2 + 10
    source = tmp_path / "in.jsonl"
    source.write_text("".join(line(f"k{n}") for n in range(count)) + line("k5"))
    seen: list[float] = []
    draft = prepare(source, tmp_path / "a", kind="jsonl", progress=seen.append)
    assert (draft.rows, draft.bad_rows) == (count, 1)
    assert inputs(draft)["key"] == [f"k{n}" for n in range(count)]
    assert draft.problems[0].line == count + 1
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert [key for key, _ in first_rows(draft.folder, count)] == inputs(draft)["key"]


def test_what_rows_have_of_media_images_caches_and_models_is_told(tmp_path: Path) -> None:
    rows = [
        {"contents": [{"parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]}]},
        {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"responseModalities": ["IMAGE"]}},
        {"contents": [{"parts": [{"text": "@use_cache one\nx"}]}]},
        {
            "contents": [{"parts": [{"text": "x"}]}],
            "cachedContent": "cachedContents/two",
            "model": "models/gemini-3.8-flash",
        },
    ]
    content = "".join(json.dumps({"key": str(n), "request": row}) + "\n" for n, row in enumerate(rows))
    draft = prepare(content, tmp_path / "a", kind="jsonl")
    assert (draft.media, draft.image_output) == (True, True)
    assert draft.uses_caches == ("one", "cachedContents/two")
    assert draft.models == ("gemini-3.8-flash",)
    assert any("gemini-3.8-flash" in note for note in draft.notes)
    plain = prepare(line("a"), tmp_path / "b", kind="jsonl")
    assert (plain.media, plain.image_output, plain.uses_caches, plain.models) == (False, False, (), ())


def test_a_large_input_gives_its_memory_back_and_a_small_one_wastes_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[int] = []
    monkeypatch.setattr(malloc, "release_free_memory", lambda: given_back.append(1))
    prepare(line("a"), tmp_path / "small", kind="jsonl")
    assert given_back == []
    monkeypatch.setattr(drafts, "LARGE_BYTES", 10)
    prepare(line("a"), tmp_path / "large", kind="jsonl")
    assert given_back == [1]
    monkeypatch.undo()
    malloc.release_free_memory()


def test_an_empty_input_is_an_empty_draft(tmp_path: Path) -> None:
    for kind in ("jsonl", "lines", "blocks"):
        draft = prepare("\n", tmp_path / kind, kind=kind)
        assert (draft.rows, draft.bad_rows, draft.size_bytes, draft.preview) == (0, 0, 0, ())
        assert draft.notes[-1] == "The input is empty."
        assert inputs(draft)["n"] == []


# -- tables ------------------------------------------------------------------------------------------------------------


def test_a_table_is_rendered_by_its_template_and_keeps_its_columns(tmp_path: Path) -> None:
    content = 'id,prompt,n\nx1,"Hello, ""you""",5\nx2,"two\nlines",007\n'
    draft = prepare(content, tmp_path, kind="csv", template="{{n}}: {{prompt}}", reading=TableReading(key_column="ID"))
    assert texts(draft) == ['5: Hello, "you"', "007: two\nlines"]
    columns = inputs(draft)
    assert columns["key"] == ["x1", "x2"]
    assert columns["line"] == [2, 3]
    assert columns["id"] == ["x1", "x2"]
    assert columns["prompt (input)"] == ['Hello, "you"', "two\nlines"]
    assert columns["n (input)"] == ["5", "007"]
    assert draft.columns == ("id", "prompt", "n")
    assert draft.preview[0] == ("x1", '5: Hello, "you"')


def test_a_table_is_kept_as_it_was_given(tmp_path: Path) -> None:
    given = b"\xef\xbb\xbfcity;note\r\nRome;1\r\n"
    (tmp_path / "t.csv").write_bytes(given)
    draft = prepare(tmp_path / "t.csv", tmp_path / "file", kind="csv", template="{{city}}")
    (tmp_path / "t.csv").write_bytes(b"changed later")
    assert (draft.folder / SOURCE).read_bytes() == given
    pasted = prepare("city\nK\u00f6ln\n", tmp_path / "text", kind="csv", template="{{city}}")
    assert (pasted.folder / SOURCE).read_text(encoding="utf-8") == "city\nK\u00f6ln\n"
    assert not (prepare(line("a"), tmp_path / "lines", kind="jsonl").folder / SOURCE).exists()


def test_a_tables_broken_and_empty_rows_cost_themselves_in_their_place(tmp_path: Path) -> None:
    content = 'prompt,b\none,1\ntoo,many,cells\n,2\nfew\n"bad"quote,3\nlast,4\n'
    draft = prepare(content, tmp_path, kind="csv", template="{{prompt}}")
    assert texts(draft) == ["one", "last"]
    assert inputs(draft)["b"] == ["1", "4"]
    assert [p.line for p in draft.problems] == [3, 4, 5, 6]
    assert "3 cells" in draft.problems[0].fault
    assert "empty" in draft.problems[1].fault
    assert [one["key"] for one in requests(draft)] == ["row-000001", "row-000006"]


def test_a_table_of_one_obvious_column_needs_no_template(tmp_path: Path) -> None:
    draft = prepare("key;question;answer\na;Why?;x\n", tmp_path, kind="csv")
    assert (texts(draft), inputs(draft)["key"]) == (["Why?"], ["a"])
    assert draft.notes == ('The column "question" is the prompt.',)


def test_a_long_shared_beginning_of_a_template_is_one_part_everywhere(tmp_path: Path) -> None:
    guide = "A rule of the house.\n" * 15
    draft = prepare("a\n1\n2\n", tmp_path, kind="csv", template=guide + "Row {{a}}")
    parts = [one["request"]["contents"][0]["parts"] for one in requests(draft)]
    assert parts == [[{"text": guide}, {"text": "Row 1"}], [{"text": guide}, {"text": "Row 2"}]]
    assert inputs(draft)["prompt"] == [guide + "Row 1", guide + "Row 2"]


def test_settings_go_into_rows_of_tables_too(tmp_path: Path) -> None:
    draft = prepare(
        "a\n1\n", tmp_path, kind="csv", generation=Generation(system_instruction="Be brief.", thinking="low")
    )
    assert requests(draft)[0]["request"] == {
        "contents": [{"role": "user", "parts": [{"text": "1"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}},
    }


@pytest.mark.parametrize(
    ("arguments", "fault", "remedy"),
    [
        ({"kind": "csv", "template": "{{promt}}"}, 'no column "promt"', '"prompt"'),
        ({"kind": "csv"}, "which column", '"prompt", "text"'),
        (
            {"kind": "csv", "template": "{{text}}", "reading": TableReading(key_column="id")},
            'no column "id"',
            '"prompt"',
        ),
        ({"kind": "jsonl", "template": "{{text}}"}, "needs a table", "CSV"),
        ({"kind": "docx"}, "not a kind", "jsonl"),
        ({"kind": "parquet"}, "cannot be pasted", "file"),
        ({"kind": "lines", "generation": Generation(temperature=5)}, "Temperature is 5", "2"),
        ({"kind": "lines", "shared_text": "\ud800"}, "half a character", "again"),
    ],
)
def test_what_cannot_be_used_as_a_whole_is_refused_with_a_remedy(
    tmp_path: Path, arguments: dict[str, Any], fault: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        prepare("prompt,text\na,b\n", tmp_path / "a", **arguments)
    assert fault in str(caught.value)
    assert remedy in caught.value.remedy
    assert not list((tmp_path / "a").glob("*")) if (tmp_path / "a").exists() else True


@pytest.mark.parametrize(
    ("name", "content", "fault", "remedy"),
    [
        ("a.csv", b"PK\x03\x04 and so on", "cannot be read", "CSV"),
        ("a.txt", b"PAR1 and so on", "Parquet", ".parquet"),
        ("a.jsonl", b"\x1f\x8b\x08 and so on", "cannot be unpacked", "again"),
        ("a.tsv", line("a").encode(), "JSONL", ".jsonl"),
        ("a.xlsx", b"%PDF-1.7 and so on", "a PDF", "CSV"),
    ],
)
def test_a_file_under_a_wrong_name_is_told_what_it_is(
    tmp_path: Path, name: str, content: bytes, fault: str, remedy: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        prepare(tmp_path / name, tmp_path / "draft", kind=drafts.kind_of(name), template="")
    assert fault in str(caught.value)
    assert remedy in caught.value.remedy


def test_requests_pasted_as_prompts_are_pointed_out(tmp_path: Path) -> None:
    draft = prepare(line("a") + line("b") + "a prompt\n", tmp_path, kind="lines")
    assert draft.rows == 3
    assert any(note.startswith("2 prompts read as JSON requests") for note in draft.notes)


def test_a_missing_file_is_a_users_error(tmp_path: Path) -> None:
    for kind in ("jsonl", "txt", "csv", "parquet", "xlsx"):
        with pytest.raises(InputError):
            prepare(tmp_path / "none", tmp_path / "a", kind=kind)


# -- folders -----------------------------------------------------------------------------------------------------------


def test_a_draft_can_be_opened_again_wherever_its_folder_is(tmp_path: Path) -> None:
    draft = prepare(line("a") + "{}\n", tmp_path / "a", kind="jsonl")
    assert open_draft(tmp_path / "a") == draft
    (tmp_path / "a").rename(tmp_path / "b")
    assert open_draft(tmp_path / "b").folder == tmp_path / "b"
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "draft.json",
        "inputs.parquet",
        "requests.jsonl",
        "shared.json",
    ]


def test_an_older_drafts_missing_fields_have_their_defaults(tmp_path: Path) -> None:
    prepare(line("a"), tmp_path, kind="jsonl")
    stored = json.loads((tmp_path / "draft.json").read_text())
    del stored["models"], stored["media"]
    (tmp_path / "draft.json").write_text(json.dumps(stored))
    assert open_draft(tmp_path).models == ()


def test_no_draft_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_draft(tmp_path)
    (tmp_path / "draft.json").write_text("{")
    with pytest.raises(NotFound):
        open_draft(tmp_path)


def test_work_that_is_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(line("a") * 3, tmp_path, kind="jsonl", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(draft_files.DraftWriter, "_write", full)
    with pytest.raises(BatchRunnerError, match="No space left on device"):
        prepare(line("a"), tmp_path, kind="jsonl")
    assert list(tmp_path.iterdir()) == []


# -- properties --------------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", "row-000001", "row-000002", "row-000002-2", ""])


@settings(max_examples=40, deadline=None)
@given(keys=st.lists(KEYS, max_size=12))
def test_keys_are_unique_and_the_first_of_a_key_stays(keys: list[str]) -> None:
    content = "".join(line(key, f"text {n}") for n, key in enumerate(keys))
    with tempfile.TemporaryDirectory() as folder:
        draft = prepare(content, Path(folder), kind="jsonl")
        sent = [one["key"] for one in requests(draft)]
        assert len(set(sent)) == len(sent)
        given_ = [key for n, key in enumerate(keys) if key and key not in keys[:n]]
        assert [key for key in sent if key in given_] == [key for key in sent if key in keys]
        assert len(sent) == len(given_) + keys.count("")
        assert draft.bad_rows == len(keys) - len(sent)
        by_key = dict(zip(sent, texts(draft), strict=True))
        assert all(by_key[key] == f"text {keys.index(key)}" for key in given_)
        assert inputs(draft)["prompt"] == texts(draft)


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8), end=st.sampled_from(["\n", "\r\n"]))
def test_a_tables_cells_come_back_as_they_were(rows: list[tuple[str, str]], end: str) -> None:
    rows = [(a, b) for a, b in rows if a.strip() and "@use_cache" not in a]
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([("first", "second"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        draft = prepare(text.getvalue(), Path(folder), kind="csv", template="{{first}}")
        columns = inputs(draft)
        assert list(zip(columns["first"], columns["second"], strict=True)) == rows
        assert texts(draft) == [a for a, _ in rows]


def test_ten_million_keys_are_compared_in_little_memory() -> None:
    rng = np.random.default_rng(1)
    hashes = rng.integers(-(2**63), 2**63 - 1, 1_000_000, dtype=np.int64)
    assert draft_files._suspects(hashes) is None
    hashes[[5, 999_999]] = hashes[7]
    suspects = draft_files._suspects(hashes)
    assert suspects is not None
    assert suspects.tolist() == [5, 7, 999_999]


def test_the_computers_own_encoding_does_not_matter(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes("prompt\nGröße 🚀\n".encode())
    script = (
        "import sys; from pathlib import Path; from lifecycle.inputs.drafts import prepare, open_draft\n"
        f"prepare(Path({str(source)!r}), Path({str(tmp_path / 'a')!r}), kind='csv', shared_text='\\u00fc')\n"
        f"print(ascii(open_draft(Path({str(tmp_path / 'a')!r})).preview))"
    )
    environment = {**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "LANG": "C"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() == ascii((("row-000001", "Größe 🚀"),))


# -- the model ---------------------------------------------------------------------------------------------------------


def test_rows_and_settings_are_held_to_the_rules_of_the_model(tmp_path: Path) -> None:
    """A row is named by line; settings that the model refuses are refused before a row is read."""
    rules = ModelRules("gemini-2.5-flash", CatalogModel(thinking="budget", thinking_budget=(1, 100), output_cap=50))
    level = '{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}}'
    content = line("a") + f'{{"key":"b","request":{level}}}\n'
    draft = prepare(content, tmp_path / "a", kind="jsonl", rules=rules)
    assert (draft.rows, draft.bad_rows) == (1, 1)
    (problem,) = draft.problems
    assert (problem.line, problem.key, problem.rule) == (2, "b", "thinking_level_kind")
    assert drafts.open_draft(draft.folder).problems == draft.problems
    for wrong in (Generation(max_output_tokens=51), Generation(thinking="101"), Generation(thinking="low")):
        with pytest.raises(InputError, match="gemini"):
            prepare(line("a"), tmp_path / "b", kind="jsonl", rules=rules, generation=wrong)


def test_what_nobody_knows_of_a_model_is_said_and_sent(tmp_path: Path) -> None:
    asked = '{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"candidateCount":2}}'
    content = "".join(f'{{"key":"k{n}","request":{asked}}}\n' for n in range(3))
    settings = Generation(thinking="low")
    draft = prepare(content, tmp_path, kind="jsonl", rules=ModelRules("gemini-9"), generation=settings)
    assert (draft.rows, draft.problem_count) == (3, 0)
    assert draft.notes == (
        "The settings have a thinkingLevel; whether gemini-9 takes that is not known.",
        "3 rows have a candidateCount; whether gemini-9 takes that is not known.",
    )
