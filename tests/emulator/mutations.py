"""Defects planted one at a time, to see that tests go red: `python -m tests.emulator.mutations`.

Each is a copy of this repository's emulator, or of its planner, with one text replaced. Prints which test caught it;
exit 1 if one was not caught, 2 if a text to be replaced is not there (once) any more. A word selects defects
by name or file.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTED = ("emulator", "batch", "gem_cache.py", "tests", "conformance", "pyproject.toml")
PYTEST = ("-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "--no-header")
EMULATOR_TESTS, PLANNER_TESTS = "tests/emulator", "tests/batch/planning/test_hints.py"
EXCLUDED_TESTS = ("test_conformance.py", "test_mutations.py")  # the first takes long, the second compares texts


@dataclass(frozen=True)
class Defect:
    """What is broken, where, and how, and which tests are to see it."""

    what: str
    file: str
    old: str
    new: str
    folder: str = "emulator/"
    tests: str = EMULATOR_TESTS

    @property
    def path(self) -> str:
        return f"{self.folder}{self.file}.py"

    def applies_once(self) -> bool:
        return (ROOT / self.path).read_text().count(self.old) == 1


DEFECTS = (
    Defect(
        "keys are lost", "jobs/rows", "for name, value in row.items() if name != ", "for name, value in () if name != "
    ),
    Defect("metadata of inline rows is lost", "jobs/rows", "    if inline:\n", "    if inline:\n        return {}\n"),
    Defect(
        "the order of results is lost", "jobs/execution", "if not shuffled and not self._shuffle_buffer:", "if False:"
    ),
    Defect("results are never shuffled", "jobs/execution", "self._rng.shuffle(self._shuffle_buffer)", "pass"),
    Defect("rows are never duplicated", "jobs/execution", "range(2 if", "range(1 if"),
    Defect("deleting a job does nothing", "jobs/scheduler", "job.deleted = self.state.clock.now()", "pass"),
    Defect("deleting a file does nothing", "api/files", "file.deleted = call.state.clock.now()", "pass"),
    Defect("deleting a cache does nothing", "api/caches", "cache.deleted = call.state.clock.now()", "pass"),
    Defect("cancelling does nothing", "api/batches", "        call.scheduler.cancel(job)", "        pass"),
    Defect(
        "counters stand still",
        "jobs/scheduler",
        "job.good, job.bad = execution.succeeded, execution.failed\n        if execution.done < due:",
        "if execution.done < due:",
    ),
    Defect("a cancel throws results away", "core/settings", 'cancel: str = "recorded"', 'cancel: str = "discard"'),
    Defect(
        "a cancelled job serves on", "jobs/scheduler", "due = _rows_due(job, cancelled)", "due = _rows_due(job, now)"
    ),
    Defect("unserved rows are lost", "jobs/execution", "self._record_row(unserved(line, self.job.inline))", "pass"),
    Defect(
        "a cancel before the start is an internal success",
        "jobs/scheduler",
        "self._end(job, CANCELLED, now, 13, DEFAULT_MESSAGES[13])",
        "self._end(job, SUCCEEDED, now)",
    ),
    Defect("results outlive their job", "jobs/scheduler", "results.deleted = job.deleted", "pass"),
    Defect("progress is always shown", "api/batches", 'state.settings.progress == "stale" and', "False and"),
    Defect("inline results keep their order", "jobs/execution", 'order == "recorded" and large_inline', "False"),
    Defect("media are ready at once", "core/state", "if now < self.processed:", "if False:"),
    Defect("an empty account may spend", "http/call_handler", 'if route.spends and account != "ok":', "if False:"),
    Defect("an empty account may upload", "http/routes", "files.start_upload, spends=True", "files.start_upload"),
    Defect("v1 is always served", "http/call_handler", "return self.state.settings.serve_v1 or not", "return True or"),
    Defect("text is itemised", "answers/respond", 'if kind != "TEXT"', "if kind"),
    Defect(
        "text beside a picture is a picture",
        "answers/candidates",
        '"TEXT", memoized_text_tokens',
        '"IMAGE", memoized_text_tokens',
    ),
    Defect(
        "a document is one on 3.x, too",
        "core/media",
        'return "IMAGE" if model.generation >= 3 else "DOCUMENT"',
        'return "DOCUMENT"',
    ),
    Defect("sound is text", "core/media", 'return "AUDIO", (25', 'return "TEXT", (25'),
    Defect(
        "pictures weigh alike on all models",
        "core/media",
        "    if model.generation >= 3:\n        return _PICTURE_3",
        "    if True:\n        return _PICTURE_3",
    ),
    Defect("answers are not signed", "answers/candidates", "if model.generation >= 3 and thoughts:", "if False:"),
    Defect("embedding-2 counts as 001 does", "jobs/rows", 'if "embedding-2" in model.id:', "if False:"),
    Defect(
        "a stream is refused in JSON",
        "http/call_handler",
        "EVENT_STREAM if is_stream else JSON_CONTENT_TYPE",
        "JSON_CONTENT_TYPE",
    ),
    Defect("levels are taken on 2.5", "schema/config_checks", 'if model.thinking != "level":', "if False:"),
    Defect("every level is taken", "schema/config_checks", "if model.levels and level not in", "if level in"),
    Defect("every budget is taken", "schema/config_checks", "if budget not in (-1, 0) and not least", "if not least"),
    Defect("thinking can always be turned off", "schema/config_checks", "if budget == 0 and not", "if False and not"),
    Defect("outputs have no limit", "schema/config_checks", "if not 1 <= value <= model.output_limit:", "if False:"),
    Defect("a resolution of a part is taken", "schema/checks", "if model.generation < 3 and any(", "if False and any("),
    Defect("functions go with JSON", "schema/tool_checks", '== "application/json":', '== "never":'),
    Defect("functions go with search", "schema/tool_checks", 'if any("googleSearch" in tool', 'if any("never" in tool'),
    Defect("any name is taken", "schema/tool_checks", "if not _NAME.fullmatch(name):", "if False:"),
    Defect("names may be twice", "schema/tool_checks", "if name in names:", "if False:"),
    Defect("any choice is taken", "schema/tool_checks", "if name not in names:", "if False:"),
    Defect(
        "responses are not counted", "schema/tool_checks", "if open_calls and responses != open_calls:", "if False:"
    ),
    Defect("responses need no call", "schema/tool_checks", "if responses and not open_calls:", "if False:"),
    Defect(
        "an exchange may be cut",
        "schema/tool_checks",
        "    if open_calls:\n        raise",
        "    if False:\n        raise",
    ),
    Defect("caches may cut an exchange", "api/caches", "    check_exchange(fields, model,", "    str("),
    Defect(
        "calls need no signature",
        "schema/tool_checks",
        "if calls and not calls[0].get",
        "if False and not calls[0].get",
    ),
    Defect("the model may begin", "schema/tool_checks", 'contents[0].get("role") == "model":', "False:"),
    Defect("objects may be empty", "schema/type_checks", "    if not properties:", "    if False:"),
    Defect(
        "keywords stand beside any type", "schema/type_checks", "if schema.get(keyword) and kind != owner:", "if False:"
    ),
    Defect("any format is taken", "schema/type_checks", 'and schema["format"] not in allowed:', "and False:"),
    Defect("schemas are looked at on top only", "schema/type_checks", "yield from _problems(inner, where)", "pass"),
    Defect("tools' schemas are not looked at", "schema/tool_checks", 'if "parameters" in declaration:', "if False:"),
    Defect(
        "any type of data is taken", "schema/media_checks", 'raise invalid(f"Unsupported MIME type: {mime}")', "return"
    ),
    Defect("types of files are not looked at", "answers/request_scope", "            check_mime_type(file.mime)\n", ""),
    Defect("markup is a picture", "schema/media_checks", 'if mime.startswith("image/"):', "if False:"),
    Defect(
        "inline rows are not looked at",
        "api/batches",
        "    if not job.embed:\n        for row",
        "    if False:\n        for row",
    ),
    Defect("counters are numbers", "api/batches", "{name: str(count) for", "{name: count for"),
    Defect(
        "zero counters are shown",
        "api/batches",
        "for name, count in counters.items() if count}",
        "for name, count in counters.items()}",
    ),
    Defect("failed rows count as good", "jobs/execution", "if row.succeeded:", "if row.line:"),
    Defect(
        "cached tokens are not shown", "answers/respond", 'usage["cachedContentTokenCount"] = cached_tokens', "pass"
    ),
    Defect(
        "cached tokens are not part of the prompt",
        "answers/respond",
        "counts = {m: cached.get(m, 0) + counts.get(m, 0) for m in {**cached, **counts}}",
        "pass",
    ),
    Defect("a second chunk overwrites the first", "api/files", "out.seek(offset)", "out.seek(0)"),
    Defect("offsets of chunks are not looked at", "api/files", "if offset != received:", "if False:"),
    Defect("half an upload is a file", "api/files", "if upload.size is not None and size != upload.size:", "if False:"),
    Defect("files live for ever", "api/files", "now + FILE_LIFE", "now + 1e9"),
    Defect("jobs never expire", "jobs/scheduler", "if now >= job.created + JOB_LIFE and", "if False and"),
    Defect("results are kept for ever", "core/state", "and now < (self.ended or 0) + RESULT_LIFE", ""),
    Defect(
        "caches never expire",
        "core/state",
        "return min(self.expires, self.deleted if self.deleted is not None else self.expires)",
        "return self.deleted if self.deleted is not None else 1e12",
    ),
    Defect(
        "a cache is looked up when the job starts",
        "jobs/execution",
        "self.scope.at = job.starts + step * self.done",
        "self.scope.at = job.starts",
    ),
    Defect(
        "a dead cache is full price",
        "answers/request_scope",
        "raise denied(CACHE_NOT_FOUND_MESSAGE)",
        "return Cache('', '', model, {}, 0, 0, 0)",
    ),
    Defect("the default life of a cache is two hours", "api/caches", "now + HOUR,", "now + 2 * HOUR,"),
    Defect(
        "a patch does not move the expiry",
        "api/caches",
        "cache.expires = _expiry(call.state, fields, now) or cache.expires\n    cache.updated",
        "cache.updated",
    ),
    Defect("small caches are taken", "api/caches", "if total < model.min_explicit:", "if False:"),
    Defect("a cache of another model is taken", "answers/request_scope", "if cache.model != model:", "if False:"),
    Defect(
        "a system instruction may stand beside a cache",
        "answers/respond",
        "if not _CACHE_ONLY_FIELDS.isdisjoint(request):",
        "if False:",
    ),
    Defect(
        "free keys may cache",
        "api/caches",
        'if call.state.settings.free_tier or call.owner.startswith("f"):',
        "if False:",
    ),
    Defect(
        "caches are seen by every key",
        "core/state",
        "if cache is None or cache.owner != owner or not cache.created",
        "if cache is None or not cache.created",
    ),
    Defect(
        "caches are used by every key",
        "answers/request_scope",
        "if cache is None or cache.owner != self.owner or",
        "if cache is None or",
    ),
    Defect(
        "files are seen by every key", "core/state", "if file is None or file.owner != owner or", "if file is None or"
    ),
    Defect(
        "files are used by every key",
        "answers/request_scope",
        "self.state.active_file(self.owner, match[1], self.at)",
        "self.state.active_file(self.state.files[match[1]].owner, match[1], self.at)",
    ),
    Defect("jobs are seen by every key", "api/batches", "job.owner != call.owner or ", ""),
    Defect("listings show every key's things", "core/state", "t.owner == owner and ", ""),
    Defect("listings do not lag", "core/state", " and t.created + self.settings.list_lag_seconds <= now", ""),
    Defect(
        "pages have one thing too many",
        "call/api_call",
        "for item in remaining[:size]]",
        "for item in remaining[: size + 1]]",
    ),
    Defect("the last page has a token", "call/api_call", "if len(remaining) > size:", "if remaining:"),
    Defect("listings hold inlined responses", "api/batches", "    if not full:\n        return {}\n", ""),
    Defect("a new job is running at once", "core/state", "state: str = PENDING", "state: str = RUNNING"),
    Defect("a running job is done", "api/batches", "if job.state in ENDED:", "if job.state != 'BATCH_STATE_PENDING':"),
    Defect(
        "a failed job has no error",
        "jobs/scheduler",
        'job.error = {"code": code, "message": message} if code else None',
        "pass",
    ),
    Defect("times have three digits", "core/clock", "digits: int = 9", "digits: int = 3"),
    Defect(
        "the Date header does not follow the clock",
        "core/clock",
        "formatdate(self.now() + self.skew",
        "formatdate(time.time()",
    ),
    Defect("a skew is not shown", "core/clock", "divmod(moment + self.skew, 1)", "divmod(moment, 1)"),
    Defect(
        "row errors have HTTP codes",
        "core/errors",
        '{"code": self.code, "message": self.message}',
        '{"code": self.http_status, "message": self.message}',
    ),
    Defect(
        "one bad row fails the others",
        "jobs/rows",
        "    except ServiceError as service_error:\n"
        '        return RowResult(orjson.dumps({**result, "error": service_error.row_status()}), False)\n',
        "",
    ),
    Defect("unknown fields are taken", "schema/request_fields", 'raise InvalidField("", field=name)', "continue"),
    Defect(
        "snake_case is refused",
        "schema/request_fields",
        "{_camel: _field, to_snake_case(_camel): _field}",
        "{_camel: _field}",
    ),
    Defect(
        "names in a schema's properties are changed",
        "schema/request_fields",
        "out[key] = reader(item)",
        "out[to_snake_case(key)] = reader(item)",
    ),
    Defect("token counts are constant", "core/text_tokens", "return len(_TOKENS.findall(text))", "return 7"),
    Defect(
        "thoughts are not part of the total",
        "answers/respond",
        "total + output_tokens + thoughts",
        "total + output_tokens",
    ),
    Defect(
        "answers are all alike",
        "answers/respond",
        'crc32(text.encode(errors="replace"), crc32(task_context[:2000].encode(errors="replace")))',
        "1",
    ),
    Defect(
        "answers do not say that they are simulated", "answers/stock_text", 'MARK = "[simulated]"', 'MARK = "[answer]"'
    ),
    Defect("schemas are not followed", "answers/candidates", "    if schema:\n", "    if False:\n"),
    Defect(
        "a range of numbers is not kept",
        "answers/schema_sampler",
        "low, high = _number_range(schema, name, integral=True)",
        "low, high = 0.0, 1e6",
    ),
    Defect(
        "references are not followed",
        "answers/schema_resolver",
        "schema = merge_schemas(self._target(ref), rest)",
        "schema = rest",
    ),
    Defect(
        "implicit hits come unasked",
        "core/settings",
        "implicit_hit_rate: float = 0.0",
        "implicit_hit_rate: float = 1.0",
    ),
    Defect(
        "implicit hits need no earlier prompt",
        "core/implicit_cache",
        "if hit_chars == start and key in self._known_blocks:",
        "if hit_chars == start:",
    ),
    Defect(
        "enqueued tokens are not capped",
        "api/batches",
        "if sum(queued_job.tokens or 0 for queued_job in same_model_jobs) > limit:",
        "if False:",
    ),
    Defect(
        "the queue forgets the other jobs",
        "api/batches",
        "same_model_jobs = [job, *(other for other in active_jobs if other.model == job.model)]",
        "same_model_jobs = [job]",
    ),
    Defect("jobs are not capped", "api/batches", "if len(active_jobs) >= state.settings.max_jobs:", "if False:"),
    Defect("storage has no end", "api/files", "if state.stored_bytes(owner) + size > limit:", "if False:"),
    Defect(
        "a batch 429 names its quota",
        "core/errors",
        "details if details is not None else [HELP_DETAIL]",
        'details or [HELP_DETAIL, {"@type": "type.googleapis.com/google.rpc.QuotaFailure"}]',
    ),
    Defect(
        "retired models run in batches",
        "core/model_list",
        "if model.retired and method in _NEEDS_LIVING:",
        "if False:",
    ),
    Defect("an unknown version is served", "http/routes", "v1|v1beta|v1alpha", "v\\\\w+"),
    Defect("a bad key is taken", "http/auth", '"invalid-": (', '"never-": ('),
    Defect("uploads can be downloaded", "api/files", 'if file.source != "GENERATED":', "if False:"),
    Defect("a download begins at its start", "api/files", "stream.seek(first_byte)", "pass"),
    Defect(
        "single quotes are refused",
        "schema/lenient_json",
        "        try:\n            return orjson.loads(_TOKEN",
        "        try:\n            raise ValueError\n            return orjson.loads(_TOKEN",
    ),
    Defect("answers are not compressed", "call/api_call", 'if "gzip" in request', 'if "never" in request'),
    Defect("an event does not end with an empty line", "api/generate", 'event + b"\\r\\n\\r\\n"', 'event + b"\\r\\n"'),
    Defect(
        "drop_after does nothing before it",
        "http/fault_injection",
        '    """Do it, and close the connection instead of answering."""\n    await handler.answer()\n',
        '    """Do it, and close the connection instead of answering."""\n',
    ),
    Defect(
        "drop_before does it all the same",
        "http/fault_injection",
        '    """Close the connection; nothing happens."""\n',
        "    await handler.answer()\n",
    ),
    Defect(
        "a truncated chunk is lost whole",
        "http/fault_injection",
        "handler.request_body.byte_limit = max_bytes",
        "handler.request_body.byte_limit = 0",
    ),
    Defect("a fault fires for ever", "core/fault_rules", "or self.fired == self.times", ""),
    Defect("a fault skips nothing", "core/fault_rules", "self.seen <= self.after or ", ""),
    Defect(
        "usage is not billed",
        "jobs/scheduler",
        "self.state.store.add_usage(job.name, job.model, long_context, counts)",
        "pass",
    ),
    Defect(
        "interactive calls are not billed",
        "api/generate",
        'call.state.store.add_usage("", model.id, usage[0], [*usage[1:], 1])',
        "pass",
    ),
    Defect("long context is billed like short", "answers/respond", "(total > LONG_CONTEXT, total", "(False, total"),
    Defect(
        "storage of a cache is billed to its expiry",
        "jobs/ledger",
        "min(cache.ends, state.clock.now())",
        "cache.expires",
    ),
    Defect("calls are not counted", "http/call_handler", "state.store.count_call(self.route_match[0].name)", "pass"),
    Defect("nothing is saved", "core/store", '"INSERT OR REPLACE INTO things VALUES (?, ?, ?)"', '"SELECT ?, ?, ?"'),
    Defect(
        "a second emulator starts on the same folder",
        "__main__",
        "if not stack.enter_context(_folder_lock(folder)):",
        "if not stack.enter_context(_folder_lock(folder)) and False:",
    ),
    Defect(
        "reset keeps the jobs",
        "core/state",
        "for collection in (self.files, self.caches, self.jobs, self.uploads):",
        "for collection in (self.files, self.caches, self.uploads):",
    ),
    Defect(
        "an idle engine spins", "jobs/scheduler", "max(0.005, min(due_times) - now) if due_times else None", "0.005"
    ),
    *(
        Defect(f"a hint of the planner forgets {what}", file, old, new, "", PLANNER_TESTS)
        for what, file, old, new in (
            (
                "the smallest size of a cache",
                "gem_cache",
                "usd = plan_survey(survey, self.tariff, options, self.mode).chosen_usd",
                "usd = plan_survey(survey, replace(self.tariff, explicit_minimum=1), options, self.mode).chosen_usd",
            ),
            (
                "how long caches live",
                "gem_cache",
                "options = replace(self.options, counts={}, token",
                "options = replace(self.options, hours=0.0, counts={}, token",
            ),
            (
                "the smallest size of a cache that is to be reached",
                "batch/planning/hints",
                "forest.sums(cached) * min_tokens",
                "forest.sums(cached) * cost_model.length",
            ),
            (
                "how long a cache that is to be reached lives",
                "batch/planning/hints",
                "np.array([min_tokens]), decision.hours)",
                "np.array([min_tokens]), 0.0)",
            ),
        )
    ),
)


def plant(defect: Defect, folder: Path) -> str | None:
    """The first test that a defect turns red in a fresh copy; None if all stay green."""
    for name in TESTED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    path = folder / defect.path
    path.write_text(path.read_text().replace(defect.old, defect.new))
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, *PYTEST, defect.tests, *(f"--ignore=tests/emulator/{name}" for name in EXCLUDED_TESTS)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 0:
        return None
    match = re.search(r"^(?:FAILED|ERROR) \S+?([\w]+\.py\S*)", result.stdout, re.M)
    return match[1] if match else result.stdout[-300:] + result.stderr[-300:]


def main(filters: list[str]) -> int:
    if stale := [defect.what for defect in DEFECTS if not defect.applies_once()]:
        print("these no longer fit the code:", *stale, sep="\n  ")
        return 2
    chosen = [d for d in DEFECTS if not filters or any(word in f"{d.what} {d.file}" for word in filters)]
    survived = 0
    for defect in chosen:
        with tempfile.TemporaryDirectory(prefix="planted-") as folder:
            caught = plant(defect, Path(folder))
        survived += caught is None
        print(f"{'caught' if caught else 'MISSED'}  {defect.what}: {caught or 'no test goes red'}", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
