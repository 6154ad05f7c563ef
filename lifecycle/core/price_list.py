"""What a model costs and allows today, by the catalog and for the user's tier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from batch.model import Tariff, Usage
from batch.pricing.catalog import Catalog, CatalogModel


@dataclass(frozen=True)
class PriceList:
    """The catalog as of today. Models are named with or without `models/`."""

    catalog: Catalog
    tier: str

    def model(self, model: str) -> CatalogModel | None:
        return self.catalog.model(model)

    def tariff(self, model: str) -> Tariff | None:
        """The model's prices today; None if they are unknown."""
        return self.catalog.tariff(model, utc_today())

    def price(self, model: str) -> Callable[[Usage], float | None]:
        """What one row's usage costs in a batch today; None where no price is known."""
        from batch.kinds.registry import (
            kind_of,
        )  # what a kind is made of takes long to import, and prices are made late

        tariff, kind = self.tariff(model), kind_of(self.model(model))
        return lambda usage: kind.price(usage, tariff) if tariff else None

    def enqueued_tokens(self, model: str) -> int | None:
        """Input tokens that the model's active jobs may hold in the user's tier; None if nobody knows."""
        entry = self.model(model)
        caps = entry.enqueued_tokens.items() if entry else ()
        return next((cap for tier, cap in caps if tier == self.tier), None)


def utc_today() -> date:
    """The day by which prices hold: UTC."""
    return datetime.now(UTC).date()
