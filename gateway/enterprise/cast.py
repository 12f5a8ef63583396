"""The cast of landmarks while it is being chosen: sketches by name, ids on demand."""

from __future__ import annotations

from typing import Any

from gateway.enterprise.mint import Mint
from gateway.enterprise.sketch import Buyer, Sketch


class Cast:
    """Sketches by landmark. A name with a leading underscore is company for a landmark and none itself."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint
        self._ids: dict[str, str] = {}
        self.sketches: dict[str, Sketch] = {}

    def id(self, name: str) -> str:
        """The account id of a landmark, also before it is added: landmarks refer to each other."""
        if name not in self._ids:
            self._ids[name] = self._mint.crm("001")
        return self._ids[name]

    def add(self, name: str, title: str, **fields: Any) -> None:
        """One account; its domain is its landmark's name."""
        domain = f"{name.strip('_').replace('_', '-')}.example"
        self.sketches[name] = Sketch(id=self.id(name), name=title, domain=domain, **fields)

    def buyer(self, entity: str = "US", currency: str = "USD", **more: Any) -> Buyer:
        """A customer with ids in billing and the ERP, and a credit limit that is out of reach."""
        ids = {"billing_id": self._mint.billing("cus", 14), "erp_id": str(self._mint.number("erp_customer"))}
        return Buyer(**{"entity": entity, "currency": currency, "limit": 250_000, **ids, **more})
