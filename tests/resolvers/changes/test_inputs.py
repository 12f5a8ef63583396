"""Inputs are made of records: a write that is added to the list needs no line here, and what comes in is bounded."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
import pytest
import strawberry
from graphql import GraphQLInputObjectType, print_type

from resolvers.changes.inputs import Shape
from resolvers.changes.places import located
from resolvers.ids import global_id
from resolvers.sagas.writes import WRITES
from resolvers.types.descriptions.inputs import INPUTS
from sources.errors import BadAsk
from tests.resolvers import world

FIELDS = world.SCHEMA._schema.type_map["Mutation"].fields  # type: ignore[attr-defined]


class Way(StrEnum):
    """How it goes."""

    BY_LAND = "by land"
    BY_SEA = "by sea"


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel."""

    price: str
    weight: Decimal


class Ship(msgspec.Struct, frozen=True, kw_only=True):
    """Ships parcels to a customer."""

    account: str
    parcels: tuple[Parcel, ...]
    leaves_on: date
    reason: Way
    arrives_at: datetime | None = None
    route: Way = Way.BY_SEA
    deck: int = 3
    insured: bool = False
    bill_to_key: str | None = None
    marks: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    spare: Parcel | None = None


SHAPE = Shape(Ship, "ShipInput", {"reason": (str | None, None)})
PARCEL = SHAPE.type.__annotations__["parcels"].__args__[0]
MARK = SHAPE.type.__annotations__["marks"].__args__[0].__args__[0]


def given(**changed: Any) -> Any:
    parcels = [PARCEL(price="p", weight=Decimal(2))]
    usual = {"account": "001A", "parcels": parcels, "leaves_on": date(2026, 3, 1), "way": Way.BY_LAND}
    return SHAPE.type(**usual | changed)


@pytest.fixture(scope="module")
def shown() -> Mapping[str, Any]:
    def ask(input: Any) -> str:  # noqa: A002 - as arguments are called in the graph
        return str(input)

    ask.__annotations__["input"] = SHAPE.type
    query = strawberry.type(type("Query", (), {"ask": strawberry.field(resolver=ask)}))
    return strawberry.Schema(query)._schema.type_map


def test_the_schema_says_what_the_record_says(shown: Mapping[str, Any]) -> None:
    made = shown["ShipInput"]
    assert isinstance(made, GraphQLInputObjectType)
    assert {name: str(field.type) for name, field in made.fields.items()} == {
        "account": "ID!",
        "parcels": "[ParcelInput!]!",
        "leavesOn": "Date!",
        "way": "Way!",  # the command has a `reason` of its own
        "arrivesAt": "DateTime",
        "route": "Way!",
        "deck": "Int!",
        "insured": "Boolean!",
        "billTo": "ID",
        "marks": "[FieldValueInput!]",
        "spare": "ParcelInput",
        "reason": "String",
    }
    assert "deck: Int! = 3" in print_type(made)
    assert "route: Way! = BY_SEA" in print_type(made)
    assert made.description == "Ships parcels to a customer."
    assert made.fields["leavesOn"].description == "The leaves on."  # in its own words, until somebody writes others
    assert made.fields["account"].description == INPUTS["account"]


def test_what_is_left_out_is_as_the_record_has_it() -> None:
    assert SHAPE.record(given()) == Ship(
        account="001A",
        parcels=(Parcel(price="p", weight=Decimal(2)),),
        leaves_on=date(2026, 3, 1),
        reason=Way.BY_LAND,
    )
    assert SHAPE.record(given(spare=None, arrives_at=None, marks=[])) == SHAPE.record(given())


def test_a_record_may_be_named_by_its_id() -> None:
    node = global_id(world.account("001B"))
    made = SHAPE.record(given(account=node, bill_to=node, marks=[MARK(field="onTop", value=None)]))
    assert (made.account, made.bill_to_key, made.marks) == ("001B", "001B", {"on_top": None})


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"account": ""}, "account"),
        ({"account": "x" * 256}, "account"),
        ({"account": "a\0b"}, "account"),
        ({"parcels": [PARCEL(price="p", weight=Decimal("NaN"))]}, "parcels.0.weight"),
        ({"parcels": [PARCEL(price="p", weight=Decimal(1)), PARCEL(price=" ", weight=Decimal(1))]}, "parcels.1.price"),
        ({"parcels": [PARCEL(price="p", weight=Decimal(1))] * 1_001}, "parcels"),
        ({"leaves_on": date(1999, 12, 31)}, "leavesOn"),
        ({"arrives_at": datetime(2026, 3, 1)}, "arrivesAt"),  # noqa: DTZ001 - that is what is wrong with it
        ({"arrives_at": datetime(2101, 3, 1, tzinfo=UTC)}, "arrivesAt"),
        ({"marks": [MARK(field="a", value="1"), MARK(field="a", value="2")]}, "marks.1.field"),
        ({"spare": PARCEL(price="p", weight=Decimal("1E+99"))}, "spare.weight"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(changed: dict[str, Any], path: str) -> None:
    with pytest.raises(BadAsk) as refused:
        SHAPE.record(given(**changed))
    assert refused.value.path == path
    assert f"`{path}" in refused.value.message or f"`{path.rpartition('.')[0]}`" in refused.value.message


def test_a_type_without_an_input_is_a_mistake_at_the_start() -> None:
    class Odd(msgspec.Struct):
        """Something odd."""

        ratio: float

    with pytest.raises(TypeError, match=r"`ratio` is of the type `<class 'float'>`"):
        Shape(Odd, "OddInput")


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("`parcels.0`: more than nothing is expected", "parcels.0"),
        ("there is no Price `p`, or it is not for you", "parcels.0.price"),
        ("`billTo` is nobody", "billTo"),
        ("nothing is said of any place", None),
    ],
)
def test_a_refusal_of_a_write_is_given_its_place(message: str, path: str | None) -> None:
    assert located(BadAsk(message), SHAPE.record(given())).path == path
    assert located(BadAsk(message, path="deck"), SHAPE.record(given())).path == "deck"


def test_a_refusal_of_a_write_says_the_place_of_a_value_and_never_the_value() -> None:
    told = located(BadAsk("there is no Price `p`, or it is not for you: see `crm`"), SHAPE.record(given())).message
    assert told == "there is no Price of `parcels.0.price`, or it is not for you: see `crm`"


@pytest.mark.parametrize("mutation", [saga.mutation for saga in WRITES])
def test_every_write_in_the_list_is_a_mutation_with_a_key(mutation: str) -> None:
    made = FIELDS[mutation].args["input"].type.of_type
    assert {name: str(made.fields[name].type) for name in ("idempotencyKey", "expectedVersion", "dryRun")} == {
        "idempotencyKey": "String!",
        "expectedVersion": "String",
        "dryRun": "Boolean!",
    }
    assert str(made.fields["reason"].type) == "String"


def test_no_description_of_an_input_is_left_over() -> None:
    inputs = {name: each for name, each in world.SCHEMA._schema.type_map.items() if name.endswith("Input")}
    known = {name for each in inputs.values() for name in each.fields}  # type: ignore[attr-defined]
    known |= {f"{kind}.{name}" for kind, each in inputs.items() for name in each.fields}  # type: ignore[attr-defined]
    assert sorted(set(INPUTS) - known) == []
