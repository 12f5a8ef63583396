"""The schema: what every field must keep, and that its owners can answer it."""

import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    graphql_sync,
)

from resolvers.batch import Batched, Link, declaration_of
from resolvers.registry import TYPES, names
from resolvers.schema import build_schema as strawberry_schema
from resolvers.schema import print_sdl
from resolvers.types.descriptions import FIELDS
from resolvers.types.descriptions.arguments import ARGUMENTS
from sources import canonical as c
from sources.canonical import Record
from tests.resolvers.offers import CONNECTIONS, GRAPH, answers, declared, objects

ROOT = Path(__file__).resolve().parents[2]
ENTITIES = frozenset(names().values())


def test_the_published_schema_is_what_the_code_says() -> None:
    published = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    assert published == print_sdl(), "review the difference, then `opsgraph schema --write`"


def test_the_schema_says_its_root_and_that_it_is_generated() -> None:
    printed = print_sdl()
    assert printed.startswith("# Generated")
    first = next(line for line in printed.splitlines() if line and not line.startswith("#"))
    assert first == "schema {"
    assert build_schema(printed).query_type is not None


def test_every_record_has_one_type_or_is_embedded() -> None:
    records = {
        each
        for each in vars(c).values()
        if isinstance(each, type) and issubclass(each, Record) and each not in (Record, c.Owned)
    }
    only_judged_with = {c.ExchangeRate}  # nobody asks for one: what comes of it is shown
    assert records - only_judged_with == set(TYPES)
    assert len(set(TYPES.values())) == len(TYPES)


def test_whatever_may_fail_or_be_denied_can_be_null() -> None:
    firm = {
        f"{shown.name}.{name}"
        for shown in objects()
        for name, field in shown.fields.items()
        if isinstance(field.type, GraphQLNonNull)
    }
    identity = {f"{name}.{field}" for name in ENTITIES for field in ("id", "key")}
    small = {each for each in firm if re.match(r"(Money|UnitPrice|PageInfo|\w+Connection|\w+Edge)\.", each)}
    assert firm - identity - small == {"OrderLine.key", "SubscriptionItem.key"}


def test_no_list_loses_all_its_items_with_one() -> None:
    firm = []
    for shown in objects():
        for name, field in shown.fields.items():
            inner = getattr(field.type, "of_type", None)
            if isinstance(inner, GraphQLNonNull) and not shown.name.endswith("Connection"):
                firm.append(f"{shown.name}.{name}")
    assert firm == []


def test_every_type_field_and_argument_says_what_it_is() -> None:
    silent = []
    for name, shown in GRAPH.type_map.items():
        if name.startswith("__"):
            continue
        silent += [] if shown.description else [name]
        fields = shown.fields if isinstance(shown, (GraphQLObjectType, GraphQLInputObjectType)) else {}
        for field_name, field in fields.items():
            silent += [] if field.description else [f"{name}.{field_name}"]
            silent += [
                f"{name}.{field_name}({each}:)"
                for each, arg in getattr(field, "args", {}).items()
                if not arg.description
            ]
    assert silent == []


def test_no_description_is_left_over() -> None:

    fields = {
        each
        for name, shown in GRAPH.type_map.items()
        for field in getattr(shown, "fields", {})
        for each in (field, f"{name}.{field}")
    }
    arguments = {each for shown in objects() for field in shown.fields.values() for each in field.args}
    assert set(FIELDS) <= fields
    assert set(ARGUMENTS) == arguments


def test_every_leaf_of_an_entity_is_an_attribute_of_its_record() -> None:
    strangers = []
    for record, shown in TYPES.items():
        for field in GRAPH.type_map[shown.__name__].fields.values():  # type: ignore[attr-defined]
            python_name = field.extensions["strawberry-definition"].python_name
            if declaration_of(field) is None and python_name not in record.__struct_fields__:
                strangers.append(f"{shown.__name__}.{python_name}")
    assert strangers == []


def test_every_attribute_of_a_record_is_shown_or_links_to_something() -> None:
    plumbing = {"source", "source_id", "as_of", "account_key", "source_account_id", "status_since"}
    hidden = []
    for record, shown in TYPES.items():
        fields = GRAPH.type_map[shown.__name__].fields  # type: ignore[attr-defined]
        used = {each.extensions["strawberry-definition"].python_name for each in fields.values()}
        used |= {found.key for each in fields.values() if isinstance(found := declaration_of(each), Link)}
        hidden += [f"{record.__name__}.{each}" for each in record.__struct_fields__ if each not in used | plumbing]
    shown_as_status = {f"{record.__name__}.lifecycle_evidence" for record in TYPES}
    shown_as_status |= {f"{record.__name__}.status_evidence" for record in TYPES}
    judged = {"Sla.achieved", "Sla.breached_before_achieved", "Invoice.lines_complete"}
    assert set(hidden) - shown_as_status - judged == set()


@pytest.mark.parametrize(
    ("coordinate", "link"), [(name, found) for name, _, found in declared(Link)], ids=lambda each: str(each)[:60]
)
def test_every_link_has_an_owner_that_answers_it(coordinate: str, link: Link) -> None:
    assert answers(link.target, link.by), f"nobody answers `{link.target.__name__}` by `{link.by}`"


