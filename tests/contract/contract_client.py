"""Asking a service by plain HTTP, and tidying up whatever was made."""

import json
import time
from collections.abc import Iterable
from typing import Any

import httpx

from tests.emulator_process import EmulatorProcess

GOOGLE = "https://generativelanguage.googleapis.com"
MODEL = "gemini-2.5-flash-lite"  # the cheapest that both batches and caches
OTHER = "gemini-2.5-flash"
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED")
Json = dict[str, Any]
DIFFERENCES: list[str] = []  # between the live service and what is stated; printed at the end


class JobNotFinished(Exception):
    """A live batch job was not finished in the time allowed."""


class ServiceClient:
    """Google or the emulator. What `make` makes is deleted by `tidy`."""

    def __init__(self, base: str, key: str, emulator: EmulatorProcess | None = None, minutes: float = 0) -> None:
        self.emulator = emulator
        self.minutes = minutes
        self.http = httpx.Client(base_url=base, headers={"x-goog-api-key": key}, timeout=60)
        self._created_names: list[str] = []

    def close(self) -> None:
        self.delete_created()
        self.http.close()

    def call(
        self, method: str, path: str, body: Any = None, version: str = "v1beta", **headers: str
    ) -> tuple[int, Json]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.http.request(method, f"/{version}/{path}", json=body, headers=names)
        return reply.status_code, reply.json()

    def error(self, method: str, path: str, body: Any = None, **headers: str) -> Json:
        """Status, name and text of a refusal; the text only if it names nothing of this project."""
        status, answer = self.call(method, path, body, **headers)
        error = answer.get("error", {})
        return {"http": status, "status": error.get("status"), "message": error.get("message", "").strip()}

    def create(self, path: str, body: Any) -> Json:
        status, answer = self.call("POST", path, body)
        assert status == 200, answer
        self._created_names.append(answer["name"])
        return answer

    def upload(self, pieces: Iterable[bytes], mime: str = "jsonl", name: str = "contract") -> tuple[Json, list[str]]:
        """Upload in chunks of 256 KiB multiples; return the File and the upload statuses on the way."""
        data = list(pieces)
        start = self.http.post(
            "/upload/v1beta/files",
            json={"file": {"display_name": name}},
            headers={
                "X-Goog-Upload-Protocol": "resumable",
                "X-Goog-Upload-Command": "start",
                "X-Goog-Upload-Header-Content-Length": str(sum(map(len, data))),
                "X-Goog-Upload-Header-Content-Type": mime,
            },
        )
        statuses, offset, reply = [start.headers["x-goog-upload-status"]], 0, start
        for number, piece in enumerate(data, 1):
            command = "upload, finalize" if number == len(data) else "upload"
            headers = {"X-Goog-Upload-Command": command, "X-Goog-Upload-Offset": str(offset)}
            reply = self.http.post(start.headers["x-goog-upload-url"], content=piece, headers=headers)
            statuses.append(reply.headers["x-goog-upload-status"])
            offset += len(piece)
        file: Json = reply.json()["file"]
        self._created_names.append(file["name"])
        return file, statuses

    def rows(self, rows: Iterable[Json]) -> str:
        """Upload rows as JSONL; return the file's name."""
        return str(self.upload([b"".join(json.dumps(row).encode() + b"\n" for row in rows)])[0]["name"])

    def wait_until_ended(self, name: str) -> Json:
        """A job when it has ended. Raises NotYet."""
        deadline = time.monotonic() + self.minutes * 60
        while True:
            if self.emulator:
                self.emulator.clock(60)
            operation = self.call("GET", name)[1]
            if operation["metadata"]["state"].endswith(ENDED):
                return operation
            if time.monotonic() > deadline:
                raise JobNotFinished(name)
            time.sleep(10)

    def lines(self, operation: Json) -> list[Json]:
        file = operation["metadata"]["output"]["responsesFile"]
        body = self.http.get(f"/v1beta/{file}:download", params={"alt": "media"})
        return [json.loads(line) for line in body.content.splitlines()]

    def delete_created(self) -> None:
        """Delete everything that was made; what is gone already is no matter."""
        while self._created_names:
            self.http.delete(f"/v1beta/{self._created_names.pop()}")
