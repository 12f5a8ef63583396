"""Documents that clients register themselves: automatic persisted queries.

What is registered is text and nothing else: it is read, judged and priced for whoever names it like any other.
"""

from __future__ import annotations

from collections import OrderedDict


class Registered:
    """Texts by the digest that names them, bounded in number and in characters; the least recently used go."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._texts: OrderedDict[bytes, str] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def open(self) -> bool:
        """Whether anything may be registered at all."""
        return self._most > 0

    def get(self, digest: bytes) -> str | None:
        """The text of a digest."""
        text = self._texts.get(digest)
        if text is not None:
            self._texts.move_to_end(digest)
        return text

    def keep(self, digest: bytes, text: str) -> None:
        """Registers a text that passed; `digest` is its own."""
        if digest in self._texts:
            return
        self._texts[digest] = text
        self._bytes += _weight(text)
        while self._texts and (len(self._texts) > self._most or self._bytes > self._most_bytes):
            self._bytes -= _weight(self._texts.popitem(last=False)[1])


def _weight(text: str) -> int:
    """At most so many bytes: a text takes one to four for each character, and what it is kept in."""
    return (1 if text.isascii() else 4) * len(text) + 200
