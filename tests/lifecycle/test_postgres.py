"""The same store on a real PostgreSQL: the same promises, the database's clock, and no two claims of one run."""

from __future__ import annotations

import itertools
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from lifecycle.storage import store as store_module
from lifecycle.storage.store import Store
from tests.lifecycle.storage import test_migrations
from tests.lifecycle.storage import test_run_table as table_on_sqlite
from tests.lifecycle.storage import test_store as on_sqlite
from tests.lifecycle.storage.test_store import run_record

SAME = [name for name in vars(on_sqlite) if name.startswith("test_") and "processes" not in name]
numbers = itertools.count()


@pytest.fixture
def url(server: str) -> str:
    """A database of the test's own."""
    name = f"test{next(numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("postgresql://postgres@/postgres", f"postgresql+psycopg://postgres@/{name}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    made = Store(url)
    yield made
    made.close()


@pytest.mark.parametrize("name", SAME)
def test_the_store_keeps_its_promises_here_too(store: Store, name: str) -> None:
    test: Callable[[Store], None] = getattr(on_sqlite, name)
    test(store)


def test_the_table_of_runs_is_the_same_here(store: Store) -> None:
    table_on_sqlite.test_every_order_is_pythons_and_pages_lose_nothing(store, 1)


TABLE = [name for name in vars(table_on_sqlite) if name.startswith("test_") and "order" not in name]


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_runs_keeps_its_promises_here_too(store: Store, name: str) -> None:
    test: Callable[[Store], None] = getattr(table_on_sqlite, name)
    test(store)


def test_many_processes_that_start_at_once_agree_on_schema_and_constants(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: Store(url), range(8)))
        values = set(pool.map(lambda s: s.get_or_create_setting("salt", lambda: str(time.monotonic_ns())), stores))
        list(pool.map(lambda s: s.set_setting("served_at", str(time.time())), stores))
    assert len(values) == 1
    for store in stores:
        store.close()


def test_no_run_is_claimed_twice_at_once(url: str) -> None:
    stores = [Store(url) for _ in range(4)]
    for n in range(40):
        stores[0].add_run(run_record(f"r{n}"))

    def claim(store: Store) -> list[str]:
        claimed = []
        while row := store.claim(["a"], 60):
            claimed.append(row.id)
        return claimed

    with ThreadPoolExecutor(4) as pool:
        claimed = [run_id for ids in pool.map(claim, stores) for run_id in ids]
    assert sorted(claimed) == sorted(f"r{n}" for n in range(40))
    for store in stores:
        store.close()


def test_leases_are_counted_by_the_databases_clock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica whose own clock is a day ahead cannot take a live lease."""
    store.add_run(run_record("r1"))
    assert store.claim(["a"], 60)
    monkeypatch.setattr(store_module, "time", SimpleNamespace(time=lambda: time.time() + 86_400))
    assert store.claim(["a"], 60) is None
    assert abs(store.now() - time.time()) < 60


def test_a_database_of_version_4_is_brought_to_this_version(url: str, tmp_path: Path) -> None:
    with tarfile.open(test_migrations.ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / "data_dir"
    test_migrations.copy_to(url, folder)
    runner = test_migrations.open_runner(folder, database_url=url)
    with closing(runner):
        test_migrations.check_everything(runner, folder)
