"""Pipeline and cache together in virtual time: whatever the weather, the laws of `case.py` hold."""

import pytest

from tests.sources.simulated.case import Broken, Case

CASES = 200


@pytest.mark.parametrize("tens", range(CASES // 10))
def test_the_laws_hold_in_random_weather(tens: int) -> None:
    answers = 0
    for seed in range(tens * 10, tens * 10 + 10):
        case = Case(seed)
        case.run()
        answers += case.answers
    assert answers > 100


def test_a_broken_law_names_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Case, "_judge", lambda self, *_: self._break("a law"))
    with pytest.raises(Broken, match=r"seed 7: \d+ times"):
        Case(7).run()
