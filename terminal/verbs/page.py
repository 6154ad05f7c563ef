"""Start the page: its server takes this process's place."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

MAIN = Path(__file__).resolve().parents[2] / "main.py"


def page(options: argparse.Namespace) -> int:
    """Serve the page until it is stopped. Its configuration is the `.streamlit` folder beside `main.py`."""
    # -P: the folder that the user is in may have a settings.py or main.py of its own
    command = [sys.executable, "-P", "-m", "streamlit", "run", str(MAIN)]
    command += ["--server.port", str(options.port)] if options.port else []
    os.execv(sys.executable, command)
