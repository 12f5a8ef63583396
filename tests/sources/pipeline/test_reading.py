"""Reading: a reply becomes a value below everything that judges a call."""

import pytest

from sources.decode import decode
from sources.errors import Garbled, Rejected, SourceError
from sources.pipeline.reading import reading
from sources.ports import Call, Effect, Reply
from tests.fakes.virtual import Wire, virtual
from tests.sources.pipeline.calls import READ, ok


def call(read):
    return Call("GET", READ.url, effect=Effect.READ, read=read)


@virtual
async def test_the_value_of_a_reply_is_what_its_call_reads():
    reply = await reading(Wire(Reply(200, {}, b'{"a": 1}')))(call(lambda reply: decode(dict[str, int], reply, "x")))
    assert reply.value == {"a": 1}


@virtual
async def test_a_call_that_reads_nothing_gets_its_reply_as_it_is():
    assert (await reading(Wire(ok()))(READ)).value is None


@virtual
async def test_a_refusal_is_raised_as_what_it_is():
    def read(_reply: Reply) -> None:
        raise Rejected("no")

    with pytest.raises(Rejected):
        await reading(Wire(ok()))(call(read))


@virtual
async def test_headers_are_heeded_also_of_a_refusal():
    heeded: list[object] = []

    def read(_reply: Reply) -> None:
        raise Rejected("no")

    with pytest.raises(Rejected):
        await reading(Wire(Reply(429, {"x-left": "0"}, b"")), heeded.append)(call(read))
    assert heeded == [{"x-left": "0"}]


@virtual
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 5_000 + b"]" * 5_000])
async def test_a_body_nested_too_deeply_is_garbage_and_no_crash(body):
    with pytest.raises(Garbled):
        await reading(Wire(Reply(200, {}, body)))(call(lambda reply: decode(object, reply, "x")))


@virtual
async def test_a_reader_that_recurses_too_deeply_finds_garbage():
    def read(reply: Reply) -> object:
        return read(reply)

    with pytest.raises(SourceError, match="nested deeper"):
        await reading(Wire(ok()))(call(read))
