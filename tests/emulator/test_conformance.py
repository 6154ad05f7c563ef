"""Google's own tests, unedited, out of the installed client: the tier that needs nothing but the API.

`make conformance` runs all tiers; this one belongs to every test run.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google import genai

import conformance.__main__ as conformance
from tests.emulator_process import ROOT, start_emulator


@pytest.mark.slow
def test_googles_own_core_tests_pass() -> None:
    with start_emulator(pace=1) as emulator:
        done = subprocess.run(
            [ROOT / "conformance" / "conformance.sh", emulator.base_url, "core"],
            env={**os.environ, "PY": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
    last = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, done.stdout + done.stderr
    assert last == "115 passed, 0 failed of 115"


def test_the_list_of_tests_fits_the_installed_client() -> None:
    """An upgrade of the client without a new list would silently test less."""
    assert conformance.made_for() == genai.__version__


def test_another_version_of_the_client_is_refused_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(conformance, "version", lambda _: "3.6.11")
    assert conformance.main([]) == 2
    assert "google-genai 3.6.11 is installed, but the list of tests was made for 3.6.1" in capsys.readouterr().out


def test_a_test_that_the_client_does_not_have_fails_the_run(tmp_path: Path) -> None:
    """An unknown id, as after an upgrade, counts as failed and not as absent."""
    listed = tmp_path / "tests.txt"
    listed.write_text("# tier: core\ntests/models/test_get_model.py::test_gone[x]\n")
    with start_emulator() as emulator:
        done = subprocess.run(
            [ROOT / "conformance" / "conformance.sh", emulator.base_url, "core"],
            env={**os.environ, "PY": sys.executable, "CONF_TESTS": str(listed)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "0 passed, 1 failed of 1")
