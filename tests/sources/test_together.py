"""Together: one call for the questions of one moment, and nobody ends it for the others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from sources.errand import Errand, Lane, begin, current
from sources.errors import Missing, SourceError, Throttled, TimedOut, Unavailable
from sources.together import Together

pytestmark = pytest.mark.usefixtures("complaints")


class Coach:
    """Travels with up to `seats` questions at once, and answers each with itself in upper case, unless told to fail."""

    def __init__(self, seats: int = 3) -> None:
        self.seats, self.gate = seats, asyncio.Event()
        self.gate.set()
        self.rides: list[list[str]] = []
        self.lanes: list[Lane] = []
        self.under_way = self.most = 0
        self.fails: dict[str, Exception] = {}  # a ride with this question
        self.answers: dict[str, str | Exception] = {}

    def pack(self, questions: Sequence[str]) -> list[range]:
        return [range(at, min(at + self.seats, len(questions))) for at in range(0, len(questions), self.seats)]

    async def travel(self, questions: Sequence[str]) -> list[str | Exception]:
        self.rides.append(list(questions))
        self.lanes.append(current().lane)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        for question in questions:
            if question in self.fails:
                raise self.fails[question]
        return [self.answers.get(question, question.upper()) for question in questions]

    def together(self, *, window: float = 0.0, width: int = 10) -> Together[str, str]:
        return Together("crm", window=window, width=width, pack=self.pack, travel=self.travel)


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def asking(together: Together[str, str], questions: Sequence[str]) -> list[asyncio.Task[str]]:
    return [asyncio.create_task(together.ask(question)) for question in questions]


async def told(tasks: Sequence[asyncio.Task[str]]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_questions_of_one_moment_travel_together_and_get_their_own_answers() -> None:
    coach = Coach()
    together = coach.together()
    assert await told(asking(together, "abcdefg")) == list("ABCDEFG")
    assert coach.rides == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert await together.ask("h") == "H"
    assert coach.rides[-1] == ["h"]


async def test_a_question_that_comes_after_the_departure_takes_the_next() -> None:
    coach = Coach()
    coach.gate.clear()
    together = coach.together()
    first = asking(together, "a")
    await turns()
    second = asking(together, "b")
    await turns()
    coach.gate.set()
    assert await told([*first, *second]) == ["A", "B"]
    assert coach.rides == [["a"], ["b"]]


async def test_an_error_of_one_question_is_not_that_of_the_others() -> None:
    coach = Coach()
    coach.answers["b"] = Missing("no b")
    answers = await told(asking(coach.together(), "abc"))
    assert (answers[0], answers[2]) == ("A", "C")
    assert isinstance(answers[1], Missing)


@pytest.mark.parametrize("error", [Throttled("slowly"), ZeroDivisionError("a mistake of ours")])
async def test_a_call_that_fails_fails_those_it_was_for_and_no_others(error: Exception) -> None:
    coach = Coach()
    coach.fails["b"] = error
    answers = await told(asking(coach.together(), "abcde"))
    assert [type(each) for each in answers[:3]] == [type(error)] * 3
    assert answers[3:] == ["D", "E"]
    if isinstance(error, SourceError):
        assert len({id(each) for each in [error, *answers[:3]]}) == 4


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_whoever_leaves_before_the_departure_is_not_waited_for(leaving: int) -> None:
    coach = Coach()
    tasks = asking(coach.together(), "abc")
    await asyncio.sleep(0)
    tasks[leaving].cancel()
    answers = await told(tasks)
    assert isinstance(answers.pop(leaving), asyncio.CancelledError)
    remaining = [each for number, each in enumerate("abc") if number != leaving]
    assert answers == [each.upper() for each in remaining]
    assert coach.rides == [remaining]


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_whoever_leaves_on_the_way_harms_nobody_else(leaving: int) -> None:
    coach = Coach()
    coach.gate.clear()
    coach.answers["b"] = Missing("no b")
    tasks = asking(coach.together(), "abc")
    await turns()
    tasks[leaving].cancel()
    await turns()
    coach.gate.set()
    answers = await told(tasks)
    expected = ["A", Missing, "C"]
    for number, answer in enumerate(answers):
        if number == leaving:
            assert isinstance(answer, asyncio.CancelledError)
        else:
            assert answer == expected[number] or type(answer) is expected[number]


async def test_whoever_leaves_as_the_error_comes_leaves_nothing_behind() -> None:
    coach = Coach()
    coach.answers["a"] = Missing("no a")

    async def travel(questions: Sequence[str]) -> list[str | Exception]:
        answers = await coach.travel(questions)
        asyncio.get_running_loop().call_soon(asking_for_a.cancel)  # before the asker takes its turn
        return answers

    together: Together[str, str] = Together("crm", window=0.0, width=1, pack=coach.pack, travel=travel)
    asking_for_a = asyncio.create_task(together.ask("a"))
    assert [type(each) for each in await told([asking_for_a])] == [asyncio.CancelledError]


async def test_nothing_departs_where_everybody_has_left() -> None:
    coach = Coach()
    together = coach.together()
    tasks = asking(together, "ab")
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await told(tasks)
    await turns()
    assert coach.rides == []
    assert await together.ask("c") == "C"


async def test_a_ride_that_everybody_has_left_ends_by_itself() -> None:
    coach = Coach()
    coach.gate.clear()
    coach.fails["a"] = Unavailable("gone")
    tasks = asking(coach.together(), "ab")
    await turns()
    for task in tasks:
        task.cancel()
    await told(tasks)
    assert coach.under_way == 1
    coach.gate.set()
    await turns()
    assert coach.under_way == 0


async def test_no_more_rides_are_under_way_than_the_width() -> None:
    coach = Coach(seats=1)
    assert await told(asking(coach.together(width=2), "abcdefgh")) == list("ABCDEFGH")
    assert coach.most == 2


@pytest.mark.parametrize("window", [0.0, 60.0])
async def test_closing_tells_those_who_wait_wherever_they_are(window: float) -> None:
    coach = Coach()
    coach.gate.clear()
    together = coach.together(window=window)
    tasks = asking(together, "abcde")
    await turns()
    late = asking(together, "f") if window else []
    await together.close()
    for each in await told([*tasks, *late]):
        assert isinstance(each, Unavailable)
        assert "given up" in each.message
    coach.gate.set()
    if not window:
        assert await together.ask("g") == "G"


async def test_closing_at_once_tells_those_who_wait() -> None:
    together = Coach().together()
    tasks = asking(together, "ab")
    await asyncio.sleep(0)
    await together.close()
    assert [type(each) for each in await told(tasks)] == [Unavailable, Unavailable]
    assert await together.ask("c") == "C"


async def test_a_ride_is_as_urgent_as_the_most_urgent_of_those_who_wait() -> None:
    coach = Coach()
    together = coach.together()

    async def urgent(lane: Lane, question: str) -> str:
        begin(Errand(lane=lane))
        return await together.ask(question)

    lanes = [Lane.BACKFILL, Lane.LOOKUP, Lane.PORTAL, Lane.BACKFILL]
    answers = await asyncio.gather(*(urgent(lane, each) for lane, each in zip(lanes, "abcd", strict=True)))
    assert answers == list("ABCD")
    assert coach.lanes == [Lane.LOOKUP, Lane.BACKFILL]


async def test_an_asker_waits_no_longer_than_its_errand() -> None:
    coach = Coach()
    coach.gate.clear()
    together = coach.together()

    async def hurried() -> str:
        begin(Errand(until=asyncio.get_running_loop().time() + 0.01))
        return await together.ask("a")

    hurrying, patient = asyncio.create_task(hurried()), asyncio.create_task(together.ask("b"))
    with pytest.raises(TimedOut, match="crm"):
        await hurrying
    coach.gate.set()
    assert await patient == "B"
    assert coach.rides == [["a", "b"]]
