"""What a set of roles may do, as the engine asks for it. There is no plan without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from policies.principal import Principal

Pushed = tuple[str, str, tuple[str, ...]]


class Decision(Protocol):
    """What the policies say of one field."""

    @property
    def verdict(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def mask(self) -> Callable[[Any], Any] | None: ...
    @property
    def mask_name(self) -> str | None: ...
    @property
    def class_name(self) -> str: ...
    @property
    def audited(self) -> bool: ...


class RowRule(Protocol):
    """How rows of one type are judged for one set of roles; see `policies.decide`."""

    @property
    def open(self) -> bool: ...
    @property
    def by_account(self) -> bool: ...
    @property
    def needs_account(self) -> bool: ...
    @property
    def reads(self) -> frozenset[str]: ...

    def judge(
        self, rows: Sequence[Any], accounts: Sequence[Any], facts: Sequence[Mapping[str, Any]], principal: Principal, /
    ) -> list[frozenset[str]]: ...

    def filters(self, principal: Principal, /) -> tuple[Pushed, ...] | None: ...


class Grants(Protocol):
    """The decisions of one set of roles."""

    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def external(self) -> bool: ...
    @property
    def version(self) -> int: ...
    @property
    def introspects(self) -> bool: ...
    @property
    def recorded(self) -> bool: ...

    def field(self, type_name: str, name: str, roles: frozenset[str] | None = None, /) -> Decision: ...
    def lookup(self, type_name: str, name: str, /) -> bool: ...
    def rows(self, type_name: str, roles: frozenset[str] | None = None, /) -> RowRule: ...


def rule_of(
    grants: Grants, types: Mapping[type, str], record: type, roles: frozenset[str] | None = None
) -> RowRule | None:
    """How rows of a class are judged for these roles, by default all; None where nothing is to be judged. `types` names
    the type of a record's class."""
    name = types.get(record)
    if name is None:
        return None
    rule = grants.rows(name, roles)
    return None if rule.open else rule


class RowRules(dict[type, "RowRule | None"]):
    """How rows of each class are judged for all roles of some grants; each class is looked up once."""

    def __init__(self, grants: Grants, types: Mapping[type, str]) -> None:
        super().__init__()
        self._grants, self._types = grants, types

    def __missing__(self, record: type) -> RowRule | None:
        rule = self[record] = rule_of(self._grants, self._types, record)
        return rule


def granting(grants: Grants, type_name: str, name: str, roles: frozenset[str]) -> frozenset[str]:
    """Of some roles those that each grant a field by themselves."""
    if len(roles) < 2:
        return roles
    return frozenset(role for role in roles if grants.field(type_name, name, frozenset((role,))).verdict != "deny")


class _Allowed(msgspec.Struct, frozen=True):
    verdict: str = "allow"
    rule: str = "allow-all"
    mask: Callable[[Any], Any] | None = None
    mask_name: str | None = None
    class_name: str = "public"
    audited: bool = False


class _OpenRows(msgspec.Struct, frozen=True):
    """Rows that nobody has to judge."""

    open: bool = True
    by_account: bool = False
    needs_account: bool = False
    reads: frozenset[str] = frozenset()

    def judge(
        self, rows: Sequence[Any], accounts: Sequence[Any], facts: Sequence[Mapping[str, Any]], principal: Principal
    ) -> list[frozenset[str]]:
        return [frozenset()] * len(rows)

    def filters(self, principal: Principal) -> tuple[Pushed, ...] | None:
        return ()


class AllowAll:
    """Grants of a caller to whom nothing is closed: measurements and comparisons, never a request."""

    roles = frozenset({"everybody"})
    external = False
    version = 0
    introspects = True
    recorded = False
    _decision, _rows = _Allowed(), _OpenRows()

    def field(self, type_name: str, name: str, roles: frozenset[str] | None = None) -> Decision:
        """Allowed."""
        return self._decision

    def lookup(self, type_name: str, name: str) -> bool:
        """Allowed."""
        return True

    def rows(self, type_name: str, roles: frozenset[str] | None = None) -> RowRule:
        """Open."""
        return self._rows
