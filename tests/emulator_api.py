"""Plain HTTP against an emulator: what a client in any language would send, and nothing of Google's SDK."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.emulator_process import EmulatorProcess

Json = dict[str, Any]
MODEL = "gemini-2.5-flash"
FOX = "The quick brown fox jumps over the lazy dog."


def contents(text: str) -> list[Json]:
    return [{"role": "user", "parts": [{"text": text}]}]


def row(key: str, text: str = "Say something.", **request: Any) -> Json:
    """A line of an input file."""
    return {"key": key, "request": {"contents": contents(text), **request}}


def jsonl(rows: Iterable[Json]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


class ApiClient:
    """One key's calls. `call` returns status and JSON; the named verbs insist on 200."""

    def __init__(self, emulator: EmulatorProcess, key: str = "key-one", version: str = "v1beta") -> None:
        self.emulator = emulator
        self.version = version
        self.http = httpx.Client(
            base_url=emulator.base_url,
            headers={"x-goog-api-key": key},
            timeout=30,
            verify=False,  # nothing is encrypted on loopback, and reading all certificates takes longer than the call
        )

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Json]:
        reply = self.http.request(method, f"/{self.version}/{path}", json=body, params=query)
        return reply.status_code, reply.json()

    def get(self, path: str, **query: Any) -> Json:
        return self._expect_ok(self.call("GET", path, **query))

    def post(self, path: str, body: Any = None) -> Json:
        return self._expect_ok(self.call("POST", path, body))

    def patch(self, path: str, body: Any) -> Json:
        return self._expect_ok(self.call("PATCH", path, body))

    def delete(self, path: str) -> Json:
        return self._expect_ok(self.call("DELETE", path))

    def expect_error(self, method: str, path: str, body: Any = None, **query: Any) -> Json:
        """The error object of a call that must be refused."""
        status, answer = self.call(method, path, body, **query)
        assert status >= 400, answer
        error: Json = answer["error"]
        assert error["code"] == status
        return error

    @staticmethod
    def _expect_ok(answer: tuple[int, Json]) -> Json:
        assert answer[0] == 200, answer
        return answer[1]

    def start_upload(self, size: int, mime: str = "jsonl", **file: Any) -> httpx.Response:
        headers = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": str(size),
            "X-Goog-Upload-Header-Content-Type": mime,
        }
        return self.http.post(f"/upload/{self.version}/files", headers=headers, json={"file": file})

    def send_chunk(self, url: str, data: bytes, offset: int, command: str = "upload") -> httpx.Response:
        headers = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": str(offset)}
        return httpx.post(url, headers=headers, content=data, timeout=30, verify=False)

    def upload(self, data: bytes, mime: str = "jsonl", **file: Any) -> Json:
        """Upload in one chunk; return the File."""
        url = self.start_upload(len(data), mime, **file).headers["x-goog-upload-url"]
        file_resource: Json = self.send_chunk(url, data, 0, "upload, finalize").json()["file"]
        return file_resource

    def file_batch(self, rows: Iterable[Json], model: str = MODEL, name: str = "job") -> str:
        """Upload rows and create a job over them; return its name."""
        file = self.upload(jsonl(rows))["name"]
        return self.create(model, {"fileName": file}, name)

    def inline_batch(self, rows: list[Json], model: str = MODEL, name: str = "job") -> str:
        return self.create(model, {"requests": {"requests": rows}}, name)

    def create(self, model: str, source: Json, name: str = "job", method: str = "batchGenerateContent") -> str:
        body = {"batch": {"displayName": name, "inputConfig": source}}
        job_name: str = self.post(f"models/{model}:{method}", body)["name"]
        return job_name

    def finish_job(self, name: str, seconds: float = 1) -> Json:
        """The operation of a job after so much time; a busy machine gets on with it at each look."""
        self.emulator.clock(seconds)
        before, now = self.get(name), self.get(name)
        while "done" not in now and now["metadata"] != before["metadata"]:
            before, now = now, self.get(name)
        return now

    def results(self, operation: Json) -> list[Json]:
        """The result rows of a finished job, from its file or inline."""
        output = operation["metadata"]["output"]
        if "responsesFile" in output:
            body = self.http.get(f"/{self.version}/{output['responsesFile']}:download", params={"alt": "media"})
            assert body.status_code == 200
            return [json.loads(line) for line in body.content.splitlines()]
        rows: list[Json] = output["inlinedResponses"]["inlinedResponses"]
        return rows

    def run(self, rows: list[Json], model: str = MODEL) -> list[Json]:
        """Send rows as a file and return their results."""
        return self.results(self.finish_job(self.file_batch(rows, model)))

    def create_cache(self, token_count: int = 1500, model: str = MODEL, **more: Any) -> Json:
        """A cached content of a little more than so many tokens."""
        body = {"model": f"models/{model}", "contents": contents("word " * token_count), **more}
        return self.post("cachedContents", body)

    def generate(self, text: str, model: str = MODEL, **request: Any) -> Json:
        return self.post(f"models/{model}:generateContent", {"contents": contents(text), **request})


def text_of(response: Json) -> str:
    parts = response["candidates"][0]["content"]["parts"]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


@contextmanager
def client(emulator: EmulatorProcess, key: str = "key-one", version: str = "v1beta") -> Iterator[ApiClient]:
    """An Api that is closed at the end."""
    api = ApiClient(emulator, key, version)
    try:
        yield api
    finally:
        api.http.close()
