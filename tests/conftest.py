"""What all tests share: their order, and settings of the process that none may leave changed."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

LONG = {"browser", "crash", "faults", "terminal", "workflow", "test_conformance.py", "test_stateful.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: one that began last would run on alone while the other processes have nothing left to do."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


@pytest.fixture(autouse=True)
def csv_limit() -> Iterator[None]:
    """The csv module's field limit belongs to the process, and readers of tables raise it."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)
