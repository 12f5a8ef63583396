"""What is doubtful or conventional about Zendesk and this company's desk, in one place. [K]: not confirmed."""

from __future__ import annotations

TOKEN_PATH = "/oauth/tokens"  # noqa: S105 - a path
API = "/api/v2"
MANY = 100  # ids of one show_many, rows of one page
SEARCH_MOST = 1_000  # results of one search
LISTED_ORGANIZATIONS = 25  # [D] whose lists are read one by one where a search may be behind: a call each
SEARCH_ORGANIZATIONS = 25  # organizations of one search: the query's length bounds it
PAGES = 20  # pages of one list in one read
NEWEST_FIRST = "-id"  # `sort` of a cursor-paged ticket list; ids grow with creation [K]
OLDEST_FIRST = "id"
LAST_CHANGED_FIRST = "-updated_at"
LAST_CHANGED_LAST = "updated_at"

# Our company's convention: organization fields, and tags that say a ticket was escalated.
PLAN_FIELD, STATUS_FIELD, REGION_FIELD, ARR_FIELD = "support_plan", "billing_status", "region", "arr"
# Text fields of an organization, which has no audits of its own: the operation that changed it last, and the keys of
# its last changes. Where a desk does not have them, Zendesk leaves them out of what is written.
OPERATION_FIELD, KEYS_FIELD = "gateway_operation", "gateway_keys"
KEYS_KEPT = 20
REFERENCE = "Opsgraph operation {operation}, request {correlation}, key {key}"  # the last line of an internal note
NEWEST_COMMENTS = "-created_at"  # `sort` of a cursor-paged list of comments
COMMENT_PAGES = 50  # of MANY each: a ticket has 5,000 comments at the most
# A ticket that we opened has a tag that tells what was asked for: the first signs of its SHA-256.
CASE_TAG, CASE_TAG_SIGNS = "gateway_case_", 16
ESCALATED_TAG = "escalated"
PLAN_FILTERS = frozenset({"organization_fields.support_plan", "custom_fields.support_plan", "support_plan"})  # [K]
