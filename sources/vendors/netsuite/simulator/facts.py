"""Everything doubtful or conventional about NetSuite that the simulator claims, in one place.

From the NetSuite contract unless marked: [P] seen in public SuiteQL code, [K] general knowledge, not confirmed.
Change a name, a sign or a text here and the whole simulator follows.
"""

from __future__ import annotations

import msgspec

ROOT = "/services/rest"
ERROR_TYPE = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"

# ---------------------------------------------------------------- preferences of the account

DATE_FORMAT = "M/D/YYYY"  # of every date column of SuiteQL, moments too: the time shows only through TO_CHAR [P]
OMIT_NULLS = True  # a null column is left out of its SuiteQL item, a null property out of its record [K]
MAX_PAGE = 1_000  # rows
MAX_ROWS = 100_000  # rows reachable by offset
MAX_IN = 1_000  # values of one IN list, as in Oracle [K]
STATUS_LABEL = "{status}"  # BUILTIN.DF(status); real accounts may say `{type} : {status}` [K]
UNNAMED = "expr{number}"  # a computed column without an alias [K]
TOKEN_SECONDS = 3600
ASSERTION_SECONDS = 3600  # exp - iat of the signed assertion, at most
ALGORITHMS = ("PS256", "PS384", "PS512", "ES256", "ES384", "ES512")  # RS256 is refused
CLOCK_SKEW = 300  # seconds an OAuth 1.0a timestamp may be off [K]

# ---------------------------------------------------------------- texts

LOGIN = (
    "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles > "
    "User Management > View Login Audit Trail."
)
CONCURRENCY = "Concurrent request limit exceeded. Request blocked."
NO_RECORD = "Record does not exist."
LOCKED_PERIOD = (
    "Error while accessing a resource. The transaction date you specified is not within the date range of your "
    "accounting period."
)
SAME_KEY = (
    'A request with the same idempotency key is already submitted. See the "Location" header for a link to the '
    "previously submitted job"
)
BAD_VALUE = (
    "Error while accessing resource: You have entered an Invalid Field Value {value} for the following field: {field}"
)
DUPLICATE_ENTITY = "Error while accessing a resource. This entity already exists."  # [K]
DUPLICATE_RECORD = "Error while accessing a resource. This record already exists."  # [K]
MISSING_VALUE = "Error while accessing a resource. Please enter value(s) for: {field}."  # [K]
UNKNOWN_PROPERTY = "Unknown property: {name}."  # [K]
_ACCESS = "Error while accessing a resource. "
# [K] all of these words; what they refuse is [P] for holds and limits (by preference, `Enforce Holds`)
CREDIT_HOLD = _ACCESS + "This customer is on credit hold."
CREDIT_LIMIT = _ACCESS + "This transaction would put the customer at or above the credit limit."
CHANGED = "Record has been changed. Your changes were not saved."
NOT_OF_CUSTOMER = _ACCESS + "Invalid {kind} reference key {key} for entity {customer}."
INVALID_REFERENCE = _ACCESS + "You can not initialize {target}: invalid reference {key}."
OVER_APPLIED = _ACCESS + "You cannot apply more than your total payments."
OVER_DUE = _ACCESS + "The amount is more than what the invoice has due."
NOT_POSITIVE = _ACCESS + "The amount must be greater than zero."
ORDER_OVER = _ACCESS + "This sales order is {status}: it can no longer be changed."
ORDER_APPROVED = _ACCESS + "This sales order has been approved already."
ORDER_BILLED = _ACCESS + "The quantity is less than what has been billed, or more than what is left to bill."
ENTITY_FIXED = _ACCESS + "The subsidiary of an entity with transactions cannot be changed."
NO_TAX_DETAILS = _ACCESS + "Please enter tax details for: {line}."
DEPENDENTS = "This record cannot be deleted because it has dependent records"
QUERY = "Invalid search query. Detailed unprocessed description follows. "  # the lead of the three below [P]
UNKNOWN_COLUMN = QUERY + "Search error occurred: Unknown identifier '{name}'. Available identifiers are: {{{sources}}}"
UNKNOWN_TABLE = QUERY + "Invalid search type: {name}."
UNSUPPORTED = QUERY + "Search error occurred: Invalid or unsupported search."

# ---------------------------------------------------------------- codes: the book's words to NetSuite's

