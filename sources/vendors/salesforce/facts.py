"""What is doubtful or conventional about Salesforce and this company's org, in one place. [K]: not confirmed."""

from __future__ import annotations

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
ASSERTION_SECONDS = 180
NOT_BEGUN, OVER = "Inactive", "Expired"  # entitlements whose first day is to come, and whose last one is behind
BATCH = 25  # subrequests of one composite batch
SHORT_URI = 2_000  # bytes up to which a query travels in its address
LONG_URI = 16_000  # bytes of a subrequest's address
IN_LIST = 200  # ids of one IN list: well inside the address of a subrequest
PAGE = 2_000  # rows of one answer, at most; it may be fewer
PAGES = 20  # further pages followed in one read

# Custom fields of our org.
STATUS, REGION, RESTRICTION = "Status__c", "Region__c", "Restriction__c"
BILLING_ID, ERP_ID = "Billing_Customer_Id__c", "ERP_Customer_Id__c"
CURRENCY = "CurrencyIsoCode"  # a multi-currency org

ACCOUNT = (
    "Id, Name, Type, Industry, ParentId, MasterRecordId, IsDeleted, OwnerId, Owner.Name, Owner.Email, Description, "
    "BillingCountry, Website, CreatedDate, LastModifiedDate, Status__c, Region__c, Restriction__c, "
    "Billing_Customer_Id__c, ERP_Customer_Id__c"
)
CONTACT = (
    "Id, AccountId, FirstName, LastName, Name, Email, Phone, Title, ReportsToId, IsDeleted, LastModifiedDate, Role__c, "
    "Support_Authority__c, Authorised_By__c, Authorised_Until__c"
)
CONTRACT = "Id, AccountId, ContractNumber, Status, StatusCode, StartDate, EndDate, ContractTerm, Subscription_Id__c"
OPPORTUNITY = (
    "Id, AccountId, Name, StageName, Amount, CurrencyIsoCode, CloseDate, Probability, IsClosed, IsWon, Type, "
    "ContractId, Subscription_Id__c"
)
ORDER = (
    "Id, AccountId, ContractId, OrderNumber, Status, StatusCode, EffectiveDate, EndDate, TotalAmount, CurrencyIsoCode, "
    "IsReductionOrder, OriginalOrderId, CreatedDate, LastModifiedDate, Legal_Entity__c, Bill_To__c, Ship_To__c, "
    "End_Customer__c, Reseller__c, Sold_To__c, Payer__c, PoNumber, Gateway_Op_Id__c, Gateway_Operation__c, "
    "(SELECT Id, Quantity, UnitPrice, TotalPrice, ServiceDate, EndDate, Product2.Name, Product2.ProductCode "
    "FROM OrderItems)"
)
ENTITLEMENT = (
    "Id, AccountId, Name, Type, Status, StartDate, EndDate, IsPerIncident, CasesPerEntitlement, RemainingCases, "
    "ServiceContractId, Support_Plan__c, Coverage__c, Covers__c, Subscription_Id__c, Time_Zone__c"
)
CASE = (
    "Id, AccountId, ContactId, CaseNumber, EntitlementId, Status, Priority, IsClosed, IsEscalated, IsStopped, "
    "MilestoneStatus, SlaStartDate, SlaExitDate, Support_Ticket_Id__c"
)
SLA_PROCESS = "Id, Name, IsActive"

# An org that is the support desk itself: its own cases, and who they are of.
DESK_CASE = (
    "Id, AccountId, ContactId, CaseNumber, OwnerId, Subject, Description, Type, Status, Priority, IsClosed, "
    "IsEscalated, IsStopped, CreatedDate, LastModifiedDate, ClosedDate"
)
DESK_ACCOUNT = (
    "Id, Name, Website, Region__c, LastModifiedDate, "
    "(SELECT Support_Plan__c FROM Entitlements WHERE Status = 'Active' AND Support_Plan__c != null "
    "ORDER BY StartDate DESC, Id DESC LIMIT 1)"
)
DESK_CONTACT = "Id, AccountId, Name, FirstName, LastName, Email, LastModifiedDate"
NEW_CASE, ESCALATED = "New", "Escalated"  # statuses of a case; an org may have others
CASE_ORIGIN = "Web"  # where a case came from, as every org has it
QUEUE = "00G"  # how the id of an owner begins who is no person
ASKED = "Gateway_Asked__c"  # what a case was opened with, as a hash
REFERENCE = "Opsgraph operation {operation}, request {correlation}, key {key}"

# What our changes leave in a record: the key of the one that made it (unique, an external id), the keys of the last
# ones, the governed operation and the request.
OP_ID, CHANGES = "Gateway_Op_Id__c", "Gateway_Changes__c"
OPERATION, CORRELATION = "Gateway_Operation__c", "Gateway_Correlation__c"
CHANGES_KEPT = 100  # keys of 255 characters fit a long text of 32,768
COMPOSITE = 25  # parts of one composite request
HALTED = "PROCESSING_HALTED"  # a part that failed with another one
REQUEST_ID = "x-sfdc-request-id"  # header [K]

# Statuses whose label an org may have changed [K]: we read codes, and write these.
DRAFT, ACTIVATED, CANCELED, TERMINATED = "Draft", "Activated", "Canceled", "Terminated"
WON, LOST = "Closed Won", "Closed Lost"  # stages of a deal that has ended
