"""What models cost and allow, read from `catalog.toml` and a user's corrections. Absent means unknown, never zero."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from importlib import resources
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec

from batch.errors import InputError
from batch.model import Tariff, model_id

Usd = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
Count = Annotated[int, msgspec.Meta(ge=1)]
OVERRIDE_SETTING = "CATALOG_FILE"


class CatalogPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Prices as `Tariff` has them: USD per million tokens, storage per million tokens and hour."""

    input_standard: Usd | None = None
    input_batch: Usd | None = None
    output_standard: Usd | None = None
    output_batch: Usd | None = None
    cached: Usd | None = None
    cached_best: Usd | None = None
    storage: Usd | None = None


class PricePeriod(CatalogPrices, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Prices and the first and last day on which they hold; None is open.

    Sound and pictures without a price here cost what text does; search fees are USD per 1,000, see `Tariff`.
    """

    since: date | None = msgspec.field(default=None, name="from")
    until: date | None = None
    audio_standard: Usd | None = None
    audio_batch: Usd | None = None
    audio_cached: Usd | None = None
    image_output_standard: Usd | None = None
    image_output_batch: Usd | None = None
    search_query: Usd | None = None
    search_prompt: Usd | None = None
    long_context_threshold: Count | None = None
    long: CatalogPrices | None = None

    def applies_on(self, on: date) -> bool:
        return (self.since or date.min) <= on <= (self.until or date.max)


PAIRS = (("audio_standard", "audio_batch"), ("image_output_standard", "image_output_batch"))  # both or neither
EXTRA_PRICE_KEYS = (*PAIRS[0], "audio_cached", *PAIRS[1], "search_query", "search_prompt")
PRICE_KEYS = (*CatalogPrices.__struct_fields__, *EXTRA_PRICE_KEYS)


class ModelAbilities(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model, or every model of a family, takes in a request. None, and no levels: not known.

    `thinking` says how thinking is set: by "levels" (those known are in `thinking_levels`) or by a token "budget",
    whose smallest and largest are `thinking_budget`; `thinking_off` whether a budget of 0 is taken. `functions_with_…`
    say whether functions go together with answers in JSON, and with search; `part_media_resolution` whether a part
    may set its own; `thought_signatures` whether function calls of the history need theirs.
    """

    thinking: Literal["levels", "budget"] | None = None
    thinking_levels: tuple[str, ...] = ()
    thinking_budget: tuple[Count, Count] | None = None
    thinking_off: bool | None = None
    max_candidates: Count | None = None
    logprobs: bool | None = None
    functions_with_json: bool | None = None
    functions_with_search: bool | None = None
    part_media_resolution: bool | None = None
    thought_signatures: bool | None = None


class KindAbilities(ModelAbilities, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model that makes pictures or embeddings takes and gives. None, and empty: not known.

    `picture_tokens` are the output tokens of one picture by its size. `dimensions` are the shortest and the longest
    vector; `normalised` whether those below the longest have length one. `task_field` says that the task of an
    embedding is a field of the request; else it is a prefix of the text. `embeds_media`: pictures, sound, film and
    PDFs, too.
    """

    picture_tokens: dict[str, Count] = {}
    aspect_ratios: tuple[str, ...] = ()
    dimensions: tuple[Count, Count] | None = None
    normalised: bool | None = None
    task_field: bool | None = None
    embeds_media: bool | None = None


class Family(ModelAbilities, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the models of one generation have in common, and who says so."""

    source: str = ""


class CatalogModel(KindAbilities, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model. `enqueued_tokens` maps a tier ("1", "2", "3") to the input tokens that active jobs may hold.

    What is not known of the model itself is its `family`'s. `shutdown_on` is the first day without the model. None
    everywhere: not known.
    """

    label: str = ""
    family: str = ""
    kind: Literal["text", "image", "embedding"] = "text"
    status: Literal["stable", "preview", "announced", "legacy", "retired"] = "stable"
    shutdown_on: date | None = None
    context_window: Count | None = None
    output_cap: Count | None = None
    batch: bool | None = None
    explicit_caching: bool | None = None
    explicit_minimum: Count | None = None
    implicit_minimum: Count | None = None
    enqueued_tokens: dict[Literal["1", "2", "3"], Count] = {}
    prices: tuple[PricePeriod, ...] = ()
    note: str = ""
    source: str = ""
    last_checked: date | None = None

    def is_retired(self, on: date) -> bool:
        return self.status == "retired" or (self.shutdown_on is not None and self.shutdown_on <= on)

    def period(self, on: date) -> PricePeriod | None:
        return next((p for p in self.prices if p.applies_on(on)), None)


class ServiceLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Limits of the service, whatever the model."""

    inline_bytes: Count
    file_bytes: Count
    storage_bytes: Count
    jobs: Count
    file_hours: Count
    job_hours: Count
    target_hours: Count
    result_days: Count
    cache_hours: Count
    explicit_minimum: Count


def model_id_error(name: str) -> InputError | None:
    """Why this cannot be a model's id, whatever models there are; None if it can."""
    if not name:
        return InputError("No model is chosen.", "Choose one, or type its id.")
    if _ID.fullmatch(name):
        return None
    return InputError(
        f'"{name[:80]}" cannot be a model\'s id.',
        "An id has letters, digits, hyphens and points, without spaces, such as gemini-2.5-flash.",
    )


_ID = re.compile(r"(models/|tunedModels/)?[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every model we know something about, by id without "models/"."""

    limits: ServiceLimits
    families: dict[str, Family]
    models: dict[str, CatalogModel]
    source: str
    last_checked: date

    def model(self, name: str) -> CatalogModel | None:
        """What is known of a model; None if nothing is."""
        return self.models.get(model_id(name))

    def available_models(self, on: date) -> dict[str, CatalogModel]:
        """The models that are not retired on that day and not known to refuse batches, in the catalog's order."""
        return {name: m for name, m in self.models.items() if not m.is_retired(on) and m.batch is not False}

    def tariff(self, name: str, on: date) -> Tariff | None:
        """The model's prices on that day; None if they are unknown."""
        model = self.model(name)
        period = model.period(on) if model else None
        if model is None or period is None:
            return None
        explicit_minimum = self._explicit_minimum(model, period)
        extras = {key: getattr(period, key) for key in EXTRA_PRICE_KEYS}
        long = _tariff(model, period.long, explicit_minimum, **extras) if period.long else None
        threshold = period.long_context_threshold
        return _tariff(model, period, explicit_minimum, long_context_threshold=threshold, long=long, **extras)

    def _explicit_minimum(self, model: CatalogModel, period: PricePeriod) -> int | None:
        """The smallest explicit cache to plan with: the model's own, or what is assumed where caching has a price."""
        assumed = period.cached is not None and model.explicit_caching is not False
        return self.limits.explicit_minimum if model.explicit_minimum is None and assumed else model.explicit_minimum

    def describe_price(self, name: str, on: date) -> str:
        """The price as one says it, or "price unknown"."""
        tariff = self.tariff(name, on)
        if tariff is None or tariff.input_batch is None:
            return "price unknown"
        output = "" if tariff.output_batch is None else f", out {_format_price(tariff.output_batch)}"
        return f"in {_format_price(tariff.input_batch)}{output} per million tokens in a batch"

    def picture_usd(self, name: str, size: str, on: date) -> float | None:
        """What one picture of a size costs in a batch, without the text beside it; None where that is not known."""
        model, tariff = self.model(name), self.tariff(name, on)
        tokens = model.picture_tokens.get(size) if model else None
        if tariff is None or tokens is None or tariff.image_output_batch is None:
            return None
        return tokens * tariff.image_output_batch / 1_000_000

    def warnings(self, name: str, on: date) -> tuple[str, ...]:
        """What a user should know before choosing the model, a sentence each."""
        model = self.model(name)
        if model is None:
            return (f"{name} is not in the catalog: its price and limits are unknown.",)
        return tuple(_warnings(model, on))


def read_packaged() -> str:
    """The text of the catalog that comes with the product."""
    return resources.files("batch.pricing").joinpath("catalog.toml").read_text(encoding="utf-8")


def load(override: str | None = None) -> Catalog:
    """The packaged catalog, corrected by the text of a CATALOG_FILE.

    Models are merged key by key; a model's `prices` are replaced as a whole. Raises InputError naming the key.
    """
    merged = tomllib.loads(read_packaged())
    if override:
        merged = _merge(merged, _parse_override(override))
    families = {name: _convert(raw, Family, f'families."{name}"') for name, raw in merged.pop("families").items()}
    models = {name: _read_model(name, raw, families) for name, raw in merged.pop("models").items()}
    return Catalog(
        families=families,
        limits=_convert(merged.pop("limits"), ServiceLimits, "limits"),
        models=models,
        source=_convert(merged.pop("source"), str, "source"),
        last_checked=_convert(merged.pop("last_checked"), date, "last_checked"),
    )


def _parse_override(text: str) -> dict[str, Any]:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"{OVERRIDE_SETTING} is not valid TOML: {error}.", "Correct the file, or unset CATALOG_FILE."
        ) from None
    for key in raw:
        if key not in Catalog.__struct_fields__:
            raise _unknown_key_error("", key, Catalog.__struct_fields__)
    for key in ("models", "families", "limits"):
        if not isinstance(raw.get(key, {}), dict):
            raise InputError(f"{OVERRIDE_SETTING}: {key} must be a table.", f"Write it as [{key}] or [{key}.…].")
    return raw


def _merge(base: dict[str, Any], corrections: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the corrections over the base: two tables deep, so that a list of prices is replaced as a whole."""
    tables = {table: dict(base[table]) for table in ("models", "families")}
    for table, entries in tables.items():
        for name, raw in corrections.get(table, {}).items():
            entries[name] = {**entries.get(name, {}), **raw} if isinstance(raw, dict) else raw
    limits = {**base["limits"], **corrections.get("limits", {})}
    return {**base, **corrections, **tables, "limits": limits}


def _read_model(name: str, raw: Any, families: Mapping[str, Family]) -> CatalogModel:
    if isinstance(raw, dict) and isinstance(raw.get("prices"), dict):
        raw = {**raw, "prices": [raw["prices"]]}
    key_path = f'models."{name}"'
    if isinstance(raw, dict) and raw.get("family"):
        raw = {**_family_abilities(raw["family"], families, key_path), **raw}
    model: CatalogModel = _convert({"label": name, **raw} if isinstance(raw, dict) else raw, CatalogModel, key_path)
    for earlier, later in pairwise(sorted(model.prices, key=lambda p: p.since or date.min)):
        if (earlier.until or date.max) >= (later.since or date.min):
            raise InputError(
                f"{OVERRIDE_SETTING}: {key_path}.prices has two prices for {later.since or 'the same days'}.",
                "Give each a `from` and an `until` that do not overlap.",
            )
    for period in model.prices:
        if (period.long is None) != (period.long_context_threshold is None):
            raise InputError(
                f"{OVERRIDE_SETTING}: {key_path}.prices has only one of `long` and `long_context_threshold`.",
                "Give both, or neither for a model without a long-context price.",
            )
        for one, other in PAIRS:
            if (getattr(period, one) is None) != (getattr(period, other) is None):
                raise InputError(
                    f"{OVERRIDE_SETTING}: {key_path}.prices has only one of `{one}` and `{other}`.",
                    "Give both, or neither where it costs what text does.",
                )
    return model


def _family_abilities(name: Any, families: Mapping[str, Family], key_path: str) -> dict[str, Any]:
    """The keys that a model takes over from its family."""
    if name not in families:
        raise InputError(
            f"{OVERRIDE_SETTING}: {key_path}.family: there is no family {name!r}.",
            f"The families are {', '.join(families)}.",
        )
    return {key: getattr(families[name], key) for key in ModelAbilities.__struct_fields__}


def _convert(raw: Any, kind: Any, table_path: str) -> Any:
    """Check and convert plain TOML values; an InputError names the key by its whole path."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        reason, path = (*re.split(r" - at (?:`key` in )?`\$", str(error)), "")[:2]
        key_path = f"{table_path}{path.rstrip('`')}"
        if match := re.search(r"unknown field `(.*)`", reason):
            nested = ".prices" in path
            known_keys = _key_names(
                PricePeriod if nested and ".long" not in path else CatalogPrices if nested else kind
            )
            raise _unknown_key_error(key_path, match[1], known_keys) from None
        message = reason.replace(" | null", "").replace("`", "")
        raise InputError(f"{OVERRIDE_SETTING}: {key_path}: {message}.", _remedy(key_path)) from None


def _key_names(kind: Any) -> tuple[str, ...]:
    return tuple(kind.__struct_encode_fields__)


def _unknown_key_error(key_path: str, key: str, known_keys: tuple[str, ...]) -> InputError:
    suggestions = difflib.get_close_matches(key, known_keys, n=1)
    path = f"{key_path}.{key}" if key_path else key
    hint = f"Did you mean {suggestions[0]}?" if suggestions else f"Known here: {', '.join(known_keys)}."
    return InputError(f"{OVERRIDE_SETTING}: {path} is not a key of the catalog.", hint)


def _remedy(key_path: str) -> str:
    if key_path.rpartition(".")[2] in PRICE_KEYS:
        return "Write USD per million tokens as a number, or leave the key out if it is unknown."
    return "Compare with batch/pricing/catalog.toml, which has the same shape."


def _tariff(model: CatalogModel, rates: CatalogPrices, explicit_minimum: int | None, **others: Any) -> Tariff:
    return Tariff(
        **{key: getattr(rates, key) for key in CatalogPrices.__struct_fields__},
        explicit_minimum=explicit_minimum,
        implicit_minimum=model.implicit_minimum,
        **others,
    )


def _warnings(model: CatalogModel, on: date) -> Iterator[str]:
    label = model.label
    if model.is_retired(on):
        yield f"{label} has been shut down{f' on {model.shutdown_on}' if model.shutdown_on else ''}."
    elif model.shutdown_on:
        yield f"{label} will be shut down on {model.shutdown_on}, in {(model.shutdown_on - on).days} days."
    current = model.period(on)
    if current is None:
        yield f"The price of {label} is unknown."
    elif current.until and (upcoming := next((p for p in model.prices if p.since and p.since > on), None)):
        inputs = f"{_format_price(current.input_batch)} → {_format_price(upcoming.input_batch)}"
        outputs = f"{_format_price(current.output_batch)} → {_format_price(upcoming.output_batch)}"
        yield (
            f"The price of {label} changes on {upcoming.since}: in {inputs}, out {outputs}"
            " per million tokens in a batch."
        )
    if model.note:
        yield f"{model.note}."


def _format_price(price: float | None) -> str:
    return "unknown" if price is None else f"{price:g} USD"
