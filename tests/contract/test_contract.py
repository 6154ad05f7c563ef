"""The same questions to the emulator and, with `--live`, to Google; what differs is printed at the end."""

import pytest

from tests.contract.asking import DIFFERENCES, NotYet, Service
from tests.contract.questions import QUESTIONS, Question

each = pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)


@each
def test_the_emulator_answers_as_stated(emulated: Service, question: Question) -> None:
    try:
        assert question.ask(emulated) == question.fact
    finally:
        emulated.tidy()


@pytest.mark.live
@pytest.mark.timeout(3600)
@each
def test_google_answers_as_stated(live: Service, question: Question) -> None:
    try:
        answer = question.ask(live)
    except NotYet as job:
        pytest.skip(f"{job} was not finished in {live.minutes} minutes; it has been deleted")
    except (AssertionError, KeyError) as odd:
        DIFFERENCES.append(f"{question.name}\n    live: could not be asked to the end: {odd!r}")
        raise
    finally:
        live.tidy()
    if answer != question.fact:
        DIFFERENCES.append(f"{question.name}\n    emulator: {question.fact}\n    live:     {answer}")
    assert answer == question.fact


def test_free_questions_come_first() -> None:
    costs = [question.cost for question in QUESTIONS]
    assert costs == sorted(costs)
    assert sum(costs) <= 0.05
