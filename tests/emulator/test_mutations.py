"""The table of planted defects fits the code; `make mutations` plants them, which takes some minutes."""

import pytest

from tests.emulator.mutations import DEFECTS, Defect


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.what)
def test_a_planted_defect_fits_the_code(defect: Defect) -> None:
    assert defect.applies_once(), "the text that it replaces is not there once: write the defect anew"
    assert defect.old != defect.new