KINDS = {
    "invoice": "CustInvc",
    "sales_order": "SalesOrd",
    "credit_memo": "CustCred",
    "payment": "CustPymt",
    "write_off": "CustCred",  # our convention: with custbody_write_off = T
}
TYPE_LABELS = {"CustInvc": "Invoice", "SalesOrd": "Sales Order", "CustCred": "Credit Memo", "CustPymt": "Payment"}
STATUSES = {
    ("invoice", "open"): "A",
    ("invoice", "paid"): "B",
    ("invoice", "pending_approval"): "D",
    ("invoice", "rejected"): "E",
    ("invoice", "voided"): "V",
    ("sales_order", "pending_approval"): "A",
    ("sales_order", "pending_fulfillment"): "B",
    ("sales_order", "cancelled"): "C",
    ("sales_order", "partially_fulfilled"): "D",
    ("sales_order", "pending_billing_partial"): "E",
    ("sales_order", "pending_billing"): "F",
    ("sales_order", "billed"): "G",
    ("sales_order", "closed"): "H",
    ("credit_memo", "open"): "A",
    ("credit_memo", "applied"): "B",
    ("credit_memo", "voided"): "V",
    ("payment", "unapproved"): "A",
    ("payment", "not_deposited"): "B",
    ("payment", "deposited"): "C",
    ("payment", "voided"): "V",
    ("write_off", "posted"): "B",
}
STATUS_LABELS = {
    "CustInvc": {"A": "Open", "B": "Paid In Full", "D": "Pending Approval", "E": "Rejected", "V": "Voided"},
    "SalesOrd": {
        "A": "Pending Approval",
        "B": "Pending Fulfillment",
        "C": "Cancelled",
        "D": "Partially Fulfilled",
        "E": "Pending Billing/Partially Fulfilled",
        "F": "Pending Billing",
        "G": "Billed",
        "H": "Closed",
    },
    "CustCred": {"A": "Open", "B": "Fully Applied", "V": "Voided"},
    "CustPymt": {"A": "Unapproved Payment", "B": "Not Deposited", "C": "Deposited", "V": "Voided"},
}
APPROVALS = {"1": "Pending Approval", "2": "Approved", "3": "Rejected", "11": "Open"}
APPROVAL_OF = {("CustInvc", "D"): 1, ("CustInvc", "E"): 3, ("SalesOrd", "A"): 1}  # otherwise 2
HOLDS = {"AUTO": "Auto", "ON": "On", "OFF": "Off"}
ITEM_KINDS = {"service": "Service", "non_inventory": "NonInvtPart", "kit": "Kit"}
REVENUE_STATES = {
    "planned": "NOTSTARTED",
    "in_progress": "INPROGRESS",
    "completed": "COMPLETED",
    "on_hold": "ONHOLD",
}  # [K]
LINK = "Payment"  # linktype of a payment, credit or write-off applied to an invoice [K]
ORDER_LINK = "OrdBill"  # linktype of an order billed by an invoice [K]
NUMBER_PREFIXES = {"CustInvc": "INV", "SalesOrd": "SO", "CustCred": "CM", "CustPymt": "PYMT"}  # of generated numbers
NOT_FULFILLED = ("Service", None)  # an approved order of these alone is at once pending billing [K]
TAX_RATES = {"US": "0.0825", "DE": "0.19", "JP": "0.10"}  # our companies', by country, at home only

# A header shows what the transaction does to the receivable, an item line what it does to income; [P] for the lines of
# orders (public code multiplies their quantity by -1), [K] for the header of a credit memo.
HEADER_SIGN = {"CustCred": -1}  # otherwise 1: foreigntotal, and the main line's foreignamount and netamount
LINE_SIGN = {"CustInvc": -1, "SalesOrd": -1}  # otherwise 1: quantity, foreignamount, netamount

CURRENCY_NAMES = {"USD": "US Dollar", "EUR": "Euro", "JPY": "Japanese Yen", "GBP": "British Pound"}

# ---------------------------------------------------------------- SuiteQL's tables


class Column(msgspec.Struct, frozen=True):
    """`kind`: id, number, text, flag (T or F), date (rendered in the account's format). `refers`: the table whose label
    BUILTIN.DF shows."""

    kind: str
    refers: str | None = None


