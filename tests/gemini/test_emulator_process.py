"""The rehearsal server comes back by itself, whoever started it, and has forgotten nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gemini import emulator_process
from gemini.client import GeminiClient
from gemini.emulator_process import EmulatorProcess
from gemini.wire import inline_batch_body
from lifecycle.storage.keyring import Keyring
from tests.patience import PATIENCE_SECONDS

BATCH = inline_batch_body("kept", [("a", {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]})])


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EmulatorProcess]]:
    """Rehearsals of one folder: the first starts the server, the second finds it."""
    monkeypatch.setattr(emulator_process, "LIVENESS_SECONDS", 0.0)
    both = [EmulatorProcess(tmp_path, "instant"), EmulatorProcess(tmp_path, "instant")]
    yield both
    kill(both[0])
    kill(both[1])


def kill(one: EmulatorProcess) -> None:
    """End the server that this one started, if it did."""
    if one._process is not None:
        one._process.kill()
        one._process.wait(timeout=PATIENCE_SECONDS)


def test_a_second_process_finds_the_server_of_the_first(started: list[EmulatorProcess]) -> None:
    assert started[0].base_url() == started[1].base_url()


@pytest.mark.parametrize("who", [0, 1], ids=["who started it", "who found it"])
def test_a_killed_server_is_started_again_on_its_state(started: list[EmulatorProcess], who: int) -> None:
    for one in started:
        one.base_url()
    keyring = Keyring(b"salt", lambda key, _: GeminiClient(key, started[who].base_url()), started[who].base_url)
    owner = keyring.add("rehearsal-one", rehearsal=True).owner_id
    before = keyring.client(owner)
    assert before is not None and keyring.client(owner) is before
    made = before.create_batch("gemini-3.8-flash", BATCH)["name"]
    kill(started[0])
    after = keyring.client(owner)
    assert after is not None and after.get_batch(made)["metadata"]["displayName"] == "kept"
