"""The same questions to the emulator and, with `--live`, to Google; what differs is printed at the end."""

import pytest

from tests.contract.contract_cases import CONTRACT_CASES, ContractCase
from tests.contract.contract_client import DIFFERENCES, JobNotFinished, ServiceClient

each = pytest.mark.parametrize("question", CONTRACT_CASES, ids=lambda question: question.name)


@each
def test_the_emulator_answers_as_stated(emulated: ServiceClient, question: ContractCase) -> None:
    try:
        assert question.run(emulated) == question.expected
    finally:
        emulated.delete_created()


@pytest.mark.live
@pytest.mark.timeout(3600)
@each
def test_google_answers_as_stated(live: ServiceClient, question: ContractCase) -> None:
    try:
        answer = question.run(live)
    except JobNotFinished as job:
        pytest.skip(f"{job} was not finished in {live.minutes} minutes; it has been deleted")
    except (AssertionError, KeyError) as error:
        DIFFERENCES.append(f"{question.name}\n    live: could not be asked to the end: {error!r}")
        raise
    finally:
        live.delete_created()
    if answer != question.expected:
        DIFFERENCES.append(f"{question.name}\n    emulator: {question.expected}\n    live:     {answer}")
    assert answer == question.expected


def test_free_questions_come_first() -> None:
    costs = [question.cost for question in CONTRACT_CASES]
    assert costs == sorted(costs)
    assert sum(costs) <= 0.05
