"""Settings: read once, checked by name, secrets never shown."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import pytest

import settings
from batch.errors import InputError
from settings import Settings, home_folder, load, require_login


def test_nothing_set_is_a_working_installation() -> None:
    loaded = load({})
    assert loaded == Settings()
    assert loaded.database == f"sqlite:///{loaded.data_dir / 'runs.db'}"
    assert loaded.allowed_hosts == ("localhost", "127.0.0.1")


def test_each_variable_sets_its_field(tmp_path: Path) -> None:
    loaded = load(
        {
            "GEMINI_API_KEY": " made-up ",
            "DATA_DIR": str(tmp_path / "data"),
            "DATABASE_URL": "postgresql://host/db",
            "ALLOWED_HOSTS": "runner.example.org, ,localhost",
            "WORKERS": "3",
            "LEASE_SECONDS": "2.5",
            "UNRELATED": "x",
        }
    )
    assert loaded.gemini_api_key == "made-up"
    assert loaded.data_dir == tmp_path / "data"
    assert loaded.database == "postgresql+psycopg://host/db"
    assert loaded.allowed_hosts == ("runner.example.org", "localhost")
    assert (loaded.workers, loaded.lease_seconds) == (3, 2.5)


def test_secrets_are_not_printed() -> None:
    shown = repr(load({"GEMINI_API_KEY": "made-up", "COOKIE_SECRET": "hush", "DATABASE_URL": "postgresql://u:p@h/d"}))
    assert not any(secret in shown for secret in ("made-up", "hush", "u:p"))


@pytest.mark.parametrize(("name", "text"), [("WORKERS", "many"), ("LEASE_SECONDS", "0"), ("SETTLE_SECONDS", "-1")])
def test_a_bad_value_names_its_variable(name: str, text: str) -> None:
    with pytest.raises(InputError, match=name):
        load({name: text})


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("GEMINI_TIER=2\nREHEARSAL_PACE=instant\nWORKERS=\n")
    monkeypatch.setenv("GEMINI_TIER", "3")
    monkeypatch.delenv("REHEARSAL_PACE", raising=False)
    monkeypatch.delenv("WORKERS", raising=False)
    loaded = load(env_file=file)
    assert (loaded.gemini_tier, loaded.rehearsal_pace, loaded.workers) == ("3", "instant", Settings().workers)


def test_home_is_the_checkout_or_a_folder_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert home_folder(tmp_path, {}) == tmp_path
    monkeypatch.setattr(sys, "platform", "linux")
    installed = tmp_path / "site-packages"
    assert home_folder(installed, {"XDG_DATA_HOME": "/srv/data"}) == Path("/srv/data/gemini-batch")
    assert home_folder(installed, {}) == Path.home() / ".local" / "share" / "gemini-batch"


def test_every_setting_stands_in_the_example() -> None:
    example = (Path(settings.__file__).parent / ".env.example").read_text(encoding="utf-8")
    assert [field.name for field in fields(Settings) if field.name.upper() not in example] == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"GEMINI_API_KEY": "k", "ALLOWED_HOSTS": "batch.firm.test"}, "could spend with it"),
        ({"GEMINI_API_KEY": "k", "ALLOWED_HOSTS": "localhost,*"}, "could spend with it"),
        ({"LOGIN": "oidc"}, "LOGIN_ALLOWED"),
        ({"LOGIN": "proxy", "TRUSTED_PROXIES": "proxy.firm.test"}, "no address"),
    ],
)
def test_a_page_that_others_could_spend_with_is_not_served(variables: dict[str, str], words: str) -> None:
    with pytest.raises(InputError) as caught:
        require_login(load(variables))
    assert words in caught.value.describe() and caught.value.remedy


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"GEMINI_API_KEY": "k"},
        {"GEMINI_API_KEY": "k", "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]"},
        {"ALLOWED_HOSTS": "batch.firm.test"},
        {"GEMINI_API_KEY": "k", "ALLOWED_HOSTS": "batch.firm.test", "LOGIN": "Proxy", "TRUSTED_PROXIES": "10.0.0.0/8"},
    ],
)
def test_other_pages_are_served(variables: dict[str, str]) -> None:
    require_login(load(variables))


def test_a_login_whose_package_is_missing_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    configured = load({"LOGIN": "oidc", "LOGIN_ALLOWED": "@firm.test"})
    require_login(configured)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="Authlib"):
        require_login(configured)


def test_an_unknown_login_is_named() -> None:
    with pytest.raises(InputError, match="LOGIN is 'password'"):
        load({"LOGIN": "password"})
