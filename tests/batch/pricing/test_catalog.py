"""The catalog's data is sound, and a CATALOG_FILE corrects it or says what is wrong with it."""

from __future__ import annotations

from datetime import date

import pytest

from batch.errors import InputError
from batch.model import Tariff
from batch.pricing import catalog

TODAY = date(2026, 11, 23)
PROMOTED = ("gemini-3.6-flash", "gemini-3.7-flash", "gemini-3.8-flash")


@pytest.fixture(scope="module")
def packaged() -> catalog.Catalog:
    return catalog.load()


def tariff(name: str, on: date, override: str | None = None) -> Tariff:
    found = catalog.load(override).tariff(name, on)
    assert found is not None
    return found


def test_every_offered_model_has_a_price_or_says_that_it_is_unknown(packaged: catalog.Catalog) -> None:
    assert packaged.available_models(TODAY)
    for name in packaged.available_models(TODAY):
        if packaged.tariff(name, TODAY) is None:
            assert packaged.describe_price(name, TODAY) == "price unknown"
            assert any("price" in w and "unknown" in w for w in packaged.warnings(name, TODAY))
        else:
            assert "USD" in packaged.describe_price(name, TODAY)


def test_every_model_names_its_source_and_when_it_was_looked_at(packaged: catalog.Catalog) -> None:
    for name, model in packaged.models.items():
        assert model.source, name
        assert model.last_checked is not None and model.last_checked <= TODAY, name


def test_no_price_is_zero_and_batch_is_half_of_standard(packaged: catalog.Catalog) -> None:
    for model in packaged.models.values():
        for period in model.prices:
            for rates in filter(None, (period, period.long)):
                assert 0 not in [getattr(rates, name, None) for name in catalog.PRICE_KEYS]
                for standard in ("input_standard", "output_standard", "audio_standard", "image_output_standard"):
                    if (price := getattr(rates, standard, None)) is not None:
                        assert getattr(rates, standard.replace("standard", "batch")) == pytest.approx(price / 2)


def test_cached_tokens_cost_a_tenth_and_long_prompts_never_less(packaged: catalog.Catalog) -> None:
    for name, model in packaged.models.items():
        for period in model.prices:
            if period.cached is not None:
                assert period.cached == pytest.approx(period.input_standard / 10), name
                assert (period.cached_best or period.cached) <= period.cached
            if period.long is not None:
                assert period.long_context_threshold == 200_000
                for rate in ("input_standard", "input_batch", "output_standard", "output_batch", "cached", "storage"):
                    assert getattr(period.long, rate) >= getattr(period, rate)


@pytest.mark.parametrize("name", PROMOTED)
def test_the_promotional_prices_double_on_new_years_day_2027(name: str) -> None:
    before, after = tariff(name, date(2026, 12, 31)), tariff(name, date(2027, 1, 1))
    assert (before.input_batch, before.output_batch, before.cached, before.storage) == (0.375, 1.875, 0.075, 0.5)
    assert (after.input_batch, after.output_batch, after.cached, after.storage) == (0.75, 3.75, 0.15, 1.0)


def test_a_coming_change_of_price_is_said_beforehand_and_not_afterwards(packaged: catalog.Catalog) -> None:
    assert any(
        "changes on 2027-01-01" in w and "0.375 USD → 0.75 USD" in w for w in packaged.warnings(PROMOTED[2], TODAY)
    )
    assert not any("changes" in w for w in packaged.warnings(PROMOTED[2], date(2027, 1, 1)))


def test_the_long_context_rates_come_with_the_tariff() -> None:
    pro = tariff("models/gemini-3.1-pro-preview", TODAY)
    assert pro.long is not None
    assert (pro.long_context_threshold, pro.input_batch, pro.long.input_batch, pro.long.output_batch) == (
        200_000,
        1.0,
        2.0,
        9.0,
    )
    assert pro.explicit_minimum == pro.long.explicit_minimum == 1024


def test_what_was_not_found_is_none(packaged: catalog.Catalog) -> None:
    assert tariff("gemini-3.5-flash-lite", TODAY).storage is None
    assert packaged.tariff("gemini-4-argon", TODAY) is None
    assert packaged.tariff("no-such-model", TODAY) is None
    assert packaged.models["gemini-3.8-flash"].enqueued_tokens == {}
    assert packaged.warnings("no-such-model", TODAY) == (
        "no-such-model is not in the catalog: its price and limits are unknown.",
    )


