"""A saga as data: what is gathered about a write, and the steps that carry it out and take it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from resolvers.sagas.concerns import RECORDS, Concern
from sources.canonical import Money, Record
from sources.canonical.commands import Command, Written
from sources.ports import Page, Reading

I_ = TypeVar("I_")
K_ = TypeVar("K_")


class Read(Protocol):
    """Reads records of one class by one index, for many keys; failures are errors of their keys."""

    async def __call__(self, record: type[Record], by: str, keys: Sequence[str], page: Page = ...) -> Reading: ...


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Why a write does not go ahead as it is. `owner` names the role that has to decide; None: it is refused."""

    code: str
    message: str
    path: str | None = None
    owner: str | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a write is about, as it was read. `known` is what its steps need (the saga's own record).

    The rest is what the write rules are asked with (see `policies.writes.ask.Ask`): figures and flags by their names
    there, `rates[currency]` how much of the functional currency one unit is worth, `documents` what the write touches
    (`invoice:KEY`, ...).
    """

    account: str | None = None
    entity: str | None = None
    functional: str = ""
    amount: Money | None = None
    figures: Mapping[str, Money | Decimal] = msgspec.field(default_factory=dict)
    flags: Mapping[str, bool] = msgspec.field(default_factory=dict)
    rates: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    arr: Decimal | None = None
    period_start: datetime | None = None
    documents: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, str] = msgspec.field(default_factory=dict)
    known: Any = None


@dataclass(frozen=True, slots=True)
class State(Generic[I_, K_]):
    """What a step is made from: what was asked, what is known, what the steps before it wrote."""

    operation: str
    correlation: str
    input: I_
    known: K_
    facts: Facts
    at: datetime
    written: Mapping[str, Written] = field(default_factory=dict)

    def key_of(self, step: str) -> str:
        """What an earlier step's record is called by its own system."""
        return self.written[step].key


Build = Callable[[Any], Command | None]
Begins = Callable[[Any], datetime | None]


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks against a write shortly before it starts, and its saga's own record as it is by then."""

    findings: tuple[Finding, ...] = ()
    known: Any


Look = Callable[[Read, Any, datetime], Awaitable[Looked]]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one record in one system.

    `do` and `undo` make the command from the state; None where there is nothing to do. A step with `pivot` is the point
    of no return: once it is done, whatever comes after it goes forward only. `money`: skipping it, or going on with
    another value, takes a second person. `changeable` are the command's fields that a person may give another value.
    `begins`: the instant before which it is not done, None for at once; until then the operation can be called back.
    `looks` is asked once more some time before that (`looking.AHEAD`), where it was judged before.
    """

    name: str
    writes: type[Command]
    do: Build
    undo: Build | None = None
    concern: Concern = RECORDS
    pivot: bool = False
    money: bool = False
    changeable: tuple[str, ...] = ()
    begins: Begins | None = None
    looks: Look | None = None


Gather = Callable[[Read, Any, datetime], Awaitable[Facts]]


@dataclass(frozen=True, slots=True)
class Saga:
    """One governed write. `gather` reads what must be known before it is judged, and again before it begins.

    `input` and `known` are msgspec records; `needs` are the only reads `gather` makes; `prompt` says that callers wait
    for the end, because it comes quickly.
    """

    mutation: str
    input: type[Any]
    known: type[Any]
    gather: Gather
    needs: tuple[tuple[type[Record], str], ...]
    steps: tuple[Step, ...]
    prompt: bool = False
    version: int = 1

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if len(names) != len(set(names)):
            raise ValueError(f"`{self.mutation}` has two steps of one name: names are keys")
        if sum(step.pivot for step in self.steps) > 1:
            raise ValueError(f"`{self.mutation}` has two points of no return: keep the first")

    @property
    def workflow(self) -> str:
        """The name under which a run finds its saga again after a restart."""
        return f"{self.mutation}/{self.version}"
