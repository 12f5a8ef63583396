"""Describes objects and fields, the way clients read what an organisation has."""

from __future__ import annotations

from typing import Any

from sources.vendors.salesforce.simulator.facts import LONG_TEXT_LENGTH, TEXT_LENGTH
from sources.vendors.salesforce.simulator.schema import Field, Schema, SObject
from sources.vendors.salesforce.simulator.terms import PICKLISTS

_KINDS = {"longtext": "textarea"}
_LENGTHS = {"id": 18, "reference": 18, "longtext": LONG_TEXT_LENGTH, "email": 80, "phone": 40}
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}
_FLAGS = {
    "activateable": False,
    "createable": True,
    "custom": False,
    "customSetting": False,
    "layoutable": True,
    "mergeable": False,
    "queryable": True,
    "replicateable": True,
    "retrieveable": True,
    "searchable": True,
    "triggerable": True,
    "updateable": True,
}


def listed(schema: Schema, version: str) -> dict[str, Any]:
    """GET sobjects."""
    found = [_summary(sobject, version) for sobject in schema.objects.values()]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found}


def basic(sobject: SObject, version: str) -> dict[str, Any]:
    """GET sobjects/{type}."""
    return {"objectDescribe": _summary(sobject, version), "recentItems": []}


def described(sobject: SObject, version: str) -> dict[str, Any]:
    """GET sobjects/{type}/describe."""
    children = [
        {
            "cascadeDelete": False,
            "childSObject": name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "relationshipName": field.children,
        }
        for name, field in sobject.children.values()
    ]
    fields = [_field(sobject, field) for field in sobject.fields.values()]
    return {**_summary(sobject, version), "childRelationships": children, "fields": fields, "recordTypeInfos": []}


def _summary(sobject: SObject, version: str) -> dict[str, Any]:
    place = f"/services/data/v{version}/sobjects/{sobject.name}"
    return {
        **_FLAGS,
        "deletable": sobject.deletable,
        "undeletable": sobject.deletable,
        "keyPrefix": sobject.prefix,
        "label": sobject.label,
        "labelPlural": sobject.plural,
        "name": sobject.name,
        "urls": {"sobject": place, "describe": f"{place}/describe", "rowTemplate": f"{place}/{{ID}}"},
    }


def _field(sobject: SObject, field: Field) -> dict[str, Any]:
    values = PICKLISTS.get((sobject.name, field.name), ())
    return {
        "name": field.name,
        "label": field.name.removesuffix("__c").replace("_", " "),
        "type": _KINDS.get(field.kind, field.kind),
        "soapType": _SOAP.get(field.kind, "xsd:string"),
        "length": _LENGTHS.get(field.kind, TEXT_LENGTH if _SOAP.get(field.kind) is None else 0),
        "custom": field.custom,
        "externalId": field.external,
        "unique": field.unique,
        "idLookup": field.external or field.name == "Id",
        "nillable": field.nillable,
        "createable": not field.readonly,
        "updateable": not (field.readonly or field.createonly),
        "calculated": False,
        "filterable": field.filterable,
        "sortable": field.filterable,
        "groupable": field.filterable and field.kind not in ("double", "currency", "percent", "datetime"),
        "referenceTo": [field.target] if field.target else [],
        "relationshipName": field.relationship,
        "restrictedPicklist": False,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
            for value in values
        ],
    }
