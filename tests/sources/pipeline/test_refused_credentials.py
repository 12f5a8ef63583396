"""A source that refuses who we are is left alone: a token is replaced once, and then the circuit is open."""

import asyncio

import pytest

from sources import errors
from sources.pipeline.pipeline import Pipeline
from sources.ports import Call, Effect, Reply
from sources.settings import SourceSettings
from sources.tokens import Token, TokenKeeper
from tests.fakes.virtual import clock, virtual
from tests.sources.pipeline.calls import READ


class Desk:
    """A source with a door: it gives tokens, and takes those that are `good`; and a keeper of its tokens before it."""

    def __init__(self) -> None:
        self.good: set[str] = set()
        self.secret_is_good, self.asked, self.given = True, 0, 0
        settings = SourceSettings(vendor="", url="")
        self.pipeline = Pipeline("desk", settings, self._send, clock=clock, random=lambda: 0.0)
        self.tokens = TokenKeeper("desk", self._fetch, clock)

    async def ask(self, read=READ):
        return await self.tokens.using(lambda token: self.pipeline.send(self._with(read, token)))

    @staticmethod
    def _with(call: Call, token: Token) -> Call:
        return Call(call.method, call.url, {"token": token.value}, effect=call.effect)

    async def _fetch(self) -> Token:
        reply = await self.pipeline.send(Call("POST", "token", effect=Effect.READ))
        return Token(reply.value)

    async def _send(self, call: Call) -> Reply:
        self.asked += 1
        if call.url == "token":
            if not self.secret_is_good:
                raise errors.Unauthorised("no token", status=400)
            self.given += 1
            return Reply(200, {}, b"", value=f"t{self.given}")
        if call.headers["token"] not in self.good:
            raise errors.Unauthorised("no", status=401)
        return Reply(200, {}, b"")

    @property
    def reads(self) -> str:
        return self.pipeline.state().reads.state


@virtual
async def test_a_token_that_has_ended_is_replaced_and_opens_nothing():
    desk = Desk()
    desk.good = {"t1"}
    await desk.ask()
    desk.good = {"t2"}
    await desk.ask()
    assert (desk.reads, desk.given) == ("closed", 2)


@virtual
async def test_a_refusal_that_outlives_the_token_opens_the_circuit():
    desk = Desk()
    with pytest.raises(errors.Unauthorised):
        await desk.ask()
    assert (desk.reads, desk.given) == ("open", 2)
    asked = desk.asked
    with pytest.raises(errors.CircuitOpen, match="refuses our credentials"):
        await desk.pipeline.send(READ)
    assert desk.asked == asked


@virtual
async def test_a_secret_that_is_refused_opens_the_circuit():
    desk = Desk()
    desk.secret_is_good = False
    with pytest.raises(errors.Unauthorised):
        await desk.ask()
    assert (desk.reads, desk.asked) == ("open", 1)


@virtual
async def test_a_key_that_is_refused_opens_the_circuit_as_there_is_nothing_to_replace():
    desk = Desk()
    with pytest.raises(errors.Unauthorised):
        await desk.pipeline.send(Desk._with(READ, Token("no such key")))
    assert (desk.reads, desk.asked) == ("open", 1)


@virtual
async def test_a_right_that_is_missing_is_about_what_was_asked_and_opens_nothing():
    async def forbids(_call: Call) -> Reply:
        raise errors.Unauthorised("not this", status=403)

    pipeline = Pipeline("desk", SourceSettings(vendor="", url=""), forbids, clock=clock)
    for _ in range(30):
        with pytest.raises(errors.Unauthorised):
            await pipeline.send(READ)
    assert pipeline.state().reads.state == "closed"


@virtual
async def test_credentials_that_are_good_again_close_it():
    desk = Desk()
    with pytest.raises(errors.Unauthorised):
        await desk.ask()
    desk.good = {f"t{number}" for number in range(3, 30)}
    started = clock()
    while clock() < started + 30:
        try:
            await desk.ask()
            break
        except errors.SourceError:
            await asyncio.sleep(0.5)
    assert desk.reads == "closed"
    assert clock() - started < 10
