"""Faults: what is said to happen happens, what is not said does not, and lost connections are really lost."""

import time

import httpx
import pytest

from tests.emulator_api import MODEL, ApiClient, contents, jsonl, row
from tests.emulator_process import EmulatorProcess

CREATE = f"models/{MODEL}:batchGenerateContent"
BODY = {
    "batch": {"displayName": "x", "inputConfig": {"requests": {"requests": [{"request": {"contents": contents("x")}}]}}}
}


def jobs(emulator: EmulatorProcess) -> int:
    return len(emulator.ledger()["batch_jobs"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 502, 503, 504])
def test_a_status_comes_with_an_error_body_and_nothing_happens(
    api: ApiClient, emulator: EmulatorProcess, status: int
) -> None:
    emulator.faults([{"method": "POST", "route": ":batchGenerateContent", "do": "status", "status": status}])
    error = api.expect_error("POST", CREATE, BODY)
    assert error["code"] == status
    assert error["status"]
    assert jobs(emulator) == 0
    assert api.post(CREATE, BODY)


def test_a_status_may_have_its_own_body(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": "models", "do": "status", "status": 503, "body": {"error": {"code": 503, "note": "x"}}}])
    assert api.call("GET", "models") == (503, {"error": {"code": 503, "note": "x"}})
    emulator.faults([{"route": "models", "do": "status", "status": 502, "body": "<html>bad gateway</html>"}])
    assert api.http.get("/v1beta/models").text == "<html>bad gateway</html>"


def test_status_after_takes_effect(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": ":batchGenerateContent", "do": "status_after", "status": 500}])
    assert api.expect_error("POST", CREATE, BODY)["code"] == 500
    assert jobs(emulator) == 1


@pytest.mark.parametrize(("do", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_is_closed_without_a_byte(
    api: ApiClient, emulator: EmulatorProcess, do: str, made: int
) -> None:
    emulator.faults([{"method": "POST", "route": "models", "do": do}])
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.call("POST", CREATE, BODY)
    assert jobs(emulator) == made
    assert api.get("batches").get("operations", []) == [] or made


def test_a_delayed_answer_comes_late_but_the_deed_is_done_at_once(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": ":batchGenerateContent", "do": "delay", "seconds": 0.4}])
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(f"/v1beta/{CREATE}", json=BODY, timeout=0.2)
    assert jobs(emulator) == 1
    emulator.faults([{"route": "batches", "do": "delay", "seconds": 0.2}])
    began = time.monotonic()
    assert len(api.get("batches")["operations"]) == 1
    assert time.monotonic() - began >= 0.2


def test_a_hanging_call_never_answers_and_others_do(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": ":batchGenerateContent", "do": "hang"}])
    with pytest.raises(httpx.ReadTimeout):
        api.http.post(f"/v1beta/{CREATE}", json=BODY, timeout=0.2)
    assert jobs(emulator) == 0
    assert api.get("models")


def test_a_malformed_answer_claims_to_be_json(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": ":batchGenerateContent", "do": "malformed"}])
    reply = api.http.post(f"/v1beta/{CREATE}", json=BODY)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json; charset=UTF-8")
    with pytest.raises(ValueError):
        reply.json()
    assert jobs(emulator) == 1


def test_a_truncated_answer_announces_more_than_it_sends(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": "models", "do": "truncate", "bytes": 10}])
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        api.http.get("/v1beta/models")


def test_a_download_breaks_off_in_mid_body(api: ApiClient, emulator: EmulatorProcess) -> None:
    output = api.finish_job(api.file_batch([row(str(i)) for i in range(2000)]))["metadata"]["output"]["responsesFile"]
    path = f"/v1beta/{output}:download"
    full_content = api.http.get(path, params={"alt": "media"}).content
    emulator.faults([{"route": ":download", "do": "truncate", "bytes": 300_000}])
    got = b""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        api.http.stream("GET", path, params={"alt": "media"}) as reply,
    ):
        assert reply.headers["content-length"] == str(len(full_content))
        for block in reply.iter_bytes():
            got += block
    assert len(full_content) > 300_000
    assert got == full_content[:300_000]
    rest = api.http.get(path, headers={"Range": f"bytes={len(got)}-"}).content
    assert got + rest == full_content


@pytest.mark.parametrize("do", ["drop_before", "truncate", "drop_after"])
def test_an_upload_breaks_in_mid_chunk_and_can_go_on(api: ApiClient, emulator: EmulatorProcess, do: str) -> None:
    data = jsonl([row(str(i)) for i in range(5000)])
    url = api.start_upload(len(data)).headers["x-goog-upload-url"]
    first = len(data) // 2
    assert api.send_chunk(url, data[:first], 0).status_code == 200
    emulator.faults([{"method": "POST", "route": "/upload/", "do": do, "bytes": 1000}])
    with pytest.raises(httpx.TransportError):
        api.send_chunk(url, data[first:], first, "upload, finalize" if do != "drop_after" else "upload")
    got = int(api.send_chunk(url, b"", 0, "query").headers["x-goog-upload-size-received"])
    assert got == {"drop_before": first, "truncate": first + 1000, "drop_after": len(data)}[do]
    rest = api.send_chunk(url, data[got:], got, "upload, finalize")
    assert emulator.sent_bytes("files", rest.json()["file"]["name"]) == data


def test_a_fault_on_the_start_of_an_upload_leaves_no_file(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": "/upload/", "do": "status", "status": 503}])
    assert api.start_upload(3).status_code == 503
    assert api.upload(b"abc")


def test_a_large_body_that_is_refused_is_read_to_its_end(api: ApiClient, emulator: EmulatorProcess) -> None:
    url = api.start_upload(8_000_000).headers["x-goog-upload-url"]
    emulator.faults([{"route": "/upload/", "do": "status", "status": 503}])
    assert api.send_chunk(url, b"x" * 8_000_000, 0).status_code == 503


def test_after_skips_and_times_counts(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": "models$", "do": "status", "status": 500, "after": 1, "times": 2}])
    assert [api.call("GET", "models")[0] for _ in range(5)] == [200, 500, 500, 200, 200]


def test_for_ever_is_until_cleared(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": "models$", "do": "status", "times": -1}])
    assert [api.call("GET", "models")[0] for _ in range(4)] == [503] * 4
    emulator.faults([])
    assert api.call("GET", "models")[0] == 200


def test_the_first_rule_that_fires_wins(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": "models", "do": "status", "status": 500}, {"route": "models", "do": "status"}])
    assert [api.call("GET", "models")[0] for _ in range(3)] == [500, 503, 200]


def test_method_and_route_choose_the_call(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"method": "DELETE", "route": "^/v1beta/files/", "do": "status", "times": -1}])
    name = api.upload(b"x")["name"]
    assert api.get(name)
    assert api.call("DELETE", name)[0] == 503
    assert api.get(name)


def test_the_controls_are_exempt(emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": ".*", "do": "status", "times": -1}])
    assert emulator.ledger()["batch_jobs"] == []
    emulator.faults([])


@pytest.mark.parametrize(
    "bad",
    [
        {"do": "explode"},
        {"do": "status", "route": "("},
        {"route": "x"},
        {"do": "hang", "x": 1},
        {"do": "status", "status": 99},
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(api: ApiClient, bad: dict[str, str | int]) -> None:
    assert api.http.post("/_emulator/faults", json=[bad]).status_code == 400
    assert api.http.get("/_emulator/faults").json() == []


def test_the_query_may_choose_the_call_too(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.faults([{"route": "upload_id=", "do": "status", "status": 503}])
    url = api.start_upload(1).headers["x-goog-upload-url"]
    assert api.send_chunk(url, b"x", 0, "upload, finalize").status_code == 503
    assert api.send_chunk(url, b"x", 0, "upload, finalize").status_code == 200
