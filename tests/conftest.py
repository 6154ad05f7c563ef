"""What all tests share: their order, and settings of the process that none may leave changed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes says how busy the machine is; which examples are taken depends on the test alone, so that
# one that fails is met by who caused it. `pytest --hypothesis-profile=search` takes others, and more, each time.
settings.register_profile("tests", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("tests")
SPREAD = 0.7  # of the other files, between which those with a browser lie
LONG = {"crash", "faults", "terminal", "workflow", "test_conformance.py", "test_stateful.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: one that began last would run on alone while the other processes have nothing left to do.

    Those with a browser lie apart: several browsers at once leave two cores no time, and pages are drawn by halves.
    """
    files = list(dict.fromkeys(item.path for item in items))
    with_browser = [path for path in files if "browser" in path.parts]
    others = sorted(
        (path for path in files if "browser" not in path.parts), key=lambda path: LONG.isdisjoint(path.parts)
    )
    apart = int(len(others) * SPREAD / max(1, len(with_browser)))
    places: dict[Path, float] = {path: number for number, path in enumerate(others)}
    places.update((path, number * apart - 0.5) for number, path in enumerate(with_browser))
    items.sort(key=lambda item: places[item.path])
    for item in items:
        if item.path in with_browser:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show why a test with a browser needed its second try."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"Second try of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(autouse=True)
def csv_limit() -> Iterator[None]:
    """The csv module's field limit belongs to the process, and readers of tables raise it."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)
