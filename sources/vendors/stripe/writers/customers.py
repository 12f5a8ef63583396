"""The customer of an account: one for each legal entity and currency, whoever asks for it and however often.

Stripe does not keep customers apart by anything but their id, and a search finds a new one only after a while. So the
first of them is made under a key that belongs to the account, entity and currency and not to the operation, with
nothing in it that could differ: within the life of the key all who ask get the same customer, and after it the search
has long found it (vendors.md 2.3, 2.5). What an operation says of the customer is a second call.
"""

from __future__ import annotations

from sources.canonical.commands import PutCustomer, Written
from sources.errors import Ambiguous, Locked, Rejected
from sources.vendors.stripe import facts
from sources.vendors.stripe.client import quoted
from sources.vendors.stripe.wire import Many, Metadata
from sources.vendors.stripe.writers.deed import Deed
from sources.vendors.stripe.writers.desk import place
from sources.vendors.stripe.writers.marks import marked, marks, step
from sources.vendors.stripe.writers.wire import Payer

_PATH = "/v1/customers"
_ADDRESS = {"street": "line1"} | {name: name for name in ("line1", "line2", "city", "state", "postal_code", "country")}


class PuttingCustomer(Deed[PutCustomer]):
    """Found by id, else by the account's key in the metadata; else made."""

    async def found(self) -> Written | None:
        """A customer that this key has put. Where a search finds none there may still be one: it is safe to go on, as
        nobody can get a second."""
        self.payer = await self._payer()
        if self.payer is not None and marked(self.key, self.payer.metadata):
            return self.desk.written(self.payer.id, replayed=True)
        return None

    async def done(self) -> Written:
        """Makes it where there is none, and says of it what the command says."""
        command, payer = self.command, self.payer or await self._made()
        if marked(self.key, payer.metadata):
            return self.desk.written(payer.id, replayed=True)
        if payer.deleted:
            raise Locked(f"the customer `{payer.id}` was deleted: it takes no changes any more")
        self._demand_ours(payer)
        said = {
            "name": command.name,
            "email": command.email,
            "address": _address(command) or None,
            "metadata": {**self._identity(), **marks(command, self.key, payer.metadata)},
        }
        answer = await self.desk.post(Payer, place(_PATH, payer.id), "customers.update", said, self.step())
        return self.desk.written(payer.id, answer=answer)

    async def _payer(self) -> Payer | None:
        if self.command.party is not None:
            return await self.desk.look(Payer, place(_PATH, self.command.party), "customers.read")
        query = f"metadata['{facts.ACCOUNT}']:{quoted(self.command.account_key)}"
        asked = {"query": query, "limit": facts.PAGE}
        page = await self.desk.look(Many[Payer], f"{_PATH}/search", "customers.search", asked)
        fitting = [each.id for each in page.data if not each.deleted and self._fits(each)]
        if len(fitting) > 1:
            raise Ambiguous(f"`{self.command.account_key}` has the customers `{'`, `'.join(fitting)}`: say which one")
        return await self.desk.look(Payer, place(_PATH, fitting[0]), "customers.read") if fitting else None

    async def _made(self) -> Payer:
        identity = self._identity()
        key = step("customer", ":".join((self.desk.name, *identity.values())))
        made = await self.desk.post(Payer, _PATH, "customers.create", {"metadata": identity}, key)
        if made.replayed:  # as it was when it was made
            return await self.desk.look(Payer, place(_PATH, made.value.id), "customers.read")
        return made.value

    def _identity(self) -> Metadata:
        command = self.command
        known = {
            facts.ACCOUNT: command.account_key,
            facts.ENTITY: command.legal_entity,
            facts.CURRENCY: command.currency,
        }
        return {name: value for name, value in known.items() if value}

    def _fits(self, payer: Payer) -> bool:
        """Whether it is of the entity and currency asked for; one that says nothing of itself is of any."""
        noted = payer.metadata or {}
        entity, currency = noted.get(facts.ENTITY), _currency(payer)
        return (entity or self.command.legal_entity) == (self.command.legal_entity or entity) and (
            currency or self.command.currency
        ) == (self.command.currency or currency)

    def _demand_ours(self, payer: Payer) -> None:
        account = (payer.metadata or {}).get(facts.ACCOUNT)
        if account and account != self.command.account_key:
            raise Ambiguous(f"the customer `{payer.id}` belongs to another account than `{self.command.account_key}`")
        if not self._fits(payer):
            raise Rejected(
                f"the customer `{payer.id}` is of another legal entity or currency: it needs a customer of its own"
            )


def _currency(payer: Payer) -> str | None:
    """What it is billed in: said by Stripe once it has been, until then noted by us."""
    return payer.currency.upper() if payer.currency else (payer.metadata or {}).get(facts.CURRENCY)


def _address(command: PutCustomer) -> dict[str, str]:
    unknown = sorted(set(command.address) - set(_ADDRESS))
    if unknown:
        raise Rejected(f"an address has no `{unknown[0]}`: `{'`, `'.join(_ADDRESS)}` are known")
    return {_ADDRESS[name]: value for name, value in command.address.items()}
