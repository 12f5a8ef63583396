"""SuiteQL as NetSuite answers it."""

import pytest

from sources.vendors.netsuite.simulator import facts
from tests.sources.netsuite.simulator.book import ACME, SAKURA
from tests.sources.netsuite.simulator.conftest import Caller

LINES = "SELECT l.transaction, l.linesequencenumber, l.quantity, l.foreignamount, l.taxline FROM transactionline l "


def test_every_value_is_a_string_and_null_columns_are_left_out(account: Caller) -> None:
    body = account.query("SELECT id, companyName, parent, BalanceSearch FROM Customer WHERE ID = ?", 103).json()
    assert body["items"] == [{"links": [], "id": "103", "companyname": "株式会社さくら", "balancesearch": "-1200.5"}]
    assert [body[name] for name in ("count", "offset", "totalResults", "hasMore")] == [1, 0, 1, False]


def test_a_query_without_prefer_transient_is_refused(account: Caller) -> None:
    answer = account.http.post("/query/v1/suiteql", json={"q": "SELECT id FROM item"})
    assert answer.status_code == 400
    assert "Prefer" in answer.json()["o:errorDetails"][0]["detail"]


def test_a_body_that_is_no_question_is_refused(account: Caller) -> None:
    answer = account.http.post("/query/v1/suiteql", headers={"Prefer": "transient"}, content=b"[")
    assert (answer.status_code, answer.json()["o:errorDetails"][0]["o:errorCode"]) == (400, "INVALID_REQUEST")


def test_pages_go_on_through_the_next_link(account: Caller) -> None:
    first = account.query("SELECT id FROM transaction ORDER BY id", limit=3).json()
    assert (first["count"], first["totalResults"], first["hasMore"]) == (3, 8, True)
    follow = next(link["href"] for link in first["links"] if link["rel"] == "next")
    assert "offset=3" in follow
    last = account.query("SELECT id FROM transaction ORDER BY id", limit=3, offset=6).json()
    assert [item["id"] for item in last["items"]] == ["1007", "1008"]
    assert not last["hasMore"]


@pytest.mark.parametrize(("limit", "offset"), [(1001, 0), (0, 0), (10, 5), (1000, 100_000)])
def test_a_window_outside_the_rules_is_refused(account: Caller, limit: int, offset: int) -> None:
    answer = account.query("SELECT id FROM item", limit=limit, offset=offset)
    assert answer.status_code == 400
    assert answer.json()["o:errorDetails"][0]["o:errorQueryParam"] in ("limit", "offset")


def test_a_date_shows_in_the_accounts_format_and_in_others_through_to_char(account: Caller) -> None:
    found = account.rows(
        "SELECT trandate, lastmodifieddate, TO_CHAR(trandate, 'YYYY-MM-DD') AS day, "
        "TO_CHAR(lastmodifieddate, 'YYYY-MM-DD\"T\"HH24:MI:SS') AS moment FROM transaction WHERE id = 1001"
    )
    assert found == [
        {"trandate": "11/2/2026", "lastmodifieddate": "11/3/2026", "day": "2026-11-02", "moment": "2026-11-03T08:15:30"}
    ]


def test_dates_compare_with_to_date_and_with_the_accounts_format(account: Caller) -> None:
    by_function = "SELECT id FROM transaction WHERE trandate < TO_DATE(?, 'YYYY-MM-DD')"
    assert account.rows(by_function, "2026-11-01") == [{"id": "1002"}]
    assert account.rows("SELECT id FROM transaction WHERE trandate < '11/1/2026'") == [{"id": "1002"}]
    assert account.rows("SELECT id FROM transaction WHERE trandate BETWEEN ? AND ?", "10/1/2026", "10/31/2026")
    assert "unsupported" in account.refusal("SELECT id FROM transaction WHERE trandate < '2026-11-01'")


