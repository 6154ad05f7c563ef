"""Google's own tests, unedited, out of the installed client: the tier that needs nothing but the API.

`make conformance` runs all tiers; this one belongs to every test run.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator_process import ROOT, start_emulator


@pytest.mark.slow
@pytest.mark.timeout(180)
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
    from google import genai

    listed = Path(ROOT / "conformance" / "tests.txt").read_text()
    assert f"google-genai {genai.__version__}" in listed.splitlines()[0]
