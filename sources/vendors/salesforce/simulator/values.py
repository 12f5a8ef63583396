"""Reads the values a request wants to write: each field's own kind, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sources.vendors.salesforce.simulator import dates, identifiers
from sources.vendors.salesforce.simulator.errors import Refusal, no_column, too_long
from sources.vendors.salesforce.simulator.facts import LONG_TEXT_LENGTH, TEXT_LENGTH
from sources.vendors.salesforce.simulator.schema import NUMERIC, Field, SObject
from sources.vendors.salesforce.simulator.store import Store

_LENGTHS = {"string": TEXT_LENGTH, "picklist": TEXT_LENGTH, "longtext": LONG_TEXT_LENGTH}


def written(store: Store, sobject: SObject, body: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    """Column -> stored value for a request's body, of a `new` record or of a change.

    Raises Refusal with the vendor's code for the first wrong field.
    """
    values: dict[str, Any] = {}
    for name, given in body.items():
        if name == "attributes":
            continue
        field = sobject.fields.get(name.lower())
        if field is None:
            raise no_column(name, sobject.name)
        if field.readonly or (field.createonly and not new):
            message = (
                f"Unable to create/update fields: {field.name}. Please check the security settings of this field and "
                "verify that it is read/write for your profile or permission set."
            )
            raise Refusal(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, [field.name])
        values[field.name] = _stored(store, field, given)
    return values


def _stored(store: Store, field: Field, given: Any) -> Any:
    if given is None or given == "":
        return 0 if field.kind == "boolean" else None
    if field.kind == "reference":
        return _reference(store, field, given)
    if field.kind == "boolean" and isinstance(given, bool):
        return int(given)
    if field.kind in NUMERIC and isinstance(given, int | float) and not isinstance(given, bool):
        return _number(field, given)
    if field.kind == "date" and isinstance(given, str):
        return _day(field, given)
    if field.kind == "datetime" and isinstance(given, str):
        return _instant(field, given)
    if field.kind not in (*NUMERIC, "boolean", "date", "datetime") and isinstance(given, str):
        return _text(field, given)
    raise _unreadable(field, given)


def _text(field: Field, given: str) -> str:
    most = _LENGTHS.get(field.kind)
    if most is not None and len(given) > most:
        raise too_long(field.name, most)
    return given


def _number(field: Field, given: float) -> float:
    if field.kind == "int":
        if given != int(given) or abs(given) >= 2**31:
            raise _unreadable(field, given)
        return int(given)
    return float(given)


def _reference(store: Store, field: Field, given: Any) -> str:
    record_id = identifiers.normal(given) if isinstance(given, str) else None
    if record_id is None:
        raise Refusal(400, "MALFORMED_ID", f"{field.name}: id value of incorrect type: {given}", [field.name])
    if field.target and store.record(store.schema.objects[field.target], record_id) is None:
        raise Refusal(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [field.name])
    return record_id


def _day(field: Field, given: str) -> str:
    try:
        return date.fromisoformat(given[:10]).isoformat()
    except ValueError:
        raise _unreadable(field, given) from None


def _instant(field: Field, given: str) -> str:
    try:
        return dates.read_instant(given)
    except ValueError:
        raise _unreadable(field, given) from None


def _unreadable(field: Field, given: Any) -> Refusal:
    shown = {True: "true", False: "false"}.get(given, given) if isinstance(given, bool) else given
    return Refusal(
        400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.kind} from value {shown} in {field.name}"
    )