def test_a_date_stays_a_date_through_sub_selects_and_stars(account: Caller) -> None:
    inner = "SELECT x.id FROM (SELECT t.*, duedate AS due FROM transaction t) x "
    assert account.rows(inner + "WHERE x.trandate < ?", "11/1/2026") == [{"id": "1002"}]
    assert account.rows(inner + "WHERE x.due = '11/12/2026'") == [{"id": "1001"}]


def test_overdue_is_asked_with_the_day_of_the_account(account: Caller) -> None:
    overdue = "SELECT id, CURRENT_DATE - duedate AS days FROM transaction WHERE duedate + 5 < CURRENT_DATE"
    assert account.rows(overdue) == [{"id": "1001", "days": "8"}]


def test_a_changed_since_query_runs_on_a_timestamp(account: Caller) -> None:
    since = "SELECT COUNT(*) AS n FROM transaction WHERE lastmodifieddate >= TO_TIMESTAMP(?, 'YYYY-MM-DD HH24:MI:SS')"
    assert account.rows(since, "2026-11-03 08:15:30") == [{"n": "8"}]
    assert account.rows(since, "2026-11-03 08:15:31") == [{"n": "0"}]


def test_builtin_df_shows_labels(account: Caller) -> None:
    found = account.rows(
        "SELECT BUILTIN.DF(t.status) AS status, BUILTIN.DF(t.type) AS type, BUILTIN.DF(t.currency) AS currency, "
        "BUILTIN.DF(t.postingperiod) AS period, BUILTIN.DF(t.entity) FROM transaction t WHERE t.id IN (1001, 1006) "
        "ORDER BY t.id"
    )
    assert found[0] == {
        "status": "Open",
        "type": "Invoice",
        "currency": "US Dollar",
        "period": "Nov 2026",
        "expr5": "C101 Acme & Söhne 🏭",
    }
    assert found[1]["status"] == "Pending Billing/Partially Fulfilled"


def test_a_status_compares_with_its_letter_and_with_its_search_code(account: Caller) -> None:
    assert account.rows("SELECT id FROM transaction WHERE type = 'CustInvc' AND status = 'V'") == [{"id": "1008"}]
    assert account.rows("SELECT id FROM transaction WHERE status IN (?) ORDER BY id", "CustInvc:A") == [
        {"id": "1001"},
        {"id": "1007"},
    ]
    assert len(account.rows("SELECT id FROM transaction WHERE status NOT IN ('CustInvc:A', 'CustInvc:V')")) == 5


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nope FROM customer", "Unknown identifier 'nope'. Available identifiers are: {customer=customer}"),
        ("SELECT t.subsidiary FROM transaction t", "Unknown identifier 'subsidiary'"),
        ("SELECT id FROM customer WHERE balance > 0", "Unknown identifier 'balance'"),
        ("SELECT q.id FROM customer c", "Unknown identifier 'q.id'"),
        ("SELECT id FROM customer c, item i", "Unknown identifier 'id'"),
        ("SELECT x.name FROM (SELECT id FROM item) x", "Unknown identifier 'name'"),
        ("SELECT id FROM nosuch", "Invalid search type: nosuch."),
        ("SELECT id FROM item LIMIT 5", "Invalid or unsupported search."),
        ("SELECT id FROM", "Invalid or unsupported search."),
        ("DELETE FROM item", "Invalid or unsupported search."),
        ("SELECT id FROM item; SELECT id FROM item", "Invalid or unsupported search."),
        ("SELECT SLEEP(5) FROM item", "Invalid or unsupported search."),
        ("SELECT id FROM item WHERE id = ?", "1 parameters are needed, 0 are given"),
        ("SELECT SUM(id) FROM item WHERE ROWNUM <= 2", "ROWNUM around it"),
        ("SELECT id FROM item WHERE id IN (1" + ", 1" * 1000 + ")", "Invalid or unsupported search."),
    ],
)
def test_what_netsuite_does_not_know_is_refused_by_name(account: Caller, query: str, said: str) -> None:
    assert said in account.refusal(query)


