"""What is doubtful or conventional about NetSuite and this company's account, in one place. [K]: not confirmed."""

from __future__ import annotations

ROOT = "/services/rest"
TOKEN_PATH = f"{ROOT}/auth/oauth2/v1/token"
QUERY_PATH = f"{ROOT}/query/v1/suiteql"
SCOPE = "rest_webservices"
ASSERTION_SECONDS = 300
PAGE = 1_000  # rows of one answer, at most
IN_LIST = 500  # values of one IN list [K]
UNION = 12  # queries of one request [K]
DATE = "YYYY-MM-DD"
MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS'  # in the account's time zone, which is expected to be UTC [K]

# Our company's convention: external ids name the other system's document; an account key is 18 characters long, and a
# further customer record of the same account appends `:ENTITY`.
ACCOUNT_KEY = "SUBSTR(c.externalid, 1, 18)"
INVOICE, PAYMENT, CREDIT, ORDER = "stripe:", "stripe:", "stripe:", "crm:"

# ---------------------------------------------------------------- writes

RECORD_PATH = f"{ROOT}/record/v1"
REQUEST_ID = "x-n-operationid"  # the header that their support asks for [K]
STRICT = "x-netsuite-propertynamevalidation"  # `Error`: a misspelt property is refused, not left out
HELD = ("credit hold", "credit limit")  # words of a refusal for credit [K]
FASTER = 3  # times that a customer is looked for whom somebody else makes meanwhile
OWN = "gw:"  # [D] external ids of documents that have no key in billing or the CRM, followed by the key of the write
BANK = "bank:"  # [D] external ids of receipts by their bank reference
OPERATION, CORRELATION = (
    "custbody_gateway_op_id",
    "custbody_gateway_correlation_id",
)  # [D] where people find the way back
CUSTOMER_OPERATION = "custentity_gateway_op_id"  # [D]
CUSTOMER_KEYS = "custentity_gateway_keys"  # [D] the keys of the last changes of a customer, one a line, a text area
KEYS_KEPT = 15  # keys of 255 characters fit the 4,000 of a text area [K]
SUBSCRIPTION, WRITTEN_OFF = "custbody_subscription_id", "custbody_write_off"  # [D]
LINE, SERVICE_START, SERVICE_END = "custcol_gateway_line", "custcol_service_start", "custcol_service_end"  # [D]
PENDING, APPROVED = "A", "B"  # what an order's status can be set to; the ERP makes F (services only) of B by itself
APPROVED_STATUSES, OVER_STATUSES = frozenset("BDEFG"), frozenset("CH")

# The header of a credit memo carries negative amounts [K]: amounts are read by their size.
CUSTOMER_TABLES = """customer c
    LEFT JOIN subsidiary s ON s.id = c.subsidiary
    LEFT JOIN currency cur ON cur.id = c.currency"""
CUSTOMER = {
    "id": "c.id",
    "externalid": "c.externalid",
    "account_key": ACCOUNT_KEY,
    "name": "c.companyname",
    "parent": "c.parent",
    "payer": "c.custentity_payer",
    "inactive": "c.isinactive",
    "terms": "BUILTIN.DF(c.terms)",
    "currency": "cur.symbol",
    "entity": "s.externalid",
    "entity_country": "s.country",
    "limit": "c.creditlimit",
    "hold": "c.creditholdoverride",
    "balance": "c.balancesearch",
    "overdue": "c.overduebalancesearch",
    "unbilled": "c.unbilledorders",
    "days_overdue": "c.daysoverdue",
    "tax_number": "c.vatregnumber",
    "email": "c.email",
    "exempt": "c.taxexempt",
    "nexus": "c.custentity_nexus",
    "reverse_charge": "c.custentity_reverse_charge",
    "exemption_reason": "c.custentity_exemption_reason",
    "updated": f"TO_CHAR(c.lastmodifieddate, '{MOMENT}')",
}
# A transaction has no subsidiary of its own where there are several: its main line has.
TRANSACTION_TABLES = """transaction t
    JOIN transactionline ml ON ml.transaction = t.id AND ml.mainline = 'T'
    LEFT JOIN subsidiary s ON s.id = ml.subsidiary
    LEFT JOIN customer c ON c.id = t.entity
    LEFT JOIN currency cur ON cur.id = t.currency
    LEFT JOIN accountingperiod p ON p.id = t.postingperiod"""
LINK_TABLES = f"""{TRANSACTION_TABLES}
    LEFT JOIN previoustransactionlinelink k ON k.nextdoc = t.id AND k.linktype = 'Payment'
    LEFT JOIN transaction inv ON inv.id = k.previousdoc"""
