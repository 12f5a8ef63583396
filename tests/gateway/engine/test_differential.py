"""The engine answers as graphql-core does, to documents, data and failures drawn at random.

500 cases here; `python -m bench.differential` runs any number and shrinks what differs.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.gateway.engine.differential import nasty_cases, own_cases
from tests.gateway.engine.differential.compare import differences
from tests.gateway.engine.differential.oracle import Outcome, Place
from tests.gateway.engine.differential.verdict import Verdict, run

_A: Place = (("a",), ((1, 3),), "INTERNAL")
_BELOW: Place = (("a", "b"), ((1, 7),), "INTERNAL")
_OTHER: Place = (("a", "c"), ((1, 9),), "NOT_FOUND")

Drawn = Callable[[int], Any]
Judged = Callable[[Any], Awaitable[Verdict]]


async def checked(seeds: range, name: str, drawn: Drawn, judged: Judged) -> Counter[str]:
    """Runs some cases and tells of those that differ all it takes to look at them."""
    kinds, failed = await run(seeds, drawn, judged)
    told = [
        f"{name} {case.seed}: {different}\n{case.text}\n{case.variables}\n"
        f"shrink it with `python -m bench.differential --only {name}:{case.seed}`"
        for case, different in failed
    ]
    assert not told, "\n\n".join(told[:3])
    return kinds


@pytest.mark.parametrize("part", range(5))
async def test_a_schema_made_to_be_nasty_is_answered_as_graphql_core_does(part):
    kinds = await checked(range(part * 50, part * 50 + 50), "nasty", nasty_cases.drawn, nasty_cases.judged)
    assert kinds["compiled"] >= 10, "the compiled builder was hardly compared"
    assert kinds["with errors"] + kinds["null altogether"] >= 5, "errors were hardly compared"


@pytest.mark.parametrize("part", range(5))
async def test_our_own_schema_is_answered_as_one_resolver_for_each_object_does(part):
    kinds = await checked(range(part * 50, part * 50 + 50), "own", own_cases.drawn, own_cases.judged)
    assert kinds["compiled"] >= 5, "the compiled builder was hardly compared"
    assert kinds["with errors"] >= 5, "errors were hardly compared"


# ---------------------------------------------------------------- the comparison itself


async def compared(expected: Outcome, got: Outcome, *could: Place) -> list[str]:
    """The differences, where graphql-core could raise `could`."""

    async def possible() -> set[Place]:
        return set(could)

    return await differences(expected, got, possible)


async def test_the_same_answers_have_no_differences():
    one = Outcome(False, {"a": {"b": None, "c": [1]}}, [_BELOW])
    assert await compared(one, one, _BELOW) == []


async def test_other_data_or_another_order_of_keys_is_a_difference():
    one = Outcome(False, {"a": 1, "b": 2})
    assert await compared(one, Outcome(False, {"a": 1, "b": 3}))
    assert await compared(one, Outcome(False, {"b": 2, "a": 1}))


async def test_a_request_that_only_one_side_refuses_is_a_difference():
    assert await compared(Outcome(True), Outcome(False, {"a": 1}))


async def test_an_error_too_many_too_few_elsewhere_or_with_another_code_is_a_difference():
    data = {"a": {"b": None, "c": None}}
    one = Outcome(False, data, [_BELOW])
    elsewhere: Place = (("a", "b"), ((1, 8),), "INTERNAL")
    for errors in ([], [_BELOW, _BELOW], [_BELOW, _OTHER], [elsewhere], [(*_BELOW[:2], "NOT_FOUND")]):
        assert await compared(one, Outcome(False, data, errors), _BELOW, _OTHER)


async def test_below_a_null_that_spread_any_possible_error_will_do_but_one_there_must_be():
    one = Outcome(False, {"a": None}, [_BELOW])
    assert await compared(one, Outcome(False, {"a": None}, [_OTHER]), _BELOW, _OTHER) == []
    assert await compared(one, Outcome(False, {"a": None}, [_OTHER]), _BELOW)
    assert await compared(one, Outcome(False, {"a": None}, []), _BELOW)


async def test_a_null_of_its_own_is_not_excused_by_one_that_spread():
    one = Outcome(False, {"a": None}, [_A])
    assert await compared(one, Outcome(False, {"a": None}, [_BELOW]), _A)


async def test_what_is_masked_must_be_told_alike():
    assert await compared(Outcome(False, {}, [], ["Account.name"]), Outcome(False, {}))
