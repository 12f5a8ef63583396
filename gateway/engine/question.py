"""A question and its answer, as the edge and the engine hand them to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.engine.manifests import Trusted
from resolvers.budget import OperationClass


class Wishes(msgspec.Struct, frozen=True):
    """What an asker wants of an answer's time: at most `timeout` seconds for it, facts no older than `max_age` seconds,
    and none from before the writes that a `freshness` token tells of."""

    timeout: float | None = None
    max_age: float | None = None
    freshness: str | None = None


NO_WISHES = Wishes()


class Question(msgspec.Struct, frozen=True):
    """One GraphQL request, whichever way it came. `pinned`: the operation class that we, not the client, gave it.

    `digest` is the SHA-256 of the document's text: with an empty `query` it names the document. `automatic`: it was
    named in the way of automatic persisted queries. `trusted` and `noted` are for `gateway.engine.trust` to set: what
    the client's manifest says of the document, and whether it wants to be told that the document is a good one.
    """

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    may_mutate: bool = True  # False for GET
    wishes: Wishes = NO_WISHES
    pinned: OperationClass | None = None
    digest: bytes | None = None
    automatic: bool = False
    trusted: Trusted | None = None
    noted: bool = False


class Response(msgspec.Struct, frozen=True):
    """The body, whether the operation ran at all (`started`): that decides the HTTP status; and its classes. `untold`:
    it answers an event about a row that the caller may not see, and is for nobody."""

    body: dict[str, Any]
    started: bool
    method_not_allowed: bool = False
    classes: tuple[OperationClass, ...] = ()
    untold: bool = False
