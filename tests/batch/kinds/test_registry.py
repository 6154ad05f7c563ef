"""A model's requests are of one kind, and text is what nobody knows better."""

from __future__ import annotations

import pytest

from batch.kinds.embedding import EMBEDDING
from batch.kinds.image import IMAGE
from batch.kinds.registry import KINDS, kind_of
from batch.kinds.text import TEXT
from batch.model import Generation
from batch.pricing.answer_sizes import Task
from batch.pricing.catalog import CatalogModel, load


def test_every_model_of_the_catalog_has_a_kind() -> None:
    for model in load().models.values():
        assert kind_of(model).name == model.kind
    assert kind_of(None) is TEXT


def test_kinds_are_registered_under_their_own_names() -> None:
    assert {name: kind.name for name, kind in KINDS.items()} == {
        "text": "text",
        "image": "image",
        "embedding": "embedding",
    }


@pytest.mark.parametrize(
    ("kind", "tokens", "size"),
    [
        (TEXT, None, 1_000),
        (TEXT, 1_200, 5_800),
        (IMAGE, 1_290, 3_001_000),
        (EMBEDDING, 0, 182_248),
    ],
)
def test_results_are_sized_by_their_kind(kind: object, tokens: float | None, size: float) -> None:
    assert isinstance(kind, type(TEXT)) and kind.result_bytes(tokens, Generation()) == size


def test_what_is_assumed_of_the_output_is_the_kinds_own() -> None:
    thinks, does_not = CatalogModel(thinking="levels"), CatalogModel()
    assert TEXT.assumed_output(thinks, Task()).expected > TEXT.assumed_output(does_not, Task()).expected > 0
    assert IMAGE.assumed_output(None, Task()).expected > 0
    assert not EMBEDDING.assumed_output(None, Task()).has_output


def test_only_a_model_for_pictures_is_asked_for_them() -> None:
    assert [kind.pictures for kind in (TEXT, IMAGE, EMBEDDING)] == [False, True, False]
    assert kind_of(CatalogModel(kind="image")) is IMAGE
