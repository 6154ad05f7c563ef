"""The README's three examples, run as they are written but for the service that they call."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from cli import main as cli_main
from tests.emulator_process import EmulatorProcess, start_emulator

README = Path(__file__).parents[2] / "README.md"
COMMAND = "gemini-batch "


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorProcess]:
    with start_emulator() as process:
        yield process


@pytest.fixture
def examples(emulator: EmulatorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The examples, in a folder of their own; what they call stands in for the service."""
    emulator.reset()
    settings = {"GEMINI_API_KEY": "made-up-key-of-examples", "GOOGLE_GEMINI_BASE_URL": emulator.base_url}
    for name, value in {**settings, "DATA_DIR": str(tmp_path / "data"), "SETTLE_SECONDS": "0.2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.S)


def run(example: str) -> None:
    """Make the example's file as a shell does, and run its command in this process."""
    made, command = example.replace("\\\n", "").split(COMMAND, 1)
    if made.strip():
        subprocess.run(["/bin/bash", "-c", made], check=True)
    words = [word for word in shlex.split(command) if word != "--rehearse"]
    assert cli_main(words) == 0


def test_a_semicolon_table_comes_back_with_columns_of_its_own(examples: list[str], tmp_path: Path) -> None:
    run(examples[0])
    rows = list(csv.reader((tmp_path / "answered.csv").read_text(encoding="utf-8").splitlines(), delimiter=";"))
    assert [row[:3] for row in rows] == [
        ["Nr", "Kunde", "Bewertung"],
        ["1", "Café Süß", "Kam spät; war aber gut"],
        ["2", "Bäckerei Groß", "Kaputt angekommen"],
    ]
    answers = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    mood, urgency = (next(name for name in rows[0] if field in name) for field in ("mood", "urgency"))
    assert {answer[mood] for answer in answers} <= {"good", "bad"}
    assert all(1 <= int(answer[urgency]) <= 5 for answer in answers)


def test_a_workbook_is_filled_in_and_a_week_later_only_its_new_row_is_sent(
    examples: list[str], tmp_path: Path, emulator: EmulatorProcess
) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Orders")
    for line in [["Complaints of spring"], [], ["Order no", "Customer", "Complaint"], [17, "Ada", "It came late."]]:
        sheet.append(line)
    book.save(tmp_path / "orders.xlsx")
    run(examples[1])
    sheet.append([18, "Max", "It is broken."])
    book.save(tmp_path / "orders.xlsx")
    run(examples[1])
    assert sum(use["rows"] for use in emulator.ledger()["usage"]) == 2
    filled = openpyxl.load_workbook(tmp_path / "answered.xlsx")["Orders"]
    assert [[cell.value for cell in row[:3]] for row in filled.iter_rows(min_row=3, max_row=5)] == [
        ["Order no", "Customer", "Complaint"],
        [17, "Ada", "It came late."],
        [18, "Max", "It is broken."],
    ]
    header = [str(cell.value) for cell in filled[3]]
    reason = next(n for n, name in enumerate(header) if "reason" in name)
    assert {filled[row][reason].value for row in (4, 5)} <= {"late", "broken", "other"}


def test_an_openai_batch_goes_there_and_back(examples: list[str], tmp_path: Path) -> None:
    run(examples[2])
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["custom_id"] for line in lines] == ["task-1", "task-2"]
    for line in lines:
        assert line["error"] is None and line["response"]["status_code"] == 200
        (choice,) = line["response"]["body"]["choices"]
        assert choice["message"]["content"] and choice["finish_reason"] == "stop"
        assert line["response"]["body"]["usage"]["total_tokens"] > 0
