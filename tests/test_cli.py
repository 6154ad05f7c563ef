"""The terminal's contract: verbs, JSON on stdout, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import main as cli_main
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[1]
MODEL = "gemini-3.8-flash"
KEY = "made-up-canary-key-for-the-terminal"


@pytest.fixture(scope="module")
def emulator() -> Any:
    with start_emulator() as process:
        yield process


class Terminal:
    """`python cli.py …` in a process of its own, with its own data folder."""

    def __init__(self, folder: Path, emulator: EmulatorProcess) -> None:
        self.folder = folder
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("G")},
            "GEMINI_API_KEY": KEY,
            "GOOGLE_GEMINI_BASE_URL": emulator.base_url,
            "DATA_DIR": str(folder / "data"),
            "SETTLE_SECONDS": "1",
        }

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "cli.py", *words]
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def cli(tmp_path: Path, emulator: EmulatorProcess) -> Terminal:
    return Terminal(tmp_path, emulator)


def test_a_run_from_submission_to_results(cli: Terminal, tmp_path: Path) -> None:
    """First line the run's id, last line how it ended; then every verb that asks about it."""
    out = tmp_path / "out.csv"
    source = cli.file("prompts.txt", "What is two plus two?\nName a river.\n")
    submitted = cli("submit", source, "--model", MODEL, "--wait", "--json", "--out", str(out))
    assert submitted.returncode == 0, submitted.stderr
    first, last = (json.loads(text) for text in submitted.stdout.splitlines())
    assert set(first) == {"run_id"}
    assert set(last) == {"run_id", "state", "stage", "counts", "cost_usd", "error"}
    assert last["state"] == "finished"
    assert last["counts"] == {"answered": 2}
    assert last["cost_usd"] > 0
    header = out.read_text(encoding="utf-8").splitlines()[0].replace('"', "")
    assert header == (
        "key,prompt,outcome,text,error_code,error_message,prompt_tokens,cached_tokens,output_tokens,thoughts_tokens,cost_usd"
    )
    shown = json.loads(cli("show", first["run_id"], "--json").stdout)
    assert {"id", "state", "stage", "model", "rows", "counts", "jobs", "caches", "events"} <= set(shown)
    assert {"name", "state", "stats"} <= set(shown["jobs"][0])
    assert {"estimate_usd", "actual_usd"} <= set(shown)
    assert [run["id"] for run in json.loads(cli("runs", "--json").stdout)] == [first["run_id"]]
    lines = tmp_path / "out.jsonl"
    assert cli("results", first["run_id"], "--out", str(lines)).returncode == 0
    assert {"usage", "response"} <= set(json.loads(lines.read_text(encoding="utf-8").splitlines()[0]))
    assert json.loads(cli("caches", "--json").stdout) == []
    everything = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in everything)


def test_without_waiting_it_returns_when_the_job_is_there_and_resume_goes_on(cli: Terminal) -> None:
    submitted = cli("submit", cli.file("p.txt", "one\ntwo"), "--model", MODEL, "--json")
    assert submitted.returncode == 0, submitted.stderr
    run_id = json.loads(submitted.stdout.splitlines()[0])["run_id"]
    assert json.loads(cli("show", run_id, "--json").stdout)["jobs"][0]["name"].startswith("batches/")
    assert cli("resume", "--wait").returncode == 0
    assert json.loads(cli("show", run_id, "--json").stdout)["state"] == "finished"


