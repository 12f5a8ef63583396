"""What the schema offers, as its declarations say it, and what the vendors' connectors say they can be asked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from resolvers.batch import Link, declaration_of, filter_of
from sources.canonical import Record
from sources.catalog import DEFAULT_OWNERS, vendors
from sources.ours import CAPABILITIES as OUR_CAPABILITIES
from sources.ours import RECORDS as OURS
from sources.ports import Capability, Filter, Order
from sources.vendors.netsuite.readers import CAPABILITIES as NETSUITE
from sources.vendors.salesforce.readers import CAPABILITIES as SALESFORCE
from sources.vendors.stripe.readers import READERS as STRIPE
from sources.vendors.tryton.shapes import CAPABILITIES as TRYTON
from sources.vendors.zendesk.readers import CAPABILITIES as ZENDESK
from tests.resolvers.world import SCHEMA

GRAPH = SCHEMA._schema


def objects() -> Iterator[GraphQLObjectType]:
    for found in GRAPH.type_map.values():
        if isinstance(found, GraphQLObjectType) and not found.name.startswith("__"):
            yield found


def declared(kind: type[Any]) -> Iterator[tuple[str, GraphQLField, Any]]:
    for shown in objects():
        for name, field in shown.fields.items():
            found = declaration_of(field)
            if isinstance(found, kind):
                yield f"{shown.name}.{name}", field, found


def capabilities() -> dict[Any, list[dict[tuple[type[Record], str], Capability]]]:
    """System -> what each vendor's connector can be asked, as the vendors' folders say."""

    by_vendor = {
        "netsuite": NETSUITE,
        "salesforce": SALESFORCE,
        "stripe": {pair: entry.capability for pair, entry in STRIPE.items()},
        "zendesk": ZENDESK,
        "tryton": TRYTON,
    }
    found: dict[Any, list[dict[tuple[type[Record], str], Capability]]] = {}
    for name, vendor in vendors().items():
        found.setdefault(vendor.system, []).append(dict(by_vendor[name]))
    return found


ABLE = capabilities()


def answers(record: type[Record], by: str) -> list[Capability]:
    if record in OURS:
        return [OUR_CAPABILITIES[record, by]] if (record, by) in OUR_CAPABILITIES else []
    return [
        able[record, by] for system in DEFAULT_OWNERS[record] for able in ABLE.get(system, ()) if (record, by) in able
    ]


CONNECTIONS = [(name, field, link) for name, field, link in declared(Link) if link.paged]


def orders_of(field: GraphQLField, link: Link) -> list[Order]:
    """Every order a client can have: the link's own, and each field of `orderBy` in each direction it offers."""
    own = [link.order] if link.order is not None else []
    if "orderBy" not in field.args:
        return own
    chosen = get_named_type(field.args["orderBy"].type)
    assert isinstance(chosen, GraphQLInputObjectType)
    names, ways = (get_named_type(chosen.fields[each].type) for each in ("field", "direction"))
    assert isinstance(names, GraphQLEnumType)
    assert isinstance(ways, GraphQLEnumType)
    fields = [getattr(each.value, "value", each.value) for each in names.values.values()]
    return own + [Order(each, descending=way == "DESC") for each in fields for way in ways.values]


def filters_of(field: GraphQLField) -> list[Filter]:
    """Every condition a client can make, each with a value of its kind."""
    if "filter" not in field.args:
        return []
    accepted = get_named_type(field.args["filter"].type)
    assert isinstance(accepted, GraphQLInputObjectType)
    meant = filter_of(accepted.extensions["strawberry-definition"].origin)
    by_python_name = {
        each.extensions["strawberry-definition"].python_name: each.type for each in accepted.fields.values()
    }
    return [Filter(attribute, op, _value(by_python_name[name])) for name, (attribute, op) in meant.items()]


def _value(kind: Any) -> Any:
    named = get_named_type(kind)
    values: list[Any]
    soon = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20)
    if isinstance(named, GraphQLEnumType):
        values = [each.value for each in named.values.values()][:3]
    elif named.name in ("DateTime", "Date"):
        values = [soon if named.name == "DateTime" else soon.date()]
    else:
        values = [True] if named.name == "Boolean" else ["DE", "US"]
    return tuple(values) if isinstance(get_nullable_type(kind), GraphQLList) else values[0]
