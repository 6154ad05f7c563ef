"""Others may see the screen: a notification tells numbers and nothing of a prompt."""

from __future__ import annotations

from batch.model import RunState
from tests.ui.fakes import line_of
from tests.ui.monitor.conftest import ended_run
from ui.monitor.desktop_notification import notifications
from ui.monitor.since_last_visit import counts_line, how


def test_a_notification_holds_numbers_and_nothing_of_a_prompt() -> None:
    run = ended_run("r1", 1, name="How do I tell my doctor", state=RunState.FAILED, error="The prompt was: secret")
    told = notifications([line_of(run)])
    assert told == [("r1", "A run has failed", "20 answered, 2 need attention · gemini-3-flash · r1")]
    nothing = line_of(ended_run("r2", 1, name="secret", state=RunState.FAILED, counts={}, error="secret"))
    assert (counts_line(nothing), how(nothing)) == ("nothing came back", "failed: secret")
    assert "secret" not in str(notifications([nothing]))