def test_a_model_is_offered_until_the_day_of_its_shutdown(packaged: catalog.Catalog) -> None:
    name = "gemini-3.1-flash-lite"
    assert name in packaged.available_models(date(2027, 5, 6))
    assert name not in packaged.available_models(date(2027, 5, 7))
    assert any("will be shut down on 2027-05-07, in 165 days" in w for w in packaged.warnings(name, TODAY))
    assert any("has been shut down on 2027-05-07" in w for w in packaged.warnings(name, date(2027, 5, 7)))
    assert (
        not {"gemini-2.0-flash", "gemini-1.5-pro", "gemini-2.5-flash-image"} & packaged.available_models(TODAY).keys()
    )


def test_a_family_says_what_its_models_take_unless_they_say_it_themselves(packaged: catalog.Catalog) -> None:
    """Every text model that is offered has a family or is only announced; a corrected family corrects its models."""
    for name, model in packaged.available_models(TODAY).items():
        if model.kind == "text" and model.status != "announced":
            assert model.family, name
            assert model.thinking and model.max_candidates and model.output_cap, name
            assert model.thinking_levels if model.thinking == "levels" else model.thinking_budget, name
    assert all(family.source for family in packaged.families.values())
    corrected = catalog.load(
        '[families."3"]\nmax_candidates = 4\n'
        '[models."gemini-3.8-flash"]\nmax_candidates = 2\n'
        '[models."mine"]\nfamily = "3"\n'
    )
    found = [corrected.models[name] for name in ("gemini-3.7-flash", "gemini-3.8-flash", "mine")]
    assert [model.max_candidates for model in found] == [4, 2, 4]
    assert all(model.thought_signatures for model in found)


def test_a_family_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r'models\."mine"\.family: there is no family \'9\'') as caught:
        catalog.load('[models."mine"]\nfamily = "9"\n')
    assert "2.5" in caught.value.remedy


def test_the_limits_of_the_service_are_the_documented_ones(packaged: catalog.Catalog) -> None:
    limits = packaged.limits
    assert (limits.inline_bytes, limits.file_bytes, limits.jobs) == (20_000_000, 2**31, 100)
    assert (limits.storage_bytes, limits.file_hours, limits.job_hours) == (20 * 2**30, 48, 48)


class TestOverride:
    """A CATALOG_FILE."""

    def test_corrects_one_fact_and_leaves_the_rest(self) -> None:
        corrected = catalog.load('[models."gemini-2.5-flash"]\nexplicit_minimum = 4096\n[limits]\njobs = 7')
        changed = corrected.tariff("gemini-2.5-flash", TODAY)
        assert changed is not None
        assert (changed.explicit_minimum, changed.input_batch, changed.storage) == (4096, 0.15, 1.0)
        assert (corrected.limits.jobs, corrected.limits.file_hours) == (7, 48)
        assert corrected.tariff("gemini-2.5-pro", TODAY) == catalog.load().tariff("gemini-2.5-pro", TODAY)

    def test_replaces_prices_as_a_whole(self) -> None:
        text = '[models."gemini-2.5-pro".prices]\ninput_batch = 3\noutput_batch = 4.5'
        new = tariff("gemini-2.5-pro", TODAY, text)
        assert (new.input_batch, new.output_batch) == (3.0, 4.5)
        assert (new.cached, new.storage, new.long, new.long_context_threshold) == (None, None, None, None)

    def test_adds_a_model(self) -> None:
        text = (
            "[models.mine.prices]\ninput_batch = 1\nlong_context_threshold = 1_000\nlong = { input_batch = 2 }\n"
            "[models.mine]\nenqueued_tokens = { 1 = 500 }"
        )
        added = catalog.load(text)
        assert added.models["mine"].label == "mine"
        assert added.models["mine"].enqueued_tokens == {"1": 500}
        assert added.tariff("mine", TODAY).long.input_batch == 2

    def test_dates_prices(self) -> None:
        text = (
            "[[models.mine.prices]]\nuntil = 2026-11-22\ninput_batch = 1\n"
            "[[models.mine.prices]]\nfrom = 2026-11-24\ninput_batch = 2"
        )
        mine = catalog.load(text)
        assert mine.tariff("mine", date(2026, 11, 22)).input_batch == 1
        assert mine.tariff("mine", date(2026, 11, 23)) is None
        assert mine.tariff("mine", date(2026, 11, 24)).input_batch == 2

    @pytest.mark.parametrize(
        ("text", "named", "remedy"),
        [
            ("models =", "is not valid TOML", "Correct the file, or unset CATALOG_FILE."),
            ("modells = 1", "modells is not a key", "Did you mean models?"),
            ("models = 1", "models must be a table", "[models]"),
            ("[models]\nmine = 1", 'models."mine": Expected object', "batch/pricing/catalog.toml"),
            ("[models.mine]\nlabl = 'x'", 'models."mine".labl is not a key', "Did you mean label?"),
            ("[models.mine.prices]\ninput_bach = 1", "prices[0].input_bach", "Did you mean input_batch?"),
            ("[models.mine.prices]\nlong = {cachd = 1}", "prices[0].long.cachd", "Did you mean cached?"),
            ("[models.mine.prices]\nstorage = '1'", "prices[0].storage: Expected float, got str", "USD per million"),
            ("[models.mine.prices]\nstorage = -1", "prices[0].storage: Expected float >= 0", "USD per million"),
            ("[models.mine.prices]\nstorage = inf", "prices[0].storage", "USD per million"),
            ("[models.mine.prices]\nstorage = nan", "prices[0].storage", "USD per million"),
            ("[models.mine]\nenqueued_tokens = {4 = 1}", 'models."mine".enqueued_tokens', "same shape"),
            ("[models.mine]\nthinking = 'much'", 'models."mine".thinking', "same shape"),
            ("[[models.mine.prices]]\n[[models.mine.prices]]", "two prices for the same days", "`from`"),
            ("[models.mine.prices]\nlong = {cached = 1}", "only one of `long`", "Give both"),
            ("[limits]\njobs = 0", "limits.jobs: Expected int >= 1", "same shape"),
        ],
    )
    def test_that_is_wrong_is_refused_with_the_key_and_a_remedy(self, text: str, named: str, remedy: str) -> None:
        with pytest.raises(InputError) as caught:
            catalog.load(text)
        assert str(caught.value).startswith("CATALOG_FILE")
        assert named in str(caught.value)
        assert remedy in caught.value.remedy

    def test_that_is_empty_changes_nothing(self) -> None:
        assert catalog.load("") == catalog.load("# nothing") == catalog.load()


