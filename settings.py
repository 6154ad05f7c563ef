"""Every setting, read once from the environment (and `.env`); `.env.example` lists the same names."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from dotenv import dotenv_values

from batch.errors import InputError


def home_folder(code: Path, environ: Mapping[str, str]) -> Path:
    """Where `.env` and `data` are: beside the code in a checkout; once installed, in a folder of the user's own."""
    if (code / "pyproject.toml").exists():
        return code
    if sys.platform == "win32":
        place = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        place = Path.home() / "Library" / "Application Support"
    else:
        place = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return place / "gemini-batch"


LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
HOME = home_folder(Path(__file__).resolve().parent, os.environ)


@dataclass(frozen=True)
class Settings:
    """Plain values; secrets have no repr. Each field is the environment variable of the same name in capitals."""

    gemini_api_key: str = field(default="", repr=False)
    google_gemini_base_url: str = ""
    gemini_api_version: str = ""
    data_dir: Path = HOME / "data"
    database_url: str = field(default="", repr=False)
    catalog_file: str = ""
    cookie_secret: str = field(default="", repr=False)
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1")
    login: str = ""
    login_header: str = "X-Forwarded-User"
    login_allowed: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    request_timeout_seconds: float = 60.0
    settle_seconds: float = 60.0
    lease_seconds: float = 15.0
    workers: int = 6
    gemini_tier: str = "1"
    rehearsal_pace: str = "realistic"
    run_retention_days: float = 0.0
    user_monthly_usd: float = 0.0
    owner_disk_gb: float = 24.0
    try_first_usd: float = 5.0

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the store: DATABASE_URL, or a SQLite file under DATA_DIR."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir / 'runs.db'}"
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read the settings; a variable of the environment wins over the same name in `.env`.

    Raises InputError naming the variable when a value cannot be used.
    """
    dotenv_file = dotenv_values(env_file or HOME / ".env") if environ is None else {}
    variables = {**{k: v for k, v in dotenv_file.items() if v}, **(os.environ if environ is None else environ)}
    values = {
        f.name: _parse(f.name, variables[f.name.upper()]) for f in fields(Settings) if variables.get(f.name.upper())
    }
    return Settings(**values)  # type: ignore[arg-type]  # _parse returns each field's own type


def _parse(name: str, text: str) -> object:
    """Turn a variable's text into its field's type."""
    if name == "data_dir":
        return Path(text).expanduser().resolve()
    if name in ("allowed_hosts", "login_allowed", "trusted_proxies"):
        return tuple(word.strip() for word in text.split(",") if word.strip())
    if name == "login":
        return _login(text.strip().lower())
    if name in ("request_timeout_seconds", "settle_seconds", "lease_seconds", "owner_disk_gb"):
        return _positive_number(name, text)
    if name in ("run_retention_days", "user_monthly_usd", "try_first_usd"):
        return 0.0 if text.strip() in ("0", "0.0") else _positive_number(name, text)
    return int(_positive_number(name, text)) if name == "workers" else text.strip()


def require_login(settings: Settings) -> None:
    """Refuse to show a page to others that anybody could spend with. Raises InputError with the remedy."""
    is_beyond = any(host.strip("[]") not in LOOPBACK_HOSTS for host in settings.allowed_hosts)
    if is_beyond and settings.gemini_api_key and not settings.login:
        raise InputError(
            "GEMINI_API_KEY is set, and ALLOWED_HOSTS lets others in: whoever opens the page could spend with it.",
            "Have them log in (LOGIN=oidc or LOGIN=proxy), or leave GEMINI_API_KEY empty and each types a key.",
        )
    if settings.login == "oidc" and not settings.login_allowed:
        raise InputError(
            "LOGIN=oidc would let in whoever has an account at the provider.",
            "Set LOGIN_ALLOWED to addresses or @domains, or to * if the provider knows only your people.",
        )
    if settings.login == "oidc" and any(importlib.util.find_spec(name) is None for name in ("authlib", "httpx")):
        raise InputError(
            "LOGIN=oidc needs the packages Authlib and httpx.", "Install what requirements.lock names again."
        )
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise InputError(
                f"TRUSTED_PROXIES names {proxy!r}, which is no address.", "Write addresses or networks: 10.0.0.0/8."
            ) from None


def _login(text: str) -> str:
    if text not in ("oidc", "proxy"):
        raise InputError(f"LOGIN is {text!r}.", "Write oidc, proxy, or nothing.")
    return text


def _positive_number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if number <= 0:
        raise InputError(f"{name.upper()} is {text!r}, which is not a number above 0.", "Correct it in .env.")
    return number