def test_joins_sub_selects_unions_and_bounds_run(account: Caller) -> None:
    assert account.rows(
        "SELECT c.externalid, s.externalid AS entity FROM customer c JOIN subsidiary s ON s.id = c.subsidiary "
        "LEFT JOIN customer p ON p.id = c.parent WHERE UPPER(p.companyname) LIKE '%SÖHNE%'"
    ) == [{"externalid": f"{ACME}:DE", "entity": "DE"}]
    assert account.rows("SELECT id FROM transaction ORDER BY id DESC FETCH FIRST 2 ROWS ONLY") == [
        {"id": "1008"},
        {"id": "1007"},
    ]
    assert account.rows("SELECT * FROM (SELECT id FROM item ORDER BY id DESC) WHERE ROWNUM <= 1") == [{"id": "502"}]
    assert account.rows("SELECT id FROM item UNION ALL SELECT id FROM subsidiary ORDER BY id") == [
        {"id": one} for one in ("1", "2", "3", "501", "502")
    ]
    assert account.rows("SELECT ROWNUM AS n, itemid FROM item WHERE itemid LIKE 'old%'") == [
        {"n": "1", "itemid": "old-kit"}
    ]


def test_sums_of_cents_do_not_drift_and_group_by_works(account: Caller) -> None:
    found = account.rows(
        "SELECT type, SUM(ABS(foreigntotal)) AS total, COUNT(*) AS n FROM transaction WHERE id IN (1002, 1005, 1003) "
        "GROUP BY type HAVING COUNT(*) > 0 ORDER BY type"
    )
    assert [(row["type"], row["total"]) for row in found] == [
        ("CustCred", "0.2"),
        ("CustInvc", "0.1"),
        ("CustPymt", "19.2"),
    ]
    assert account.rows("SELECT SUM(f) AS s FROM (SELECT 0.1 AS f FROM item UNION ALL SELECT 0.1 FROM item WHERE id = 501)") == [
        {"s": "0.3"}
    ]  # fmt: skip


def test_the_usual_functions_run(account: Caller) -> None:
    found = account.rows(
        "SELECT NVL(parent, 0) AS p, CASE WHEN creditholdoverride = 'ON' THEN 'held' ELSE 'free' END AS h, "
        "SUBSTR(externalid, 1, 3) AS s, 'x' || parent || 'y' AS c, TO_CHAR(creditlimit, '999990.00') AS l, "
        "DECODE(isinactive, 'T', 'gone', 'here') AS d FROM customer WHERE externalid = ?",
        SAKURA,
    )
    assert found == [{"p": "0", "h": "held", "s": "001", "c": "xy", "l": "10000.00", "d": "here"}]


def test_like_and_equality_tell_upper_from_lower_case(account: Caller) -> None:
    assert account.rows("SELECT id FROM item WHERE itemid LIKE 'TEAM%'") == []
    assert account.rows("SELECT id FROM item WHERE UPPER(itemid) LIKE 'TEAM%'") == [{"id": "501"}]


def test_yen_stay_whole_and_a_rate_keeps_its_digits(account: Caller) -> None:
    assert account.rows("SELECT t.foreigntotal, t.exchangerate, c.symbol FROM transaction t JOIN currency c ON c.id = t.currency WHERE t.id = 1007") == [
        {"foreigntotal": "150000", "exchangerate": "0.0067", "symbol": "JPY"}
    ]  # fmt: skip


def test_a_credit_memo_shows_negative_and_sold_lines_too(account: Caller) -> None:
    assert account.rows("SELECT foreigntotal, foreignpaymentamountunused FROM transaction WHERE id = 1004") == [
        {"foreigntotal": "-5.2", "foreignpaymentamountunused": "5.2"}
    ]
    sold = account.rows(LINES + "WHERE l.transaction = ? AND l.mainline = 'F' ORDER BY l.linesequencenumber", "1001")
    assert [(row.get("quantity"), row["foreignamount"], row["taxline"]) for row in sold] == [
        ("-2", "-60", "F"),
        ("-2", "-40", "F"),
        (None, "-19.5", "T"),
    ]


