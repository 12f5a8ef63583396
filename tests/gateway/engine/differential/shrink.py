"""Shrinks a document that makes a difference: takes out whatever the difference does not need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    parse,
    print_ast,
)

StillFails = Callable[[str], Awaitable[bool]]
_ATTEMPTS = 400


async def shrunk(text: str, still_fails: StillFails) -> str:
    """A smaller document for which `still_fails` is true as well; the same where none is found."""
    left = _ATTEMPTS
    while True:
        for smaller in _smaller(text):
            left -= 1
            if left < 0:
                return text
            if len(smaller) < len(text) and await still_fails(smaller):
                text = smaller
                break
        else:
            return text


def _smaller(text: str) -> Iterator[str]:
    """Documents that are a step smaller, the largest steps first."""
    try:
        count = sum(1 for _ in _steps(parse(text)))
    except GraphQLError:
        return
    for index in range(count):
        document = parse(text)
        step = list(_steps(document))[index]
        step()
        yield _printed(document)


def _printed(document: DocumentNode) -> str:
    return " ".join(print_ast(document).split())


def _steps(document: DocumentNode) -> Iterator[Callable[[], None]]:
    """Every single step that can be taken in a document; taking one changes the document."""
    for index, definition in enumerate(document.definitions):
        if isinstance(definition, FragmentDefinitionNode):
            yield partial(_inlined, document, definition.name.value)
        elif len(document.definitions) > 1 and isinstance(definition, OperationDefinitionNode):
            yield partial(_without, document, "definitions", index)
    holders: list[Node] = [each for each in document.definitions if hasattr(each, "selection_set")]
    while holders:
        holder: Any = holders.pop(0)
        for name in ("directives", "variable_definitions", "arguments"):
            for index in range(len(getattr(holder, name, None) or ())):
                yield partial(_without, holder, name, index)
        selected = getattr(holder, "selection_set", None)
        if selected is None:
            continue
        for index, each in enumerate(selected.selections):
            if len(selected.selections) > 1:
                yield partial(_without, selected, "selections", index)
            if isinstance(each, InlineFragmentNode):
                yield partial(_unwrapped, selected, index)
            if isinstance(each, FieldNode) and each.alias is not None:
                yield partial(_put, each, "alias", None)
            holders.append(each)


def _put(node: Any, name: str, value: Any) -> None:
    """Nodes are frozen; these were parsed for this one step and nobody else has them."""
    object.__setattr__(node, name, value)


def _without(holder: Any, name: str, index: int) -> None:
    _put(holder, name, tuple(each for at, each in enumerate(getattr(holder, name)) if at != index))


def _unwrapped(selected: Any, index: int) -> None:
    found = list(selected.selections)
    found[index : index + 1] = found[index].selection_set.selections
    _put(selected, "selections", tuple(found))


def _inlined(document: DocumentNode, name: str) -> None:
    """A fragment's spreads become inline fragments."""
    fragment: Any = next(
        each for each in document.definitions if isinstance(each, FragmentDefinitionNode) and each.name.value == name
    )
    _put(document, "definitions", tuple(each for each in document.definitions if each is not fragment))
    waiting: list[Any] = list(document.definitions)
    while waiting:
        selected = getattr(waiting.pop(), "selection_set", None)
        if selected is None:
            continue
        _put(selected, "selections", tuple(_replaced(each, fragment) for each in selected.selections))
        waiting += selected.selections


def _replaced(node: Any, fragment: Any) -> Any:
    if not isinstance(node, FragmentSpreadNode) or node.name.value != fragment.name.value:
        return node
    return InlineFragmentNode(
        type_condition=fragment.type_condition,
        directives=node.directives,
        selection_set=deepcopy(fragment.selection_set),
    )
