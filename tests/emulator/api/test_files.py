"""Files: chunks arrive in order and whole, names and times are those of the wire, storage is finite."""

import base64
import hashlib
import re
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.emulator_api import MODEL, ApiClient, client, jsonl, row
from tests.emulator_process import EmulatorProcess


def test_chunks_are_put_together_in_the_order_they_were_sent(api: ApiClient, emulator: EmulatorProcess) -> None:
    url = api.start_upload(9).headers["x-goog-upload-url"]
    for offset, piece in ((0, b"one"), (3, b"two")):
        reply = api.send_chunk(url, piece, offset)
        assert (reply.status_code, reply.headers["x-goog-upload-status"]) == (200, "active")
    last = api.send_chunk(url, b"six", 6, "upload, finalize")
    assert last.headers["x-goog-upload-status"] == "final"
    assert emulator.sent_bytes("files", last.json()["file"]["name"]) == b"onetwosix"


def test_a_chunk_with_a_gap_before_it_is_refused(api: ApiClient) -> None:
    url = api.start_upload(9).headers["x-goog-upload-url"]
    assert api.send_chunk(url, b"two", 3).status_code == 400


def test_query_tells_how_much_has_arrived(api: ApiClient) -> None:
    url = api.start_upload(9).headers["x-goog-upload-url"]
    api.send_chunk(url, b"one", 0)
    reply = api.send_chunk(url, b"", 0, "query")
    assert reply.headers["x-goog-upload-size-received"] == "3"
    assert reply.headers["x-goog-upload-status"] == "active"


def test_an_upload_shorter_than_announced_is_not_a_file(api: ApiClient) -> None:
    url = api.start_upload(9).headers["x-goog-upload-url"]
    assert api.send_chunk(url, b"one", 0, "upload, finalize").status_code == 400
    assert api.get("files") == {}


def test_the_upload_address_is_absolute_and_needs_no_key(api: ApiClient, emulator: EmulatorProcess) -> None:
    url = api.start_upload(3).headers["x-goog-upload-url"]
    assert url.startswith(emulator.base_url)
    assert api.send_chunk(url, b"abc", 0, "upload, finalize").status_code == 200


def test_a_file_has_the_shape_of_the_wire(api: ApiClient) -> None:
    file = api.upload(b"hello", "text/plain", displayName="greeting")
    assert re.fullmatch(r"files/[a-z0-9]{12}", file["name"])
    assert file["uri"] == f"https://generativelanguage.googleapis.com/v1beta/{file['name']}"
    assert (file["sizeBytes"], file["state"], file["source"]) == ("5", "ACTIVE", "UPLOADED")
    assert (file["displayName"], file["mimeType"]) == ("greeting", "text/plain")
    assert base64.b64decode(file["sha256Hash"]).decode() == hashlib.sha256(b"hello").hexdigest()
    for name, digits in (("createTime", 6), ("updateTime", 6), ("expirationTime", 9)):
        assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{{digits}}}Z", file[name])
    assert api.get(file["name"]) == file


@pytest.mark.parametrize("spelling", [{"displayName": "n"}, {"display_name": "n"}])
def test_names_are_taken_in_either_spelling(api: ApiClient, spelling: dict[str, str]) -> None:
    assert api.upload(b"x", **spelling)["displayName"] == "n"


def test_a_bad_type_is_refused_at_the_start(api: ApiClient) -> None:
    reply = api.start_upload(3, "bad/mime_type")
    assert reply.status_code == 400
    assert "Unsupported MIME" in reply.json()["error"]["message"]


def test_a_chosen_name_is_kept_and_taken_only_once(api: ApiClient) -> None:
    assert api.upload(b"x", name="files/my-notes")["name"] == "files/my-notes"
    again = api.start_upload(1, name="files/my-notes")
    assert (again.status_code, again.json()["error"]["status"]) == (409, "ALREADY_EXISTS")
    assert api.start_upload(1, name="files/Not Good").status_code == 400


def test_of_two_uploads_under_one_name_the_first_to_end_has_it(api: ApiClient, emulator: EmulatorProcess) -> None:
    with client(emulator, "key-two") as other:
        first, second = (one.start_upload(1, name="files/same").headers["x-goog-upload-url"] for one in (api, other))
        assert other.send_chunk(second, b"2", 0, "upload, finalize").status_code == 200
        late = api.send_chunk(first, b"1", 0, "upload, finalize")
        assert (late.status_code, late.json()["error"]["status"]) == (409, "ALREADY_EXISTS")
        assert emulator.sent_bytes("files", "files/same") == b"2"
        assert other.get("files/same")


def test_a_missing_file_is_forbidden_not_unknown(api: ApiClient) -> None:
    error = api.expect_error("GET", "files/nowhere")
    assert error["status"] == "PERMISSION_DENIED"
    assert error["message"] == "You do not have permission to access the File nowhere or it may not exist."


def test_a_deleted_file_is_gone_from_get_and_list(api: ApiClient) -> None:
    name = api.upload(b"x")["name"]
    assert api.delete(name) == {}
    assert api.expect_error("GET", name)["code"] == 403
    assert api.get("files") == {}


