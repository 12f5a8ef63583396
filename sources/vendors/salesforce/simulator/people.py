"""Tells users, accounts, contacts, entitlements and cases of the book as rows."""

from __future__ import annotations

from typing import Any

from sources.simulation import enterprise as book
from sources.vendors.salesforce.simulator import terms
from sources.vendors.salesforce.simulator.clerk import Clerk, day, instant


def user(clerk: Clerk, user: book.User) -> dict[str, Any]:
    """A user; the last word of the name is the last name."""
    first, _, last = user.name.rpartition(" ")
    return {
        "Id": user.id,
        "Username": user.email,
        "FirstName": first or None,
        "LastName": last,
        "Name": user.name,
        "Email": user.email,
        "Alias": last[:8].lower(),
        "CommunityNickname": user.email.partition("@")[0],
        "IsActive": 1,
        "UserType": "Standard",
        "TimeZoneSidKey": "GMT",
        "LocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        **clerk.since(None),
    }


def account(clerk: Clerk, account: book.CrmAccount) -> dict[str, Any]:
    """An account."""
    return {
        "Id": account.id,
        "IsDeleted": int(account.deleted),
        "MasterRecordId": account.merged_into_id,
        "Name": account.name,
        "Type": terms.ACCOUNT_TYPES[account.kind],
        "Status__c": account.status.capitalize(),
        "ParentId": account.parent_id,
        "OwnerId": account.owner_id,
        "Description": account.notes,
        "Industry": account.industry,
        "Region__c": account.region,
        "BillingCountry": account.country,
        "BillingCity": account.city,
        "BillingStreet": account.street,
        "BillingPostalCode": account.postal_code,
        "Website": account.website,
        "Phone": account.phone,
        "Restriction__c": terms.RESTRICTIONS[account.restriction] if account.restriction else None,
        "Billing_Customer_Id__c": account.billing_id,
        "ERP_Customer_Id__c": account.erp_id,
        **clerk.stamps(account.created_at, account.updated_at),
    }


def contact(clerk: Clerk, contact: book.CrmContact) -> dict[str, Any]:
    """A contact, owned by whoever owns the account."""
    return {
        "Id": contact.id,
        "IsDeleted": int(contact.deleted),
        "AccountId": contact.account_id,
        "OwnerId": clerk.owner(contact.account_id),
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "Name": " ".join(filter(None, (contact.first_name, contact.last_name))),
        "Email": contact.email,
        "Phone": contact.phone,
        "Title": contact.title,
        "ReportsToId": contact.reports_to_id,
        "Role__c": contact.role.capitalize(),
        "Support_Authority__c": contact.support_authority.capitalize(),
        "Authorised_By__c": contact.authorised_by,
        "Authorised_Until__c": instant(contact.authorised_until),
        **clerk.stamps(contact.created_at, contact.updated_at),
    }


def sla_process(clerk: Clerk, process: book.CrmSlaProcess) -> dict[str, Any]:
    """An entitlement process."""
    return {
        "Id": process.id,
        "Name": process.name,
        "NameNorm": process.name.lower(),
        "IsActive": int(process.active),
        "SobjectType": "Case",
        "StartDateField": "SlaStartDate",
        **clerk.since(None),
    }


def entitlement(clerk: Clerk, entitlement: book.CrmEntitlement) -> dict[str, Any]:
    """An entitlement."""
    return {
        "Id": entitlement.id,
        "AccountId": entitlement.account_id,
        "Name": entitlement.name,
        "Type": terms.ENTITLEMENT_TYPES[entitlement.kind],
        "Status": entitlement.status.capitalize(),
        "StartDate": day(entitlement.start_on),
        "EndDate": day(entitlement.end_on),
        "SlaProcessId": entitlement.sla_process_id,
        "IsPerIncident": int(entitlement.per_incident),
        "CasesPerEntitlement": entitlement.cases_total,
        "RemainingCases": entitlement.cases_remaining,
        "Support_Plan__c": entitlement.plan,
        "Coverage__c": entitlement.coverage.capitalize(),
        "Covers__c": ";".join(entitlement.covers) or None,
        "Subscription_Id__c": entitlement.subscription_id,
        "Time_Zone__c": entitlement.time_zone,
        **clerk.since(entitlement.start_on),
    }


def case(clerk: Clerk, case: book.CrmCase) -> dict[str, Any]:
    """The CRM's copy of a case."""
    return {
        "Id": case.id,
        "CaseNumber": case.number,
        "AccountId": case.account_id,
        "ContactId": case.contact_id,
        "EntitlementId": case.entitlement_id,
        "OwnerId": clerk.owner(case.account_id),
        "Subject": case.subject,
        "Status": case.status.capitalize(),
        "Priority": case.priority.capitalize(),
        "Origin": "Web",
        "IsEscalated": int(case.escalated),
        "IsClosed": int(case.closed),
        "ClosedDate": instant(case.updated_at) if case.closed else None,
        "IsStopped": int(case.stopped),
        "MilestoneStatus": terms.MILESTONES[case.milestone] if case.milestone else None,
        "SlaStartDate": instant(case.sla_start_at),
        "SlaExitDate": instant(case.sla_exit_at),
        "Support_Ticket_Id__c": case.ticket_id,
        **clerk.stamps(case.created_at, case.updated_at),
    }
