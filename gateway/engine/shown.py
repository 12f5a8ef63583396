"""What an answer showed, coordinate by coordinate: for roles of which every read goes on record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.engine.frames import Frame
from gateway.engine.plan import CUT, META, TYPENAME, Field, Selection
from gateway.engine.withheld import objects, values_of
from gateway.telemetry.accesses import READ, Withheld

_NOTHING = frozenset({CUT, META, TYPENAME})


def shown(frame: Frame) -> list[Withheld]:
    """Each coordinate that was read, with how many values of it; no keys and no values. What is derived from a row and
    goes on to further fields counts as the row does."""
    found: dict[str, tuple[Field, int]] = {}
    _walk(frame.selection, frame.rows, frame, found)
    return [
        Withheld(coordinate, READ, field.decision.rule, field.decision.class_name, count)
        for coordinate, (field, count) in found.items()
        if field.decision is not None
    ]


def _walk(selection: Selection, rows: Sequence[Any], frame: Frame | None, found: dict[str, tuple[Field, int]]) -> None:
    for field in selection.fields:
        if field.kind in _NOTHING or not rows:
            continue
        before = found.get(field.coordinate)
        found[field.coordinate] = (field, len(rows) + (before[1] if before is not None else 0))
        branch = field.branch
        if branch is None:
            continue
        if frame is not None and field.slot >= 0 and not field.flat:
            for kid in frame.kids[field.slot].values():
                _walk(kid.selection, kid.rows, kid, found)
        elif branch.only is not None:
            _walk(branch.only, list(objects(values_of(field, rows, frame))), None, found)
