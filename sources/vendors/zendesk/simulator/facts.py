"""What is doubtful about Zendesk, and this company's conventions, in one place. [K]: not confirmed live."""

from __future__ import annotations

TOKEN_PATH = "/oauth/tokens"  # noqa: S105 - a path
API = "/api/v2"
BASE = "https://opsgraph.zendesk.example"
"""Host of the `url` of each object; links between pages keep the host the caller used."""

MANY = 100  # ids of one show_many; rows of one page
SEARCH_MOST = 1_000  # results of one search
EXPORT_MOST = 1_000  # rows of one page of an export
DEEPEST_PAGE = 100  # pages by number of a list [K]
INCREMENTAL_MOST = 1_000  # rows of one page
INCREMENTAL_AGE = 60.0  # seconds that `start_time` must be in the past
EXPORT_CURSOR_LIFE = 3_600.0  # seconds
KEY_LIFE = 7_200.0  # seconds an idempotency key is remembered
KEY_LENGTH = 255
TOKEN_SECONDS = (300, 172_800)  # `expires_in` lies between, bounds excluded
DEFAULT_TOKEN_SECONDS = 7_200
ADVERTISED = 2_500  # requests a minute that headers speak of where nothing limits

STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")
TYPES = ("problem", "incident", "question", "task")
ROLES = ("end-user", "agent", "admin")
FINISHED = frozenset({"solved", "closed"})
ANSWERED = frozenset({"first_reply_time", "next_reply_time"})
"""Targets that a public reply of an agent meets."""
COMMENTS_MOST = 5_000  # of one ticket
AUDITED = frozenset(
    {
        "subject",
        "priority",
        "status",
        "type",
        "organization_id",
        "requester_id",
        "assignee_id",
        "group_id",
        "tags",
        "external_id",
        "custom_fields",
    }
)
"""Fields whose change an audit tells of [K]."""

# Our company's convention: the fields of an organization; the SLA policies filter by the plan [K].
# `gateway_operation` says which governed operation changed an organization last: it has no audits of its own.
PLAN_FIELD, OPERATION_FIELD = "support_plan", "gateway_operation"
ORGANIZATION_FIELDS = (PLAN_FIELD, "billing_status", "region", "arr", OPERATION_FIELD, "gateway_keys")
PLAN_CONDITION = "organization_fields.support_plan"

# Refusals [K]: shapes and texts that no recording shows.
NOBODY = "Couldn't authenticate you"
BAD_TOKEN = "The access token provided is expired, revoked, malformed or invalid for other reasons."  # noqa: S105
SCOPES = "You are missing the following required scopes: {}"
LIMITED = "Number of allowed API requests per minute exceeded"
SEARCH_LIMITED = "Invalid search: Requested response size was greater than Search Response Limits"
STALE = (
    "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again."
)
OTHER_BODY = "Request parameters don't match the given idempotency key"
CLOSED = "Status: closed prevents ticket update"
NOT_CLOSED = "Follow-up source: {} is not a closed ticket"
SUSPENDED = "Requester: {} is suspended"
NO_OPTION = "{} is an invalid option for the field {}"
TOO_MANY_COMMENTS = "The ticket has reached the limit of 5,000 comments"
MANY_JOBS = "Too many jobs are queued or running: try again when one of them is done"
RECENT = "Too recent start_time. Use a start_time older than 60 seconds"
TOO_DEEP = "Pages by number end at page 100: use cursor pagination"
