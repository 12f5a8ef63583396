"""One connection: one question at a time, its answer read within bounds, and nothing kept that could belong elsewhere.

A connection is used again only where its answer has ended where it said, nothing came behind it, and the whole question
was taken. Whatever else comes ends it: an answer must never be taken for that of another question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from sources.errors import Garbled, SourceError, TimedOut, TooLarge, Unavailable
from sources.ports import Reply
from sources.transport.codings import Decoder, Undecodable, decoder

HEAD_BYTES = 64 * 1024  # of a status line and its headers, with those of interim answers before them
_FRAMED = 8  # bytes on the wire for each byte of a body, at most: in chunks of one byte it is six
IDLE_SECONDS = 15.0  # a connection that nobody used for so long is closed: many servers do that after 20 and more
_EARLY = 0.001  # seconds by which a loop's timers may be early
_ONE_WRITE = 64 * 1024  # bytes of a head and a body that are copied together, to be one packet where they can
_BODILESS = (204, 304)


@lru_cache(maxsize=512)
def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()


class Connection(asyncio.Protocol):
    """The client's side of a socket. `open`: whether another question can be put. `left` is told when it ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop, source: str, left: Callable[[Connection], None]) -> None:
        self._loop, self._source, self._left = loop, source, left
        self.open = False
        self.ended: asyncio.Future[None] = loop.create_future()
        self._parser = HttpResponseParser(self)
        # As aiohttp does with answers: bare line feeds, and spaces after a chunk's size.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)
        self._answer: asyncio.Future[Reply] | None = None
        self._until = self._rings = loop.time() + IDLE_SECONDS  # when what is under way is over; when the timer looks

    # ---------------------------------------------------------------- questions

    def ask(
        self, head: bytes, body: bytes | None, *, until: float, limit: float, most: int, bodiless: bool
    ) -> asyncio.Future[Reply]:
        """Sends a question; the answer comes until the loop's time is `until`, and has at most `most` bytes. `limit`:
        the seconds that the caller gave it, for what is said of a late one.

        `bodiless`: the answer has no body whatever it says, because the method is HEAD. Whoever stops waiting aborts.
        """
        self._answer = answer = self._loop.create_future()
        self._most, self._bodiless, self._until, self._limit = most, bodiless, until, limit
        self._arrived = self._head_bytes = self._body_bytes = 0
        self._in_body = self._complete = self._keep = False
        self._headers: dict[str, str] = {}
        self._body: bytes | bytearray = b""
        self._decoder: Decoder | None = None
        self._refusal: SourceError | None = None
        if until < self._rings:
            self._watch.cancel()
            self._look()
        if answer.done():
            return answer
        if body is None:
            self._transport.write(head)
        elif len(head) + len(body) <= _ONE_WRITE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return answer

    def is_usable(self) -> bool:
        """Whether another question can be put right now."""
        return self.open and self._answer is None and not self._transport.is_closing()

    def abort(self) -> None:
        """Ends it at once; whoever waits for an answer hears that it broke off."""
        self.open = False
        self._transport.abort()

    def close(self) -> None:
        """Ends it, politely."""
        self.open = False
        self._transport.close()

    # ---------------------------------------------------------------- the socket

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport, self.open = transport, True
        self._watch = self._loop.call_at(self._rings, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        ended_by_the_server, self.open = exc is None and self.open, False
        self._watch.cancel()
        if self._answer is not None:
            if ended_by_the_server and self._ends_with_the_connection():
                self._finish()
            else:
                how = type(exc).__name__ if exc is not None else "closed"
                self._fail(Unavailable(f"`{self._source}` broke off ({how})", source=self._source))
        self._left(self)
        if not self.ended.done():
            self.ended.set_result(None)
        del self._parser  # it knows this object's methods

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody has asked
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._keep = False
            if not self._complete:
                self._fail(self._refusal or self._not_http())
                return
        if self._complete:
            self._finish()
            return
        self._arrived += len(data)
        if self._arrived > HEAD_BYTES + _FRAMED * self._body_bytes:
            self._fail(self._not_http())

    def _ends_with_the_connection(self) -> bool:
        """Whether the body goes on until the connection ends, so that its end is the answer's."""
        return self._in_body and "content-length" not in self._headers and "transfer-encoding" not in self._headers

    def _look(self) -> None:
        """One timer for a connection, not for a question: it looks when the time of what is under way may be over."""
        if self._loop.time() + _EARLY < self._until:
            self._rings = self._until
            self._watch = self._loop.call_at(self._rings, self._look)
        elif self._answer is not None:
            self._fail(TimedOut(f"no answer from `{self._source}` within {self._limit:g} s", source=self._source))
        else:
            self.close()

    # ---------------------------------------------------------------- the parser

    def on_message_begin(self) -> None:
        """An answer begins; one behind an answer that is complete belongs to nobody."""
        if self._complete:
            raise self._not_http()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one behind a body is not looked at."""
        if not self._in_body:
            self._head_bytes += len(name) + len(value)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(self._not_http())
            self._headers[_name(name)] = value.decode("utf-8", "surrogateescape").strip(" \t")

    def on_headers_complete(self) -> None:
        """A head is complete: what follows it must be bounded, and packed in a way that was asked for."""
        status = self._parser.get_status_code()
        if status < 200:
            if status < 100 or status == 101:  # no status at all, or the end of HTTP, which nobody has asked for
                self._refuse(self._not_http())
            return
        self._status, self._in_body, headers = status, True, self._headers
        if self._bodiless:
            self._complete = True
            return
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            self._refuse(self._not_http())
        if status in _BODILESS:
            return
        coding = headers.get("content-encoding")
        if coding is not None:
            try:
                self._decoder = decoder(coding)
            except Undecodable:
                self._refuse(self._not_decodable())
        if self._decoder is None and int(headers.get("content-length", 0)) > self._most:
            self._refuse(self._too_large())

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        if self._complete:
            return
        self._body_bytes += len(body)
        if self._decoder is not None:
            try:
                body = self._decoder.decode(body, self._most - len(self._body))
            except Undecodable:
                self._refuse(self._not_decodable())
        if len(self._body) + len(body) > self._most:
            self._refuse(self._too_large())
        if not self._body:
            self._body = body
            return
        if isinstance(self._body, bytes):
            self._body = bytearray(self._body)
        self._body += body

    def on_message_complete(self) -> None:
        """The end of an answer, or of an interim one."""
        if not self._in_body:
            self._headers = {}
        elif not self._complete:
            self._complete, self._keep = True, self._parser.should_keep_alive()

    # ---------------------------------------------------------------- ends

    def _finish(self) -> None:
        """The answer is whole."""
        answer, self._answer = self._answer, None
        if self._decoder is not None:
            try:
                self._decoder.end()
            except Undecodable:
                self._answer = answer
                self._fail(self._not_decodable())
                return
        if self.open:
            if self._transport.get_write_buffer_size():  # the rest of the question, which nobody will read
                self.abort()
            elif self._keep:
                self._until = self._loop.time() + IDLE_SECONDS
            else:
                self.close()
        if answer is not None and not answer.done():
            answer.set_result(Reply(self._status, self._headers, bytes(self._body)))

    def _fail(self, error: SourceError) -> None:
        answer, self._answer = self._answer, None
        self.abort()
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _refuse(self, error: SourceError) -> None:
        """Stops the parser: no more of this answer is read."""
        self._refusal = error
        raise error

    def _not_http(self) -> Garbled:
        return Garbled(f"`{self._source}` answered something that is not HTTP", source=self._source)

    def _not_decodable(self) -> Garbled:
        return Garbled(f"`{self._source}` answered in a coding that cannot be read", source=self._source)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"`{self._source}` answered more than {self._most} bytes", source=self._source)
