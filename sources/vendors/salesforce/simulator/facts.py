"""What is said of the vendor's API where the contract is silent or unsure, all in one place.

A name that ends in `_ASSUMED`, and every error of `Assumed`, is general knowledge that no published source confirmed:
check it against a sandbox before anything depends on it. The rest is what the vendor's pages say.
"""

from __future__ import annotations

VERSIONS = {
    "58.0": "Summer '23",
    "59.0": "Winter '24",
    "60.0": "Spring '24",
    "61.0": "Summer '24",
    "62.0": "Winter '25",
    "63.0": "Spring '25",
    "64.0": "Summer '25",
    "65.0": "Winter '26",
    "66.0": "Spring '26",
}

URI_BYTES = 16_384  # 414 above; the same bound holds for the headers (431)
QUERY_CHARACTERS = 100_000
LITERAL_CHARACTERS = 4_000
OFFSET_ROWS = 2_000
PAGE_ROWS = 2_000
PAGE_ROWS_LEAST = 200
COLLECTION_READ = 2_000  # ids of one POST composite/sobjects/{type}
COLLECTION_WRITE = 200
SUBREQUESTS = 25
COMPOSITE_QUERIES = 5  # queries and collections among the subrequests of one composite call
CHILD_QUERIES = 20
TEXT_LENGTH = 255
LONG_TEXT_LENGTH = 32_000
COMMENT_LENGTH = 4_000
ASSERTION_SECONDS = 300  # the furthest `exp` of a JWT bearer assertion
CLOCK_SKEW = 30

PARENT_JOINS_ASSUMED = 55
PARENT_LEVELS = 5
AGGREGATE_ROWS = 2_000
FIELDS_ROWS = 200
OPEN_LOCATORS_ASSUMED = 50
LOCATOR_SECONDS = 2 * 24 * 3600
DAY = 24 * 3600.0
NULLS_FIRST_ASSUMED = True  # whichever the direction, unless the query says otherwise
CHILD_ROWS_ASSUMED = 200  # rows of one child list before it pages separately

EXPIRED_SESSION = "Session expired or invalid"
TOTAL_REQUESTS = "TotalRequests Limit exceeded."
CONCURRENT_REQUESTS = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
NOT_FOUND = "The requested resource does not exist"


class Assumed:
    """Codes and texts nobody confirmed."""

    ACTIVATED = ("FIELD_INTEGRITY_EXCEPTION", "an activated order cannot be edited")
    APPROVAL = ("ENTITY_IS_LOCKED", "the entity is locked for editing")
    BATCH_HALTED = ("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
    DELETED = ("ENTITY_IS_DELETED", "entity is deleted")
    HEADERS_TOO_LONG = ("REQUEST_HEADER_FIELDS_TOO_LARGE", "request headers exceed 16384 bytes")
    HALTED = (
        "PROCESSING_HALTED",
        "The transaction was rolled back since another operation in the same transaction failed.",
    )
    LOCATOR = ("INVALID_QUERY_LOCATOR", "invalid query locator")
    LONG_LITERAL = ("MALFORMED_QUERY", "string literal is longer than 4000 characters")
    LONG_QUERY = ("MALFORMED_QUERY", "SOQL statements cannot be longer than 100,000 characters.")
    METHOD = ("METHOD_NOT_ALLOWED", "HTTP Method '{}' not allowed. Allowed are {}")
    OFFSET = ("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
    ROW_HELD = ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: {}")
    STALE = ("PRECONDITION_FAILED", "the record was modified after the given time")
    TOO_MANY = ("LIMIT_EXCEEDED", "at most {} {} in one request")
    UNREADABLE = ("JSON_PARSER_ERROR", "the request body is not the JSON this resource expects")
    URI_TOO_LONG = ("URI_TOO_LONG", "the URI exceeds 16384 bytes")
