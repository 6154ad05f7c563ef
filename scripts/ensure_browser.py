"""Make sure that there is a browser for the tests: one that is installed, Playwright's, or the distribution's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.find_browser import find_browser

ATTEMPTS = (
    ("Playwright's Chromium", [sys.executable, "-m", "playwright", "install", "chromium"], lambda: True),
    ("the distribution's Chromium", ["apt-get", "install", "--yes", "chromium"], lambda: _is_root_on_debian()),
)
HELP = """No browser was found, and none could be installed. The browser tests need one. Do one of these:
  - install Chromium or Google Chrome,
  - run `.venv/bin/python -m playwright install --with-deps chromium`,
  - set BROWSER_PATH to a Chromium-like browser."""


def main() -> int:
    """Say which browser will be used; 1 if there is none."""
    for name, command, possible in ATTEMPTS:
        if find_browser():
            break
        if possible():
            print(f"No browser was found; installing {name}.", flush=True)
            _try(command)
    browser = find_browser()
    print(f"Browser: {browser}" if browser else HELP, flush=True)
    return 0 if browser else 1


def _is_root_on_debian() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _try(command: list[str]) -> None:
    """Run an installer; that it fails is no reason to stop."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        if command[0] == "apt-get":
            subprocess.run(["apt-get", "update", "--quiet"], check=False, timeout=300)
        subprocess.run(command, check=False, timeout=600, env={**os.environ, **quiet})
    except (OSError, subprocess.TimeoutExpired) as fault:
        print(fault, flush=True)


if __name__ == "__main__":
    sys.exit(main())
