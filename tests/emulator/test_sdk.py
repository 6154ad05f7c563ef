"""Google's own Python client against the emulator: what it makes of the answers, file and inline, sync and async."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.emulator_process import EmulatorProcess

MODEL = "gemini-2.5-flash"


@pytest.fixture
def sdk(emulator: EmulatorProcess) -> Iterator[genai.Client]:
    client = genai.Client(api_key="sdk-key", http_options=types.HttpOptions(base_url=emulator.base_url))
    yield client
    client.close()


def input_file(folder: Path, rows: int = 3) -> Path:
    path = folder / "input.jsonl"
    lines = [{"key": f"k{i}", "request": {"contents": [{"parts": [{"text": f"Row {i}"}]}]}} for i in range(rows)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_file_batch_from_upload_to_download(sdk: genai.Client, emulator: EmulatorProcess, tmp_path: Path) -> None:
    file = sdk.files.upload(file=str(input_file(tmp_path)), config={"mime_type": "jsonl", "display_name": "rows"})
    assert (file.display_name, file.state) == ("rows", types.FileState.ACTIVE)
    job = sdk.batches.create(model=MODEL, src=str(file.name), config={"display_name": "my job"})
    assert (job.state, job.model) == (types.JobState.JOB_STATE_PENDING, f"models/{MODEL}")
    assert not job.done
    emulator.clock(1)
    job = sdk.batches.get(name=str(job.name))
    assert (job.state, job.display_name, job.done) == (types.JobState.JOB_STATE_SUCCEEDED, "my job", True)
    assert job.dest and job.dest.file_name
    rows = [json.loads(line) for line in sdk.files.download(file=job.dest.file_name).splitlines()]
    assert [row["key"] for row in rows] == ["k0", "k1", "k2"]
    sdk.batches.delete(name=str(job.name))
    with pytest.raises(errors.ClientError, match="NOT_FOUND"):
        sdk.batches.get(name=str(job.name))


def test_an_inline_batch_keeps_metadata_and_text(sdk: genai.Client, emulator: EmulatorProcess) -> None:
    asked: list[Any] = [
        {"contents": [{"role": "user", "parts": [{"text": f"Row {i}"}]}], "metadata": {"key": f"k{i}"}}
        for i in range(3)
    ]
    asked[1]["contents"][0]["parts"][0]["text"] = "[[emulate: error:13]]"
    job = sdk.batches.create(model=MODEL, src=asked)
    emulator.clock(1)
    job = sdk.batches.get(name=str(job.name))
    assert job.dest and job.dest.inlined_responses
    first, failed, _ = job.dest.inlined_responses
    assert [r.metadata for r in job.dest.inlined_responses] == [{"key": f"k{i}"} for i in range(3)]
    assert first.response and "[simulated]" in str(first.response.text)
    assert failed.error and (failed.error.code, failed.response) == (13, None)


def test_cancel_and_list(sdk: genai.Client, emulator: EmulatorProcess) -> None:
    emulator.settings(pace=100)
    names = [str(sdk.batches.create(model=MODEL, src=[types.InlinedRequest(contents="hi")] * 2).name) for _ in range(3)]
    sdk.batches.cancel(name=names[0])
    assert sdk.batches.get(name=names[0]).state == types.JobState.JOB_STATE_CANCELLED
    listed = {job.name: job for job in sdk.batches.list(config={"page_size": 2})}
    assert set(listed) == set(names)


def test_embeddings_in_a_batch(sdk: genai.Client, emulator: EmulatorProcess) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client says that this call is experimental
        source: Any = {"inlined_requests": {"contents": ["one", "two"], "config": {"output_dimensionality": 8}}}
        job = sdk.batches.create_embeddings(model="gemini-embedding-001", src=source)
    emulator.clock(1)
    job = sdk.batches.get(name=str(job.name))
    assert job.dest and job.dest.inlined_embed_content_responses
    answers = [r.response for r in job.dest.inlined_embed_content_responses]
    assert [len(a.embedding.values) for a in answers if a and a.embedding and a.embedding.values] == [8, 8]


def test_the_life_of_a_cache(sdk: genai.Client) -> None:
    config: Any = {"contents": ["word " * 2000], "system_instruction": "be brief", "ttl": "600s"}
    created_cache = sdk.caches.create(model=MODEL, config=config)
    assert created_cache.usage_metadata and created_cache.usage_metadata.total_token_count == 2004
    used = sdk.models.generate_content(model=MODEL, contents="hi", config={"cached_content": created_cache.name})
    assert used.usage_metadata and used.usage_metadata.cached_content_token_count == 2004
    later = sdk.caches.update(name=str(created_cache.name), config={"ttl": "900s"})
    assert later.expire_time and created_cache.expire_time and later.expire_time > created_cache.expire_time
    assert [cache.name for cache in sdk.caches.list()] == [created_cache.name]
    sdk.caches.delete(name=str(created_cache.name))
    with pytest.raises(errors.ClientError, match="PERMISSION_DENIED"):
        sdk.caches.get(name=str(created_cache.name))


def test_generate_stream_count_embed_and_models(sdk: genai.Client) -> None:
    answer = sdk.models.generate_content(model=MODEL, contents="Say something")
    pieces = list(sdk.models.generate_content_stream(model=MODEL, contents="Say something"))
    assert len(pieces) >= 3
    assert "".join(str(piece.text) for piece in pieces) == answer.text
    fox = "The quick brown fox jumps over the lazy dog."
    assert sdk.models.count_tokens(model=MODEL, contents=fox).total_tokens == 11
    texts: Any = ["a", "b"]
    embedded = sdk.models.embed_content(model="gemini-embedding-001", contents=texts)
    assert embedded.embeddings and len(embedded.embeddings) == 2
    actions = {m.name: m.supported_actions or [] for m in sdk.models.list()}
    assert "batchGenerateContent" in actions["models/gemini-3.8-flash"]


def test_structured_output_is_parsed(sdk: genai.Client) -> None:
    schema = {"type": "OBJECT", "properties": {"label": {"type": "STRING"}, "n": {"type": "INTEGER"}}}
    config: Any = {"response_mime_type": "application/json", "response_schema": schema}
    answer = sdk.models.generate_content(model=MODEL, contents="x", config=config)
    assert isinstance(answer.parsed, dict)
    assert set(answer.parsed) == {"label", "n"}


def test_errors_keep_code_and_status(emulator: EmulatorProcess) -> None:
    client = genai.Client(api_key="invalid-1", http_options=types.HttpOptions(base_url=emulator.base_url))
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=MODEL, contents="x")
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    client.close()


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # the client's own
@pytest.mark.asyncio
async def test_the_asynchronous_half_works_too(emulator: EmulatorProcess, tmp_path: Path) -> None:
    made = genai.Client(api_key="sdk-key", http_options=types.HttpOptions(base_url=emulator.base_url))
    async with made.aio as sdk:
        file = await sdk.files.upload(file=str(input_file(tmp_path)), config={"mime_type": "application/jsonl"})
        job = await sdk.batches.create(model=MODEL, src=str(file.name))
        emulator.clock(1)
        job = await sdk.batches.get(name=str(job.name))
        assert job.dest
        raw = await sdk.files.download(file=str(job.dest.file_name))
        assert len(raw.splitlines()) == 3
    made.close()