def test_a_plan_needs_no_key_and_sends_nothing(cli: Terminal, emulator: EmulatorProcess, tmp_path: Path) -> None:
    shared = "The parties agree on the following. " * 300
    rows = [
        {"contents": [{"role": "user", "parts": [{"text": shared}, {"text": f"Question {n}?"}]}]} for n in range(40)
    ]
    source = cli.file("q.jsonl", "\n".join(json.dumps({"key": f"k{n}", "request": row}) for n, row in enumerate(rows)))
    before = emulator.ledger()["calls"]
    words = ("plan", source, "--model", MODEL, "--hours", "1", "--json")
    planned = cli(*words, "--groups", str(tmp_path / "groups.jsonl"), GEMINI_API_KEY="")
    assert planned.returncode == 0, planned.stderr
    document = json.loads(planned.stdout)
    assert set(document) >= {"model", "hours", "assumptions", "totals", "groups"}
    assert set(document["assumptions"]) >= {"prices", "storage", "min_tokens", "implicit_rate"}
    assert set(document["totals"]["usd"]) >= {"plain", "implicit", "chosen", "low", "worst"}
    assert [group["choice"] for group in document["groups"]] == ["explicit"]
    assert document["totals"]["usd"]["chosen"] < document["totals"]["usd"]["plain"] / 2
    groups = [json.loads(text) for text in (tmp_path / "groups.jsonl").read_text(encoding="utf-8").splitlines()]
    assert groups == [{"key": f"k{n}", "group": document["groups"][0]["id"]} for n in range(40)]
    assert emulator.ledger()["calls"] == before
    said = cli(*words[:-1], GEMINI_API_KEY="").stdout
    assert "40 requests share" in said and "a cache pays up to" in said


def test_a_plan_in_words_tells_the_largest_groups_and_what_would_save_more(cli: Terminal) -> None:
    texts = [f"Terms {n}. {'The parties agree on the following. ' * 300}\n\nQ" for n in range(25)]
    rows = [ask(f"Is it {n}?", texts[0]) for n in range(30)] + [ask(text, f"{n}") for text in texts for n in range(9)]
    source = cli.file("q.jsonl", "\n".join(json.dumps({"key": f"k{n}", "request": row}) for n, row in enumerate(rows)))
    said = cli("plan", source, "--model", MODEL, "--hours", "1", GEMINI_API_KEY="").stdout
    assert said.count("requests share") == 20 and "and 5 more shared texts" in said
    assert "put it first" in said and " less on 30 requests" in said and "Planned for jobs of 1.0 h" in said