def test_an_uploaded_file_lives_48_hours(api: ApiClient, emulator: EmulatorProcess) -> None:
    name = api.upload(b"x")["name"]
    emulator.clock(48 * 3600 - 10)
    assert api.get(name)
    emulator.clock(20)
    assert api.expect_error("GET", name)["code"] == 403


def test_listing_shows_every_file_once_newest_first_over_pages(api: ApiClient) -> None:
    names = [api.upload(b"x", displayName=str(i))["name"] for i in range(5)]
    seen, token = [], ""
    while True:
        page = api.get("files", pageSize=2, pageToken=token)
        assert len(page["files"]) <= 2
        seen += [file["name"] for file in page["files"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert seen == names[::-1]


@pytest.mark.parametrize("size", ["²", "-1", "x", "9" * 5000])
def test_a_page_size_that_is_no_number_is_refused(api: ApiClient, size: str) -> None:
    assert api.expect_error("GET", "files", pageSize=size)["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("token", ["garbage", "1", "²", "/w=="])
def test_a_page_token_that_is_none_is_refused(api: ApiClient, token: str) -> None:
    for kind in ("files", "batches", "cachedContents", "models"):
        assert api.expect_error("GET", kind, pageToken=token)["status"] == "INVALID_ARGUMENT"


def test_a_listing_goes_on_rightly_when_what_it_showed_is_deleted_meanwhile(api: ApiClient) -> None:
    names = [api.upload(b"x")["name"] for _ in range(4)]
    page = api.get("files", pageSize=2)
    for file in page["files"]:
        api.delete(file["name"])
    rest = api.get("files", pageSize=2, page_token=page["nextPageToken"])
    assert [file["name"] for file in rest["files"]] == names[1::-1]


def test_only_results_can_be_downloaded_and_they_cannot_be_deleted(api: ApiClient) -> None:
    upload = api.upload(jsonl([row("a")]))["name"]
    assert api.expect_error("GET", f"{upload}:download", alt="media")["code"] == 400
    operation = api.finish_job(api.file_batch([row("a")]))
    output = operation["metadata"]["output"]["responsesFile"]
    assert api.get(output)["source"] == "GENERATED"
    assert "cannot be more than 40 characters" in api.expect_error("DELETE", output)["message"]


def test_a_download_can_go_on_where_it_broke_off(api: ApiClient) -> None:
    output = api.finish_job(api.file_batch([row("a")]))["metadata"]["output"]["responsesFile"]
    full_content = api.http.get(f"/v1beta/{output}:download?alt=media").content
    for path in (f"/v1beta/{output}:download", f"/download/v1beta/{output}:download"):
        rest = api.http.get(path, params={"alt": "media"}, headers={"Range": "bytes=10-"})
        assert (rest.status_code, rest.content) == (206, full_content[10:])
    past = api.http.get(f"/v1beta/{output}:download", headers={"Range": f"bytes={len(full_content)}-"})
    assert past.status_code == 416


def test_full_storage_is_refused_in_the_words_users_report(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(storage_bytes=10)
    first = api.upload(b"12345678")["name"]
    error = api.start_upload(3).json()["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"][0]["violations"][0]["quotaId"] == "FileStorageBytesPerProject"
    assert error["details"][-1]["retryDelay"] == "9223372036854775807s"
    assert "file_storage_bytes" in error["message"]
    api.delete(first)
    assert api.upload(b"123")


def test_results_fill_the_storage_too(api: ApiClient, emulator: EmulatorProcess) -> None:
    operation = api.finish_job(api.file_batch([row("a")]))
    api.delete(operation["metadata"]["inputConfig"]["fileName"])
    emulator.settings(storage_bytes=50)
    assert api.start_upload(10).status_code == 429


def test_a_file_above_two_gigabytes_is_refused(api: ApiClient) -> None:
    assert api.start_upload(2 * 1024**3 + 1).status_code == 400


def test_a_json_body_above_twenty_megabytes_is_refused(api: ApiClient) -> None:
    reply = api.http.post("/v1beta/models/gemini-2.5-flash:countTokens", content=b" " * (20 * 1024**2 + 1))
    assert reply.status_code == 400
    assert "payload size exceeds the limit" in reply.json()["error"]["message"]


def test_files_belong_to_the_key_that_sent_them(api: ApiClient, emulator: EmulatorProcess) -> None:
    name = api.upload(b"x")["name"]
    with client(emulator, "key-two") as other:
        assert other.get("files") == {}
        assert other.expect_error("GET", name)["code"] == 403
        assert other.expect_error("DELETE", name)["code"] == 403
    assert api.get(name)


def test_a_finished_upload_cannot_be_written_to(api: ApiClient) -> None:
    url = api.start_upload(1).headers["x-goog-upload-url"]
    api.send_chunk(url, b"x", 0, "upload, finalize")
    assert api.send_chunk(url, b"y", 1, "upload, finalize").status_code == 404
    cancelled = api.start_upload(1).headers["x-goog-upload-url"]
    assert api.send_chunk(cancelled, b"", 0, "cancel").headers["x-goog-upload-status"] == "cancelled"
    assert httpx.post(cancelled, headers={"X-Goog-Upload-Command": "query"}).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": "x"},
        {"X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": b"\xb2"},
        {"X-Goog-Upload-Command": "upload, finalize"},
    ],
)
def test_headers_that_make_no_sense_are_refused(api: ApiClient, headers: dict[str, str | bytes]) -> None:
    url = api.start_upload(5).headers["x-goog-upload-url"]
    assert httpx.post(url, headers=headers, content=b"abc").status_code == 400  # type: ignore[arg-type]  # text beside bytes: httpx takes it
    start = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Header-Content-Length": "many"}
    assert api.http.post("/upload/v1beta/files", headers=start, json={}).status_code == 400


def test_an_upload_says_how_large_its_chunks_are_to_be(api: ApiClient) -> None:
    assert api.start_upload(1).headers["x-goog-upload-chunk-granularity"] == "8388608"


@pytest.mark.parametrize("mime", ["image/png", "audio/wav", "video/mp4", "application/pdf"])
def test_media_are_processed_before_they_can_be_used(api: ApiClient, emulator: EmulatorProcess, mime: str) -> None:
    emulator.settings(file_processing_seconds=30)
    file = api.upload(b"x", mime)
    assert file["state"] == api.get(file["name"])["state"] == "PROCESSING"
    part = {"fileData": {"fileUri": file["uri"], "mimeType": mime}}
    body = {"contents": [{"role": "user", "parts": [part, {"text": "What is it?"}]}]}
    error = api.expect_error("POST", f"models/{MODEL}:generateContent", body)
    assert (error["code"], error["status"]) == (400, "FAILED_PRECONDITION")
    id = file["name"].removeprefix("files/")
    assert error["message"] == f"The File {id} is not in an ACTIVE state and usage is not allowed."
    (result,) = api.run([{"key": "a", "request": body}])
    assert result["error"]["code"] == 9
    emulator.clock(30)
    assert api.get(file["name"])["state"] == "ACTIVE"
    assert "candidates" in api.post(f"models/{MODEL}:generateContent", body)


def test_text_is_never_processed_and_media_only_where_time_passes(api: ApiClient, emulator: EmulatorProcess) -> None:
    assert api.upload(b"x", "image/png")["state"] == "ACTIVE"
    emulator.settings(pace="realistic")
    assert api.upload(b"x", "image/png")["state"] == "PROCESSING"
    assert api.upload(b"x", "application/pdf")["state"] == "ACTIVE"
    emulator.settings(file_processing_seconds=30)
    assert api.upload(b"x", "text/plain")["state"] == "ACTIVE"


def picture_request(uri: str) -> dict[str, Any]:
    part = {"fileData": {"fileUri": uri, "mimeType": "image/png"}}
    return {"contents": [{"role": "user", "parts": [part, {"text": "What is it?"}]}]}


def test_a_file_that_cannot_be_read_is_failed_and_cannot_be_used(api: ApiClient, emulator: EmulatorProcess) -> None:
    emulator.settings(file_processing="fails", file_processing_seconds=5)
    file = api.upload(b"x", "image/png")
    assert file["state"] == "PROCESSING"
    emulator.clock(5)
    failed = api.get(file["name"])
    assert (failed["state"], bool(failed["error"]["message"])) == ("FAILED", True)
    error = api.expect_error("POST", f"models/{MODEL}:generateContent", picture_request(file["uri"]))
    assert (error["code"], error["status"]) == (400, "FAILED_PRECONDITION")
    emulator.settings(file_processing="succeeds")
    assert api.get(file["name"])["state"] == "FAILED"


def test_a_row_whose_file_died_before_it_ran_says_so_and_costs_nothing(
    api: ApiClient, emulator: EmulatorProcess
) -> None:
    file = api.upload(b"x", "image/png")
    emulator.settings(pace=3600)
    job = api.file_batch([{"key": "a", "request": picture_request(file["uri"])}])
    api.delete(file["name"])
    (result,) = api.results(api.finish_job(job, 3700))
    id = file["name"].removeprefix("files/")
    assert result["error"] == {
        "code": 7,
        "message": f"You do not have permission to access the File {id} or it may not exist.",
    }
    assert emulator.ledger()["usage"] == []


def test_a_row_cannot_use_a_file_of_another_key(api: ApiClient, emulator: EmulatorProcess) -> None:
    with client(emulator, "key-two") as other:
        file = other.upload(b"x", "image/png")
    (result,) = api.run([{"key": "a", "request": picture_request(file["uri"])}])
    assert result["error"]["code"] == 7


def test_the_ledger_tells_which_contents_were_uploaded_twice(api: ApiClient, emulator: EmulatorProcess) -> None:
    api.delete(api.upload(b"same", "image/png")["name"])
    api.upload(b"same", "image/png")
    api.upload(b"other", "image/png")
    hashes = [file["sha256"] for file in emulator.ledger()["files"]]
    assert sorted(Counter(hashes).values()) == [1, 2]
    assert hashlib.sha256(b"same").hexdigest() in hashes
