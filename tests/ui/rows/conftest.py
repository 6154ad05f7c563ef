"""The same visitor as beside the table."""

from __future__ import annotations

from tests.ui.results.conftest import results as results