TRANSACTION = {
    "id": "t.id",
    "externalid": "t.externalid",
    "number": "t.tranid",
    "status": "t.status",
    "customer": "t.entity",
    "account_key": ACCOUNT_KEY,
    "entity": "s.externalid",
    "currency": "cur.symbol",
    "rate": "t.exchangerate",
    "total": "t.foreigntotal",
    "tax": "t.taxtotal",
    "paid": "t.foreignamountpaid",
    "unpaid": "t.foreignamountunpaid",
    "unused": "t.foreignpaymentamountunused",
    "on": f"TO_CHAR(t.trandate, '{DATE}')",
    "due": f"TO_CHAR(t.duedate, '{DATE}')",
    "period": "p.periodname",
    "memo": "t.memo",
    "reference": "t.otherrefnum",
    "subscription": "t.custbody_subscription_id",
    "disputed": "t.custbody_disputed",
    "written_off": "t.custbody_write_off",
    "updated": f"TO_CHAR(t.lastmodifieddate, '{MOMENT}')",
}
# All of what the documents applied to some invoices were applied to, those invoices or not.
APPLIED_TO = (
    "t.id IN (SELECT k2.nextdoc FROM previoustransactionlinelink k2 "
    "JOIN transaction i2 ON i2.id = k2.previousdoc WHERE {})"
)
LINK = {
    "applied_to": "k.previousdoc",
    "applied_amount": "k.foreignamount",
    "applied_external": "inv.externalid",
}
REVENUE_TABLES = """revenueelement r
    LEFT JOIN subsidiary s ON s.id = r.subsidiary
    LEFT JOIN customer c ON c.id = r.entity
    LEFT JOIN currency cur ON cur.id = r.currency
    LEFT JOIN transaction inv ON inv.id = r.source"""
REVENUE = {  # [K] all of it
    "id": "r.id",
    "customer": "r.entity",
    "account_key": ACCOUNT_KEY,
    "entity": "s.externalid",
    "currency": "cur.symbol",
    "obligation": "r.description",
    "method": "BUILTIN.DF(r.revenuerecognitionrule)",
    "status": "r.status",
    "hold": "r.holdrevenuerecognition",
    "comments": "r.comments",
    "allocated": "r.allocationamount",
    "recognised": "r.recognizedamount",
    "deferred": "r.deferredamount",
    "start": f"TO_CHAR(r.startdate, '{DATE}')",
    "end": f"TO_CHAR(r.enddate, '{DATE}')",
    "invoice": "inv.externalid",
    "subscription": "r.custrecord_subscription_id",
}
LEDGER_TABLES = """transactionaccountingline l
    JOIN transaction t ON t.id = l.transaction
    JOIN transactionline ml ON ml.transaction = t.id AND ml.mainline = 'T'
    LEFT JOIN account a ON a.id = l.account
    LEFT JOIN subsidiary s ON s.id = ml.subsidiary
    LEFT JOIN currency cur ON cur.id = s.currency
    LEFT JOIN customer c ON c.id = t.entity
    LEFT JOIN accountingperiod p ON p.id = t.postingperiod"""
LEDGER_ID = "l.transaction * 10000 + l.transactionline"  # lines have no id of their own
LEDGER = {
    "id": LEDGER_ID,
    "document": "t.id",
    "line": "l.transactionline",
    "customer": "t.entity",
    "account_key": ACCOUNT_KEY,
    "invoice": "t.externalid",
    "ledger_account": "a.fullname",
    "debit": "l.debit",
    "credit": "l.credit",
    "currency": "cur.symbol",  # postings are in the entity's own currency
    "period": "p.periodname",
    "on": f"TO_CHAR(t.trandate, '{DATE}')",
    "entity": "s.externalid",
    "rate": "l.exchangerate",
}
ENTITY_TABLES = """subsidiary s
    LEFT JOIN currency cur ON cur.id = s.currency
    LEFT JOIN subsidiary up ON up.id = s.parent"""
ENTITY = {
    "id": "s.id",
    "code": "s.externalid",
    "name": "s.name",
    "country": "s.country",
    "currency": "cur.symbol",
    "parent": "up.externalid",
    "inactive": "s.isinactive",
    "tax_number": "s.federalidnumber",
    "time_zone": "s.custrecord_time_zone",
}
PERIOD = {
    "id": "p.id",
    "name": "p.periodname",
    "start": f"TO_CHAR(p.startdate, '{DATE}')",
    "end": f"TO_CHAR(p.enddate, '{DATE}')",
    "closed": "p.closed",
    "receivables": "p.arlocked",
    "all": "p.alllocked",
}
# The latest rates on or before a day, units of the base for one of the other [P]; where the account has several types
# of rates there are several of one day, and the one that was entered last counts [K].
RATE_TABLES = f"""currencyrate r
    JOIN (SELECT n.basecurrency AS base, n.transactioncurrency AS other, MAX(n.effectivedate) AS latest
        FROM currencyrate n WHERE n.effectivedate <= TO_DATE(?, '{DATE}')
        GROUP BY n.basecurrency, n.transactioncurrency) m
    ON m.base = r.basecurrency AND m.other = r.transactioncurrency AND m.latest = r.effectivedate
    JOIN currency b ON b.id = r.basecurrency
    JOIN currency cur ON cur.id = r.transactioncurrency"""  # noqa: S608 - our own parts
RATE_BASE = "b.symbol = ?"
RATE = {
    "id": "r.id",
    "base": "b.symbol",
    "currency": "cur.symbol",
    "rate": "r.exchangerate",
    "on": f"TO_CHAR(r.effectivedate, '{DATE}')",
}
ITEM = {
    "id": "i.id",
    "code": "i.itemid",
    "name": "i.displayname",
    "type": "i.itemtype",
    "inactive": "i.isinactive",
    "tax_schedule": "BUILTIN.DF(i.taxschedule)",
    "revenue_rule": "BUILTIN.DF(i.revenuerecognitionrule)",
}
