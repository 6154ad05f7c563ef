"""What a cache costs, how long it lives, and which one a prompt's `@use_cache` means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from batch.errors import InputError
from batch.pricing import catalog
from batch.responses.cached_contents import CacheMetadata, resolve_use_cache, tagged_name

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MODEL = "gemini-3.8-flash"
TARIFF = catalog.load().tariff(MODEL, NOW.date())
HASH = "0123456789abcdef"


def cache(name: str = "a", display_name: str = "doc", **changes: object) -> CacheMetadata:
    values = {
        "model": MODEL,
        "tokens": 100_000,
        "created_at": NOW - timedelta(hours=2),
        "expire_at": NOW + timedelta(minutes=30),
        **changes,
    }
    return CacheMetadata(f"cachedContents/{name}", display_name, **values)  # type: ignore[arg-type]


def test_age_life_and_cost_are_told() -> None:
    one = cache()
    assert (one.age_hours(NOW), one.seconds_left(NOW), one.is_expired(NOW)) == (2.0, 1800.0, False)
    # 100,000 × .5 an hour; 100,000 × .75 to make it and 2 h of storage
    assert one.usd_per_hour(TARIFF) == pytest.approx(0.05)
    assert one.usd_so_far(TARIFF, NOW) == pytest.approx(0.175)


def test_an_expired_cache_costs_nothing_more() -> None:
    one = cache(expire_at=NOW - timedelta(hours=1))
    assert one.is_expired(NOW) and one.seconds_left(NOW) == -3600
    assert one.usd_so_far(TARIFF, NOW) == pytest.approx(0.125)
    assert cache(expire_at=NOW).is_expired(NOW)


def test_what_the_service_did_not_tell_is_unknown_and_never_zero() -> None:
    assert cache(tokens=None).usd_per_hour(TARIFF) is None
    assert cache(tokens=None).usd_so_far(TARIFF, NOW) is None
    assert cache(created_at=None).usd_so_far(TARIFF, NOW) is None
    assert cache().usd_per_hour(None) is None
    assert cache(expire_at=None).seconds_left(NOW) is None
    assert not cache(expire_at=None).is_expired(NOW)


def test_the_display_name_carries_a_hash_that_people_need_not_see() -> None:
    name = tagged_name(" my doc ", HASH + "ffff")
    assert name == f"my doc #{HASH}"
    assert cache(display_name=name).label == "my doc" and cache(display_name=name).has_digest_tag
    assert cache(display_name="issue #12").label == "issue #12" and not cache().has_digest_tag
    assert tagged_name("", HASH) == f"gbr-cache #{HASH}"
    assert len(tagged_name("x" * 500, HASH)) == 128


@pytest.mark.parametrize("name", ["doc", f"doc #{HASH}", "cachedContents/a"])
def test_a_name_with_or_without_its_hash_or_the_services_own_is_resolved(name: str) -> None:
    caches = [cache("a", f"doc #{HASH}"), cache("b", "other")]
    assert resolve_use_cache([name], caches, f"models/{MODEL}", NOW) == {name: "cachedContents/a"}


def test_expired_and_foreign_namesakes_do_not_stand_in_the_way() -> None:
    caches = [
        cache("old", expire_at=NOW - timedelta(minutes=1)),
        cache("other", model="gemini-3.7-flash"),
        cache("good"),
    ]
    assert resolve_use_cache(["doc"], caches, MODEL, NOW) == {"doc": "cachedContents/good"}


def test_of_caches_that_hold_the_same_the_one_that_lives_longest_is_taken() -> None:
    caches = [cache("a", f"doc #{HASH}"), cache("b", f"doc #{HASH}", expire_at=NOW + timedelta(hours=3))]
    assert resolve_use_cache(["doc"], caches, MODEL, NOW) == {"doc": "cachedContents/b"}


@pytest.mark.parametrize(
    ("name", "caches", "says", "remedy"),
    [
        pytest.param("doc", [], "no cache 'doc' under this key", "There are none", id="none-at-all"),
        pytest.param("dok", [cache()], "no cache 'dok'", "Did you mean 'doc'?", id="misspelt"),
        pytest.param("zzz", [cache(), cache("b", "law")], "no cache 'zzz'", "There are: doc, law.", id="unknown"),
        pytest.param("cachedContents/x", [cache()], "no cache 'cachedContents/x'", "There are: doc.", id="unknown-id"),
        pytest.param("doc", [cache(expire_at=NOW)], "has expired", "cannot be revived", id="expired"),
        pytest.param(
            "doc",
            [cache(model="gemini-2.5-flash")],
            "was made for gemini-2.5-flash; this run uses gemini-3.8-flash",
            "choose gemini-2.5-flash, or create the cache for gemini-3.8-flash",
            id="wrong-model",
        ),
        pytest.param(
            "doc",
            [cache("a"), cache("b")],
            "2 caches are called 'doc'",
            "cachedContents/a (doc), cachedContents/b (doc)",
            id="ambiguous",
        ),
        pytest.param(
            "doc",
            [cache("a", f"doc #{HASH}"), cache("b", "doc #ffffffffffffffff")],
            "2 caches are called 'doc'",
            "#ffffffffffffffff",
            id="same-name-other-contents",
        ),
        pytest.param("doc", [cache(tokens=1023)], "has 1,023 tokens", "with every request", id="too-small"),
    ],
)
def test_a_name_that_cannot_be_used_is_a_clear_error_before_anything_is_sent(
    name: str, caches: list[CacheMetadata], says: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        resolve_use_cache([name], caches, MODEL, NOW, minimum=1024)
    assert says in str(caught.value)
    assert remedy in caught.value.remedy


def test_a_cache_of_exactly_the_minimum_is_large_enough() -> None:
    assert resolve_use_cache(["doc"], [cache(tokens=1024)], MODEL, NOW, minimum=1024)
