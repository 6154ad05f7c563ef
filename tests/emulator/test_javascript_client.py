"""Google's JavaScript client against the emulator, where node and the package are installed.

`npm install --prefix FOLDER @google/genai`, then `GENAI_JS=FOLDER` in the environment; without it this is skipped.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.emulator_process import ROOT, EmulatorProcess
from tests.patience import PATIENCE_SECONDS

PACKAGES = Path(os.environ.get("GENAI_JS", ROOT)) / "node_modules"
MISSING = not shutil.which("node") or not (PACKAGES / "@google" / "genai").is_dir()


@pytest.mark.skipif(MISSING, reason="needs node and @google/genai: npm install, and GENAI_JS names the folder")
def test_the_javascript_client_sees_the_same_service(emulator: EmulatorProcess, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    shutil.copy(Path(__file__).with_name("javascript_client.mjs"), tmp_path / "client.mjs")
    command = ["node", "client.mjs", emulator.base_url, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert saw.pop("events") >= 3
    assert saw.pop("models") > 10
    assert saw == {
        "file": ["files/my-file", "rows"],
        "again": [409, "ALREADY_EXISTS"],
        "created": "JOB_STATE_PENDING",
        "finished": "JOB_STATE_SUCCEEDED",
        "keys": ["k0", "k1", "k2"],
        "cancelled": "JOB_STATE_CANCELLED",
        "deleted": [404, "NOT_FOUND"],
        "inline": [["string", f"m{i}"] for i in range(3)],
        "listed": 2,
        "cached": [2001, 2001],
        "gone": [403, "PERMISSION_DENIED"],
        "tokens": 11,
        "vectors": 2,
    }
