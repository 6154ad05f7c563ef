"""Everything under /_emulator: what Google does not have. No key, no faults, no place in the ledger's calls."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from emulator.core.fault_rules import FaultRules
from emulator.core.state import State
from emulator.jobs.ledger import ledger
from emulator.jobs.scheduler import JobScheduler

_COLLECTIONS = {"files", "cachedContents", "batches"}  # a full name will do where an id is asked for


class Control:
    """The knobs of one emulator."""

    def __init__(self, state: State, scheduler: JobScheduler, faults: FaultRules) -> None:
        self.state = state
        self.scheduler = scheduler
        self.faults = faults

    async def handle(self, request: Request) -> Response:
        """Answer one control call; 400 with a sentence for what cannot be meant, 404 for what is not there."""
        resource, *path_arguments = [*request.url.path.strip("/").split("/")[1:], ""][:4]
        action = _ACTIONS.get((request.method, resource))
        if action is None:
            return JSONResponse({"error": f"{request.method} {request.url.path} is not a control of the emulator"}, 404)
        try:
            answer = await action(
                self, request, *(word for word in path_arguments if word and word not in _COLLECTIONS)
            )
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    async def _get_ledger(self, request: Request) -> Any:
        await self.scheduler.advance_jobs(*(job for job in self.state.jobs.values() if job.active))
        return ledger(self.state, self.scheduler)

    async def _get_settings(self, request: Request) -> Any:
        return self.state.settings.as_dict()

    async def _post_settings(self, request: Request) -> Any:
        """Change settings; what was due before the change happens as it would have without it."""
        values = await request.json()
        await self.scheduler.advance_jobs(*(job for job in self.state.jobs.values() if job.active))
        previous_pace = self.state.settings.pace
        self.state.change_settings(values)
        self.scheduler.change_pace(previous_pace)
        self.scheduler.wake()
        return self.state.settings.as_dict()

    async def _post_clock(self, request: Request) -> Any:
        self.state.clock.advance(float((await request.json())["advance_seconds"]))
        self.state.save_meta()
        self.scheduler.wake()
        return await self._get_clock(request)

    async def _get_clock(self, request: Request) -> Any:
        clock = self.state.clock
        return {
            "now": clock.format_timestamp(clock.now()),
            "advanced_seconds": clock.advanced,
            "skew_seconds": clock.skew,
        }

    async def _get_faults(self, request: Request) -> Any:
        return [rule.as_dict() for rule in self.faults.rules]

    async def _post_faults(self, request: Request) -> Any:
        documents = await request.json()
        self.faults.add(documents if isinstance(documents, list) else [documents])
        return await self._get_faults(request)

    async def _delete_faults(self, request: Request) -> Any:
        self.faults.clear()
        return []

    async def _post_reset(self, request: Request) -> Any:
        self.scheduler.close()
        self.faults.clear()
        self.state.reset()
        return {}

    async def _get_files(self, request: Request, id: str) -> Any:
        return _file_response(self.state.store.body_path("file", id), "application/octet-stream")

    async def _get_cached_contents(self, request: Request, id: str) -> Any:
        return _file_response(self.state.store.body_path("cache", id), "application/json")

    async def _get_batch_jobs(self, request: Request, id: str, part: str) -> Any:
        job = self.state.jobs.get(id)
        if job is None or part != "requests":
            return JSONResponse({"error": "not found"}, 404)
        body = (
            self.state.store.body_path("file", job.input_file)
            if job.input_file
            else self.state.store.body_path("rows", id)
        )
        return _file_response(body, "application/jsonl")


def _file_response(path: Path, mime: str) -> Response:
    if not path.is_file():
        return JSONResponse({"error": "not found"}, 404)
    return FileResponse(path, media_type=mime)


_ACTIONS: dict[tuple[str, str], Callable[..., Awaitable[Any]]] = {
    ("GET", "ledger"): Control._get_ledger,
    ("GET", "settings"): Control._get_settings,
    ("POST", "settings"): Control._post_settings,
    ("POST", "clock"): Control._post_clock,
    ("GET", "clock"): Control._get_clock,
    ("GET", "faults"): Control._get_faults,
    ("POST", "faults"): Control._post_faults,
    ("DELETE", "faults"): Control._delete_faults,
    ("POST", "reset"): Control._post_reset,
    ("GET", "files"): Control._get_files,
    ("GET", "cached_contents"): Control._get_cached_contents,
    ("GET", "batch_jobs"): Control._get_batch_jobs,
}