# Each word is `column:kind` or `column:id>table it refers to`.
_TABLES = {
    # [P] balancesearch, overduebalancesearch, unbilledorderssearch; [K] the other amounts and the tax columns
    "customer": """id:id externalid:text entityid:text companyname:text email:text parent:id>customer isinactive:flag
        isperson:flag entitystatus:id category:id territory:id salesrep:id subsidiary:id>subsidiary
        currency:id>currency terms:id>term creditlimit:number creditholdoverride:text balancesearch:number
        overduebalancesearch:number unbilledorders:number unbilledorderssearch:number daysoverdue:number
        vatregnumber:text taxexempt:flag defaultbillingaddress:id lastmodifieddate:date custentity_payer:id>customer
        custentity_nexus:text custentity_reverse_charge:flag custentity_exemption_reason:text
        custentity_gateway_op_id:text custentity_gateway_keys:text""",
    "customersubsidiaryrelationship": """id:id entity:id>customer subsidiary:id>subsidiary isprimarysub:flag""",  # [P]
    "entityaddress": """nkey:id country:text""",  # joined by customer.defaultbillingaddress [P]
    "subsidiary": """id:id externalid:text name:text fullname:text parent:id>subsidiary country:text
        currency:id>currency federalidnumber:text iselimination:flag isinactive:flag custrecord_time_zone:text""",
    "currency": """id:id name:text symbol:text isinactive:flag""",
    "currencyrate": """id:id basecurrency:id>currency transactioncurrency:id>currency exchangerate:number
        effectivedate:date lastmodifieddate:date""",  # [P] the columns; units of the base for one of the other
    "term": """id:id name:text daysuntilnetdue:number isinactive:flag""",
    # no `subsidiary` here: an account with several reads it from the main line, transactionline.mainline = 'T' [P]
    "transaction": """id:id externalid:text tranid:text transactionnumber:text type:text recordtype:text status:text
        approvalstatus:id entity:id>customer trandate:date duedate:date currency:id>currency exchangerate:number
        foreigntotal:number taxtotal:number foreignamountpaid:number foreignamountunpaid:number
        foreignpaymentamountunused:number foreignpaymentamountused:number postingperiod:id>accountingperiod
        posting:flag voided:flag terms:id>term memo:text otherrefnum:text createddate:date lastmodifieddate:date
        custbody_subscription_id:text custbody_disputed:flag custbody_write_off:flag custbody_gateway_op_id:text
        custbody_gateway_correlation_id:text""",
    "transactionline": """uniquekey:id transaction:id>transaction id:id linesequencenumber:number mainline:flag
        taxline:flag item:id>item itemtype:text quantity:number rate:number foreignamount:number netamount:number
        subsidiary:id>subsidiary entity:id>customer createdfrom:id>transaction memo:text isclosed:flag
        quantitybilled:number taxamount:number orderline:number custcol_gateway_line:text custcol_service_start:date
        custcol_service_end:date""",  # [K] taxamount, orderline
    "transactionaccountingline": """transaction:id>transaction transactionline:id account:id>account
        accountingbook:id debit:number credit:number amount:number netamount:number posting:flag exchangerate:number""",
    "account": """id:id acctnumber:text fullname:text accountsearchdisplayname:text accttype:text isinactive:flag""",
    "item": """id:id itemid:text displayname:text fullname:text itemtype:text subtype:text isinactive:flag
        taxschedule:id>taxschedule revenuerecognitionrule:id>revenuerecognitionrule""",
    "taxschedule": """id:id name:text""",  # [K]
    "revenuerecognitionrule": """id:id name:text""",  # [K]
    "accountingperiod": """id:id periodname:text startdate:date enddate:date closed:flag arlocked:flag aplocked:flag
        alllocked:flag isposting:flag isyear:flag isquarter:flag isadjust:flag isinactive:flag""",
    # [K] all of both: one element per obligation, one plan per element
    "revenueelement": """id:id recordnumber:text entity:id>customer subsidiary:id>subsidiary source:id>transaction
        description:text currency:id>currency allocationamount:number recognizedamount:number deferredamount:number
        startdate:date enddate:date revenuerecognitionrule:id>revenuerecognitionrule status:text
        holdrevenuerecognition:flag comments:text custrecord_subscription_id:text""",
    "revenueplan": """id:id recordnumber:text revenueelement:id>revenueelement createdfrom:id>revenueelement
        amount:number totalrecognized:number status:text startdate:date enddate:date
        revenuerecognitionrule:id>revenuerecognitionrule holdrevenuerecognition:flag comments:text""",
    "previoustransactionlinelink": """previousdoc:id>transaction previousline:id previoustype:text
        nextdoc:id>transaction nextline:id nexttype:text linktype:text foreignamount:number""",
    "dual": "dummy:text",  # [K]
    "deletedrecord": """recordid:id recordtypeid:text name:text deleteddate:date""",
}
TABLES: dict[str, dict[str, Column]] = {
    table: {
        name: Column(kind, refers or None)
        for name, _, rest in (word.partition(":") for word in words.split())
        for kind, _, refers in [rest.partition(">")]
    }
    for table, words in _TABLES.items()
}
# The same links seen from either end, by line or by document [K]: one table here.
LINK_TABLE = "previoustransactionlinelink"
for _other in ("nexttransactionlinelink", "previoustransactionlink", "nexttransactionlink"):
    TABLES[_other] = TABLES[LINK_TABLE]

# What BUILTIN.DF shows for a reference: an SQL expression over the table referred to [K].
LABELS = {
    "customer": "entityid || ' ' || companyname",
    "subsidiary": "fullname",
    "currency": "name",
    "term": "name",
    "transaction": "tranid",
    "account": "accountsearchdisplayname",
    "item": "itemid",
    "taxschedule": "name",
    "revenuerecognitionrule": "name",
    "accountingperiod": "periodname",
    "revenueelement": "recordnumber",
}
# Ledger account types by a word of the account's name [K].
ACCOUNT_TYPES = (
    ("receivable", "AcctRec"),
    ("deferred", "DeferRevenue"),
    ("revenue", "Income"),
    ("tax", "OthCurrLiab"),
    ("cash", "Bank"),
    ("bank", "Bank"),
    ("undeposited", "OthCurrAsset"),
)
OTHER_ACCOUNT = "Expense"
# What a document written here posts to.
RECEIVABLE, REVENUE, TAX = "Accounts Receivable", "Deferred Revenue", "Sales Tax Payable"
BANK, BAD_DEBT = "Undeposited Funds", "Bad Debt Expense"
