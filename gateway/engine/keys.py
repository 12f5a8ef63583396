"""Keys: by which keys a link finds the records of its parents, and which of what was found is whose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from gateway.engine.frames import Partial
from gateway.engine.loads import Found
from resolvers.batch import Link
from sources.errors import SourceError


def keys_of(link: Link, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
    """The keys by which a parent's records are found."""
    if link.argument is not None:
        return (str(given[link.argument]),)
    if link.by == "list":
        return ("",)
    value = getattr(row, link.key, None)
    if value is None or value == "":
        return ()
    return tuple(dict.fromkeys(value)) if isinstance(value, tuple) else (value,)


def column_of(link: Link, rows: Sequence[Any], given: Mapping[str, Any]) -> list[str] | None:
    """The one key of each parent; None where a parent has none, or several."""
    if link.argument is not None:
        return [str(given[link.argument])] * len(rows)
    if link.by == "list":
        return [""] * len(rows)
    if len(rows) == 1:
        key = getattr(rows[0], link.key, None)
        return [key] if key.__class__ is str and key else None
    try:
        column = list(map(attrgetter(link.key), rows))
    except AttributeError:
        return None
    return column if set(map(type, column)) == {str} and "" not in column else None


def wanted_of(link: Link, rows: Sequence[Any], given: Mapping[str, Any], column: list[str] | None) -> list[str]:
    """Every key of all parents, once; `column` is the one key of each, if they have no others."""
    if column is None:
        return list(dict.fromkeys(key for row in rows for key in keys_of(link, row, given)))
    return column if len(column) == 1 else list(dict.fromkeys(column))


def all_plain(
    link: Link,
    rows: Sequence[Any],
    given: Mapping[str, Any],
    shown: Mapping[str, Sequence[Any]],
    column: Sequence[str] | None,
) -> list[Any]:
    """The values of all parents where nothing is hidden and nothing went wrong."""
    found: Iterable[Any]
    if column is not None:
        found = map(shown.__getitem__, column)
    else:
        found = ([each for key in keys_of(link, row, given) for each in shown[key]] for row in rows)
    if not link.many:
        return [mine[0] if mine else None for mine in found]
    first = link.first
    return list(found) if first is None else [mine if len(mine) <= first else mine[:first] for mine in found]


def one_plain(link: Link, keys: Sequence[str], found: Mapping[str, Found], shown: Mapping[str, Sequence[Any]]) -> Any:
    """The value of one parent, with what went wrong."""
    errors = [found[key].error for key in keys if found[key].error is not None]
    if errors and all(found[key].rows is None for key in keys):
        return errors[0]
    rows = [row for key in keys for row in shown[key] if row is not None]
    unjudged = [row for row in rows if isinstance(row, SourceError)]
    records = [row for row in rows if not isinstance(row, SourceError)]
    problems = [each for each in (*errors, *unjudged[:1]) if each is not None]
    if not link.many:
        value = records[0] if records else None
        return problems[0] if value is None and problems else (Partial(value, problems) if problems else value)
    listed = records[: link.first] if link.first is not None else records
    return Partial(listed, problems) if problems else listed