@pytest.mark.parametrize("name", ["gemini-2.5-flash", "models/gemini-3.8-flash", "tunedModels/my-own.1", "gemma_3"])
def test_a_model_that_nobody_knows_may_still_be_one(name: str) -> None:
    assert catalog.model_id_error(name) is None


@pytest.mark.parametrize(
    "name", ["", "2.5 flash", "gemini-2.5-flash?x=1", "../files", "models/", "-flash", "flásh", "a/b"]
)
def test_what_cannot_be_a_model_s_id_is_told(name: str) -> None:
    fault = catalog.model_id_error(name)
    assert fault is not None and fault.remedy


SOUND = {  # at standard price; every other model has one rate for what it reads
    "gemini-2.5-flash": (1.00, 0.10),
    "gemini-2.5-flash-lite": (0.30, 0.03),
    "gemini-3-flash-preview": (1.00, 0.10),
    "gemini-3.1-flash-lite": (0.50, 0.05),
}
PICTURES = {
    "gemini-3-pro-image": 120,
    "gemini-3.1-flash-image": 60,
    "gemini-3.1-flash-lite-image": 30,
    "gemini-2.5-flash-image": 30,
}


def test_sound_pictures_and_searches_have_the_prices_that_the_sources_name(packaged: catalog.Catalog) -> None:
    for name, model in packaged.models.items():
        for period in model.prices:
            assert (period.audio_standard, period.audio_cached) == SOUND.get(name, (None, None)), name
            assert period.image_output_standard == PICTURES.get(name), name
            text = model.kind == "text"
            assert period.search_query == (14.0 if text and name.startswith("gemini-3") else None), name
            assert period.search_prompt == (35.0 if text and name.startswith("gemini-2.5") else None), name


def test_an_override_gives_prices_by_kind_and_half_a_pair_is_refused() -> None:
    prices = "[models.mine.prices]\ninput_standard = 1\ninput_batch = 0.5\naudio_standard = 4\n"
    mine = catalog.load(prices + "audio_batch = 2\nsearch_query = 14\n").tariff("mine", TODAY)
    assert mine is not None
    assert (mine.audio_batch, mine.audio_standard, mine.search_query, mine.image_output_batch) == (2, 4, 14, None)
    with pytest.raises(InputError, match="only one of `audio_standard` and `audio_batch`"):
        catalog.load(prices)
