"""Tokens: fetched once for all, renewed in time, replaced when refused, and no endpoint is hammered."""

import asyncio
from collections.abc import Sequence

import pytest

from sources.errors import Garbled, SourceError, Throttled, Unauthorised, Unavailable
from sources.tokens import Token, TokenKeeper, bearer, lifetime

pytestmark = pytest.mark.usefixtures("complaints")
REFUSED = Unauthorised("no", status=401)


class Endpoint:
    """Gives tokens `1`, `2`, … that live for `life` seconds, or fails as told."""

    def __init__(self, life: float = 3_600.0, failures: Sequence[SourceError | None] = ()) -> None:
        self.now, self.life, self.asked = 1_000.0, life, 0
        self.failures = list(failures)
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> Token:
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return Token(str(number), self.now + self.life)

    def keeper(self) -> TokenKeeper:
        return TokenKeeper("crm", self.fetch, lambda: self.now)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_token_is_fetched_once_for_everybody() -> None:
    endpoint = Endpoint()
    keeper = endpoint.keeper()
    assert {token.value for token in await asyncio.gather(*(keeper.get() for _ in range(100)))} == {"1"}
    assert (await keeper.get()).value == "1"
    assert endpoint.asked == 1


@pytest.mark.parametrize(("life", "before", "after"), [(3_600.0, 3_569.0, 3_571.0), (10.0, 8.9, 9.1)])
async def test_a_token_is_renewed_a_little_before_its_end(life: float, before: float, after: float) -> None:
    endpoint = Endpoint(life)
    keeper = endpoint.keeper()
    await keeper.get()
    endpoint.now = 1_000.0 + before
    assert (await keeper.get()).value == "1"
    endpoint.now = 1_000.0 + after
    assert (await keeper.get()).value == "2"


async def test_a_token_without_an_end_is_kept() -> None:
    endpoint = Endpoint(float("inf"))
    keeper = endpoint.keeper()
    await keeper.get()
    endpoint.now = 1e12
    assert (await keeper.get()).value == "1"


async def test_a_fetch_that_everybody_has_left_ends_and_serves_the_next() -> None:
    endpoint = Endpoint()
    endpoint.gate.clear()
    keeper = endpoint.keeper()
    tasks = [asyncio.create_task(keeper.get()) for _ in range(3)]
    await turns()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    endpoint.gate.set()
    await turns()
    assert (await keeper.get()).value == "1"
    assert endpoint.asked == 1


async def test_a_failure_is_told_to_everybody_and_the_next_one_may_try_again() -> None:
    endpoint = Endpoint(failures=[Unavailable("down")])
    keeper = endpoint.keeper()
    told = await asyncio.gather(*(keeper.get() for _ in range(20)), return_exceptions=True)
    assert [type(each) for each in told] == [Unavailable] * 20
    assert endpoint.asked == 1
    assert (await keeper.get()).value == "2"


async def test_refused_credentials_are_not_sent_again_for_a_while() -> None:
    endpoint = Endpoint(failures=[Unauthorised("wrong secret", status=400)] * 2)
    keeper = endpoint.keeper()
    told = [await asyncio.gather(keeper.get(), return_exceptions=True) for _ in range(50)]
    assert endpoint.asked == 1
    errors = [each for (each,) in told]
    assert all(isinstance(each, Unauthorised) and each.source == "crm" for each in errors)
    assert len({id(each) for each in errors}) == 50
    endpoint.now += 5.1
    with pytest.raises(Unauthorised):
        await keeper.get()
    endpoint.now += 5.1
    assert (await keeper.get()).value == "3"
    assert endpoint.asked == 3


async def call_with(good: str, used: list[str], token: Token) -> str:
    used.append(token.value)
    await asyncio.sleep(0)
    if token.value != good:
        raise REFUSED
    return "done"


async def test_a_refused_token_is_replaced_once_for_everybody() -> None:
    endpoint = Endpoint()
    keeper = endpoint.keeper()
    await keeper.get()
    used: list[str] = []
    told = await asyncio.gather(*(keeper.using(lambda token: call_with("2", used, token)) for _ in range(10)))
    assert told == ["done"] * 10
    assert (endpoint.asked, used.count("1"), used.count("2")) == (2, 10, 10)


async def test_a_source_that_refuses_every_token_is_left_alone_for_a_while() -> None:
    endpoint = Endpoint()
    keeper = endpoint.keeper()
    used: list[str] = []
    for _ in range(20):
        with pytest.raises(Unauthorised):
            await keeper.using(lambda token: call_with("never", used, token))
    assert (used, endpoint.asked) == (["1", "2"], 2)
    endpoint.now += 5.1
    assert await keeper.using(lambda token: call_with("3", used, token)) == "done"


async def test_a_source_that_only_forbids_keeps_its_token() -> None:
    endpoint = Endpoint()
    keeper = endpoint.keeper()

    async def forbidden(_token: Token) -> str:
        raise Unauthorised("not that", status=403)

    for _ in range(3):
        with pytest.raises(Unauthorised, match="not that"):
            await keeper.using(forbidden)
    assert endpoint.asked == 1


async def test_other_failures_of_a_call_pass_and_the_token_stays() -> None:
    endpoint = Endpoint()
    keeper = endpoint.keeper()

    async def throttled(_token: Token) -> str:
        raise Throttled("slowly", status=429)

    with pytest.raises(Throttled):
        await keeper.using(throttled)
    assert (await keeper.get()).value == "1"


async def test_a_token_that_is_dropped_late_leaves_the_newer_one() -> None:
    endpoint = Endpoint()
    keeper = endpoint.keeper()
    old = await keeper.get()
    keeper.drop(old)
    new = await keeper.get()
    keeper.drop(old)
    assert await keeper.get() is new


async def test_closing_gives_up_a_fetch() -> None:
    endpoint = Endpoint()
    endpoint.gate.clear()
    keeper = endpoint.keeper()
    waiting = asyncio.create_task(keeper.get())
    await turns()
    await keeper.close()
    with pytest.raises(Unavailable):
        await waiting


@pytest.mark.parametrize("value", ["", " ", "two words", "line\nbreak", "tök", "nul\x00"])
def test_what_cannot_stand_in_a_header_is_no_token(value: str) -> None:
    with pytest.raises(Garbled) as told:
        bearer(value, "crm")
    assert value not in told.value.message or not value.strip()


@pytest.mark.parametrize("seconds", [0, -1, "0", "", "soon", "1.5", "²", "-7"])
def test_what_is_no_number_of_seconds_is_no_lifetime(seconds: str | int) -> None:
    with pytest.raises(Garbled):
        lifetime(seconds, "crm")


def test_a_token_is_never_shown() -> None:
    assert "secret" not in repr(Token("secret"))
    assert (bearer("a.b-c_d", "crm"), lifetime("3600", "crm"), lifetime(7_200, "crm")) == ("a.b-c_d", 3_600, 7_200)
