"""The REST records: which table holds each type, and what its properties are called."""

from __future__ import annotations

import msgspec


class Property(msgspec.Struct, frozen=True):
    """One property. `kind`: id, string, number, integer, boolean, date, moment, ref, enum."""

    name: str
    column: str
    kind: str


class Shape(msgspec.Struct, frozen=True):
    """One record type: its spelling in addresses, its table, which rows are its own, its properties and sublists."""

    name: str
    table: str
    where: str
    properties: dict[str, Property]
    sublists: tuple[str, ...] = ()

    @property
    def transaction(self) -> str | None:
        """The transaction type code, for transactions."""
        return self.where.partition("'")[2].partition("'")[0] if self.table == "transaction" else None


# Each word is `property:kind`, with `=column` where the column is not the property in lower case. Names from the
# contract; custom fields are ours.
_DOCUMENT = """id:id externalId:string tranId:string entity:ref currency:ref exchangeRate:number tranDate:date
    dueDate:date postingPeriod:ref terms:ref status:enum approvalStatus:enum total:number=foreigntotal taxTotal:number
    memo:string otherRefNum:string createdDate:moment lastModifiedDate:moment custbody_subscription_id:string
    custbody_disputed:boolean custbody_write_off:boolean custbody_gateway_op_id:string
    custbody_gateway_correlation_id:string"""
_ITEM = "id:id itemId:string displayName:string isInactive:boolean taxSchedule:ref revenueRecognitionRule:ref"
_SHAPES = {
    "customer": (
        "customer",
        "",
        """id:id externalId:string entityId:string companyName:string email:string parent:ref isInactive:boolean
        isPerson:boolean subsidiary:ref currency:ref terms:ref creditLimit:number creditHoldOverride:enum
        balance:number=balancesearch overdueBalance:number=overduebalancesearch daysOverdue:integer
        unbilledOrders:number vatRegNumber:string taxExempt:boolean lastModifiedDate:moment custentity_payer:ref
        custentity_nexus:string custentity_reverse_charge:boolean custentity_exemption_reason:string
        custentity_gateway_op_id:string custentity_gateway_keys:string""",
        (),
    ),
    "invoice": (
        "transaction",
        "type = 'CustInvc'",
        _DOCUMENT + " amountPaid:number=foreignamountpaid amountRemaining:number=foreignamountunpaid",
        ("item",),
    ),
    "salesOrder": ("transaction", "type = 'SalesOrd'", _DOCUMENT + " orderStatus:enum=status", ("item",)),
    "creditMemo": (
        "transaction",
        "type = 'CustCred'",
        _DOCUMENT + " unapplied:number=foreignpaymentamountunused applied:number=foreignpaymentamountused",
        ("item", "apply"),
    ),
    "customerPayment": (
        "transaction",
        "type = 'CustPymt'",
        _DOCUMENT.replace("entity:ref", "customer:ref=entity").replace("total:number", "payment:number")
        + " unapplied:number=foreignpaymentamountunused applied:number=foreignpaymentamountused",
        ("apply",),
    ),
    "subsidiary": (
        "subsidiary",
        "",
        """id:id externalId:string name:string parent:ref country:string currency:ref federalIdNumber:string
        isInactive:boolean custrecord_time_zone:string""",
        (),
    ),
    "currency": ("currency", "", "id:id name:string symbol:string isInactive:boolean", ()),
    "term": ("term", "", "id:id name:string daysUntilNetDue:integer isInactive:boolean", ()),
    "accountingPeriod": (
        "accountingperiod",
        "",
        """id:id periodName:string startDate:date endDate:date closed:boolean arLocked:boolean apLocked:boolean
        allLocked:boolean isPosting:boolean isYear:boolean isQuarter:boolean isAdjust:boolean isInactive:boolean""",
        (),
    ),
    "account": ("account", "", "id:id acctNumber:string fullName:string isInactive:boolean", ()),
    "serviceSaleItem": ("item", "itemtype = 'Service'", _ITEM, ()),
    "nonInventorySaleItem": ("item", "itemtype = 'NonInvtPart'", _ITEM, ()),
    "kitItem": ("item", "itemtype = 'Kit'", _ITEM, ()),
}


def _property(word: str) -> Property:
    name, _, rest = word.partition(":")
    kind, _, column = rest.partition("=")
    return Property(name, column or name.lower(), kind)


SHAPES: dict[str, Shape] = {
    name.lower(): Shape(name, table, where, {one.name: one for one in map(_property, words.split())}, sublists)
    for name, (table, where, words, sublists) in _SHAPES.items()
}  # types are found in any case: both `creditmemo` and `creditMemo` are in use
# What may be written; everything else is computed by the ERP.
_HEADER = """externalId tranId subsidiary currency exchangeRate tranDate memo otherRefNum custbody_subscription_id
    custbody_gateway_op_id custbody_gateway_correlation_id"""
_TAX_DETAILS = "taxDetailsOverride taxDetails"
_WRITABLE = {
    "customer": """externalId entityId companyName email parent isInactive isPerson subsidiary currency terms
        creditLimit creditHoldOverride vatRegNumber taxExempt addressBook custentity_payer custentity_nexus
        custentity_reverse_charge custentity_exemption_reason custentity_gateway_op_id
        custentity_gateway_keys""",
    "invoice": f"{_HEADER} {_TAX_DETAILS} entity dueDate postingPeriod terms custbody_disputed item",
    "salesOrder": f"{_HEADER} entity terms orderStatus item",
    "creditMemo": f"{_HEADER} {_TAX_DETAILS} entity postingPeriod toBeEmailed custbody_write_off item apply",
    "customerPayment": f"{_HEADER} customer postingPeriod payment toBeEmailed account undepFunds arAcct apply",
}
WRITABLE = {name: frozenset(words.split()) for name, words in _WRITABLE.items()}
_LINE_WRITABLE = """line orderLine item quantity rate amount grossAmt description isClosed taxDetailsReference
    custcol_gateway_line custcol_service_start custcol_service_end"""
LINE_WRITABLE = frozenset(_LINE_WRITABLE.split())
