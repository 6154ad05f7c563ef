"""Which kinds there are, and which one a model's requests are of."""

from __future__ import annotations

from batch.kinds.embedding import EMBEDDING
from batch.kinds.image import IMAGE
from batch.kinds.kind import RequestKind
from batch.kinds.text import TEXT
from batch.pricing.catalog import CatalogModel

KINDS = {kind.name: kind for kind in (TEXT, IMAGE, EMBEDDING)}


def kind_of(model: CatalogModel | None) -> RequestKind:
    """The kind of a model's requests; text for one that the catalog does not know."""
    return KINDS[model.kind if model else TEXT.name]
