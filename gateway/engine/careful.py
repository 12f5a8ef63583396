"""The careful builder: shows an answer as the specification says, with every error at its place and nulls that spread.

It reads the same frames as the compiled builder, takes a hundred times as long a leaf, and is used where something is
not as it should be, and for plans that have not proved to be used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLLeafType, GraphQLList, GraphQLNonNull, GraphQLOutputType, is_leaf_type
from graphql.pyutils import is_iterable

from gateway.engine.arguments import BadArgument
from gateway.engine.frames import Classify, Frame, Mirror, Partial, mirror, selection_of
from gateway.engine.introspect import Flawed
from gateway.engine.leaves import serialiser
from gateway.engine.paging import ConnectionPage
from gateway.engine.plan import CUT, DERIVED, META, TYPENAME, Field, Selection
from resolvers.batch import Derived
from resolvers.context import Context

Path: TypeAlias = tuple[str | int, ...]


class _Spreading(Exception):
    """A null on its way up to where one may be; `error` is None where it is told elsewhere."""

    def __init__(self, error: GraphQLError | None) -> None:
        super().__init__()
        self.error = error


class CarefulBuilder:
    """Shows the frames of one operation; `errors` in the order in which they were met."""

    def __init__(self, context: Context, hit: Callable[[int], None], classify: Classify) -> None:
        self._context, self._hit, self._classify = context, hit, classify
        self.errors: list[GraphQLError] = []
        self._mirrors: dict[tuple[int, int], list[Mirror]] = {}
        self._serialisers: dict[GraphQLLeafType, Callable[[Any], Any]] = {}

    def build(self, root: Frame) -> dict[str, Any] | None:
        """The answer's data; None where a null spread to the top."""
        try:
            return self._object(root.selection, root.rows[0], root, 0, ())
        except _Spreading as spreading:
            if spreading.error is not None:
                self.errors.append(spreading.error)
            return None

    def spreads(self, root: Frame, field: Field) -> bool:
        """Whether a root field is null although it may not be: then nothing is left of the whole answer."""
        try:
            self._field(field, root.rows[0], root, 0, (field.key,))
        except _Spreading:
            return True
        return False

    def _object(self, selection: Selection, row: Any, frame: Frame | None, index: int, path: Path) -> dict[str, Any]:
        shown = {}
        for field in selection.fields:
            here = (*path, field.key)
            try:
                shown[field.key] = self._field(field, row, frame, index, here)
            except _Spreading as spreading:
                if field.nonnull:
                    raise
                shown[field.key] = None
                if spreading.error is not None:
                    self.errors.append(spreading.error)
        return shown

    def _field(self, field: Field, row: Any, frame: Frame | None, index: int, path: Path) -> Any:
        if field.kind == TYPENAME:
            return field.attribute
        if field.kind == CUT:
            self._hit(field.mark)
            if field.nonnull:
                raise _Spreading(None)
            return None
        value = self._read(field, row, frame, index)
        if field.kind == META:
            return self._introspected(field, value)
        if field.mask is not None and not isinstance(value, Exception):
            self._hit(field.mark)
            value = _masked(field, value)
        place = self._mirror(frame, field)[index] if frame is not None and not field.flat else None
        return self._value(field, field.type, value, place, path)

    def _introspected(self, field: Field, value: Any) -> Any:
        """What introspection shows; its errors have their places already. A null that was told goes on spreading."""
        if not isinstance(value, Flawed):
            return value
        for each in value.errors:
            told = each.original_error is None or isinstance(each.original_error, GraphQLError)
            cause = BadArgument(each.message, each.nodes) if told else each.original_error
            self.errors.append(GraphQLError(each.message, nodes=each.nodes, path=each.path, original_error=cause))
        if value.shown is None and field.nonnull:
            raise _Spreading(None)
        return value.shown

    def _read(self, field: Field, row: Any, frame: Frame | None, index: int) -> Any:
        if frame is not None and field.slot >= 0:
            return frame.columns[field.slot][index]
        try:
            if field.kind == DERIVED:
                assert isinstance(field.declared, Derived)
                return field.declared.derive(row, self._context)
            return getattr(row, field.attribute)
        except Exception as error:
            return error

    def _mirror(self, frame: Frame, field: Field) -> list[Mirror]:
        key = (id(frame), field.slot)
        found = self._mirrors.get(key)
        if found is None:
            found = self._mirrors[key] = mirror(frame, field, self._classify)
        return found

    # ------------------------------------------------------------ values

    def _value(self, field: Field, type_: GraphQLOutputType, value: Any, place: Mirror, path: Path) -> Any:
        if value.__class__ is Partial:
            self.errors += [self._error(field, error, path) for error in value.errors]
            value = value.value
        if isinstance(value, Exception):
            raise _Spreading(self._error(field, value, path))
        if isinstance(type_, GraphQLNonNull):
            shown = self._value(field, type_.of_type, value, place, path)
            if shown is None:
                parent = field.coordinate
                raise _Spreading(
                    self._error(field, TypeError(f"`{parent}` is null, and the schema says it cannot be"), path)
                )
            return shown
        if value is None:
            return None
        if value.__class__ is ConnectionPage and value.error is not None:
            self.errors.append(self._error(field, value.error, path))
        if isinstance(type_, GraphQLList):
            return self._list(field, type_, value, place, path)
        if is_leaf_type(type_):
            return self._leaf(field, type_, value, path)
        return self._embedded(field, value, place, path)

    def _list(self, field: Field, type_: GraphQLList[Any], value: Any, place: Mirror, path: Path) -> list[Any]:
        if not is_iterable(value):
            raise _Spreading(self._error(field, TypeError(f"`{field.coordinate}` is no list"), path))
        item, shown = type_.of_type, []
        places: Sequence[Mirror] = place if isinstance(place, list) else ()
        for index, each in enumerate(value):
            here = (*path, index)
            try:
                shown.append(self._value(field, item, each, places[index] if index < len(places) else None, here))
            except _Spreading as spreading:
                if isinstance(item, GraphQLNonNull):
                    raise
                shown.append(None)
                if spreading.error is not None:
                    self.errors.append(spreading.error)
        return shown

    def _leaf(self, field: Field, type_: GraphQLLeafType, value: Any, path: Path) -> Any:
        serialise = self._serialisers.get(type_)
        if serialise is None:
            serialise = self._serialisers[type_] = serialiser(type_)
        try:
            return serialise(value)
        except Exception as error:
            problem = TypeError(f"`{field.coordinate}`: {error}")  # a defect of ours, whoever noticed it
            raise _Spreading(self._error(field, problem, path)) from None

    def _embedded(self, field: Field, value: Any, place: Mirror, path: Path) -> dict[str, Any]:
        branch = field.branch
        assert branch is not None
        if place is not None:
            frame, index = place
            selection = frame.selection
        else:
            frame, index = None, 0
            found = selection_of(branch, value, self._classify)
            if found is None:
                problem = TypeError(f"a value of `{field.coordinate}` is none of `{branch.named.name}`")
                raise _Spreading(self._error(field, problem, path))
            selection = found
        if selection.failed is not None:
            raise _Spreading(self._error(field, BadArgument(selection.failed.message, selection.failed.nodes), path))
        return self._object(selection, value, frame, index, path)

    def _error(self, field: Field, error: Exception, path: Path) -> GraphQLError:
        message = getattr(error, "message", None) or str(error)
        nodes = (error.nodes if isinstance(error, BadArgument) else None) or field.nodes
        return GraphQLError(str(message), nodes=nodes, path=list(path), original_error=error)


def _masked(field: Field, value: Any) -> Any:
    assert field.mask is not None
    try:
        return field.mask(value)
    except Exception:
        return TypeError(f"the mask of `{field.coordinate}` failed")  # and what it failed on is nobody's business
