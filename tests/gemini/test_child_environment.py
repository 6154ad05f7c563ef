"""A process of ours knows no key, whatever the variable is called that holds it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gemini.child_environment import child_environment
from gemini.emulator_process import EmulatorProcess
from lifecycle.inputs.decoding.decoders import Decoders
from lifecycle.inputs.decoding.messages import DecodingJob
from ui.thumbnails.maker import DrawingProcess

ROOT = Path(__file__).parents[2]
SECRET = "AQ.made-up-secret-of-the-environment-tests"
HOLDERS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "COOKIE_SECRET", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY")


def test_what_programs_need_is_passed_on_and_nothing_else() -> None:
    needed = {"PATH": "/bin", "HOME": "/home/x", "TMPDIR": "/t", "LC_ALL": "C", "SystemRoot": "C:\\Windows"}
    assert child_environment(needed | dict.fromkeys(HOLDERS, SECRET) | {"ANYTHING": SECRET}) == needed


def test_python_starts_with_it() -> None:
    command = [sys.executable, "-c", "import orjson, PIL; print('started')"]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
    assert done.stdout == "started\n"


def test_no_process_of_ours_is_given_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of process that is started, however it is started."""
    for name in HOLDERS:
        monkeypatch.setenv(name, SECRET)
    environments: list[dict[str, str]] = []
    start = subprocess.Popen.__init__

    def watched(self: subprocess.Popen[bytes], *arguments: Any, **options: Any) -> None:
        environments.append(os.environ | {} if options.get("env") is None else options["env"])
        start(self, *arguments, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", watched)
    emulator = EmulatorProcess(tmp_path / "emulator")
    emulator.base_url()
    assert emulator._process is not None
    emulator._process.terminate()
    emulator._process.wait()
    with Decoders(1) as decoders:
        decoders.ask(DecodingJob("look", str(tmp_path / "none.png"), "image/png"))
    drawing = DrawingProcess()
    drawing.draw(tmp_path / "none.png", tmp_path / "out.jpg", 360)
    drawing.close()
    assert [SECRET in environment.values() for environment in environments] == [False] * 3


def test_every_process_is_started_with_it() -> None:
    """Whoever starts another process says what it is given; what is left out would be everything."""
    starts = [
        (path.relative_to(ROOT).as_posix(), {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords})
        for folder in ("batch", "gemini", "lifecycle", "terminal", "ui")
        for path in (ROOT / folder).rglob("*.py")
        if "subprocess" in (text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
    ]
    assert len(starts) >= 3
    assert [path for path, options in starts if options.get("env") != "child_environment()"] == []
