"""`make crash`: at least 200 lives of the real terminal, each cut short by SIGKILL, and what became of them."""

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

from tests.crash.crash_scenario import CrashPoint, CrashScenario, crash_points, describe, make_scenario, run_scenario
from tests.emulator_process import EmulatorProcess, start_emulator


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
    options = parser.parse_args()
    started_at = time.monotonic()
    scenarios = [story for story in make_scenarios(options.runs, options.seed) if options.only in str(story.point)]
    results = run_scenarios(scenarios, options.workers)
    print("\n" + summary(results, time.monotonic() - started_at))
    for story in results:
        if story.violations:
            print(describe(story))
    return 1 if any(story.violations for story in results) else 0


if __name__ == "__main__":
    sys.exit(main())
