"""Plan and submit: what is printed first and last, what is written, and what is not sent."""

from __future__ import annotations

import json
from pathlib import Path

from tests.emulator_process import EmulatorProcess
from tests.terminal.terminal_process import KEY, MODEL, Terminal


def ask(*parts: str) -> dict[str, object]:
    return {"contents": [{"role": "user", "parts": [{"text": part} for part in parts]}]}


def test_a_run_from_submission_to_results(cli: Terminal, tmp_path: Path) -> None:
    """First line the run's id, last line how it ended; then every verb that asks about it."""
    out = tmp_path / "out.csv"
    source = cli.file("prompts.txt", "What is two plus two?\nName a river.\n")
    submitted = cli.process("submit", source, "--model", MODEL, "--wait", "--json", "--out", str(out))
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
    shown = json.loads(cli.process("show", first["run_id"], "--json").stdout)
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
    texts = [f"{' '.join(f'The parties agree on point {n}.{k} here.' for k in range(300))}\n\nQ" for n in range(25)]
    rows = [ask(f"Is it {n}?", texts[0]) for n in range(30)] + [ask(text, f"{n}") for text in texts for n in range(9)]
    source = cli.file("q.jsonl", "\n".join(json.dumps({"key": f"k{n}", "request": row}) for n, row in enumerate(rows)))
    said = cli("plan", source, "--model", MODEL, "--hours", "1", GEMINI_API_KEY="").stdout
    assert said.count("requests share") == 20 and "and 5 more shared texts" in said
    assert "stand behind part 1 in 30 rows; with them first the input would cost $0." in said, said
    assert " --rearrange=part-first does it." in said and "Planned for jobs of 1.0 h" in said
    done = cli("plan", "--rearrange", source, "--model", MODEL, "--hours", "1", "--try", "2", "--json")
    document = json.loads(done.stdout)
    moved, tried = document["rearranged"], document["tried"]
    assert len(tried) == 2 and all(set(row["answers"]) == {"as written", "as sent"} for row in tried)
    assert tried[0]["key"] == "k0" and tried[0]["answers"]["as sent"]["outcome"] == "answered"
    assert (moved["rules"], moved["rows"]) == (["part-first"], 30) and moved["usd_saved"] > 0
    assert moved["example"]["before"] == moved["example"]["after"][::-1] and "And as it is sent:" in done.stderr
