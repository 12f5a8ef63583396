"""The compiled builder: a selection becomes one Python function that shows all its rows in one pass.

It shows what is as it should be. Anything else (an error, a null where none may be, a value that a type refuses) raises
`Odd`, and the careful builder shows the answer instead; both show the same.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any

from graphql import GraphQLLeafType, GraphQLList, GraphQLNonNull, GraphQLOutputType, is_leaf_type

from gateway.engine.frames import Classify, Frame, Odd, selection_of
from gateway.engine.leaves import serialiser, shown_as_is, whole_numbers
from gateway.engine.plan import BATCHED, CUT, DERIVED, LINK, META, TYPENAME, Branch, Field, Selection
from resolvers.batch import Derived
from resolvers.context import Context

Build = Callable[..., list[dict[str, Any]]]
_TUPLES = (list, tuple)


def compile_selection(selection: Selection) -> Build:
    """`build(rows, context, hit, *columns) -> one dictionary a row`."""
    code = _Code()
    columns = [f"c{field.slot}" for field in selection.columns]
    shown = code.object(selection, "r", columns=True)
    head = f"for {', '.join(['r', *columns])} in zip({', '.join(['rows', *columns])}):" if columns else "for r in rows:"
    given = ", ".join(["rows", "ctx", "hit", *columns])
    marks = "".join(f" if rows: hit({mark})\n" for mark in dict.fromkeys(code.met))
    source = f"def build({given}):\n out = []\n add = out.append\n{marks} {head}\n  add({shown})\n return out\n"
    space: dict[str, Any] = code.names
    exec(compile(source, f"<selection {selection.type_name}>", "exec"), space)  # noqa: S102 - made of our own names only
    built: Build = space["build"]
    return built


class Builder:
    """Shows the frames of one operation."""

    def __init__(self, context: Context, hit: Callable[[int], None], classify: Classify) -> None:
        self._context, self._hit, self._classify = context, hit, classify

    def build(self, frame: Frame) -> list[dict[str, Any]]:
        """One dictionary for each row; raises Odd (or whatever a value raises) where care is needed."""
        selection = frame.selection
        if frame.odd:
            raise Odd
        if selection.fast is None:
            selection.fast = compile_selection(selection)
        columns = [
            frame.columns[field.slot] if field.flat else self._woven(frame, field) for field in selection.columns
        ]
        return selection.fast(frame.rows, self._context, self._hit, *columns)

    def _woven(self, frame: Frame, field: Field) -> list[Any]:
        """A column with what is shown of its objects in their places."""
        values, kids, branch = frame.columns[field.slot], frame.kids[field.slot], field.branch
        assert branch is not None
        if branch.only is not None:
            kid = kids.get(branch.only)
            shown = self.build(kid) if kid is not None else []
            if not field.listed and len(shown) == len(values):
                return shown  # no place is empty
            objects = iter(shown)
            return [_weave_one(field.type, value, objects) for value in values]
        made = {selection: iter(self.build(each)) for selection, each in kids.items()}
        return [_weave_any(field.type, value, made, branch, self._classify) for value in values]


def _weave_one(type_: GraphQLOutputType, value: Any, objects: Iterator[Any]) -> Any:
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
        if value is None:
            raise Odd
    if value is None:
        return None
    if not isinstance(type_, GraphQLList):
        return next(objects)
    if value.__class__ not in _TUPLES:
        raise Odd
    item = type_.of_type
    if None not in value and not isinstance(_nullable(item), GraphQLList):
        shown = list(islice(objects, len(value)))
        if len(shown) < len(value):
            raise Odd
        return shown
    return [_weave_one(item, each, objects) for each in value]


def _nullable(type_: GraphQLOutputType) -> GraphQLOutputType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _weave_any(
    type_: GraphQLOutputType,
    value: Any,
    made: dict[Selection, Iterator[dict[str, Any]]],
    branch: Branch,
    classify: Classify,
) -> Any:
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
        if value is None:
            raise Odd
    if value is None:
        return None
    if isinstance(type_, GraphQLList):
        if value.__class__ not in _TUPLES:
            raise Odd
        return [_weave_any(type_.of_type, each, made, branch, classify) for each in value]
    selection = selection_of(branch, value, classify)
    if selection is None:
        raise Odd
    return next(made[selection])


class _Code:
    """Writes the expression that shows a row, and keeps the values that it names. `met`: marks that every row meets, so
    that it is enough to say so once."""

    def __init__(self) -> None:
        self.met: list[int] = []
        self.names: dict[str, Any] = {"X": Exception, "L": _TUPLES, "odd": _odd, "none": _none}
        self._at = count()

    def _named(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{next(self._at)}"
        self.names[name] = value
        return name

    def _fresh(self) -> str:
        return f"v{next(self._at)}"

    def object(self, selection: Selection, row: str, *, columns: bool = False) -> str:
        """The dictionary of one row."""
        shown = [f"{field.key!r}: {self._field(field, row, columns=columns)}" for field in selection.fields]
        return "{" + ", ".join(shown) + "}"

    def _field(self, field: Field, row: str, *, columns: bool) -> str:
        if field.kind == TYPENAME:
            return repr(field.attribute)
        if field.kind == CUT:
            if columns and not field.nonnull:
                self.met.append(field.mark)
                return "None"
            return f"{'odd' if field.nonnull else 'none'}(hit({field.mark}))"
        if field.mask is not None and field.branch is not None:
            return "odd()"  # no mask is made for objects: whatever it does is for the careful one to show
        if columns and field.slot >= 0:
            if field.kind == META or not field.flat:
                return f"c{field.slot}"
            return self._masked(field, f"c{field.slot}", every=columns)
        if field.kind == DERIVED:
            assert isinstance(field.declared, Derived)
            value = f"{self._named('d', field.declared.derive)}({row}, ctx)"
        elif field.kind in (LINK, BATCHED):
            raise AssertionError("what is read is a column")
        elif _is_plain_name(field.attribute):
            value = f"{row}.{field.attribute}"
        else:
            value = f"getattr({row}, {field.attribute!r})"
        return self._masked(field, value, every=columns)

    def _masked(self, field: Field, value: str, *, every: bool) -> str:
        if field.mask is not None:
            mask, found = self._named("m", field.mask), self._fresh()
            if every:
                self.met.append(field.mark)
            else:
                value = f"({value}, hit({field.mark}))[0]"
            value = f"{mask}({found} if not isinstance(({found} := {value}), X) else odd())"
        return self._value(field, field.type, value)

    def _value(self, field: Field, type_: GraphQLOutputType, value: str) -> str:
        nullable = not isinstance(type_, GraphQLNonNull)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList):
            return self._list(field, inner, value, nullable=nullable)
        if is_leaf_type(inner):
            return self._leaf(inner, value, nullable=nullable)
        return self._object(field, value, nullable=nullable)

    def _list(self, field: Field, type_: GraphQLList[Any], value: str, *, nullable: bool) -> str:
        found, each = self._fresh(), self._fresh()
        listed = f"({found} if {found}.__class__ in L else odd())"
        items = f"[{self._value(field, type_.of_type, each)} for {each} in {listed}]"
        absent = "None" if nullable else "odd()"
        return f"({absent} if ({found} := {value}) is None else {items})"

    def _leaf(self, type_: GraphQLLeafType, value: str, *, nullable: bool) -> str:
        found, convert = self._fresh(), self._named("s", serialiser(type_))
        absent = "None" if nullable else "odd()"
        bounds = whole_numbers(type_)
        if bounds is not None:
            low, high = bounds
            as_is = f"({found} := {value}).__class__ is int and {low} <= {found} <= {high}"
            return f"({found} if {as_is} else {absent} if {found} is None else {convert}({found}))"
        shown = shown_as_is(type_)
        if shown is None:
            return f"({absent} if ({found} := {value}) is None else {convert}({found}))"
        kind, plain = self._named("k", shown.kind), shown.convert.format(found) or found
        as_is = f"({found} := {value}).__class__ is {kind}"
        return f"({plain} if {as_is} else {absent} if {found} is None else {convert}({found}))"

    def _object(self, field: Field, value: str, *, nullable: bool) -> str:
        branch = field.branch
        assert branch is not None
        assert branch.only is not None
        found = self._fresh()
        absent = "None" if nullable else "odd()"
        shown = self.object(branch.only, found)
        return f"({absent} if ({found} := {value}) is None else odd() if isinstance({found}, X) else {shown})"


def _is_plain_name(name: str) -> bool:
    """Whether a name stands in code for itself: no keyword, and nothing that Python would spell in another way."""
    return name.isidentifier() and name.isascii() and not keyword.iskeyword(name) and not name.startswith("__")


def _odd(_: Any = None) -> Any:
    raise Odd


def _none(_: Any = None) -> None:
    return None
