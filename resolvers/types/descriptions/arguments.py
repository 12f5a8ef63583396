"""What arguments mean."""

ARGUMENTS = {
    "account": "The account: its key in the CRM, or its `id`.",
    "after": "Goes on behind this cursor: an `endCursor` of the same list, or the `cursor` of an event.",
    "at": "The instant that is asked about; now, if left out. Say the time zone.",
    "by": "How the account is found.",
    "case": "The case that is to go on: its key, or its `id`.",
    "contact": "Who asks: the contact's key, or its `id`. Left out: nobody's authority is checked.",
    "feature": "The feature that is to be used. Either this or `supportTier`.",
    "filter": "Which rows; all conditions must hold.",
    "first": "How many rows at the most: 1 to 100.",
    "id": "An `id` that this graph gave.",
    "ids": "Up to 100 `id`s that this graph gave.",
    "input": "What is asked for.",
    "intent": "What the customer wants; OPEN_CASE, if left out.",
    "key": "The key in the system that owns the type.",
    "maxAge": "How old the facts may be, in seconds; 0: read now. Where that cannot be had they are missing.",
    "orderBy": "In which order.",
    "severity": "How bad it is for the customer.",
    "supportTier": "The tier that is needed, for example `standard`; a better one will do. Either this or `feature`.",
    "text": "Words that the name has, in any order.",
}
