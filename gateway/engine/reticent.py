"""What a refusal of a document says: nothing that stood in it as a value, of the schema only what its reader may know.

A literal may be somebody's e-mail address or a secret in the wrong place, and refusals end up in logs. The place of the
error says where to look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from graphql import FieldNode, GraphQLError, ValidationRule

_LITERALS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), shown)
    for pattern, shown in (
        (r"^(Syntax Error: .*?\b(?:String|BlockString|Int|Float)) '.*'\.?$", r"\1."),
        (r"^(Syntax Error: [^:]*(?:escape sequence|character|got)): .*$", r"\1."),
        (r"(cannot represent [^:]*): .*$", r"\1."),
        (r"(?:, but encountered error |[,;] found: ).*$", "."),
        (r"Value '.*' does not exist in '(\w+)' enum", r"This value does not exist in '\1' enum"),
    )
)


def reticent(error: GraphQLError) -> GraphQLError:
    """The same error with a message that quotes no value."""
    message = error.message
    for pattern, shown in _LITERALS:
        message = pattern.sub(shown, message)
    error.message = message
    return error


def all_reticent(errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """The same of several errors."""
    return [reticent(each) for each in errors]


class NoIntrospection(ValidationRule):
    """Refuses what asks for the schema; `__typename` tells nothing that the document did not know."""

    def enter_field(self, node: FieldNode, *_args: Any) -> None:
        """Called for every field."""
        if node.name.value in ("__schema", "__type"):
            extensions = {"code": "FORBIDDEN", "retryable": False}
            message = f"`{node.name.value}` is not for your role: nobody shows it the schema"
            self.report_error(GraphQLError(message, node, extensions=extensions))
