"""Explicit and implicit caches: sizes, refusals word for word, life and death while rows execute, storage billed."""

import re

import pytest

from tests.emulator_api import MODEL, ApiClient, Json, client, contents, row
from tests.emulator_process import EmulatorProcess

GONE = "CachedContent not found (or permission denied)"


def usage_of(result: Json) -> Json:
    usage: Json = result["response"]["usageMetadata"]
    return usage


def test_a_cache_shows_metadata_and_never_its_contents(api: ApiClient) -> None:
    cache = api.create_cache(1500, displayName="rules", ttl="600s")
    assert re.fullmatch(r"cachedContents/[a-z0-9]{40}", cache["name"])
    assert set(cache) == {"name", "model", "createTime", "updateTime", "expireTime", "displayName", "usageMetadata"}
    assert (cache["model"], cache["displayName"]) == (f"models/{MODEL}", "rules")
    assert cache["usageMetadata"] == {"totalTokenCount": 1501}
    assert api.get(cache["name"]) == cache
    assert api.get("cachedContents") == {"cachedContents": [cache]}


def test_too_small_a_cache_is_refused_with_both_numbers(api: ApiClient) -> None:
    small = {"model": f"models/{MODEL}", "contents": contents("word " * 15)}
    error = api.expect_error("POST", "cachedContents", small)
    assert error["status"] == "INVALID_ARGUMENT"
    assert error["message"] == "Cached content is too small. total_token_count=16, min_total_token_count=1024"
    just = {"model": f"models/{MODEL}", "contents": contents("word " * 1023)}
    assert api.post("cachedContents", just)["usageMetadata"]["totalTokenCount"] == 1024


@pytest.mark.parametrize("model", ["gemini-3-pro-image", "gemini-2.5-flash-image", "publishers/google/models/x"])
def test_models_that_cannot_cache_are_refused(api: ApiClient, model: str) -> None:
    error = api.expect_error(
        "POST", "cachedContents", {"model": f"models/{model}", "contents": contents("word " * 2000)}
    )
    assert error["status"] == "NOT_FOUND"
    assert "is not supported for createCachedContent" in error["message"]


def test_a_free_key_has_no_room_for_caches(api: ApiClient, emulator: EmulatorProcess) -> None:
    body = {"model": f"models/{MODEL}", "contents": contents("word " * 2315)}
    text = "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for cached content: limit=0, requested=2316"
    with client(emulator, "free-key") as free:
        error = free.expect_error("POST", "cachedContents", body)
        assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
        assert text in error["message"]
    emulator.settings(free_tier=True)
    assert text in api.expect_error("POST", "cachedContents", body)["message"]


def test_the_default_life_is_an_hour_and_ttl_sets_it(api: ApiClient, emulator: EmulatorProcess) -> None:
    default, short = api.create_cache()["name"], api.create_cache(ttl="60s")["name"]
    emulator.clock(61)
    assert api.get(default)
    assert api.expect_error("GET", short)["message"] == GONE
    emulator.clock(3600)
    assert api.expect_error("GET", default)["status"] == "PERMISSION_DENIED"
    assert api.get("cachedContents") == {}


def test_expire_time_is_kept_to_the_moment(api: ApiClient) -> None:
    assert api.create_cache(expireTime="2099-01-02T03:04:05Z")["expireTime"] == "2099-01-02T03:04:05.000000000Z"
    body = {"model": f"models/{MODEL}", "contents": contents("word " * 1500), "expireTime": "2001-01-01T00:00:00Z"}
    assert api.expect_error("POST", "cachedContents", body)["code"] == 400


