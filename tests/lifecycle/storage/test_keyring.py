"""Keys are held while they are needed, and gone when they are not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lifecycle.core.models import Visitor
from lifecycle.storage.keyring import USER_PREFIX, Keyring


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(key: str, rehearsal: bool) -> Any:
    made = SimpleNamespace(key=key, base_url="", is_shut=False)
    made.shut = lambda: setattr(made, "is_shut", True)
    return made


@pytest.fixture
def keyring(clock: Clock) -> Keyring:
    return Keyring(b"salt", client, clock=clock)


def test_a_dropped_key_is_nowhere_and_its_client_sends_nothing(keyring: Keyring) -> None:
    owner = keyring.add("made-up-key", rehearsal=False).owner_id
    made: Any = keyring.client(owner)
    keyring.remove(owner)
    keyring.remove(owner)
    assert made.is_shut and keyring.client(owner) is None and keyring.owners() == [] and not keyring.touch(owner)
    assert "made-up-key" not in repr(vars(keyring))


def test_a_key_that_is_dropped_while_its_client_is_made_is_not_used(clock: Clock) -> None:
    def connect(key: str, rehearsal: bool) -> Any:
        keyring.remove(owner)
        return client(key, rehearsal)

    keyring = Keyring(b"salt", connect, clock=clock)
    owner = keyring.add("made-up-key", rehearsal=False).owner_id
    assert keyring.client(owner) is None and keyring.client(owner) is None


def test_the_installations_own_key_is_never_dropped(keyring: Keyring, clock: Clock) -> None:
    """Not even when a visitor types the same one."""
    owner = keyring.add("made-up-key", rehearsal=False, permanent=True).owner_id
    keyring.add("made-up-key", rehearsal=False)
    keyring.remove(owner)
    clock.now = 1e6
    assert keyring.has_key(owner) and keyring.idle_owners(3600) == []


@pytest.mark.parametrize("use", ["touch", "client"])
def test_a_key_is_idle_an_hour_after_its_last_use(keyring: Keyring, clock: Clock, use: str) -> None:
    owner = keyring.add("made-up-key", rehearsal=False).owner_id
    clock.now = 3000
    getattr(keyring, use)(owner)
    clock.now = 6500
    assert keyring.idle_owners(3600) == []
    clock.now = 6601
    assert keyring.idle_owners(3600) == [owner]


def test_no_representation_shows_a_key(keyring: Keyring) -> None:
    keyring.add("made-up-key", rehearsal=False)
    assert "made-up-key" not in repr(vars(keyring))


def test_users_of_the_installations_key_have_runs_of_their_own(keyring: Keyring) -> None:
    """The same person in any case; a key that somebody typed is one owner, whoever types it."""

    def owner(user: str, *, permanent: bool = True) -> str:
        return keyring.add("made-up-key", False, permanent=permanent, visitor=Visitor(user)).owner_id

    house, ann, bea = owner(""), owner("ann@firm.test"), owner("bea@firm.test")
    assert len({house, ann, bea}) == 3 and owner("Ann@Firm.test") == ann
    assert owner("ann@firm.test", permanent=False) == house
    assert keyring.identity(house) == "" and keyring.identity(ann).startswith(USER_PREFIX)
    assert "ann" not in keyring.identity(ann)


def test_a_users_runs_are_taken_up_after_a_restart(keyring: Keyring, clock: Clock) -> None:
    """By what is in the run's row, if it fits the installation's key; never under another one."""
    ann = keyring.add("made-up-key", False, permanent=True, visitor=Visitor("ann")).owner_id
    user_id = keyring.identity(ann).removeprefix(USER_PREFIX)
    for key, permanent, held in (("made-up-key", True, True), ("another", True, False), ("made-up-key", False, False)):
        restarted = Keyring(b"salt", client, clock=clock)
        restarted.add(key, False, permanent=permanent)
        restarted.add_user(ann, user_id)
        assert restarted.has_key(ann) is held
