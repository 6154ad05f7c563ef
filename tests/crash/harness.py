"""`make crash`: at least 200 lives of the real terminal, each cut short by SIGKILL, and what became of them.

`--troubles N` lives through N stories of each other trouble instead: a list that lags, a process that sleeps, a clock
that is turned, a disk that is full, a database that is locked or away.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

import psycopg

from tests.crash import trouble_scenario
from tests.crash.crash_scenario import CrashPoint, CrashScenario, crash_points, describe, make_scenario, run_scenario
from tests.crash.trouble_scenario import TROUBLES, TroubleScenario
from tests.emulator_process import EmulatorProcess, start_emulator
from tests.postgres_server import NoPostgres, postgres


def make_scenarios(count: int, seed: int) -> list[CrashScenario]:
    """Twice through every chosen point, as far as `count` goes, and then at random."""
    points = [*crash_points(), *crash_points()][:count]
    points += [CrashPoint()] * (count - len(points))
    return [make_scenario(number, point, seed) for number, point in enumerate(points)]


def run_scenarios(scenarios: Sequence[CrashScenario], workers: int, quiet: bool = False) -> list[CrashScenario]:
    """Live through stories, several at once, each with an emulator to itself."""
    idle_emulators: SimpleQueue[EmulatorProcess] = SimpleQueue()

    def run_one(scenario: CrashScenario) -> CrashScenario:
        emulator = idle_emulators.get()
        try:
            with tempfile.TemporaryDirectory(prefix="crash-") as folder:
                run_scenario(scenario, emulator, Path(folder))
        finally:
            idle_emulators.put(emulator)
        if not quiet:
            print(describe(scenario), flush=True)
        return scenario

    with ExitStack() as stack:
        for _ in range(workers):
            idle_emulators.put(stack.enter_context(start_emulator()))
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(run_one, scenarios))


def run_troubles(scenarios: Sequence[TroubleScenario], workers: int, quiet: bool = False) -> list[TroubleScenario]:
    """Live through other troubles. Without a PostgreSQL its stories are left out."""
    with ExitStack() as stack:
        server = ""
        if any(story.trouble == "store away" for story in scenarios):
            try:
                server = stack.enter_context(postgres())
            except NoPostgres as why:
                print(f"No PostgreSQL: {why}")
        idle: SimpleQueue[EmulatorProcess] = SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(start_emulator()))
        alone = Lock()  # the server is away for all who use it

        def run_one(scenario: TroubleScenario) -> TroubleScenario:
            emulator = idle.get()
            try:
                with tempfile.TemporaryDirectory(prefix="trouble-") as folder:
                    if scenario.trouble != "store away":
                        trouble_scenario.run_scenario(scenario, emulator, Path(folder))
                    else:
                        with alone:
                            url = _new_database(server, f"story{scenario.number}")
                            trouble_scenario.run_scenario(scenario, emulator, Path(folder), url)
            finally:
                idle.put(emulator)
            if not quiet:
                print(trouble_scenario.describe(scenario), flush=True)
            return scenario

        possible = [story for story in scenarios if server or story.trouble != "store away"]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(run_one, possible))


def _new_database(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("@/postgres?", f"@/{name}?")


def trouble_summary(results: Sequence[TroubleScenario], seconds: float) -> str:
    """The figures."""
    counts = Counter(story.trouble for story in results)
    wrong = [story for story in results if story.violations]
    lines = [
        f"{len(results)} runs, {seconds:.0f} s: " + ", ".join(f"{name} {count}" for name, count in counts.items()),
        f"jobs: {sum(story.jobs for story in results)}, of which {sum(story.strays for story in results)} were second "
        "ones, stopped or ended, and told",
        f"wrong: {len(wrong)}",
    ]
    return "\n".join(lines + [f"{trouble_scenario.describe(story)}\n{story.said[-2000:]}" for story in wrong])


def summary(results: Sequence[CrashScenario], seconds: float) -> str:
    """The figures."""
    killed = [story for story in results if story.killed]
    stages = Counter(story.stage or "before it was recorded" for story in killed)
    killed_twice = sum(1 for story in results if story.second_kill)
    lines = [
        f"{len(results)} runs, {len(killed)} killed by SIGKILL in mid-run, {killed_twice} again while resuming; "
        f"{seconds:.0f} s",
        "stage at the kill: " + ", ".join(f"{stage} {count}" for stage, count in stages.most_common()),
        f"points: {len({str(story.point) for story in results})} different",
        f"rows: {sum(story.rows for story in results)}; "
        f"jobs: {sum(story.jobs for story in results)} for {len(results)} shards",
        f"wrong: {sum(1 for story in results if story.violations)}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--only", default="", help="only points whose name contains this")
    parser.add_argument("--troubles", type=int, default=0, help="stories of each other trouble, instead of kills")
    options = parser.parse_args()
    started_at = time.monotonic()
    if options.troubles:
        stories = [
            trouble_scenario.make_scenario(n * len(TROUBLES) + place, name, options.seed)
            for n in range(options.troubles)
            for place, name in enumerate(TROUBLES)
            if options.only in name
        ]
        troubled = run_troubles(stories, options.workers)
        print("\n" + trouble_summary(troubled, time.monotonic() - started_at))
        return 1 if any(story.violations for story in troubled) else 0
    scenarios = [story for story in make_scenarios(options.runs, options.seed) if options.only in str(story.point)]
    results = run_scenarios(scenarios, options.workers)
    print("\n" + summary(results, time.monotonic() - started_at))
    for story in results:
        if story.violations:
            print(describe(story))
    return 1 if any(story.violations for story in results) else 0


if __name__ == "__main__":
    sys.exit(main())
