"""Compiled rules for the small graph, of which a test changes what it is about."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from gateway.engine.grants import AllowAll
from gateway.engine.shapes import shapes
from policies.compile import compile_rules
from policies.decide import Policies
from policies.load import load_rules
from policies.principal import Principal
from sources.canonical import Record
from tests.gateway.engine.shop import SCHEMA, TYPES

CLASSES = """\
classes: [public, internal, pii, billing]
coordinates:
  "Query.*": public
  "*Connection.*": public
  "*Edge.*": public
  "PageInfo.*": public
  "Account.*": public
  "Account.domain": internal
  "Item.*": public
  "Ticket.*": public
  "Invoice.*": billing
  "Invoice.id": public
  "Invoice.key": public
  "Invoice.account": public
  "Invoice.payer": pii
  "Invoice.tags": pii
declassify: ["Account.balance"]
"""
AGENT = """\
agent:
  audience: internal
  classes: {public: allow, internal: allow, pii: {mask: last4}, billing: allow}
  rows: [region]
"""
CLERK = """\
clerk:
  audience: internal
  classes: {public: allow, internal: deny, pii: deny, billing: allow}
  rows: [entity]
"""
PORTAL = """\
portal:
  audience: external
  classes: {public: allow, internal: deny, pii: allow, billing: allow}
  rows: [own]
"""
CHIEF = """\
chief:
  audience: internal
  classes: {public: allow, internal: allow, pii: allow, billing: allow}
  rows: all
"""
ROWS = """\
shared: [Item]
rules:
  region:
    Account: "row.region in user.regions"
    via: account
  entity:
    Account: "row.legalEntities overlaps user.entities"
    Invoice: "row.legalEntity in user.entities"
    via: account
  own:
    Account: "row.key in user.accounts"
    via: account
"""
EMPTY = {"entitlement.yaml": 'version: "1"\nancestors: "5"\n', "purposes.yaml": "", "writes.yaml": ""}
RECORDS: dict[type[Record], str] = {kind: name for kind, name in TYPES.items() if issubclass(kind, Record)}


def policies(*roles: str, classes: str = CLASSES, rows: str = ROWS) -> Policies:
    """Compiled policies; every call gives another version."""
    written = {"classes.yaml": classes, "roles.yaml": "".join(roles), "rows.yaml": rows, **EMPTY}
    with TemporaryDirectory() as folder:
        rules = Path(folder) / "rules"
        (rules / "tests").mkdir(parents=True)
        for name, content in written.items():
            (rules / name).write_text(content, encoding="utf-8")
        return compile_rules(load_rules(rules), shapes(SCHEMA._schema, RECORDS), b"a key of the tests")


class Verdict(msgspec.Struct, frozen=True):
    verdict: str
    rule: str = "hand-written"
    mask: Any = None
    mask_name: str | None = None
    class_name: str = "pii"
    audited: bool = True


class Except(AllowAll):
    """Everything is allowed but the given coordinates: cut, or masked where there is a mask."""

    def __init__(self, **masks: Any) -> None:
        self._verdicts = {
            name.replace("_", ".", 1): Verdict("deny") if mask is None else Verdict("mask", "hand-written", mask, "m")
            for name, mask in masks.items()
        }

    def field(self, type_name: str, name: str, roles: frozenset[str] | None = None) -> Any:
        return self._verdicts.get(f"{type_name}.{name}") or super().field(type_name, name, roles)


def who(*roles: str, **more: Any) -> Principal:
    """A principal in Germany with the roles."""
    return Principal("ada", **{"roles": frozenset(roles), "regions": ("DE",), **more})
