"""What the documents say is checked: the settings and their example are the same names in the same order."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from batch.errors import InputError
from settings import Settings, load

ROOT = Path(__file__).parents[1]


def test_the_example_names_every_setting_in_order() -> None:
    named = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M)
    assert named == [f.name.upper() for f in fields(Settings)]


def test_the_example_gives_the_defaults() -> None:
    pairs = re.findall(r"^([A-Z_]+)=(.+)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M)
    assert load(dict(pairs)) == load({})


def test_secrets_have_no_repr() -> None:
    assert "s3cret" not in repr(load({"GEMINI_API_KEY": "s3cret", "COOKIE_SECRET": "s3cret", "DATABASE_URL": "s3cret"}))


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="LEASE_SECONDS"):
        load({"LEASE_SECONDS": "soon"})


def test_postgresql_urls_use_the_driver_we_install() -> None:
    assert load({"DATABASE_URL": "postgresql://u@h/d"}).database == "postgresql+psycopg://u@h/d"
    assert load({}).database.startswith("sqlite:///")