@pytest.mark.parametrize(
    "bad", [{"ttl": "10"}, {"ttl": "x s"}, {"ttl": "-5s"}, {"ttl": "nans"}, {"ttl": "infs"}, {"ttl": "1_0s"}]
)
def test_a_life_that_cannot_be_read_is_refused(api: ApiClient, bad: Json) -> None:
    body = {"model": f"models/{MODEL}", "contents": contents("word " * 1500), **bad}
    assert api.expect_error("POST", "cachedContents", body)["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("bad", [{"expireTime": "soon"}, {"expireTime": "2099-01-01"}, {"ttl": "999999999999s"}])
def test_an_end_that_cannot_be_written_is_refused(api: ApiClient, bad: Json) -> None:
    name = api.create_cache()["name"]
    assert api.expect_error("PATCH", name, bad)["status"] == "INVALID_ARGUMENT"
    assert api.get("cachedContents")["cachedContents"][0]["name"] == name


def test_patch_moves_the_expiry_and_nothing_else(api: ApiClient, emulator: EmulatorProcess) -> None:
    cache = api.create_cache(ttl="60s")
    longer = api.patch(f"{cache['name']}?updateMask=ttl", {"ttl": "7600s"})
    assert longer["expireTime"] > cache["expireTime"]
    emulator.clock(7000)
    assert api.get(cache["name"])
    for body in ({"contents": contents("x")}, {"name": cache["name"], "ttl": "5s"}, {"displayName": "x"}, {}):
        assert api.expect_error("PATCH", cache["name"], body)["code"] == 400
    assert "oneof" in api.expect_error("PATCH", cache["name"], {"name": cache["name"], "ttl": "5s"})["message"]
    emulator.clock(1000)
    assert api.expect_error("PATCH", cache["name"], {"ttl": "60s"})["message"] == GONE


def test_a_deleted_cache_is_gone(api: ApiClient) -> None:
    name = api.create_cache()["name"]
    assert api.delete(name) == {}
    for method in ("GET", "DELETE"):
        assert api.expect_error(method, name)["message"] == GONE
    body = {"contents": contents("x"), "cachedContent": name}
    error = api.expect_error("POST", f"models/{MODEL}:generateContent", body)
    assert (error["code"], error["message"]) == (403, GONE)


def test_a_cache_belongs_to_its_key(api: ApiClient, emulator: EmulatorProcess) -> None:
    name = api.create_cache()["name"]
    with client(emulator, "key-two") as other:
        assert other.expect_error("GET", name)["message"] == GONE
        assert other.get("cachedContents") == {}
        (result,) = other.run([row("a", cachedContent=name)])
        assert result["error"] == {"code": 7, "message": GONE}


def test_cached_tokens_are_part_of_the_prompt_and_shown_apart(api: ApiClient) -> None:
    name = api.create_cache(2000)["name"]
    plain, cached = api.run([row("a", "Hello there"), row("b", "Hello there", cachedContent=name)])
    usage = usage_of(cached)
    assert usage["cachedContentTokenCount"] == 2001
    assert usage["promptTokenCount"] == 2001 + usage_of(plain)["promptTokenCount"]
    assert usage["cacheTokensDetails"] == [{"modality": "TEXT", "tokenCount": 2001}]


@pytest.mark.parametrize("spelling", ["cachedContent", "cached_content"])
def test_the_cache_stands_beside_contents_in_either_spelling(
    api: ApiClient, emulator: EmulatorProcess, spelling: str
) -> None:
    name = api.create_cache()["name"]
    (result,) = api.run([row("a", **{spelling: name})])
    assert usage_of(result)["cachedContentTokenCount"] == 1501
    assert emulator.ledger()["batch_jobs"][0]["cached_contents"] == [name]


def test_a_jobs_caches_are_known_before_it_starts(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=1000)
    text = 'says "cachedContent": "cachedContents/none"'
    api.file_batch(
        [row("a", text), row("b", cachedContent="cachedContents/x"), row("c", cached_content="cachedContents/y")]
    )
    api.inline_batch([{"request": {"contents": contents("x"), "cached_content": "cachedContents/z"}}])
    jobs = emulator.ledger()["batch_jobs"]
    assert [job["cached_contents"] for job in jobs] == [["cachedContents/x", "cachedContents/y"], ["cachedContents/z"]]


def test_a_cache_inside_the_config_is_an_unknown_field(api: ApiClient) -> None:
    body = {"contents": contents("x"), "generationConfig": {"cached_content": "cachedContents/a"}}
    error = api.expect_error("POST", f"models/{MODEL}:generateContent", body)
    assert error["message"] == (
        "Invalid JSON payload received. Unknown name \"cached_content\" at 'generation_config': Cannot find field."
    )


def test_another_model_is_refused_by_name(api: ApiClient) -> None:
    name = api.create_cache(model=MODEL)["name"]
    (result,) = api.run([row("a", cachedContent=name)], "gemini-3.8-flash")
    assert result["error"]["code"] == 3
    assert result["error"]["message"] == (
        f"Model used by GenerateContent request (models/gemini-3.8-flash) and CachedContent (models/{MODEL}) has to be "
        "the same."
    )


@pytest.mark.parametrize(
    "more",
    [
        {"systemInstruction": {"parts": [{"text": "s"}]}},
        {"tools": [{"googleSearch": {}}]},
        {"tool_config": {"function_calling_config": {"mode": "AUTO"}}},
    ],
)
def test_what_belongs_into_the_cache_may_not_stand_beside_it(api: ApiClient, more: Json) -> None:
    name = api.create_cache()["name"]
    text = (
        "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config."
        "\n\nProposed fix: move those values to CachedContent from GenerateContent request."
    )
    (result,) = api.run([row("a", cachedContent=name, **more)])
    assert result["error"] == {"code": 3, "message": text}
    body = {"contents": contents("x"), "cachedContent": name, **more}
    assert api.expect_error("POST", f"models/{MODEL}:generateContent", body)["message"] == text


def test_the_cache_is_looked_up_when_each_row_executes(api: ApiClient, emulator: EmulatorProcess) -> None:
    """Deleted half-way: the rows before are answered, those after fail with code 7 and cost nothing."""
    emulator.settings(pace=1000)
    name = api.create_cache(ttl="90000s")["name"]
    job = api.file_batch([row(str(i), cachedContent=name) for i in range(100)])
    emulator.clock(600)
    api.delete(name)
    results = api.results(api.finish_job(job, 500))
    failed = [r["error"] for r in results if "error" in r]
    assert failed == [{"code": 7, "message": GONE}] * 50
    assert all("response" in r for r in results[:50])
    (usage,) = emulator.ledger()["usage"]
    assert (usage["rows"], usage["cached"]) == (50, 50 * 1501)


def test_an_expired_cache_fails_the_rows_after_its_end(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=1000)
    name = api.create_cache(ttl="601s")["name"]
    job = api.file_batch([row(str(i), cachedContent=name) for i in range(100)])
    results = api.results(api.finish_job(job, 2000))
    assert sum("response" in r for r in results) in (50, 51)
    assert {r["error"]["code"] for r in results if "error" in r} == {7}


def test_an_extended_cache_serves_every_row(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=1000)
    name = api.create_cache(ttl="600s")["name"]
    job = api.file_batch([row(str(i), cachedContent=name) for i in range(100)])
    emulator.clock(500)
    api.patch(name, {"ttl": "900s"})
    assert all("response" in r for r in api.results(api.finish_job(job, 600)))


def test_deleting_a_cache_right_after_submitting_fails_every_row(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=5)
    name = api.create_cache()["name"]
    job = api.file_batch([row(str(i), cachedContent=name) for i in range(21)])
    api.delete(name)
    operation = api.finish_job(job, 10)
    assert operation["metadata"]["batchStats"] == {"requestCount": "21", "failedRequestCount": "21"}
    assert emulator.ledger()["usage"] == []


def test_explicit_caching_can_be_switched_off(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(explicit_caching=False)
    assert "createCachedContent" not in api.get(f"models/{MODEL}")["supportedGenerationMethods"]
    body = {"model": f"models/{MODEL}", "contents": contents("word " * 2000)}
    assert api.expect_error("POST", "cachedContents", body)["code"] == 404


def test_storage_is_billed_for_the_real_life(api: ApiClient, emulator: EmulatorProcess) -> None:
    deleted, expired = api.create_cache(ttl="7200s")["name"], api.create_cache(ttl="1800s")["name"]
    emulator.clock(3600)
    api.delete(deleted)
    emulator.clock(7200)
    shown = {cache["name"]: cache for cache in emulator.ledger()["cached_contents"]}
    assert shown[deleted]["token_hours"] == pytest.approx(1501, rel=0.001)
    assert shown[expired]["token_hours"] == pytest.approx(1501 / 2, rel=0.001)
    assert shown[deleted]["deleted_at"]
    assert shown[expired]["deleted_at"] is None


def test_the_system_instruction_and_tools_count_towards_a_cache(api: ApiClient) -> None:
    body = {
        "model": f"models/{MODEL}",
        "system_instruction": {"parts": [{"text": "word " * 1100}]},
        "tools": [{"function_declarations": [{"name": "f", "description": "word " * 100}]}],
    }
    assert api.post("cachedContents", body)["usageMetadata"]["totalTokenCount"] > 1200


def test_count_tokens_knows_the_cache(api: ApiClient) -> None:
    name = api.create_cache()["name"]
    request = {"model": f"models/{MODEL}", "contents": contents("Hello"), "cachedContent": name}
    counted = api.post(f"models/{MODEL}:countTokens", {"generateContentRequest": request})
    assert (counted["totalTokens"], counted["cachedContentTokenCount"]) == (1503, 1501)


def long_rows(count: int) -> list[Json]:
    shared = "The same long beginning of every prompt. " * 500
    return [row(str(i), f"{shared} And a question of its own, number {i}.") for i in range(count)]


def test_without_the_setting_there_are_no_implicit_hits(api: ApiClient) -> None:
    assert all("cachedContentTokenCount" not in usage_of(r) for r in api.run(long_rows(5)))


def test_implicit_hits_need_an_earlier_prompt_with_the_same_beginning(
    api: ApiClient, emulator: EmulatorProcess
) -> None:
    emulator.settings(implicit_hit_rate=1)
    first, *others = api.run(long_rows(6))
    assert "cachedContentTokenCount" not in usage_of(first)
    for other in others:
        assert 2048 <= usage_of(other)["cachedContentTokenCount"] < usage_of(other)["promptTokenCount"]
    with client(emulator, "key-two") as stranger:
        assert "cachedContentTokenCount" not in usage_of(stranger.run(long_rows(1))[0])
    emulator.reset()
    emulator.settings(implicit_hit_rate=1)
    assert "cachedContentTokenCount" not in usage_of(api.run(long_rows(1))[0])


def test_implicit_hits_happen_as_often_as_set(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(implicit_hit_rate=0.5)
    hits = sum("cachedContentTokenCount" in usage_of(r) for r in api.run(long_rows(100)))
    assert 30 < hits < 70


def test_short_prompts_never_hit(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(implicit_hit_rate=1)
    results = api.run([row(str(i), "short") for i in range(5)])
    assert all("cachedContentTokenCount" not in usage_of(r) for r in results)
