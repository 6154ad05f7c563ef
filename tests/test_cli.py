"""The terminal's contract: verbs, JSON on stdout, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.emulator_process import EmulatorProcess, start_emulator
from tests.terminal.terminal_process import KEY, MODEL, ROOT, Terminal, exit_code


@pytest.fixture(scope="module")
def emulator() -> Any:
    with start_emulator() as process:
        yield process


@pytest.fixture
def cli(tmp_path: Path, emulator: EmulatorProcess) -> Terminal:
    return Terminal(tmp_path, emulator)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("submit", "{bad}", "--model", MODEL), 2, "line 1"),
        (("submit", "nowhere.txt", "--model", MODEL), 2, "nowhere.txt"),
        (("submit", "{good}", "--model", MODEL, "--max-usd", "0.000001"), 2, "budget"),
        (("submit", "{good}", "--model", "gemini-of-nowhere", "--wait"), 1, "gemini-of-nowhere"),
        (("plan", "{good}", "--model", "2.5 flash"), 2, "cannot be a model's id"),
        (("show", "r000000000000"), 1, "no such run"),
        (("recover", "batches/nowhere"), 1, "finds no batch job"),
    ],
)
def test_what_cannot_be_done_says_so_in_its_exitexit_code(
    cli: Terminal, words: tuple[str, ...], code: int, said: str
) -> None:
    files = {
        "{bad}": cli.file("bad.jsonl", '{"key": "a", "request": {"contents": []}}\n'),
        "{good}": cli.file("g.txt", "x"),
    }
    ended = cli(*(files.get(word, word) for word in words))
    assert ended.returncode == code
    assert said in ended.stderr + ended.stdout
    assert KEY not in ended.stderr + ended.stdout


def test_a_process_ends_with_the_exit_code_of_its_verb(cli: Terminal) -> None:
    assert cli.process("submit", "nowhere.txt", "--model", MODEL).returncode == 2
    unknown = cli.process("show", "r000000000000")
    assert (unknown.returncode, unknown.stdout) == (1, "") and "no such run" in unknown.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("submit", "{good}", "--model", MODEL, "--template", "{away}"), "template"),
        (("submit", "{good}", "--model", MODEL, "--schema", "{away}"), "response schema"),
        (("submit", "{good}", "--model", MODEL, "--fields", "a: nubmer"), 'Did you mean "number"?'),
        (("submit", "{good}", "--model", MODEL, "--out", "{away}/x.csv"), "cannot be written"),
        (("submit", "{good}", "--model", MODEL, "--out", "x.pdf"), "jsonl, json, csv"),
        (("submit", "{good}", "--model", MODEL, "--out", "x.csv", "--form", "gemini"), "jsonl, json."),
        (("submit", "{good}", "--model", MODEL, "--max-usd", "nan"), "not an amount"),
        (("submit", "{good}", "--model", MODEL, "--hours", "0"), "takes some time"),
        (("submit", "{good}", "--model", MODEL, "--hours", "48.5"), "expires after 48 hours"),
        (("plan", "{good}", "--model", MODEL, "--hours", "1000"), "expires after 48 hours"),
        (("submit", "{good}", "--model", MODEL, "--canary", "-1"), "below 0"),
        (("submit", "{empty}", "--model", MODEL), "nothing to send. Add at least one request"),
        (("plan", "{empty}", "--model", MODEL), "nothing to send. Add at least one request"),
        (("submit", "{twice}", "--model", MODEL), "1 problem in 1 row"),
        (("plan", "{good}", "--model", MODEL, "--groups", "{away}/g.jsonl"), "cannot be written"),
    ],
)
def test_bad_input_is_refused_before_anything_is_recorded(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing may be paid for and then fail for want of a place to write it."""
    files = {
        "good.txt": "x",
        "empty.txt": "",
        "twice.jsonl": 2 * '{"key":"a","request":{"contents":[{"parts":[{"text":"x"}]}]}}\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    places = {"good": "good.txt", "empty": "empty.txt", "twice": "twice.jsonl", "away": "away"}
    for name, value in {
        "DATA_DIR": tmp_path / "data",
        "GEMINI_API_KEY": KEY,
        "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    code = exit_code([word.format(**{name: tmp_path / place for name, place in places.items()}) for word in words])
    told = capsys.readouterr()
    assert code == 2, told.err
    assert said in told.err and told.out == ""
    assert exit_code(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_DIR", "/dev/null/x"),
        ("DATABASE_URL", "foo"),
        ("DATABASE_URL", "foo://bar"),
        ("DATABASE_URL", "sqlite:////dev/null/x"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv(name, value)
    assert exit_code(["runs"]) == 2
    assert name in capsys.readouterr().err


def test_who_reads_only_the_beginning_sees_no_traceback(cli: Terminal) -> None:
    words = [sys.executable, "cli.py", "runs"]
    with subprocess.Popen(words, cwd=ROOT, env=cli.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        assert reading.stdout and reading.stderr
        reading.stdout.close()
        assert reading.stderr.read() == b""
    assert reading.returncode == 0


HEAVY = {"pyarrow", "duckdb", "numpy", "openpyxl", "pandas", "sqlalchemy", "google.genai", "streamlit"}
LOADED = f"""
import sys, cli
try:
    cli.run()
finally:
    print(*sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--help"], set()),
        (["submit", "--help"], set()),
        (["runs"], {"sqlalchemy"}),
        (["plan", "FILE", "--model", MODEL], {"sqlalchemy", "pyarrow", "numpy"}),
    ],
)
def test_a_verb_imports_only_what_it_needs(cli: Terminal, words: list[str], allowed: set[str]) -> None:
    """The rest costs a second and 100 MB, which cron jobs would pay every minute."""
    source = cli.file("two.txt", "Name a river.\nName a hill.\n")
    command = [sys.executable, "-c", LOADED, *(source if word == "FILE" else word for word in words)]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**cli.environ, "GEMINI_API_KEY": KEY if words == ["runs"] else ""},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert set(ended.stderr.splitlines()[-1].split()) <= allowed, ended.stderr


def test_without_a_key_it_says_how_to_go_on(cli: Terminal) -> None:
    ended = cli("runs", GEMINI_API_KEY="")
    assert ended.returncode == 1
    assert "--rehearse" in ended.stderr
