"""`python -m conformance [TIER...]`: Google's own client tests against a fresh emulator, over both HTTP stacks.

Without a tier, all that apply: core, generate, shape, gzip. Exit 0 only if every selected test passed over aiohttp and
over httpx2 (where the harness names the four that cannot apply), and only if the list of tests was made for the
installed version of the client.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACE = "2"  # seconds a batch job takes: the tests look at jobs that are not finished, and wait for others


def main(tiers: list[str]) -> int:
    listed, installed = made_for(), version("google-genai")
    if listed != installed:
        print(f"google-genai {installed} is installed, but the list of tests was made for {listed}: make it anew.")
        return 2
    command = [sys.executable, "-m", "emulator", "--pace", PACE]
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            base = json.loads(emulator.stdout.readline() if emulator.stdout else "")["base_url"]
            return max(run(base, transport, tiers) for transport in ("aiohttp", "httpx2"))
        finally:
            emulator.terminate()


def made_for() -> str:
    """The version of the client that the list of tests names in its first line."""
    return (HERE / "tests.txt").read_text().partition(",")[0].split()[-1]


def run(base: str, transport: str, tiers: list[str]) -> int:
    print(f"over {transport}:", flush=True)
    environment = {**os.environ, "PY": sys.executable, "CONF_TRANSPORT": transport}
    return subprocess.run([HERE / "conformance.sh", base, *tiers], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
