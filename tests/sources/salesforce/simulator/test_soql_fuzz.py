"""Whatever somebody writes is answered or refused, and never breaks the organisation."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sources.simulation.kit import Clock, Written
from sources.vendors.salesforce.simulator.book import load
from sources.vendors.salesforce.simulator.errors import Refusal
from sources.vendors.salesforce.simulator.limits import Limits
from sources.vendors.salesforce.simulator.queries import Queries
from sources.vendors.salesforce.simulator.schema import organisation
from sources.vendors.salesforce.simulator.store import Store
from tests.sources.salesforce.simulator.book import ACME, NOW, enterprise

FIELDS = [
    "Id",
    "Name",
    "Owner.Name",
    "Parent.Owner.Email",
    "Industry",
    "CreatedDate",
    "IsDeleted",
    "BillingAddress",
    "Description",
    "AnnualRevenue",
]
VALUES = [
    "'x'",
    "'ü%'",
    f"'{ACME}'",
    "''",
    "5",
    "-1e9",
    "TRUE",
    "NULL",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "TODAY",
    "LAST_N_DAYS:3",
]
NAMES = [
    *FIELDS,
    "COUNT(Id)",
    "MAX(Name)",
    "SUM(AnnualRevenue)",
    "CALENDAR_YEAR(CreatedDate)",
    "toLabel(Type)",
    "FIELDS(STANDARD)",
]
SIGNS = ["=", "!=", "<", ">=", "LIKE", "IN (", "NOT IN ("]
WORDS = [
    "SELECT",
    "FROM",
    "Account",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "(",
    ")",
    ",",
    "ORDER BY",
    "GROUP BY",
    "HAVING",
    "LIMIT 2",
    "NULLS LAST",
]

name, value = st.sampled_from(NAMES), st.sampled_from(VALUES)


def comparing(fields: list[str], signs: list[str], values: list[str]) -> st.SearchStrategy[str]:
    pieces = st.tuples(st.sampled_from(fields), st.sampled_from(signs), st.sampled_from(values))
    return pieces.map(lambda three: " ".join(three) + (")" if three[1].endswith("(") else ""))


COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
AMONG = ["IN (", "NOT IN ("]
leaf = st.one_of(
    comparing(
        ["Name", "Owner.Name", "Parent.Owner.Email", "Industry"],
        [*COMPARISONS, *AMONG, "LIKE"],
        ["'x'", "'ü%'", r"'a\_\'b'"],
    ),
    comparing(
        ["CreatedDate", "Parent.SystemModstamp"],
        [*COMPARISONS, *AMONG],
        ["2026-01-01T00:00:00Z", "TODAY", "LAST_N_DAYS:3"],
    ),
    comparing(["AnnualRevenue", "NumberOfEmployees"], [*COMPARISONS, *AMONG], ["5", "-1e9", "99999999999999999999"]),
    comparing(
        ["Id", "ParentId", "Owner.Id"], ["=", "!=", ">", *AMONG], [f"'{ACME}'", "''", "SELECT AccountId FROM Contact"]
    ),
    comparing(FIELDS, ["=", "!="], ["NULL", "TRUE", "5"]),
)
condition = st.recursive(
    leaf,
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT ({one})"),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda three: f"({' '.join(three)})"),
    ),
    max_leaves=6,
)
columns = st.lists(st.sampled_from([*FIELDS, "(SELECT Id FROM Contacts LIMIT 1)"]), min_size=1, max_size=4, unique=True)
listing = st.builds(
    lambda names, where, order: f"SELECT {', '.join(names)} FROM Account WHERE {where} ORDER BY {order} DESC",  # noqa: S608
    columns,
    condition,
    st.sampled_from(FIELDS[:7]),
)
grouping = st.builds(
    lambda group, aggregate, where: f"SELECT {group}, {aggregate} FROM Account WHERE {where} GROUP BY {group}",  # noqa: S608
    name,
    name,
    condition,
)
unlikely = st.lists(st.sampled_from([*WORDS, *NAMES, *VALUES, *SIGNS]), max_size=14).map(" ".join)

STORE = Store(organisation(), Written(Clock()))
load(STORE, enterprise().crm, NOW)
QUERIES = Queries(STORE, Limits(), Clock(NOW + timedelta(hours=1)))


def outcome(soql: str) -> tuple[int, str, Any]:
    try:
        return 200, "", QUERIES.run(soql, "66.0", None)
    except Refusal as refusal:
        return refusal.status, refusal.body[0]["errorCode"], None


@settings(max_examples=400)
@given(st.one_of(listing, listing, grouping, unlikely, st.text(max_size=60)))
def test_any_text_is_answered_or_refused(soql: str) -> None:
    status, code, answer = outcome(soql)
    assert status == 200 or (status == 400 and code.isupper())
    assert answer is None or answer["done"]
