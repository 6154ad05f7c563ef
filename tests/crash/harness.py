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

from tests.crash.story import Point, Story, chosen_points, imagine, show, tell
from tests.emulator_process import EmulatorProcess, start_emulator


def stories(count: int, seed: int) -> list[Story]:
    """Twice through every chosen point, as far as `count` goes, and then at random."""
    points = [*chosen_points(), *chosen_points()][:count]
    points += [Point()] * (count - len(points))
    return [imagine(number, point, seed) for number, point in enumerate(points)]


def live(planned: Sequence[Story], workers: int, quiet: bool = False) -> list[Story]:
    """Live through stories, several at once, each with an emulator to itself."""
    free: SimpleQueue[EmulatorProcess] = SimpleQueue()

    def one(story: Story) -> Story:
        emulator = free.get()
        try:
            with tempfile.TemporaryDirectory(prefix="crash-") as folder:
                tell(story, emulator, Path(folder))
        finally:
            free.put(emulator)
        if not quiet:
            print(show(story), flush=True)
        return story

    with ExitStack() as stack:
        for _ in range(workers):
            free.put(stack.enter_context(start_emulator()))
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(one, planned))


def summary(told: Sequence[Story], seconds: float) -> str:
    """The figures."""
    killed = [story for story in told if story.killed]
    stages = Counter(story.stage or "before it was recorded" for story in killed)
    twice = sum(1 for story in told if story.second_kill)
    lines = [
        f"{len(told)} runs, {len(killed)} killed by SIGKILL in mid-run, {twice} again while resuming; {seconds:.0f} s",
        "stage at the kill: " + ", ".join(f"{stage} {count}" for stage, count in stages.most_common()),
        f"points: {len({str(story.point) for story in told})} different",
        f"rows: {sum(story.rows for story in told)}; jobs: {sum(story.jobs for story in told)} for {len(told)} shards",
        f"wrong: {sum(1 for story in told if story.wrong)}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=220)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--only", default="", help="only points whose name contains this")
    options = parser.parse_args()
    began = time.monotonic()
    planned = [story for story in stories(options.runs, options.seed) if options.only in str(story.point)]
    told = live(planned, options.workers)
    print("\n" + summary(told, time.monotonic() - began))
    for story in told:
        if story.wrong:
            print(show(story))
    return 1 if any(story.wrong for story in told) else 0


if __name__ == "__main__":
    sys.exit(main())
