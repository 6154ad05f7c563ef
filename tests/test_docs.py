"""What the documents say is checked: the settings and their example are the same names in the same order."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from batch.errors import InputError
from settings import Settings, load
from tests.test_architecture import FOLDERS, ROOMS

ROOT = Path(__file__).parents[1]


def test_the_example_names_every_setting_in_order() -> None:
    named = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M)
    assert named == [f.name.upper() for f in fields(Settings)]


def test_the_example_gives_the_defaults() -> None:
    pairs = re.findall(r"^([A-Z_]+)=(.+)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M)
    assert load(dict(pairs)) == load({})


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"\]\(((?!https?:)[^)#]+)\)|`((?:[a-z_]+/)+[a-z_]+\.(?:py|md|toml|sh))`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = [link or path for link, path in NAMED.findall(page.read_text(encoding="utf-8"))]
    absent = [name for name in named if not any((base / name).exists() for base in (page.parent, ROOT))]
    assert not absent


def readme_tree() -> dict[str, str]:
    """Path and sentence of every line of the README's tree."""
    block = re.search(r"```\n(main\.py .*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert block, "the README has no tree"
    tree: dict[str, str] = {}
    parents: list[str] = []
    for line in block[1].splitlines():
        name, _, sentence = line.strip().partition("  ")
        parents = [*parents[: (len(line) - len(line.lstrip())) // 2], name]
        tree["".join(parents)] = sentence.strip()
    return tree


def test_the_readme_has_every_room_with_its_own_sentence() -> None:
    tree = readme_tree()
    for room in ROOMS:
        path = ROOT / room.replace(".", "/")
        name = path.relative_to(ROOT).as_posix() + ("/" if path.is_dir() else ".py")
        assert name in tree, f"README: {name} is missing in the tree"
        if path.is_dir():
            docstring = ast.get_docstring(ast.parse((path / "__init__.py").read_text(encoding="utf-8"))) or ""
            sentence = " ".join(docstring.partition("\n\n")[0].split()).removesuffix(".")
            assert tree[name].lower() == sentence.lower(), f"README: {name}  {sentence}"


def test_everything_in_the_readmes_tree_is_there() -> None:
    absent = [path for line in readme_tree() for path in line.split() if not (ROOT / path).exists()]
    assert not absent
    assert {f"{folder}/" if (ROOT / folder).is_dir() else f"{folder}.py" for folder in FOLDERS} <= readme_tree().keys()


def test_the_makefile_has_every_command_of_the_readme() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    assert "run" in named and named <= targets


def test_the_pictures_are_those_that_the_script_makes() -> None:
    shown = set(re.findall(r"docs/screenshots/([\w-]+)\.png", (ROOT / "README.md").read_text(encoding="utf-8")))
    kept = {path.stem for path in (ROOT / "docs" / "screenshots").glob("*.png")}
    made = (ROOT / "scripts" / "screenshots.py").read_text(encoding="utf-8")
    assert shown and shown <= kept
    assert kept == set(re.findall(r'"(\w+-\d+-(?:light|dark))"', made))


def test_secrets_have_no_repr() -> None:
    assert "s3cret" not in repr(load({"GEMINI_API_KEY": "s3cret", "COOKIE_SECRET": "s3cret", "DATABASE_URL": "s3cret"}))


def test_a_number_that_is_none_is_named() -> None:
    with pytest.raises(InputError, match="LEASE_SECONDS"):
        load({"LEASE_SECONDS": "soon"})


def test_postgresql_urls_use_the_driver_we_install() -> None:
    assert load({"DATABASE_URL": "postgresql://u@h/d"}).database == "postgresql+psycopg://u@h/d"
    assert load({}).database.startswith("sqlite:///")
