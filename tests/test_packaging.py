"""What is installed is what is here: dependencies, modules, and the folder that an installation works in."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from settings import home_folder
from tests.test_architecture import FOLDERS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements_in(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    texts = (line.partition("#")[0].strip() for line in lines)
    return [Requirement(text) for text in texts if text and not text.startswith("-")]


@pytest.mark.parametrize(
    ("wanted", "lock"),
    [
        ("requirements.txt", "requirements.lock"),
        ("requirements.txt", "requirements-dev.lock"),
        ("requirements-dev.txt", "requirements-dev.lock"),
    ],
)
def test_the_lock_has_every_requirement_at_a_version_that_is_allowed(wanted: str, lock: str) -> None:
    locked = {_normal(pin.name): str(pin.specifier).removeprefix("==") for pin in requirements_in(lock)}
    for requirement in requirements_in(wanted):
        assert requirement.specifier.contains(locked[_normal(requirement.name)]), f"{requirement}: make lock"


def test_tests_run_on_what_users_run_on() -> None:
    """No package has one version in one lock and another in the other."""
    tested = {str(pin) for pin in requirements_in("requirements-dev.lock")}
    assert {str(pin) for pin in requirements_in("requirements.lock")} <= tested


def test_what_streamlit_needs_for_a_login_is_installed() -> None:
    """Streamlit brings it along only when asked: as an extra, whose requirements are therefore ours."""
    locked = {_normal(pin.name): str(pin.specifier).removeprefix("==") for pin in requirements_in("requirements.lock")}
    needed = [Requirement(text) for text in requires("streamlit") or [] if "extra ==" in text]
    for_login = [need for need in needed if need.marker and need.marker.evaluate({"extra": "auth"})]
    assert for_login
    for requirement in for_login:
        assert requirement.specifier.contains(locked[_normal(requirement.name)]), f"{requirement}: requirements.txt"


def test_the_wheel_has_every_module_of_the_product() -> None:
    included = {
        name.removesuffix(".py") for name in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    }
    assert included == {*FOLDERS, "emulator", ".streamlit/config.toml"}


def test_a_checkout_works_beside_its_code() -> None:
    assert home_folder(ROOT, {"XDG_DATA_HOME": "/elsewhere"}) == ROOT


def test_an_installation_works_in_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert home_folder(tmp_path, {"XDG_DATA_HOME": "/elsewhere"}) == Path("/elsewhere/gemini-batch")
    assert home_folder(tmp_path, {}) == Path.home() / ".local" / "share" / "gemini-batch"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
