"""Explicit caches against a real emulator: never two where one was wanted, never one left behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cache_utils
from batch.errors import ApiError, InputError
from batch.pricing import catalog, rates
from batch.requests.cache_reference import wrap_request
from batch.responses import service_errors
from batch.responses.cached_contents import CacheMetadata, resolve_use_cache
from batch.responses.error_rules import ErrorKind
from cache_utils import CachedText, CacheFile, create_explicit_cache
from gemini.client import GeminiClient
from gemini.transfer import UploadSource
from tests.emulator_process import EmulatorProcess, start_emulator

MODEL = "gemini-3.8-flash"
KEY = "made-up-key-for-tests"
LONG = "The tenant pays the rent on the first day of each month. " * 150
DOC = CachedText(MODEL, text=LONG)
PDF = b"%PDF-1.4 " + b"<</Type /Page>> " * 6


@pytest.fixture(scope="module")
def process() -> Iterator[EmulatorProcess]:
    with start_emulator() as running:
        yield running


@pytest.fixture
def emulator(process: EmulatorProcess) -> EmulatorProcess:
    process.reset()
    return process


@pytest.fixture
def gateway(emulator: EmulatorProcess) -> GeminiClient:
    return GeminiClient(KEY, emulator.base_url, timeout_seconds=3)


class Pauses:
    """Waits by turning nothing: remembers what it was asked to wait, and does something at each wait."""

    def __init__(self, emulator: EmulatorProcess | None = None) -> None:
        self.waited: list[float] = []
        self._emulator = emulator

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)
        if self._emulator:
            self._emulator.clock(seconds)


def caches(emulator: EmulatorProcess, *, alive: bool = True) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = emulator.ledger()["cached_contents"]
    return [c for c in found if not (alive and c["deleted_at"])]


def calls(emulator: EmulatorProcess, method: str, route: str) -> int:
    counted: dict[str, int] = emulator.ledger()["calls"]
    return sum(n for call, n in counted.items() if call.startswith(method) and call.rstrip("/").endswith(route))


def test_a_cache_holds_text_system_instruction_tools_and_turns(
    emulator: EmulatorProcess, gateway: GeminiClient
) -> None:
    tool = {"functionDeclarations": [{"name": "look_up", "description": "Finds a clause."}]}
    wanted = CachedText(
        MODEL,
        text=LONG,
        contents=({"role": "model", "parts": [{"text": "Understood."}]},),
        system_instruction="Answer from the contract.",
        tools=(tool,),
        tool_config={"functionCallingConfig": {"mode": "AUTO"}},
    )
    made = create_explicit_cache(gateway, wanted, display_name="contract", ttl_seconds=900)
    assert made.label == "contract" and made.model == MODEL and not made.reused
    assert made.tokens is not None and made.tokens > 1024
    assert made.seconds_left(gateway.server_now()) == pytest.approx(900, abs=5)
    sent = json.loads(emulator.sent_bytes("cached_contents", made.name))
    assert sent["contents"] == [
        {"role": "user", "parts": [{"text": LONG}]},
        {"role": "model", "parts": [{"text": "Understood."}]},
    ]
    assert sent["systemInstruction"] == {"parts": [{"text": "Answer from the contract."}]}
    assert sent["tools"] == [tool] and sent["toolConfig"] == wanted.tool_config


def test_a_wrapped_request_reads_the_cache_and_pays_the_rest_only(
    emulator: EmulatorProcess, gateway: GeminiClient
) -> None:
    made = create_explicit_cache(gateway, DOC)
    question = {"parts": [{"text": "When is rent due?"}]}
    request = {"systemInstruction": {"parts": [{"text": "x"}]}, "contents": [question]}
    wrapped, moved = wrap_request(request, made.name)
    assert moved == ["systemInstruction"]
    usage = gateway.generate(MODEL, wrapped)["usageMetadata"]
    assert usage["cachedContentTokenCount"] == made.tokens
    assert 0 < usage["promptTokenCount"] - made.tokens < 20
    with pytest.raises(ApiError) as refused:
        gateway.generate(MODEL, {**request, "cachedContent": made.name})
    found = service_errors.classify_api_error(refused.value)
    assert found is not None and found.kind is ErrorKind.CACHE_CONFLICT


class TestReuse:
    """The same contents under the same name."""

    def test_are_found_again_and_not_made_twice(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        first = create_explicit_cache(gateway, DOC, display_name="lease")
        again = create_explicit_cache(gateway, DOC, display_name="lease")
        assert again.name == first.name and again.reused
        assert len(caches(emulator)) == 1

    def test_live_at_least_as_long_as_asked_and_are_never_shortened_by_it(
        self, emulator: EmulatorProcess, gateway: GeminiClient
    ) -> None:
        create_explicit_cache(gateway, DOC, ttl_seconds=600)
        longer = create_explicit_cache(gateway, DOC, ttl_seconds=6000)
        assert longer.seconds_left(gateway.server_now()) == pytest.approx(6000, abs=5)
        shorter = create_explicit_cache(gateway, DOC, ttl_seconds=60)
        assert shorter.seconds_left(gateway.server_now()) == pytest.approx(6000, abs=5)

    @pytest.mark.parametrize(
        "other",
        [
            CachedText(MODEL, text=LONG + "!"),
            CachedText("gemini-3.7-flash", text=LONG),
            CachedText(MODEL, text=LONG, system_instruction="Be brief."),
            CachedText(MODEL, text=LONG, tools=({"googleSearch": {}},)),
        ],
        ids=["text", "model", "system", "tools"],
    )
    def test_is_a_full_match_or_none(self, emulator: EmulatorProcess, gateway: GeminiClient, other: CachedText) -> None:
        first = create_explicit_cache(gateway, DOC, display_name="lease")
        assert create_explicit_cache(gateway, other, display_name="lease").name != first.name
        assert create_explicit_cache(gateway, DOC, display_name="another").name != first.name
        assert len(caches(emulator)) == 3

    def test_are_looked_for_among_the_models_own_only(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        other = gateway.create_cache(CachedText("gemini-3.7-flash", text=LONG).body("shared", 600))
        mine = gateway.create_cache(DOC.body("shared", 600))
        for model, name in ((MODEL, mine["name"]), ("models/gemini-3.7-flash", other["name"])):
            found = cache_utils.find_cache(gateway, "shared", model)
            assert found is not None and found.name == name and found.reused
        assert cache_utils.find_cache(gateway, "share", MODEL) is None

    def test_are_looked_for_on_every_page(
        self, emulator: EmulatorProcess, gateway: GeminiClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gemini.client.PAGE_SIZE", 2)
        first = create_explicit_cache(gateway, DOC)
        for n in range(4):
            gateway.create_cache(DOC.body(f"another's {n}", 600))
        assert create_explicit_cache(gateway, DOC).name == first.name
        assert len(cache_utils.list_caches(gateway)) == 5

    def test_do_not_revive_one_that_expired(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        first = create_explicit_cache(gateway, DOC, ttl_seconds=60)
        emulator.clock(61)
        assert create_explicit_cache(gateway, DOC).name != first.name

    def test_do_not_adopt_one_that_is_about_to_expire(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        first = create_explicit_cache(gateway, DOC, ttl_seconds=60)
        emulator.clock(57)
        assert create_explicit_cache(gateway, DOC).name != first.name


class TestLostReplies:
    """A create of which nobody knows whether it took effect."""

    @pytest.mark.parametrize(
        "fault", [{"do": "drop_after"}, {"do": "status_after", "status": 500}, {"do": "malformed"}]
    )
    def test_is_looked_for_and_adopted(
        self, emulator: EmulatorProcess, gateway: GeminiClient, fault: dict[str, Any]
    ) -> None:
        emulator.faults([{"method": "POST", "route": "cachedContents", **fault}])
        pause = Pauses()
        made = create_explicit_cache(gateway, DOC, pause=pause)
        assert made.reused and [c["name"] for c in caches(emulator)] == [made.name]
        assert pause.waited == [1.0]
        assert calls(emulator, "POST", "cachedContents") == 1

    def test_is_found_even_if_the_list_lags(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        emulator.settings(list_lag_seconds=20)
        emulator.faults([{"method": "POST", "route": "cachedContents", "do": "drop_after"}])
        made = create_explicit_cache(gateway, DOC, pause=Pauses(emulator))
        assert [c["name"] for c in caches(emulator)] == [made.name]

    def test_that_never_took_effect_is_not_sent_again(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        emulator.faults([{"method": "POST", "route": "cachedContents", "do": "drop_before"}])
        pause = Pauses()
        with pytest.raises(ApiError) as lost:
            create_explicit_cache(gateway, DOC, pause=pause)
        assert lost.value.ambiguous and sum(pause.waited) == 60
        assert caches(emulator) == []
        assert create_explicit_cache(gateway, DOC).name
        assert len(caches(emulator)) == 1

    def test_is_looked_for_although_a_look_fails_too(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        emulator.faults(
            [
                {"method": "POST", "route": "cachedContents", "do": "drop_after"},
                {"method": "GET", "route": "cachedContents", "do": "status", "status": 503, "after": 1, "times": 2},
            ]
        )
        pause = Pauses()
        made = create_explicit_cache(gateway, DOC, pause=pause)
        assert pause.waited == [1.0, 2.0, 4.0]
        assert [c["name"] for c in caches(emulator)] == [made.name]


class TestRefusals:
    """What the service does not take."""

    def test_too_small_names_both_numbers(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        with pytest.raises(ApiError) as refused:
            create_explicit_cache(gateway, CachedText(MODEL, text="Too short."))
        assert "needs at least 1,024" in str(refused.value) and "Add to the shared text" in refused.value.remedy
        found = service_errors.classify_api_error(refused.value)
        assert found is not None and found.numbers["minimum"] == 1024 and found.numbers["tokens"] < 20

    def test_the_free_tier_is_told_in_plain_words(self, emulator: EmulatorProcess) -> None:
        with pytest.raises(ApiError, match="free tier cannot create explicit caches") as refused:
            create_explicit_cache(GeminiClient("free-key", emulator.base_url), DOC)
        assert "Enable billing" in refused.value.remedy

    def test_a_model_without_caches_is_told(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        emulator.settings(explicit_caching=False)
        with pytest.raises(ApiError, match="does not take explicit caches") as refused:
            create_explicit_cache(gateway, DOC)
        found = service_errors.classify_api_error(refused.value)
        assert found is not None and found.kind in service_errors.NO_EXPLICIT_CACHES

    def test_a_dead_cache_cannot_be_read_extended_or_used(
        self, emulator: EmulatorProcess, gateway: GeminiClient
    ) -> None:
        made = create_explicit_cache(gateway, DOC, ttl_seconds=60)
        emulator.clock(120)
        for act in (
            lambda: cache_utils.get_cache_metadata(gateway, made.name),
            lambda: cache_utils.update_cache_ttl(gateway, made.name, 600),
            lambda: gateway.generate(MODEL, wrap_request({"contents": [{"parts": [{"text": "?"}]}]}, made.name)[0]),
        ):
            with pytest.raises(ApiError) as refused:
                act()
            found = service_errors.classify_api_error(refused.value)
            assert found is not None and found.kind is ErrorKind.CACHE_GONE


class TestLife:
    """Extending, shortening, listing, deleting."""

    def test_a_cache_is_extended_and_shortened(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        made = create_explicit_cache(gateway, DOC, ttl_seconds=600)
        for seconds in (7200, 30):
            cache_utils.update_cache_ttl(gateway, made.name, seconds)
            seen = cache_utils.get_cache_metadata(gateway, made.name)
            assert seen.seconds_left(gateway.server_now()) == pytest.approx(seconds, abs=5)

    def test_the_list_tells_age_size_and_what_each_has_cost(
        self, emulator: EmulatorProcess, gateway: GeminiClient
    ) -> None:
        create_explicit_cache(gateway, DOC, ttl_seconds=4 * 3600)
        emulator.clock(2 * 3600)
        (seen,) = cache_utils.list_caches(gateway)
        now = gateway.server_now()
        tariff = catalog.load().tariff(MODEL, now.date())
        assert tariff is not None and seen.tokens is not None
        (billed,) = caches(emulator)
        assert seen.age_hours(now) == pytest.approx(2, abs=0.01)
        by_ledger = (billed["token_count"] * tariff.input_standard + billed["token_hours"] * tariff.storage) / 1e6
        assert seen.usd_so_far(tariff, now) == pytest.approx(by_ledger, rel=0.01)
        assert seen.usd_per_hour(tariff) == pytest.approx(seen.tokens * 0.5 / 1e6)

    def test_times_are_compared_with_the_services_clock_and_not_with_ours(
        self, emulator: EmulatorProcess, gateway: GeminiClient
    ) -> None:
        emulator.settings(clock_skew_seconds=5 * 3600)
        made = create_explicit_cache(gateway, DOC, ttl_seconds=600)
        assert create_explicit_cache(gateway, DOC, ttl_seconds=600).name == made.name
        assert made.seconds_left(gateway.server_now()) == pytest.approx(600, abs=5)

    def test_a_deleted_cache_was_shortened_first_is_gone_and_is_billed_for_its_life_only(
        self, emulator: EmulatorProcess, gateway: GeminiClient
    ) -> None:
        made = create_explicit_cache(gateway, DOC, ttl_seconds=10 * 3600)
        emulator.clock(3600)
        assert cache_utils.delete_cache(gateway, made.name) is True
        emulator.clock(5 * 3600)
        (billed,) = caches(emulator, alive=False)
        assert billed["deleted_at"] and billed["token_hours"] == pytest.approx(billed["token_count"], rel=0.01)
        assert rates.cache_usd(billed["token_count"], 1, catalog.load().tariff(MODEL, gateway.server_now().date()))  # type: ignore[arg-type]
        assert calls(emulator, "PATCH", "cachedContents/{id}") == 1
        assert cache_utils.delete_cache(gateway, made.name) is False

    def test_it_is_deleted_although_shortening_fails(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        made = create_explicit_cache(gateway, DOC)
        emulator.faults([{"method": "PATCH", "route": "cachedContents", "do": "status", "status": 503}])
        assert cache_utils.delete_cache(gateway, made.name) is True
        assert caches(emulator) == []

    def test_a_failed_delete_is_told_and_can_be_repeated(
        self, emulator: EmulatorProcess, gateway: GeminiClient
    ) -> None:
        made = create_explicit_cache(gateway, DOC)
        emulator.faults([{"method": m, "route": "cachedContents", "do": "status"} for m in ("PATCH", "DELETE")])
        with pytest.raises(ApiError):
            cache_utils.delete_cache(gateway, made.name)
        assert cache_utils.delete_cache(gateway, made.name) is True
        assert caches(emulator) == []

    def test_a_refused_key_is_not_taken_for_a_cache_that_is_gone(self, emulator: EmulatorProcess) -> None:
        with pytest.raises(ApiError):
            cache_utils.delete_cache(GeminiClient("forbidden-key", emulator.base_url), "cachedContents/x")


class TestFiles:
    """Documents as cached content."""

    @pytest.fixture
    def document(self, tmp_path: Path) -> CacheFile:
        path = tmp_path / "lease.pdf"
        path.write_bytes(PDF)
        return CacheFile(path, "application/pdf")

    def test_are_uploaded_once_and_stand_before_the_text(
        self, emulator: EmulatorProcess, gateway: GeminiClient, document: CacheFile
    ) -> None:
        wanted = CachedText(MODEL, text="Answer from this lease.", files=(document,))
        made = create_explicit_cache(gateway, wanted, display_name="lease")
        # six pages of 520 tokens, as Gemini 3 was seen to count, and the sentence
        assert made.tokens is not None and 3120 < made.tokens < 3142
        parts = json.loads(emulator.sent_bytes("cached_contents", made.name))["contents"][0]["parts"]
        assert parts[0]["fileData"]["mimeType"] == "application/pdf" and parts[1] == {"text": "Answer from this lease."}
        create_explicit_cache(gateway, wanted, display_name="lease")
        assert len(emulator.ledger()["files"]) == 1

    def test_are_told_apart_by_their_bytes_and_not_by_their_path(self, document: CacheFile, tmp_path: Path) -> None:
        copy, changed = tmp_path / "copy.pdf", tmp_path / "changed.pdf"
        copy.write_bytes(PDF)
        changed.write_bytes(PDF + b" ")
        same = CachedText(MODEL, files=(document,)).digest()
        assert CachedText(MODEL, files=(CacheFile(copy, "application/pdf"),)).digest() == same
        assert CachedText(MODEL, files=(CacheFile(changed, "application/pdf"),)).digest() != same

    def test_that_an_interrupted_attempt_uploaded_are_used_and_not_uploaded_again(
        self, emulator: EmulatorProcess, gateway: GeminiClient, document: CacheFile
    ) -> None:
        wanted = CachedText(MODEL, files=(document,))
        emulator.faults([{"method": "POST", "route": "cachedContents", "do": "status", "status": 429}])
        with pytest.raises(ApiError):
            create_explicit_cache(gateway, wanted)
        assert create_explicit_cache(gateway, wanted).tokens
        assert len(emulator.ledger()["files"]) == 1

    def test_go_with_their_cache_and_no_other_file_does(
        self, emulator: EmulatorProcess, gateway: GeminiClient, document: CacheFile
    ) -> None:
        gateway.upload_file(document.path, "somebody's file", "application/pdf")
        made = create_explicit_cache(gateway, CachedText(MODEL, files=(document,)))
        cache_utils.delete_cache(gateway, made.name)
        left = [f["display_name"] for f in emulator.ledger()["files"] if not f["deleted_at"]]
        assert left == ["somebody's file"]

    def test_that_the_service_cannot_read_are_an_input_error(self, document: CacheFile) -> None:
        """The emulator never fails a file, so a stand-in answers here."""
        answers = iter(["PROCESSING", "FAILED"])
        with pytest.raises(InputError, match=r"could not read lease\.pdf"):
            create_explicit_cache(FileGateway(answers), CachedText(MODEL, files=(document,)), pause=Pauses())

    def test_that_are_still_being_read_are_waited_for(self, document: CacheFile) -> None:
        pause = Pauses()
        gateway = FileGateway(iter(["PROCESSING", "PROCESSING", "ACTIVE"]))
        assert create_explicit_cache(gateway, CachedText(MODEL, files=(document,)), pause=pause).name
        assert pause.waited == [0.5, 1.0]


class FileGateway(GeminiClient):
    """A gateway whose uploaded file goes through the given states."""

    def __init__(self, states: Iterator[str]) -> None:
        super().__init__(KEY, "http://127.0.0.1:9")
        self._states = states

    def list_caches(self) -> Iterator[dict[str, Any]]:
        return iter(())

    def list_files(self) -> Iterator[dict[str, Any]]:
        return iter(())

    def upload_file(self, source: Path | UploadSource, display_name: str, mime_type: str = "") -> dict[str, Any]:
        return self.get_file("files/a")

    def get_file(self, name: str) -> dict[str, Any]:
        return {"name": name, "uri": "https://x/files/a", "mimeType": "application/pdf", "state": next(self._states)}

    def create_cache(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"name": "cachedContents/a"}


def test_a_name_that_prompts_use_is_resolved_against_what_exists(
    emulator: EmulatorProcess, gateway: GeminiClient
) -> None:
    made = create_explicit_cache(gateway, DOC, display_name="lease")
    known = cache_utils.list_caches(gateway)
    assert resolve_use_cache(["lease"], known, MODEL, gateway.server_now(), 1024) == {"lease": made.name}
    with pytest.raises(InputError, match="has expired"):
        resolve_use_cache(["lease"], known, MODEL, gateway.server_now() + timedelta(hours=1))


def needed(*caches: CacheMetadata) -> Callable[[CacheMetadata], bool]:
    names = {cache.name for cache in caches}
    return lambda cache: cache.name in names


class TestOrphans:
    """Forgotten caches."""

    def make(self, gateway: GeminiClient, *names: str) -> list[CacheMetadata]:
        return [create_explicit_cache(gateway, DOC, display_name=name) for name in names]

    def test_deletes_only_ours_and_only_what_no_living_run_needs(
        self, emulator: EmulatorProcess, gateway: GeminiClient
    ) -> None:
        gone, living, by_name, _elsewhere, _user = self.make(
            gateway, "gbr-here-1-a", "gbr-here-2-a", "gbr-here-3-a", "gbr-there-1-a", "my gbr-here-1"
        )
        assert cache_utils.delete_orphaned_caches(gateway, "gbr-here-", needed(living, by_name)) == [gone.name]
        left = {c["display_name"] for c in caches(emulator)}
        assert len(left) == 4 and living.display_name in left
        assert cache_utils.delete_orphaned_caches(gateway, "gbr-here-", needed(living)) == [by_name.name]

    def test_goes_on_where_one_cannot_be_deleted(self, emulator: EmulatorProcess, gateway: GeminiClient) -> None:
        first, second = self.make(gateway, "gbr-here-1", "gbr-here-2")
        emulator.faults([{"method": m, "route": "cachedContents", "do": "status"} for m in ("PATCH", "DELETE")])
        assert len(cache_utils.delete_orphaned_caches(gateway, "gbr-", needed())) == 1
        assert set(cache_utils.delete_orphaned_caches(gateway, "gbr-", needed())) < {first.name, second.name}
        assert caches(emulator) == []

    def test_refuses_a_prefix_that_is_not_ours(self, gateway: GeminiClient) -> None:
        with pytest.raises(ValueError, match="only our own"):
            cache_utils.delete_orphaned_caches(gateway, "", needed())
