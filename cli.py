"""The same verbs as the page, from a terminal: `python cli.py VERB …` or `gemini-batch VERB …`, for cron and CI.

`page` starts the page itself. With --json one JSON document on stdout; messages go to stderr. Exit 0: the run is
finished (even with failed rows), or what was asked is done; 1: failed, cancelled, or the key is missing; 2: bad input
or over budget; 130: stopped by Ctrl-C, and the run goes on.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import NoReturn

from batch.errors import ApiError, BatchRunnerError, InputError, OverBudget
from terminal.arguments.parser import read_arguments

LEFT_OUT = {"pandas", "aiohttp", "PIL"}  # Arrow and the SDK import them only because they are there
GC_THRESHOLD = 200_000  # objects; what is imported is no garbage, and collecting it again and again costs a tenth


class LeaveOut(MetaPathFinder):
    """Some packages are not there for this process. The page needs them; a terminal starts in half the time without."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname in LEFT_OUT:
            raise ModuleNotFoundError(f"The terminal does without {fullname}.", name=fullname)


def run() -> NoReturn:
    """The terminal as a process of its own."""
    sys.meta_path.insert(0, LeaveOut())
    gc.set_threshold(GC_THRESHOLD)
    faulthandler.enable()
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    options = read_arguments(sys.argv[1:] if arguments is None else arguments)
    from terminal.output.console import print_error, print_message

    try:
        return _run_verb(options)
    except (InputError, OverBudget) as error:
        return print_error(error, 2)
    except (ApiError, BatchRunnerError) as error:
        return print_error(error, 1)
    except KeyboardInterrupt:
        print_message("Stopped here. The run goes on with `resume`, or on the page.")
        return 130  # as shells tell it: neither an end of the run nor a fault of the input
    except BrokenPipeError:  # who reads along has seen enough; what is left in the buffer must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run_verb(options: argparse.Namespace) -> int:
    """Open a Runner and do what was asked. Imports what the verb needs, and no more."""
    if options.verb == "page":
        from terminal.verbs.page import page

        return page(options)
    from assembly import open_runner, restore
    from settings import load

    settings = load()
    if options.verb == "restore":
        from terminal.verbs import copies

        return copies.restore(restore(settings, Path(options.file)), options)
    from terminal.steps.account import account_of_caller

    runner = open_runner(settings, adopting=options.verb == "adopt_folder")
    try:
        verb: Callable[..., int] = getattr(importlib.import_module(f"terminal.verbs.{options.module}"), options.verb)
        return verb(runner, account_of_caller(runner, options, settings.gemini_api_key), options)
    finally:
        runner.close()


if __name__ == "__main__":
    run()
