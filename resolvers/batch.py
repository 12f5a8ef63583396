"""How a field declares what it needs: a link to records, a batched computation, or a value derived from one record.

Nothing here runs anything. The engine reads the declaration (`declaration_of`) and decides when and how: once for all
parents, after the policies have been asked. A resolver for one object at a time does not exist, so N+1
cannot be written.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeAlias

import msgspec
import strawberry

from resolvers.budget import OperationClass
from resolvers.context import Context
from sources.canonical import Record
from sources.ports import Filter, Order, Page, Reading

_KEY = "opsgraph"
LOOKUP = "opsgraph-lookup"
"""In the metadata of an input's field: the coordinate that it looks up."""
MAX_AGE = "max_age"  # the argument of what is `dated`
_DATED = {MAX_AGE: int | None}
Need: TypeAlias = tuple[type[Record], str]


class Read(Protocol):
    """Reads bound to the asking principal: rows were judged before they are handed out.

    Only (record, by) pairs named in `needs` may be read. Records of many keys in one call; keys that have errors are in
    `errors`, keys that have nothing are in neither.
    """

    async def __call__(self, record: type[Record], by: str, keys: Sequence[str], page: Page = ...) -> Reading: ...


Compute: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]
"""`async (parents, read, context, **arguments) -> one answer per parent`; an answer may be an exception instance, which
becomes that parent's error. A root has one parent, None."""


Sought: TypeAlias = Callable[[Mapping[str, Any]], Iterable[str]]
"""The coordinates that a root's arguments look up, `Type.field`: only those may ask who may look all of them up."""


class Link(msgspec.Struct, frozen=True):
    """Records that hang on a parent: `key` names the parent's attribute with the key(s), `argument` a root's. Of a root
    `budget` is its operation class. A root is found by the attribute `by`, exactly, or by words in that of `words`."""

    target: type[Record]
    by: str
    key: str
    many: bool = False
    paged: bool = False
    argument: str | None = None
    fixed: tuple[Filter, ...] = ()
    order: Order | None = None
    first: int | None = None  # default page size of a connection; bound of a plain list
    budget: OperationClass | None = None
    words: str | None = None

    @property
    def sought(self) -> str | None:
        """The target's attribute that a root's argument is compared with."""
        return (self.words or self.by) if self.argument is not None else None


class Batched(msgspec.Struct, frozen=True):
    """A computation over all parents at once; `needs` are the only reads it may make.

    `derives` are the coordinates whose content shows in the answer, for the policies: `Type.field`, as in the schema.
    A root that gives one `record` may say with `known` which key its arguments tell: the record's own links then start
    together with it. One that is `dated` takes the argument `maxAge`: what it reads is no older than so many seconds.
    `sought` are the coordinates that its arguments look up.
    """

    compute: Compute
    needs: tuple[Need, ...]
    derives: tuple[str, ...] = ()
    known: Callable[[Mapping[str, Any]], str | None] | None = None
    record: type[Record] | None = None
    budget: OperationClass | None = None
    dated: bool = False
    sought: Sought | None = None


