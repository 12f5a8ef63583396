"""Frames: what a running plan holds for each selection: its rows, and for each of its columns one value a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType

from gateway.engine.plan import Branch, Field, Roles, Selection

Classify: TypeAlias = Callable[[Any, Roles], tuple[str, Roles] | None]


class Odd(Exception):
    """Something that the compiled builder does not show: the careful one takes over."""


class Partial:
    """A value, and what went wrong with the rest of it."""

    __slots__ = ("errors", "value")

    def __init__(self, value: Any, errors: Sequence[Exception]) -> None:
        self.value, self.errors = value, errors


class Frame:
    """Rows of one selection. `kids`: by column, the frames of what hangs on it."""

    __slots__ = ("columns", "early", "kids", "odd", "rows", "selection")

    def __init__(self, selection: Selection, rows: list[Any]) -> None:
        self.selection, self.rows = selection, rows
        size = len(selection.columns)
        self.columns: list[list[Any]] = [[]] * size
        self.kids: list[dict[Selection, Frame]] = [{}] * size
        self.early: dict[Field, Any] = {}
        self.odd = selection.failed is not None


def descend(
    frame: Frame, field: Field, values: Sequence[Any], classify: Classify, *, clean: bool = False
) -> list[Frame]:
    """The frames of the objects in `values`, in the order in which they stand there.

    `clean`: there are no errors among them, and in lists no nulls.
    """
    branch = field.branch
    assert branch is not None
    if branch.only is not None:
        if clean and not field.listed:
            rows = [value for value in values if value is not None]
        elif clean:
            rows = [each for value in values for each in value]
        else:
            rows = _objects(field.type, values)
        if not rows:
            return []
        kid = Frame(branch.only, rows)
        frame.kids[field.slot] = {branch.only: kid}
        return [kid]
    kids: dict[Selection, Frame] = {}
    for row in _objects(field.type, values):
        selection = selection_of(branch, row, classify)
        if selection is None:
            frame.odd = True
            continue
        if selection not in kids:
            kids[selection] = Frame(selection, [])
        kids[selection].rows.append(row)
    frame.kids[field.slot] = kids
    return list(kids.values())


def selection_of(branch: Branch, row: Any, classify: Classify) -> Selection | None:
    """The selection for one value; None where no type of the branch is its own."""
    if branch.only is not None:
        return branch.only
    found = classify_in(branch, row, classify)
    return branch.of(*found) if found is not None else None


def classify_in(branch: Branch, row: Any, classify: Classify) -> tuple[str, Roles] | None:
    """Type and roles of a value below a branch."""
    named = branch.named
    found = classify(row, branch.roles)
    if found is None:
        return None
    type_name, roles = found
    if not branch.possible(type_name):
        return None
    return (type_name if branch.abstract else named.name), (roles if branch.varying else branch.roles)


def _objects(type_: GraphQLOutputType, values: Sequence[Any]) -> list[Any]:
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if not isinstance(inner, GraphQLList):
        whole = [value.value if value.__class__ is Partial else value for value in values]
        return [value for value in whole if value is not None and not isinstance(value, Exception)]
    return _each(inner, values)


def _each(type_: GraphQLOutputType, values: Sequence[Any]) -> list[Any]:
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    whole = [value.value if value.__class__ is Partial else value for value in values]
    if not isinstance(type_, GraphQLList):
        return [value for value in whole if value is not None and not isinstance(value, Exception)]
    return [each for value in whole if isinstance(value, (list, tuple)) for each in _each(type_.of_type, value)]


Mirror: TypeAlias = Any
"""A value's shape with (frame, row) in place of each object, a list for a list, None for the rest."""


def mirror(frame: Frame, field: Field, classify: Classify) -> list[Mirror]:
    """For each row of a frame: where the objects of its value went; in the order of `descend`."""
    branch = field.branch
    assert branch is not None
    kids, at = frame.kids[field.slot], dict.fromkeys(frame.kids[field.slot], 0)

    def place(type_: GraphQLOutputType, value: Any) -> Mirror:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        content = value.value if value.__class__ is Partial else value
        if content is None or isinstance(content, Exception):
            return None
        if isinstance(type_, GraphQLList):
            return [place(type_.of_type, each) for each in content] if isinstance(content, (list, tuple)) else None
        selection = selection_of(branch, content, classify)
        if selection is None:
            return None
        at[selection] += 1
        return kids[selection], at[selection] - 1

    return [place(field.type, value) for value in frame.columns[field.slot]]
