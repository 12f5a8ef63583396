"""A stream acts with a purpose for as long as it is in force, and every event is a use of it."""

from dataclasses import replace

from policies.principal import Principal
from policies.purposes import PurposeRefused
from tests.gateway.http.streams.stage import Tick, staged


class Kept:
    """Which purposes are in force; remembers every use."""

    def __init__(self, *in_force: str) -> None:
        self.in_force = {*in_force}
        self.uses: list[tuple[tuple[str, ...], str | None]] = []

    async def acting(self, principal: Principal, names: object, correlation_id: str, what: str | None) -> Principal:
        assert isinstance(names, tuple)
        if not self.in_force.issuperset(names):
            raise PurposeRefused("the purpose is not in force for you: ask for it, with a reason")
        self.uses.append((names, what))
        return replace(principal, purposes=names)


async def test_over_server_sent_events_it_ends_when_the_purpose_does() -> None:
    kept = Kept("reveal")
    async with staged(kept) as stage, stage.events(opsgraph_purpose="reveal") as stream:
        assert (await stream.next())[1]["data"] is not None
        stage.feed.tell(Tick(1))
        assert (await stream.next())[1]["data"] == {"ticked": {"number": 1}}
        assert {each.purposes for each in stage.callers} == {("reveal",)}
        assert len(kept.uses) == 3  # to begin with, and for each event
        assert len({what for _, what in kept.uses}) == 1
        kept.in_force.clear()
        stage.feed.tell(Tick(2))
        said = (await stream.next())[1]
        assert "data" not in said
        assert said["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert await stream.next() == ("complete", None)
        await stage.left()


async def test_over_a_websocket_only_the_operation_ends() -> None:
    kept = Kept("reveal")
    async with staged(kept) as stage, stage.connection(600, **{"opsgraph-purpose": "reveal"}) as talk:
        await talk.subscribe()
        assert await talk.number() == 0
        kept.in_force.clear()
        stage.feed.tell(Tick(1))
        said = await talk.hear()
        assert (said["type"], said["payload"][0]["extensions"]["code"]) == ("error", "FORBIDDEN")
        kept.in_force.add("reveal")
        await talk.subscribe()
        assert await talk.number() == 0


async def test_a_purpose_that_is_not_in_force_opens_no_stream() -> None:
    async with staged(Kept()) as stage, stage.events(opsgraph_purpose="reveal") as stream:
        assert stream.status == 403
        assert (await stream.body())["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_who_names_no_purpose_acts_with_none() -> None:
    kept = Kept("reveal")
    async with staged(kept) as stage, stage.events() as stream:
        await stream.next()
        assert {each.purposes for each in stage.callers} == {()}
        assert kept.uses == []
