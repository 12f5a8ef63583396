"""Warms trusted documents: validated when the gateway starts, planned before it says that it is ready."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from graphql import GraphQLError, OperationDefinitionNode

from gateway.engine.documents import Refused
from gateway.engine.engine import Engine
from gateway.engine.manifests import Manifests, Trusted
from gateway.engine.plan import Plan
from gateway.engine.question import Question
from policies.principal import Principal
from policies.purposes import PURPOSE

_SHOWN = 3
_FLAGS = 4  # variables of `@skip/@include` of which every combination is planned; of more, all true and all false

Roles = Callable[[], Collection[str]]
"""The roles that the rules in force know."""


def plain_roles(tables: Iterable[str]) -> list[str]:
    """Of the roles of the rules those that a token may name: nobody acts with a purpose by himself."""
    return [name for name in tables if PURPOSE not in name]


class Warmer:
    """Prepares documents with the engine that will run them, whose memory they are then in."""

    def __init__(self, engine: Engine, roles: Roles) -> None:
        self._engine, self._roles = engine, roles

    def mistakes(self, manifests: Manifests) -> Iterator[str]:
        """Reads and validates every document for each of its roles; what is wrong, one line for each mistake."""
        for each in manifests:
            yield from self.mistakes_of(each)

    def mistakes_of(self, trusted: Trusted) -> Iterator[str]:
        """The same of one document."""
        known = self._roles()
        for role in sorted((trusted.roles or frozenset()) - frozenset(known)):
            yield f"{trusted.place}: there is no role `{role}`: one of {', '.join(sorted(known))} is possible"
        told: dict[str, list[str]] = {}
        for role in self.scope(trusted):
            try:
                definitions = self._engine.prepare(_question(trusted), _as(role)).node.definitions
            except Refused as error:
                found = [_said(each) for each in error.errors]
            else:
                found = list(_misnamed(trusted, definitions))
            for each in found:
                told.setdefault(each, []).append(role)
        for message, roles in told.items():
            yield f"{trusted.place}: {message}, as {_some(roles)}"

    def scope(self, trusted: Trusted) -> list[str]:
        """The roles for which a document is prepared: those of its scope; without one those who can ask for it at all,
        which outsiders cannot where it has something that they are not shown."""
        known = self._roles()
        if trusted.roles is not None:
            return sorted(trusted.roles.intersection(known))
        return [role for role in sorted(known) if not self._engine.outsider(_as(role)) or self._reads(trusted, role)]

    def _reads(self, trusted: Trusted, role: str) -> bool:
        try:
            self._engine.prepare(_question(trusted), _as(role))
        except Refused:
            return False
        return True

    def plans(self, trusted: Trusted, role: str) -> Iterator[Plan]:
        """Plans every operation that may be asked for, for one role; raises Refused."""
        question = _question(trusted)
        document = self._engine.prepare(question, _as(role))
        for definition in document.node.definitions:
            if not isinstance(definition, OperationDefinitionNode):
                continue
            name = definition.name.value if definition.name else None
            if trusted.operation not in (None, name):
                continue
            asked = Question(question.query, operation_name=name, digest=question.digest)
            for flags in _combinations(document.flags):
                yield self._engine.preplan(asked, _as(role), flags)


def _combinations(names: tuple[str, ...]) -> Iterator[dict[str, bool]]:
    if len(names) > _FLAGS:
        yield from (dict.fromkeys(names, value) for value in (True, False))
        return
    for values in itertools.product((True, False), repeat=len(names)):
        yield dict(zip(names, values, strict=True))


def _misnamed(trusted: Trusted, definitions: Collection[object]) -> Iterator[str]:
    if trusted.operation is None:
        return
    names = [each.name.value for each in definitions if isinstance(each, OperationDefinitionNode) and each.name]
    if trusted.operation not in names:
        there = f"it has {', '.join(names)}" if names else "its operation has no name"
        yield f"the document has no operation `{trusted.operation}`: {there}"


def _question(trusted: Trusted) -> Question:
    return Question(trusted.text, operation_name=trusted.operation, digest=trusted.digest)


def _as(role: str) -> Principal:
    return Principal("warm-up", frozenset({role}))


def _some(roles: Sequence[str]) -> str:
    more = len(roles) - _SHOWN
    return ", ".join(roles) if more <= 0 else f"{', '.join(roles[:_SHOWN])} and {more} more"


def _said(error: GraphQLError) -> str:
    at = f" ({error.locations[0].line}:{error.locations[0].column})" if error.locations else ""
    return f"{error.message}{at}"


def failures(error: Refused) -> str:
    """What a refusal says, in one line."""
    return "; ".join(map(_said, error.errors))
