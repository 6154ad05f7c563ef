"""What stands in the data folder is its owner's alone."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from assembly import open_runner
from lifecycle.storage.data_folder import make_private
from settings import Settings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_folder_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        make_private(tmp_path / "parent" / "data")
    finally:
        os.umask(before)
    assert mode(tmp_path / "parent" / "data") == 0o700


@pytest.mark.parametrize("wider", [0o755, 0o770, 0o777, 0o711])
def test_an_existing_one_is_narrowed(tmp_path: Path, wider: int) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(wider)
    make_private(tmp_path / "data")
    assert mode(tmp_path / "data") == 0o700


def test_a_private_one_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_private(tmp_path / "data")
    monkeypatch.setattr(Path, "chmod", lambda *_: pytest.fail("nothing is to be changed"))
    make_private(tmp_path / "data")


@pytest.mark.parametrize("kind", ["everybody's", "another's"])
def test_one_that_cannot_be_narrowed_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """A shared folder such as /tmp is never taken away from the others."""
    tmp_path.chmod(0o1777 if kind == "everybody's" else 0o755)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if kind == "another's":
        monkeypatch.setattr(Path, "chmod", refuse)
    with caplog.at_level(logging.WARNING):
        make_private(tmp_path)
    assert mode(tmp_path) == (0o1777 if kind == "everybody's" else 0o755)
    assert f"DATA_DIR ({tmp_path}) can be read by other users" in caplog.text


def test_the_runner_makes_it_private(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    runner = open_runner(Settings(data_dir=tmp_path / "data"))
    runner.close()
    assert mode(tmp_path / "data") == 0o700
