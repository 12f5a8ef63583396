"""SOQL that is refused: with the vendor's code, and with the place where it went wrong."""

# ruff: noqa: S608 - these are queries of the simulated language, over the rows of the test itself

import pytest

from tests.sources.salesforce.simulator.conftest import Organisation


@pytest.mark.parametrize(
    ("soql", "code", "part"),
    [
        ("SELECT X FROM Account", "INVALID_FIELD", "No such column 'X' on entity 'Account'"),
        ("SELECT Id FROM Account WHERE Owner.X = 1", "INVALID_FIELD", "No such column 'X' on entity 'User'"),
        ("SELECT Nope.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Nope' in field path"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE", "sObject type 'Nope__c' is not supported"),
        ("SELECT (SELECT Id FROM Nopes) FROM Account", "INVALID_TYPE", "Didn't understand relationship 'Nopes'"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "unexpected token: 'Account'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "mismatched character"),
        ("SELECT Id FROM Account WHERE Name = 'a\\q'", "MALFORMED_QUERY", "invalid string escape"),
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Account; DROP TABLE Account", "MALFORMED_QUERY", "unexpected token: ';'"),
        (
            "SELECT Id FROM Account WHERE Name = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > '2020-01-01'",
            "INVALID_FIELD",
            "of type dateTime and should not be enclosed",
        ),
        ("SELECT Id FROM Account WHERE CreatedDate > 2020-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Order WHERE EffectiveDate = 2020-13-01", "MALFORMED_QUERY", "invalid date"),
        ("SELECT Id FROM Account WHERE Id = 'nope'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: nope"),
        ("SELECT Id FROM Account WHERE Id LIKE '001%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
        (f"SELECT Id FROM Account WHERE Name = '{'x' * 4001}'", "MALFORMED_QUERY", "4000 characters"),
        ("SELECT Id Name FROM Account", "MALFORMED_QUERY", "aliasing"),
        ("", "MALFORMED_QUERY", "query string"),
    ],
)
def test_a_wrong_query_is_refused_with_the_vendors_code(org: Organisation, soql: str, code: str, part: str) -> None:
    status, found, message = org.refused(soql)
    assert (status, found) == (400, code)
    assert part in message


def test_a_refusal_points_at_the_place(org: Organisation) -> None:
    [error] = org.get("/query", params={"q": "SELECT Id,\n Nope FROM Account"})
    assert "ERROR at Row:2:Column:2" in error["message"]


def test_a_query_may_have_100000_characters_and_no_more(org: Organisation) -> None:
    padded = "SELECT Id FROM Account WHERE Name = 'x'".ljust(100_001)
    body = {
        "batchRequests": [
            {"method": "GET", "url": f"v66.0/query?q={text.replace(' ', '+')}"} for text in (padded, padded[:-1])
        ]
    }
    long, short = org.post("/composite/batch", body)["results"]
    assert (long["statusCode"], long["result"][0]["errorCode"]) == (400, "MALFORMED_QUERY")
    assert short["statusCode"] == 200


def test_deep_parentheses_are_refused_and_do_not_exhaust_the_stack(org: Organisation) -> None:
    deep = "(" * 1500 + "Name = 'x'" + ")" * 1500
    assert org.refused(f"SELECT Id FROM Account WHERE {deep}")[1] == "MALFORMED_QUERY"


def test_21_sub_selects_are_too_many_wherever_they_stand(org: Organisation) -> None:
    names = ("Contacts", "Orders", "Cases", "Contracts", "Entitlements", "Opportunities")
    six = ", ".join(f"(SELECT Id FROM {name})" for name in names)
    twenty = f"SELECT {six}, (SELECT {six}, (SELECT {six} FROM ChildAccounts) FROM ChildAccounts) FROM Account"
    assert org.query(twenty)["totalSize"] == 4
    one_more = twenty.replace("FROM Account", ", (SELECT Id FROM Users) FROM Account")
    assert org.refused(one_more) == (400, "MALFORMED_QUERY", "at most 20 sub-selects")


def test_a_child_relationship_is_asked_for_once(org: Organisation) -> None:
    refused = org.refused("SELECT (SELECT Id FROM Contacts), (SELECT Name FROM Contacts) FROM Account")
    assert refused == (400, "INVALID_FIELD", "duplicate field selected: Contacts")
