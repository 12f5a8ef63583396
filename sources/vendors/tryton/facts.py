"""What is conventional about Tryton 8.2 and this company's books, in one place. Read in its modules and tried on it.

Whose document it is stands in a document's `reference` (a party's `code`), under the prefixes that the ERP's other
connector uses too; `reference` is not unique in Tryton, `code` is.
"""

from __future__ import annotations

PAGE = 1_000  # rows of one answer
PAGES = 50  # answers that one batch may take
IN_LIST = 500  # values of one `in`
ACCOUNT_KEY = 18  # characters of an account's key; a party with another code is nobody's account

INVOICE, CREDIT, PAYMENT, ORDER, SUBSCRIPTION, OURS = "stripe:", "stripe:", "stripe:", "crm:", "sub:", "opsgraph:"

PARTY = "party.party"
SALE = "sale.sale"
BILL = "account.invoice"
MOVE = "account.move"
COMPANY = "company.company"
PRODUCT = "product.product"
PERIOD = "account.period"
JOURNAL_PERIOD = "account.journal.period"

CONTEXT = "X-Tryton-Context"  # base64 of a JSON object
LOCKED_WORDS = "must reopen the"  # in the English text of a refusal, the only thing that tells it from others
CREDIT_FIELDS = ("credit_limit_amount",)  # there only with the module account_credit_limit
POSTING = {
    "_skip_warnings": True
}  # of a person's screen, such as for a due day in the past: whoever commands has decided
