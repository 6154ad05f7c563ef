"""Any order of submissions, deaths, troubles, cancels and lost keys: one job per shard, every run to its end."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from batch.model import SendAs
from lifecycle.core.transport import BatchLimits
from tests.lifecycle.simulation import KEY, SETTLE_SECONDS, SURVIVABLE_FAULTS, Crash, InjectedFault, Simulation

OPS = ("list", "upload", "list files", "create", "get", "download", "delete file", "cancel", "get file")


class Lives(RuleBasedStateMachine):
    """Several runs of one key, in one world."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.simulation = Simulation(Path(self.folder.name), BatchLimits(rows=3)).__enter__()
        self.runs: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.retried: dict[str, str] = {}
        self.ever_lost: set[str] = set()
        self.has_key = True

    @initialize(
        lag=st.sampled_from([0.0, 5.0, SETTLE_SECONDS - 1]),
        duration=st.sampled_from([1.0, 30.0, 400.0]),
        room=st.sampled_from([1, 2, 100]),
        late=st.sampled_from([0.0, 30.0]),
    )
    def google(self, lag: float, duration: float, room: int, late: float) -> None:
        google = self.simulation.google
        google.list_lag, google.duration, google.max_open_jobs, google.late_output = lag, duration, room, late

    @precondition(lambda self: len(self.runs) < 4)
    @rule(rows=st.integers(1, 7), send_as=st.sampled_from([SendAs.FILE, SendAs.INLINE]))
    def submit(self, rows: int, send_as: SendAs) -> None:
        self.runs[self.simulation.submit_alive(rows=rows, send_as=send_as)] = rows

    @rule(seconds=st.sampled_from([0.0, 1.0, 7.0, 61.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        """A living process works meanwhile."""
        self.simulation.work(seconds)

    @rule(seconds=st.sampled_from([10.0, 100.0, 4_000.0, 7 * 3600.0]))
    def nobody_works(self, seconds: float) -> None:
        """The computer is asleep, or no process runs."""
        self.simulation.google.now += seconds

    @rule(op=st.sampled_from(OPS), kind=st.sampled_from(SURVIVABLE_FAULTS))
    def trouble(self, op: str, kind: str) -> None:
        self.simulation.google.faults.append(InjectedFault(op, kind))

    @rule(write=st.integers(1, 30), after=st.booleans())
    def dies_at_a_write(self, write: int, after: bool) -> None:
        store = self.simulation.process.store
        store.crash_in, store.crash_after = write, after

    @rule()
    def dies(self) -> None:
        self.simulation.restart()
        self._take_key()

    @rule(short=st.integers(1, 1))
    def a_list_is_cut_short(self, short: int) -> None:
        self.simulation.google.short_lists = short

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.runs)))
        try:
            self.simulation.process.store.request_cancel(run_id)
        except Crash:
            self.simulation.restart()
            self._take_key()
        self.cancelled.add(run_id)

    @rule(lost=st.sampled_from([set(), {0}, {0, 1, 2}]))
    def some_rows_do_not_come_back(self, lost: set[int]) -> None:
        self.simulation.google.lost_keys = {f"{run_id}-{n}" for run_id in self.runs for n in lost}
        self.ever_lost |= self.simulation.google.lost_keys

    @precondition(lambda self: any(self._missing(run_id) for run_id in self.runs) and len(self.runs) < 6)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """What did not come back, and nothing else, is sent again under its own keys."""
        parent = data.draw(st.sampled_from(sorted(run_id for run_id in self.runs if self._missing(run_id))))
        missing = self._missing(parent)
        child = self.simulation.submit_alive(keys=missing, parent=parent)
        self.runs[child], self.retried[parent] = len(missing), child

    def _missing(self, run_id: str) -> list[str]:
        """The rows of an ended run that have no answer and were not sent again."""
        if self.simulation.row(run_id).stage != "finished" or run_id in self.retried:
            return []
        answers = self.simulation.answers(run_id)
        return [key for key in self.simulation.keys(run_id) if key not in answers]

    @rule()
    def key_goes(self) -> None:
        self.has_key = False
        self._take_key()

    @rule()
    def key_comes_back(self) -> None:
        self.has_key = True
        self.simulation.process.keyring.add(KEY, rehearsal=False)

    def _take_key(self) -> None:
        if not self.has_key:
            self.simulation.process.keyring.remove(self.simulation.owner)

    # -- what is always true -------------------------------------------------------------------------------------------

    @invariant()
    def no_shard_has_two_jobs(self) -> None:
        names = [job.display_name for job in self.simulation.google.jobs]
        assert len(names) == len(set(names))

    @invariant()
    def no_row_is_bought_twice(self) -> None:
        """By the same run; and a retry buys no row that the run before has an answer to."""
        bought = [(job.display_name.split("-")[2], key) for job in self.simulation.google.jobs for key in job.keys]
        assert len(bought) == len(set(bought))
        for parent, child in self.retried.items():
            assert not set(self.simulation.answers(parent)) & {key for run_id, key in bought if run_id == child}

    @invariant()
    def no_run_fails_for_what_passes(self) -> None:
        for run_id in self.runs:
            row = self.simulation.row(run_id)
            assert row.state != "failed", row.error
            assert row.state != "cancelled" or run_id in self.cancelled

    @invariant()
    def what_has_ended_is_complete_and_leaves_nothing(self) -> None:
        for run_id, rows in self.runs.items():
            row = self.simulation.row(run_id)
            if row.stage != "finished":
                continue
            jobs = [job for job in self.simulation.google.jobs if run_id in job.display_name.split("-")]
            assert not [job for job in self.simulation.google.open_jobs() if job in jobs]
            assert not [f for f in self.simulation.google.files.values() if run_id in f.display_name.split("-")]
            answers = self.simulation.answers(run_id)
            succeeded = {key for job in jobs if job.state == "SUCCEEDED" for key in job.keys}
            assert succeeded - self.ever_lost <= set(answers) <= succeeded
            assert row.state == "cancelled" or len(succeeded) == rows

    def teardown(self) -> None:
        """Whatever has happened: once the troubles are over, every run ends."""
        google = self.simulation.google
        google.faults.clear()
        google.short_lists = 0
        self.key_comes_back()
        try:
            self.simulation.run_until_ended(*self.runs)
            self.no_shard_has_two_jobs()
            self.no_row_is_bought_twice()
            self.no_run_fails_for_what_passes()
            self.what_has_ended_is_complete_and_leaves_nothing()
        finally:
            self.simulation.__exit__()
            self.folder.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