def test_the_entity_of_a_transaction_is_on_its_main_line(account: Caller) -> None:
    assert account.rows(
        "SELECT s.externalid FROM transactionline l JOIN subsidiary s ON s.id = l.subsidiary "
        "WHERE l.transaction = 1007 AND l.mainline = 'T'"
    ) == [{"externalid": "JP"}]


def test_applications_link_payments_and_write_offs_to_invoices(account: Caller) -> None:
    found = account.rows(
        "SELECT previousdoc, nextdoc, linktype, foreignamount FROM previoustransactionlinelink "
        "WHERE previousdoc IN (?, ?) ORDER BY nextdoc",
        "1001",
        "1002",
    )
    assert found == [
        {"previousdoc": "1001", "nextdoc": "1003", "linktype": facts.LINK, "foreignamount": "19.2"},
        {"previousdoc": "1002", "nextdoc": "1005", "linktype": facts.LINK, "foreignamount": "0.2"},
    ]
    assert account.rows("SELECT id FROM transaction WHERE custbody_write_off = 'T'") == [{"id": "1005"}]


def test_postings_balance_and_name_their_accounts(account: Caller) -> None:
    balance = (
        "SELECT SUM(p.debit) AS debit, SUM(p.credit) AS credit FROM transactionaccountingline p WHERE p.transaction = ?"
    )
    assert account.rows(balance, 1001) == [{"debit": "119.5", "credit": "119.5"}]
    named = "SELECT a.fullname FROM transactionaccountingline p JOIN account a ON a.id = p.account WHERE a.accttype = 'AcctRec'"
    assert account.rows(named) == [{"fullname": "Accounts Receivable"}]


def test_revenue_is_told_by_element_and_plan(account: Caller) -> None:
    found = account.rows(
        "SELECT e.description, BUILTIN.DF(e.revenuerecognitionrule) AS method, p.amount, p.totalrecognized, p.status "
        "FROM revenueelement e JOIN revenueplan p ON p.createdfrom = e.id WHERE e.source = 1001"
    )
    assert found == [
        {
            "description": "Team seats",
            "method": "Straight line",
            "amount": "100",
            "totalrecognized": "8.33",
            "status": "INPROGRESS",
        }
    ]


def test_periods_leave_quarters_and_years_to_their_flags(account: Caller) -> None:
    months = (
        "SELECT periodname, closed, arlocked, alllocked FROM accountingperiod "
        "WHERE isposting = 'T' AND isyear = 'F' AND isquarter = 'F' ORDER BY startdate"
    )
    assert [tuple(row.values()) for row in account.rows(months)] == [
        ("Sep 2026", "T", "F", "T"),
        ("Oct 2026", "F", "T", "F"),
        ("Nov 2026", "F", "F", "F"),
    ]
    assert account.rows("SELECT periodname FROM accountingperiod WHERE isyear = 'T'") == [{"periodname": "FY 2026"}]


def test_rates_of_exchange_are_units_of_the_base_from_a_day_on(account: Caller) -> None:
    query = (
        "SELECT b.symbol AS base, c.symbol AS currency, r.exchangerate, TO_CHAR(r.effectivedate, 'YYYY-MM-DD') AS day "
        "FROM currencyrate r JOIN currency b ON b.id = r.basecurrency JOIN currency c ON c.id = r.transactioncurrency "
        "WHERE r.effectivedate >= TO_DATE(?, 'YYYY-MM-DD') AND b.symbol = 'USD' ORDER BY r.id"
    )
    assert [tuple(row.values()) for row in account.rows(query, "2026-11-20")] == [
        ("USD", "EUR", "1.0815", "2026-11-20"),
        ("USD", "EUR", "1.09", "2026-11-21"),
    ]
