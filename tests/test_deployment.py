"""The image and the compose file, as far as they can be tried without a container engine: the image's steps are run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import orjson
import pytest

from settings import Settings
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[1]
STEPS = [line.split(" ", 1) for line in (ROOT / "Dockerfile").read_text().splitlines() if line and line[0] != "#"]
COMPOSE = (ROOT / "compose.yaml").read_text()
CADDY = (ROOT / "deploy" / "Caddyfile").read_text()


def step(name: str) -> str:
    """The last step of this name."""
    return [text for kind, text in STEPS if kind == name][-1]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What `COPY . .` copies, without what .dockerignore names."""
    ignored = [line.removeprefix("**/") for line in (ROOT / ".dockerignore").read_text().split()]
    shutil.copytree(ROOT, tmp_path / "app", ignore=shutil.ignore_patterns(*ignored), symlinks=True)
    return tmp_path / "app"


@pytest.fixture
def served(image: Path) -> Iterator[str]:
    """The page as the image starts it, with what the compose file sets, but for a port that is free and SQLite."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [word.replace("8501", str(port)).replace("0.0.0.0", "127.0.0.1") for word in orjson.loads(step("CMD"))]
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
        **dict(pair.split("=", 1) for pair in shlex.split(step("ENV"))),
        "DATA_DIR": str(image.parent / "data"),
        "ALLOWED_HOSTS": "batch.firm.test,127.0.0.1",
        "GEMINI_API_KEY": "made-up-key-of-the-house",
        "LOGIN": "proxy",
        "LOGIN_HEADER": "X-Forwarded-User",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    with subprocess.Popen([sys.executable, "-m", *command], cwd=image, env=environment) as process:
        try:
            url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE_SECONDS
            while not is_answered(f"{url}/_stcore/health", {}):
                assert process.poll() is None and time.monotonic() < deadline, "the page did not start"
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            process.wait()


def is_answered(url: str, headers: dict[str, str]) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as reply:
            return bool(reply.status == 200)
    except urllib.error.URLError:
        return False


def test_the_image_serves_the_page_to_who_has_logged_in_and_to_nobody_else(served: str, image: Path) -> None:
    """Its health check, the proxy's header, and what a stranger sends; the data folder is private."""
    check = orjson.loads(step("HEALTHCHECK").partition("CMD ")[2])[2].replace("http://127.0.0.1:8501", served)
    subprocess.run([sys.executable, "-c", check], check=True)
    host = {"Host": "batch.firm.test"}
    assert not is_answered(served, host)
    assert is_answered(served, host | {"X-Forwarded-User": "ann", "X-Forwarded-For": "203.0.113.9"})
    assert not is_answered(served, {"Host": "evil.example", "X-Forwarded-User": "ann"})
    assert (image.parent / "data").stat().st_mode & 0o077 == 0


def test_nothing_secret_or_large_gets_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "data", ".venv", "deploy/env"} <= set(ignored)
    assert "deploy/env" in (ROOT / ".gitignore").read_text().split()


def test_the_page_runs_as_nobody_special_and_only_the_proxy_is_reachable() -> None:
    assert step("USER") == "runner"
    services = dict(re.findall(r"^  (\w+):\n((?:    .*\n|\n)+)", COMPOSE.partition("services:")[2], re.M))
    assert {name for name, text in services.items() if "ports:" in text} == {"proxy"}
    assert "LOGIN: proxy" in services["page"]


def test_settings_and_files_that_are_named_are_there() -> None:
    """In the compose file, the proxy's file and the example: no name is a slip."""
    named = set(re.findall(r"\$\{(\w+)[:}]", COMPOSE)) | set(re.findall(r"\{\$(\w+)\}", CADDY))
    example = set(re.findall(r"^([A-Z_]+)=", (ROOT / "deploy" / "env.example").read_text(), re.M))
    assert named <= example
    page = COMPOSE.partition("  page:")[2].partition("  database:")[0]
    settings = {field.name.upper() for field in fields(Settings)}
    assert set(re.findall(r"^      ([A-Z_]+):", page, re.M)) <= settings | {"FORWARDED_ALLOW_IPS"}
    assert (ROOT / "deploy" / "Caddyfile").is_file() and "./deploy/Caddyfile:" in COMPOSE


def test_what_a_visitor_sends_as_his_name_does_not_pass_the_proxy() -> None:
    """The header is set, which replaces; one that is added or removed would not be what the page believes."""
    assert re.findall(r"header_up (\S+) (\S+)", CADDY) == [("X-Forwarded-User", "{http.auth.user.id}")]
    assert "basic_auth" in CADDY
