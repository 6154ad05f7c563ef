"""Keys that are refused, quotas that are full: the status, the text and the details that clients see."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.emulator_api import MODEL, ApiClient, Json, client, contents, jsonl, row
from tests.emulator_process import EmulatorProcess

ROW = {"request": {"contents": contents("Hello")}}
CREATE = f"models/{MODEL}:batchGenerateContent"


def inline(rows: int = 1) -> Json:
    return {"batch": {"displayName": "x", "inputConfig": {"requests": {"requests": [ROW] * rows}}}}


@pytest.mark.parametrize(
    ("key", "code", "status", "reason"),
    [
        ("invalid-1", 400, "INVALID_ARGUMENT", "API_KEY_INVALID"),
        ("unauth-1", 401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
        ("forbidden-1", 403, "PERMISSION_DENIED", "API_KEY_SERVICE_BLOCKED"),
        ("region-1", 400, "FAILED_PRECONDITION", None),
    ],
)
def test_refused_keys_are_refused_everywhere(
    emulator: EmulatorProcess, key: str, code: int, status: str, reason: str | None
) -> None:
    with client(emulator, key) as api:
        for method, path in (("GET", "models"), ("POST", CREATE), ("GET", "batches/x"), ("DELETE", "files/x")):
            error = api.expect_error(method, path)
            assert (error["code"], error["status"]) == (code, status)
            assert reason is None or error["details"][0]["reason"] == reason
            assert key not in str(error)
        assert api.start_upload(1).status_code == code


def test_the_text_for_a_bad_key_is_the_services(emulator: EmulatorProcess) -> None:
    with client(emulator, "invalid-x") as api:
        assert api.expect_error("GET", "models")["message"] == "API key not valid. Please pass a valid API key."


def test_a_call_without_a_key_is_refused(emulator: EmulatorProcess) -> None:
    with client(emulator, "") as api:
        assert api.expect_error("GET", "models")["code"] == 403


def test_a_key_in_the_address_is_the_same_key(api: ApiClient, emulator: EmulatorProcess) -> None:
    name = api.upload(b"x")["name"]
    with client(emulator, "") as bare:
        assert bare.get(name, key="key-one")["name"] == name


def test_keys_are_not_kept(api: ApiClient, emulator: EmulatorProcess) -> None:
    api.file_batch([row("a")])
    assert "key-one" not in str(emulator.ledger())


def test_batch_is_not_for_free_keys(emulator: EmulatorProcess) -> None:
    with client(emulator, "free-1") as free:
        error = free.expect_error("POST", CREATE, inline())
        assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
        assert free.generate("hi")["candidates"]


def assert_bare_quota_error(error: Json) -> None:
    """The batch 429: the general text and a Help link, no QuotaFailure and no RetryInfo."""
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["message"].startswith("You exceeded your current quota, please check your plan and billing details.")
    assert [detail["@type"] for detail in error["details"]] == ["type.googleapis.com/google.rpc.Help"]


def test_no_more_than_so_many_jobs_at_once(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100, max_jobs=2)
    first, _ = api.inline_batch([ROW]), api.inline_batch([ROW])
    assert_bare_quota_error(api.expect_error("POST", CREATE, inline()))
    with client(emulator, "key-two") as other:
        assert other.inline_batch([ROW])
    api.post(f"{first}:cancel")
    assert api.inline_batch([ROW])
    emulator.clock(200)
    assert api.inline_batch([ROW])


def test_a_hundred_jobs_by_default(emulator: EmulatorProcess) -> None:
    assert emulator.settings()["max_jobs"] == 100


@pytest.mark.parametrize("spelling", [MODEL, f"models/{MODEL}"])
def test_enqueued_tokens_are_capped_per_model(api: ApiClient, emulator: EmulatorProcess, spelling: str) -> None:
    emulator.settings(pace=100, enqueued_tokens={spelling: 10})
    assert api.inline_batch([ROW] * 50, "gemini-3.8-flash")
    first = api.inline_batch([ROW] * 3)
    assert_bare_quota_error(api.expect_error("POST", CREATE, inline(3)))
    second = api.inline_batch([ROW] * 2)
    assert "done" in api.finish_job(first, 200) and "done" in api.finish_job(second, 0)
    assert api.inline_batch([ROW] * 5)


def test_jobs_over_files_fill_the_queue_too(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100, enqueued_tokens={MODEL: 10})
    file = api.upload(jsonl([row(str(i), "Hello") for i in range(6)]))["name"]
    body = {"batch": {"displayName": "x", "inputConfig": {"fileName": file}}}
    assert_bare_quota_error(api.expect_error("POST", CREATE, body))
    assert api.get("batches") == {}


def test_a_cap_counts_jobs_that_were_there_before_it(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100)
    api.inline_batch([ROW] * 4)
    emulator.settings(enqueued_tokens={MODEL: 10})
    assert_bare_quota_error(api.expect_error("POST", CREATE, inline(2)))


@pytest.mark.parametrize(
    "bad",
    [
        {"unknown": 1},
        {"result_order": "sideways"},
        {"implicit_hit_rate": 2},
        {"pace": "fast"},
        {"free_tier": "yes"},
        {"job_outcome": "odd"},
        {"clock_skew_seconds": 1e300},
        {"list_lag_seconds": "nan"},
        {"duplicate_rows": -1},
        {"enqueued_tokens": [1]},
        {"account": "broke"},
        {"cancel": "never"},
        {"progress": 1},
        {"serve_v1": 1},
        {"file_processing_seconds": -1},
        {"file_processing": "perhaps"},
        ["pace"],
    ],
)
def test_settings_that_cannot_be_meant_are_refused(emulator: EmulatorProcess, api: ApiClient, bad: object) -> None:
    before = emulator.settings()
    assert api.http.post("/_emulator/settings", json=bad).status_code == 400
    assert emulator.settings() == before


def test_two_creates_at_once_do_not_pass_the_cap_together(api: ApiClient, emulator: EmulatorProcess) -> None:
    """Counting so many rows lets others in between."""
    emulator.settings(pace=100, enqueued_tokens={MODEL: 30_000})
    file = api.upload(jsonl([row(str(i), "Hello") for i in range(12_000)]))["name"]
    body = {"batch": {"displayName": "x", "inputConfig": {"fileName": file}}}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api.call("POST", CREATE, body)[0], range(4)))
    assert sorted(answers) == [200] + [429] * 3


ACCOUNTS = {
    "prepay_empty": (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted. "),
    "spend_cap": (429, "RESOURCE_EXHAUSTED", "Your project has exceeded its monthly spending cap. "),
    "dunning": (403, "PERMISSION_DENIED", "Lightning dunning decision is deny for project: projects/"),
    "leaked": (403, "PERMISSION_DENIED", "Your API key was reported as leaked. "),
}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_that_may_not_spend_is_refused_in_the_services_words(
    api: ApiClient, emulator: EmulatorProcess, account: str
) -> None:
    job, file = api.file_batch([row("a")]), api.upload(b"x")["name"]
    emulator.settings(account=account)
    spending: list[tuple[str, Json]] = [
        (CREATE, inline()),
        ("cachedContents", {"model": f"models/{MODEL}", "contents": contents("word " * 2000)}),
        (f"models/{MODEL}:generateContent", {"contents": contents("x")}),
        (f"models/{MODEL}:streamGenerateContent", {"contents": contents("x")}),
        ("models/gemini-embedding-001:embedContent", {"content": contents("x")[0]}),
    ]
    code, status, text = ACCOUNTS[account]
    for path, body in spending:
        error = api.expect_error("POST", path, body)
        assert (error["code"], error["status"], error["message"][: len(text)]) == (code, status, text)
        assert "details" not in error
    assert api.start_upload(1).status_code == code
    assert api.finish_job(job)["metadata"]["state"] == "BATCH_STATE_SUCCEEDED", "what has begun goes on"
    assert api.get(file)["name"] == file
    emulator.settings(account="ok")
    assert api.post(CREATE, inline())["name"]


def test_by_setting_v1_is_not_served(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(serve_v1=False)
    with client(emulator, version="v1") as stable:
        for method, path in (("GET", "batches"), ("GET", "files"), ("POST", CREATE), ("POST", "cachedContents")):
            error = stable.expect_error(method, path)
            assert (error["code"], "was not found on this server" in error["message"]) == (404, True)
        assert stable.start_upload(1).status_code == 404
    assert api.get("batches") == {}
