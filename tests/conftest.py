"""What all tests share: their order, and settings of the process that none may leave changed."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: their driver keeps an event loop of its own running, in which no other test can run one."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(autouse=True)
def csv_limit() -> Iterator[None]:
    """The csv module's field limit belongs to the process, and readers of tables raise it."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)