def test_every_need_of_a_computation_has_an_owner_that_answers_it() -> None:
    unmet = {
        f"{name} needs {record.__name__} by {by}"
        for name, _, found in declared(Batched)
        for record, by in found.needs
        if not answers(record, by)
    }
    assert unmet == set()


def test_every_link_finds_its_key_on_its_parent() -> None:
    lost = []
    shown_by = {shown.__name__: record for record, shown in TYPES.items()}
    embedded = {
        "SubscriptionItem": c.SubscriptionItem,
        "AmendmentLine": c.AmendmentLine,
        "Parties": c.Parties,
        "Application": c.Application,
    }
    for name, _, link in declared(Link):
        parent = name.partition(".")[0]
        record = shown_by.get(parent) or embedded.get(parent)
        if record is not None and link.by != "list" and link.key not in record.__struct_fields__:
            lost.append(f"{name} by {link.key}")
    assert lost == []


def test_a_page_of_what_many_accounts_have_is_asked_for_with_first_after_and_no_offset() -> None:
    for name, field, _ in CONNECTIONS:
        assert {"first", "after"} <= set(field.args), name
        assert not {"offset", "skip", "page", "last", "before"} & set(field.args), name


def test_relations_lead_both_ways() -> None:
    pairs = {
        "Account.contacts": "Contact.account",
        "Account.subscriptions": "AccountSubscription.account",
        "Account.invoices": "Invoice.account",
        "Account.payments": "Payment.account",
        "Account.creditMemos": "CreditMemo.account",
        "Account.refunds": "Refund.account",
        "Account.disputes": "Dispute.account",
        "Account.writeOffs": "WriteOff.account",
        "Account.entitlements": "Entitlement.account",
        "Account.cases": "Case.account",
        "Account.orders": "Order.account",
        "Account.contracts": "SubscriptionContract.account",
        "Account.renewals": "Renewal.account",
        "Account.revenueSchedules": "RevenueSchedule.account",
        "Account.taxProfiles": "TaxProfile.account",
        "Account.billingProfiles": "BillingProfile.account",
        "Account.billingCustomers": "BillingCustomer.account",
        "Account.supportOrganizations": "SupportOrganization.account",
        "Account.children": "Account.parent",
        "AccountSubscription.invoices": "Invoice.subscription",
        "AccountSubscription.contracts": "SubscriptionContract.subscription",
        "AccountSubscription.renewals": "Renewal.subscription",
        "AccountSubscription.salesOrders": "SalesOrder.subscription",
        "AccountSubscription.amendments": "Amendment.subscription",
        "Invoice.lines": "InvoiceLine.invoice",
        "Invoice.posted": "PostedInvoice.invoice",
        "Invoice.writeOffs": "WriteOff.invoice",
        "Invoice.ledgerPostings": "LedgerPosting.invoice",
        "Invoice.revenueSchedules": "RevenueSchedule.invoice",
        "Invoice.creditMemos": "CreditMemo.invoice",
        "Payment.refunds": "Refund.payment",
        "Payment.disputes": "Dispute.payment",
        "Case.slas": "Sla.case",
        "Case.mirror": "CaseMirror.case",
        "Contact.requesters": "Requester.contact",
        "Order.salesOrders": "SalesOrder.order",
        "Product.prices": "Price.product",
    }
    for there, back in pairs.items():
        (type_there, field_there), (type_back, field_back) = there.split("."), back.split(".")
        leads = get_named_type(GRAPH.type_map[type_there].fields[field_there].type).name  # type: ignore[attr-defined]
        returns = get_named_type(GRAPH.type_map[type_back].fields[field_back].type).name  # type: ignore[attr-defined]
        assert leads.removesuffix("Connection") == type_back, there
        assert returns == type_there, back


def test_status_fields_carry_their_evidence() -> None:
    for record, shown in TYPES.items():
        field = GRAPH.type_map[shown.__name__].fields.get("status")  # type: ignore[attr-defined]
        if field is None or "status_evidence" not in record.__struct_fields__:
            continue
        inner = get_named_type(field.type)
        if inner.name == "String":
            assert "statusEvidence" in GRAPH.type_map[shown.__name__].fields, shown.__name__  # type: ignore[attr-defined]
            continue
        assert set(inner.fields) == {"value", "since", "derivedFrom"}, shown.__name__


def test_enums_have_the_canonical_values() -> None:
    for name in (
        "Lifecycle",
        "InvoiceStatus",
        "SubscriptionStatus",
        "CaseStatus",
        "PostingState",
        "SlaState",
        "System",
    ):
        shown = GRAPH.type_map[name]
        assert isinstance(shown, GraphQLEnumType)
        assert list(shown.values) == [each.value for each in getattr(c, name)]


def test_introspection_tells_of_every_type_whether_one_of_its_inputs_is_to_be_given() -> None:
    """Also of lists and of types that cannot be null, which have no answer."""
    asked = '{ __type(name: "InvoiceFilter") { isOneOf inputFields { type { isOneOf ofType { isOneOf } } } } }'
    result = graphql_sync(strawberry_schema()._schema, asked)
    assert result.errors is None
    assert result.data is not None
    assert result.data["__type"]["isOneOf"] is False
    assert result.data["__type"]["inputFields"][0]["type"]["isOneOf"] is None
