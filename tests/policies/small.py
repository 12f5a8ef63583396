"""A small schema and rules to change one line of."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from policies.compile import FieldShape, Schema, compile_rules
from policies.decide import Grants, Policies
from policies.load import Rules, load_rules
from policies.principal import Principal

TEXT = FieldShape(True, "String")
AMOUNT = FieldShape(True, "Decimal")
DAY = FieldShape(True, "Date")
IDENTITY = FieldShape(False, "ID")
KEY = b"a key of the tests"
HOUR = timedelta(hours=1)


def to(target: str) -> FieldShape:
    return FieldShape(True, "", target)


SCHEMA: Schema = {
    "Query": {"account": to("Account"), "invoice": to("Invoice")},
    "Mutation": {"issueCredit": TEXT, "approve": TEXT},
    "Account": {"id": IDENTITY, "name": TEXT, "notes": TEXT, "invoices": to("InvoiceConnection")},
    "InvoiceConnection": {"nodes": to("Invoice")},
    "Invoice": {"id": IDENTITY, "account": to("Account"), "status": TEXT, "total": AMOUNT, "due": DAY, "payer": TEXT},
}

CLASSES = """\
classes: [public, pii, billing]
coordinates:
  Query.*: public
  Account.*: public
  Account.notes: pii
  "*Connection.*": public
  Invoice.*: billing
  Invoice.id: public
  Invoice.payer: pii
  Mutation.*: public
"""
ROLES = """\
agent:
  audience: internal
  classes: {public: allow, pii: deny, billing: deny}
  fields:
    Invoice.status: allow
  rows: [region]
finance:
  audience: internal
  classes: {public: allow, pii: {mask: hash}, billing: allow}
  rows: [entity]
"""
ROWS = """\
shared: []
rules:
  region:
    Account: "row.region in user.regions"
    via: account
  entity:
    Invoice: "row.legalEntity in user.entities"
    Account: "row.legalEntities overlaps user.entities"
"""
ENTITLEMENT = 'version: "1"\nancestors: "5"\n'
WRITES = """\
figures: {amount: money}
duties: {credit: gives money back, approve: approves}
writes:
  credit:
    mutation: issueCredit
    duty: credit
    asks: {agent: {amount: "100.00"}}
    approval:
      - {by: finance}
    totals: [{per: account, within: 30d}]
    expires: 24h
desk:
  approve: {mutation: approve, duty: approve, asks: {finance: alone}}
"""
PURPOSES = ""
FILES = {
    "classes.yaml": CLASSES,
    "roles.yaml": ROLES,
    "rows.yaml": ROWS,
    "entitlement.yaml": ENTITLEMENT,
    "purposes.yaml": PURPOSES,
    "writes.yaml": WRITES,
}


def written(folder: Path, **changed: str) -> Path:
    """A rules folder; `roles="…"` replaces a whole file, `test_x="…"` is one of the examples."""
    rules = folder / "rules"
    (rules / "tests").mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (rules / name).write_text(changed.pop(name.removesuffix(".yaml"), content), encoding="utf-8")
    for name, content in changed.items():
        (rules / "tests" / f"{name.removeprefix('test_')}.yaml").write_text(content, encoding="utf-8")
    return rules


def loaded(folder: Path, **changed: str) -> Rules:
    return load_rules(written(folder, **changed))


def compiled(folder: Path, schema: Schema = SCHEMA, **changed: str) -> Policies:
    return compile_rules(loaded(folder, **changed), schema, KEY)


def row(**attributes: Any) -> SimpleNamespace:
    return SimpleNamespace(**attributes)


def seeing(grants: Grants, type_name: str, row: Any, account: Any, facts: dict, user: Principal) -> frozenset[str]:
    """The roles by which one row is seen."""
    (roles,) = grants.rows(type_name).judge([row], [row if type_name == "Account" else account], [facts], user)
    return roles
