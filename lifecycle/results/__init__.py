"""Results of a run: collected by key, accounted for row by row, paged, compared and exported."""

from .collect import build
from .comparing import KINDS, Comparison, compare, shared_keys
from .export import FORMATS, FORMS, Exported
from .merging import merged
from .raw import Attempt, Detail
from .reconciliation import Field, Reconciliation
from .table import EVERYTHING, Filter, ResultTable

__all__ = [
    "EVERYTHING",
    "FORMATS",
    "FORMS",
    "KINDS",
    "Attempt",
    "Comparison",
    "Detail",
    "Exported",
    "Field",
    "Filter",
    "Reconciliation",
    "ResultTable",
    "build",
    "compare",
    "merged",
    "shared_keys",
]
