"""The organisation's picklists, and how the enterprise's words are said in them."""

from __future__ import annotations

ACCOUNT_TYPES = {
    "prospect": "Prospect",
    "customer": "Customer - Direct",
    "partner": "Channel Partner / Reseller",
    "other": "Other",
}
RESTRICTIONS = {"legal_hold": "Legal Hold", "sanctions": "Sanctions", "fraud": "Fraud"}

# Contract: status and status code.
CONTRACT_STATUSES = {
    "draft": ("Draft", "Draft"),
    "in_approval": ("In Approval Process", "InApproval"),
    "activated": ("Activated", "Activated"),
    "terminated": ("Terminated", "Terminated"),
    "expired": ("Expired", "Expired"),
}

# Order: status and status code are the same word.
ORDER_STATUSES = {"draft": "Draft", "activated": "Activated", "canceled": "Canceled", "expired": "Expired"}

# Opportunity: stage name, closed, won, forecast category.
STAGES = {
    "prospecting": ("Prospecting", False, False, "Pipeline"),
    "proposal": ("Proposal/Price Quote", False, False, "BestCase"),
    "negotiation": ("Negotiation/Review", False, False, "BestCase"),
    "won": ("Closed Won", True, True, "Closed"),
    "lost": ("Closed Lost", True, False, "Omitted"),
}
# What a stage sets where nobody says a probability.
PROBABILITIES = {
    "Prospecting": 10.0,
    "Qualification": 10.0,
    "Needs Analysis": 20.0,
    "Value Proposition": 50.0,
    "Id. Decision Makers": 60.0,
    "Perception Analysis": 70.0,
    "Proposal/Price Quote": 75.0,
    "Negotiation/Review": 90.0,
    "Closed Won": 100.0,
    "Closed Lost": 0.0,
}
FORECAST_NAMES = {"Pipeline": "Pipeline", "BestCase": "Best Case", "Closed": "Closed", "Omitted": "Omitted"}
OPPORTUNITY_TYPES = {"new": "New Customer", "renewal": "Renewal", "expansion": "Existing Customer - Upgrade"}

ENTITLEMENT_TYPES = {"phone": "Phone Support", "web": "Web Support"}
MILESTONES = {
    "compliant": "Compliant",
    "open_violation": "Open Violation",
    "closed_violation": "Closed Violation",
}

# What `describe` lists, by object and field.
PICKLISTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Account", "Type"): (
        "Prospect",
        "Customer - Direct",
        "Customer - Channel",
        "Channel Partner / Reseller",
        "Installation Partner",
        "Technology Partner",
        "Other",
    ),
    ("Account", "Status__c"): ("Prospect", "Active", "Inactive"),
    ("Account", "Region__c"): ("AMER", "EMEA", "APAC", "LATAM"),
    ("Account", "Restriction__c"): tuple(RESTRICTIONS.values()),
    ("Contact", "Role__c"): ("Business", "Billing", "Technical", "Shipping"),
    ("Contact", "Support_Authority__c"): ("None", "View", "Open", "Escalate", "Admin"),
    ("Opportunity", "StageName"): (
        "Prospecting",
        "Qualification",
        "Needs Analysis",
        "Value Proposition",
        "Id. Decision Makers",
        "Perception Analysis",
        "Proposal/Price Quote",
        "Negotiation/Review",
        "Closed Won",
        "Closed Lost",
    ),
    ("Opportunity", "Type"): tuple(OPPORTUNITY_TYPES.values()),
    ("Contract", "Status"): tuple(status for status, _ in CONTRACT_STATUSES.values()),
    ("Contract", "StatusCode"): tuple(code for _, code in CONTRACT_STATUSES.values()),
    ("Order", "Status"): tuple(ORDER_STATUSES.values()),
    ("Order", "StatusCode"): tuple(ORDER_STATUSES.values()),
    ("Entitlement", "Status"): ("Active", "Expired", "Inactive"),
    ("Entitlement", "Type"): tuple(ENTITLEMENT_TYPES.values()),
    ("Entitlement", "Support_Plan__c"): ("standard", "premium", "platinum"),
    ("Entitlement", "Coverage__c"): ("Own", "Affiliates", "Listed"),
    ("Case", "Status"): ("New", "Working", "Escalated", "Closed"),
    ("Case", "Priority"): ("High", "Medium", "Low"),
    ("Case", "Origin"): ("Phone", "Email", "Web"),
    ("Case", "MilestoneStatus"): tuple(MILESTONES.values()),
}