class Derived(msgspec.Struct, frozen=True):
    """A pure function of one record and the context: no I/O, no clock but the context's. `derives` as in `Batched`."""

    derive: Callable[[Any, Context], Any]
    derives: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event that may be about one record. Who may not see its row is not told of the event at all, as if nothing had
    happened. The `first` one of a stream is told without it; where the stream is about that record alone (`alone`),
    nothing follows, as for a record that is not there."""

    subject: Record | None = None
    first: bool = False
    alone: bool = False


class Stream(msgspec.Struct, frozen=True):
    """A subscription's root: `source(context, **arguments)` gives events; each is answered as the field's value.
    `sought` as in `Batched`, `record` is what its events are about."""

    source: Callable[..., AsyncGenerator[Any, None]]
    budget: OperationClass | None = None
    sought: Sought | None = None
    record: type[Record] | None = None


Declaration: TypeAlias = Link | Batched | Derived | Stream


def declaration_of(field: Any) -> Declaration | None:
    """What a graphql-core field was declared as; None for a plain attribute."""
    definition = field.extensions.get("strawberry-definition")
    declared: Declaration | None = (definition.metadata if definition is not None else field.extensions).get(_KEY)
    return declared


def link(
    target: type[Record],
    *,
    by: str = "key",
    key: str = "key",
    argument: str | None = None,
    fixed: Sequence[Filter] = (),
    budget: OperationClass | None = None,
    description: str | None = None,
) -> Any:
    """One record or null: the first that `by` finds for the parent's `key` (or a root's `argument`, an ID)."""
    declared = Link(target, by, key, argument=argument, fixed=tuple(fixed), budget=budget)
    arguments = {argument: strawberry.ID} if argument else {}
    return _field(declared, arguments, description)


def links(
    target: type[Record],
    *,
    by: str,
    key: str = "key",
    fixed: Sequence[Filter] = (),
    first: int | None = None,
    order: Order | None = None,
    budget: OperationClass | None = None,
    description: str | None = None,
) -> Any:
    """A plain list for things of which there are few; `first` bounds it."""
    declared = Link(target, by, key, many=True, fixed=tuple(fixed), first=first, order=order, budget=budget)
    return _field(declared, {}, description)


def connection(  # noqa: PLR0913 - a declaration: every argument is a keyword and most are left out
    target: type[Record],
    *,
    by: str,
    key: str = "key",
    filters: type | None = None,
    orders: type | None = None,
    order: Order | None = None,
    fixed: Sequence[Filter] = (),
    first: int = 20,
    argument: str | None = None,
    words: str | None = None,
    budget: OperationClass | None = None,
    description: str | None = None,
) -> Any:
    """A Relay connection: `first` (1 to 100), `after`, and `filter`/`orderBy` where the type is given.

    `by="list"` needs no parent; `by="search"` takes its text from the root argument `argument` and looks for it in the
    attribute `words`. Whoever may not read what `order` orders by gets the source's own order instead.
    """
    declared = Link(target, by, key, True, True, argument, tuple(fixed), order, first, budget, words)
    accepted: dict[str, Any] = {argument: str} if argument else {}
    accepted |= {"first": int | None, "after": str | None}
    if filters is not None:
        accepted["filter"] = filters | None
    if orders is not None:
        accepted["order_by"] = orders | None
    return _field(declared, accepted, description)


def batched(  # noqa: PLR0913 - as of `connection`
    compute: Compute,
    *,
    needs: Sequence[Need],
    derives: Sequence[str] = (),
    arguments: Mapping[str, Any] | None = None,
    known: Callable[[Mapping[str, Any]], str | None] | None = None,
    record: type[Record] | None = None,
    budget: OperationClass | None = None,
    dated: bool = False,
    sought: Sought | None = None,
    description: str | None = None,
) -> Any:
    """A value computed for all parents at once; `arguments`: python name -> type, optional ones as `X | None`."""
    declared = Batched(compute, tuple(needs), tuple(derives), known, record, budget, dated, sought)
    return _field(declared, {**(arguments or {}), **(_DATED if dated else {})}, description)


def derived(
    derive: Callable[[Any, Context], Any], *, derives: Sequence[str] = (), description: str | None = None
) -> Any:
    """A value that one record already holds, in another shape."""
    return _field(Derived(derive, tuple(derives)), {}, description)


def stream(
    source: Callable[..., AsyncGenerator[Any, None]],
    *,
    arguments: Mapping[str, Any] | None = None,
    budget: OperationClass | None = None,
    sought: Sought | None = None,
    record: type[Record] | None = None,
    description: str | None = None,
) -> Any:
    """A root of subscriptions; `arguments` as those of `batched`."""
    return _field(Stream(source, budget, sought, record), dict(arguments or {}), description)


def where(field: str, op: str, description: str | None = None) -> Any:
    """A filter input's field: which canonical attribute it tests, and how (`sources.ports.Filter`)."""
    return strawberry.field(default=strawberry.UNSET, metadata={_KEY: (field, op)}, description=description)


def seeking(**coordinates: str) -> Sought:
    """The coordinate that each of a computation's arguments looks up, where it is given."""

    def sought(given: Mapping[str, Any]) -> Iterable[str]:
        return [each for name, each in coordinates.items() if given.get(name) not in (None, strawberry.UNSET)]

    return sought


def looked_up(coordinate: str, description: str | None = None) -> Any:
    """An input's field by whose value a record is found: only those may give it who may look that coordinate up."""
    return strawberry.field(default=None, metadata={LOOKUP: coordinate}, description=description)


def lookups_of(input_type: Any) -> dict[str, str]:
    """python name -> coordinate of an input's fields that look something up."""
    definition: Any = getattr(input_type, "__strawberry_definition__", None)
    fields = definition.fields if getattr(definition, "is_input", False) else ()
    return {field.python_name: field.metadata[LOOKUP] for field in fields if LOOKUP in field.metadata}


def filter_of(input_type: type) -> dict[str, tuple[str, str]]:
    """python name -> (canonical attribute, operator) of a filter input."""
    fields = input_type.__strawberry_definition__.fields  # type: ignore[attr-defined]
    return {field.python_name: field.metadata[_KEY] for field in fields}


def _field(declared: Declaration, arguments: Mapping[str, Any], description: str | None) -> Any:
    def unplanned(**_: Any) -> NoReturn:
        raise RuntimeError("a declared field is run by the engine, never by itself")

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=accepted,
            default=strawberry.UNSET if _optional(accepted) else inspect.Parameter.empty,
        )
        for name, accepted in arguments.items()
    ]
    unplanned.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    unplanned.__annotations__ = dict(arguments)
    return strawberry.field(resolver=unplanned, metadata={_KEY: declared}, description=description)


def _optional(accepted: Any) -> bool:
    return type(None) in getattr(accepted, "__args__", ())
