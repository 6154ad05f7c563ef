"""Where the emulator keeps what must outlive it: one SQLite file for facts, one folder for bodies.

Every write is in the file before the caller goes on (write-ahead log), so a SIGKILL loses nothing that was answered.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

_SCHEMA = """
CREATE TABLE IF NOT EXISTS things (kind TEXT, id TEXT, body BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (route TEXT PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS usage (
    job TEXT, model TEXT, long_context INTEGER, prompt INTEGER, cached INTEGER, candidates INTEGER, thoughts INTEGER,
    rows INTEGER, PRIMARY KEY (job, model, long_context));
"""


class Store:
    """Documents by kind and id, two tables that only grow by adding, and one file per body."""

    def __init__(self, folder: Path) -> None:
        self.bodies = folder / "bodies"
        self.bodies.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "emulator.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def body_path(self, kind: str, id: str) -> Path:
        """The file that holds what was sent or made for a thing."""
        return self.bodies / f"{kind}.{id}"

    def put(self, kind: str, id: str, document: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO things VALUES (?, ?, ?)", (kind, id, orjson.dumps(document)))

    def delete(self, kind: str, id: str) -> None:
        self._db.execute("DELETE FROM things WHERE kind = ? AND id = ?", (kind, id))

    def documents(self, kind: str) -> Iterator[Any]:
        """The documents of a kind, in no promised order."""
        for (body,) in self._db.execute("SELECT body FROM things WHERE kind = ?", (kind,)):
            yield orjson.loads(body)

    def count_call(self, route: str) -> None:
        self._db.execute("INSERT INTO calls VALUES (?, 1) ON CONFLICT (route) DO UPDATE SET n = n + 1", (route,))

    def calls(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT route, n FROM calls ORDER BY route"))

    def add_usage(self, job: str, model: str, long_context: bool, counts: list[int]) -> None:
        """Add prompt, cached, candidates, thoughts and rows to what was billed. `job` is "" for interactive calls."""
        self._db.execute(
            "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job, model, long_context) DO UPDATE SET "
            "prompt = prompt + excluded.prompt, cached = cached + excluded.cached, "
            "candidates = candidates + excluded.candidates, thoughts = thoughts + excluded.thoughts, "
            "rows = rows + excluded.rows",
            (job, model, long_context, *counts),
        )

    def usage(self) -> list[tuple[Any, ...]]:
        return self._db.execute("SELECT * FROM usage ORDER BY job, model, long_context").fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside, or none."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def clear(self) -> None:
        with self.transaction():
            for table in ("things", "calls", "usage"):
                self._db.execute(f"DELETE FROM {table}")
        for path in self.bodies.iterdir():
            path.unlink(missing_ok=True)

    def close(self) -> None:
        self._db.close()