def ask(*parts: str) -> dict[str, object]:
    return {"contents": [{"role": "user", "parts": [{"text": part} for part in parts]}]}


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
def test_what_cannot_be_done_says_so_in_its_exit_code(
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
    code = _code([word.format(**{name: tmp_path / place for name, place in places.items()}) for word in words])
    told = capsys.readouterr()
    assert code == 2, told.err
    assert said in told.err and told.out == ""
    assert _code(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def _code(words: list[str]) -> int:
    """The exit code of a verb, in this process."""
    try:
        return cli_main(words)
    except SystemExit as leaving:
        return int(leaving.code or 0)


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
    assert _code(["runs"]) == 2
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


def test_a_cancelled_run_ends_with_exit_code_1_for_who_waits(cli: Terminal, emulator: EmulatorProcess) -> None:
    emulator.settings(job_outcome="stuck")
    try:
        submitted = cli("submit", cli.file("p.txt", "one"), "--model", MODEL, "--json")
        run_id = json.loads(submitted.stdout.splitlines()[0])["run_id"]
        cancelled = cli("cancel", run_id, "--json")
    finally:
        emulator.settings(job_outcome="succeeded")
    assert cancelled.returncode == 0, cancelled.stderr
    assert json.loads(cancelled.stdout.splitlines()[-1])["state"] == "cancelled"
    assert "lower bound" in cancelled.stderr
    assert "at least $0.00" in cli("show", run_id).stdout
    assert json.loads(cli("spend", "--json").stdout)["total"]["at_least"] is True


def test_only_what_failed_is_sent_again(cli: Terminal) -> None:
    source = cli.file("p.txt", "fine\n[[emulate: error:13]] b")
    submitted = cli("submit", source, "--model", MODEL, "--wait", "--json")
    run_id = json.loads(submitted.stdout.splitlines()[0])["run_id"]
    again = cli("retry", run_id, "--wait", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["counts"] == {"error_transient": 1}
    absent = cli("retry", run_id, "--keys", "row-000009")
    assert absent.returncode == 2 and "row-000009" in absent.stderr


def test_what_takes_too_long_is_cancelled_and_its_rows_are_sent_elsewhere(
    cli: Terminal, emulator: EmulatorProcess
) -> None:
    emulator.settings(job_outcome="stuck")
    try:
        submitted = cli("submit", cli.file("p.txt", "one\ntwo"), "--model", MODEL, "--json")
        run_id = json.loads(submitted.stdout.splitlines()[0])["run_id"]
        emulator.clock(13 * 3600)
        assert cli("resume").returncode == 0
        assert "35 hours are left" in json.loads(cli("show", run_id, "--json").stdout)["warning"]
        elsewhere = ("--resubmit", "--model", "gemini-3.5-flash-lite", "--rows-per-job", "1")
        child = json.loads(cli("cancel", run_id, *elsewhere, "--json").stdout.splitlines()[0])["run_id"]
    finally:
        emulator.settings(job_outcome="succeeded")
    assert cli("resume", "--wait").returncode == 0
    shown = json.loads(cli("show", child, "--json").stdout)
    assert (shown["state"], shown["model"], shown["counts"]) == ("finished", "gemini-3.5-flash-lite", {"answered": 2})
    assert len(shown["jobs"]) == 2
    assert json.loads(cli("show", run_id, "--json").stdout)["state"] == "cancelled"


def made_elsewhere(base_url: str) -> str:
    """A job made with the same key by somebody else."""
    from gemini.client import GeminiClient

    rows: list[dict[str, Any]] = [
        {"request": {"contents": [{"role": "user", "parts": [{"text": text}]}]}, "metadata": {"key": text}}
        for text in ("one", "two")
    ]
    body = {"displayName": "elsewhere", "inputConfig": {"requests": {"requests": rows}}}
    return str(GeminiClient(KEY, base_url).create_batch(MODEL, body)["name"])


def test_a_job_made_elsewhere_is_adopted_collected_and_then_pointed_to(
    cli: Terminal, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    job, out = made_elsewhere(emulator.base_url), tmp_path / "out.jsonl"
    recovered = cli("recover", job, "--name", "theirs", "--wait", "--out", str(out), "--json")
    assert recovered.returncode == 0, recovered.stderr
    first, last = (json.loads(text) for text in recovered.stdout.splitlines())
    assert set(first) == {"run_id"} and last["run_id"] == first["run_id"]
    assert last["counts"] == {"answered": 2} and last["cost_usd"] > 0
    assert [json.loads(line)["key"] for line in out.read_text(encoding="utf-8").splitlines()] == ["one", "two"]
    again = cli("recover", job, "--json")
    assert again.returncode == 0 and json.loads(again.stdout.splitlines()[-1])["run_id"] == first["run_id"]
    assert "already" in again.stderr


def test_a_terminal_killed_while_it_waits_for_a_job_made_elsewhere_loses_nothing(
    cli: Terminal, emulator: EmulatorProcess
) -> None:
    emulator.settings(pace=1000)
    job = made_elsewhere(emulator.base_url)
    command = [sys.executable, "cli.py", "recover", job, "--wait", "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=cli.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as one:
        assert one.stdout is not None
        run_id = json.loads(one.stdout.readline())["run_id"]
        one.kill()
    emulator.settings(pace="instant")
    emulator.clock(2000)
    resumed = cli("resume", "--wait", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert [(run["id"], run["counts"]) for run in json.loads(resumed.stdout)] == [(run_id, {"answered": 2})]


def test_what_was_spent_is_told_by_day_and_model(cli: Terminal) -> None:
    before = json.loads(cli("spend", "--json").stdout)
    assert before["total"] is None and before["under_way"] == {"runs": 0, "estimate_usd": 0}
    submitted = cli("submit", cli.file("p.txt", "one\ntwo"), "--model", MODEL, "--wait", "--json")
    cost = json.loads(submitted.stdout.splitlines()[-1])["cost_usd"]
    told = json.loads(cli("spend", "--json").stdout)
    (line,) = told["days"]
    assert (line["model"], line["runs"], line["rows"], line["runs_of_unknown_cost"]) == (MODEL, 1, 2, 0)
    assert line["usd"] == pytest.approx(cost) and line["saved_by_batch_usd"] == pytest.approx(cost)
    assert told["total"]["usd"] == line["usd"] and told["rehearsal"] is False
    assert "1 run  2 rows  $0.0" in cli("spend").stdout
