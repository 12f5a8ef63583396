"""The CRM's accounts and the people at them."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from gateway.enterprise.sketch import Sketch
from gateway.enterprise.words import FIRST_NAMES, INDUSTRIES, LAST_NAMES, NOTES, PLACES, TITLES
from gateway.enterprise.world import Dossier, World
from sources.simulation.enterprise import CrmAccount, CrmContact, DeskUser

# (role, support authority) by place: the first six people of an account differ.
_PARTS = (
    ("business", "admin"),
    ("billing", "view"),
    ("technical", "escalate"),
    ("shipping", "none"),
    ("technical", "open"),
    ("business", "open"),
)
_DELEGATED, _LAPSED = 4, 5  # places of those who were authorised by the first: until next year, until last month


def make_account(world: World, sketch: Sketch) -> None:
    """The account's entry in the CRM."""
    if sketch.claims:
        world.books.contradict(
            sketch.id, "DUPLICATE", f"crm: claims {sketch.claims}", f"billing: {sketch.claims} names no account"
        )
    chance = world.streams("accounts")
    created_at = world.ago(sketch.age)
    world.books.accounts.append(
        CrmAccount(
            id=sketch.id,
            name=sketch.name,
            kind=sketch.kind,
            status=sketch.status,
            parent_id=sketch.parent_id,
            owner_id=chance.choice(world.company.owners).id,
            restriction=sketch.restriction,
            merged_into_id=sketch.merged_into_id,
            deleted=sketch.deleted,
            created_at=created_at,
            updated_at=world.past(created_at + timedelta(hours=chance.randrange(1, 24 * max(sketch.age, 1)))),
            **_profile(chance, sketch),
            **_copied_ids(sketch),
        )
    )


def _profile(chance: Random, sketch: Sketch) -> dict[str, str | None]:
    if sketch.bare:
        names = ("notes", "industry", "region", "country", "city", "street", "postal_code", "website", "phone")
        return dict.fromkeys(names)
    city, street, postal_code = PLACES.get(sketch.country or "", (None, None, None))
    return {
        "notes": chance.choice(NOTES),
        "industry": chance.choice(INDUSTRIES),
        "region": sketch.region,
        "country": sketch.country,
        "city": city,
        "street": street,
        "postal_code": postal_code,
        "website": f"https://www.{sketch.domain}",
        "phone": f"+1 555 01{chance.randrange(100):02d}",
    }


def _copied_ids(sketch: Sketch) -> dict[str, str | None]:
    """The other systems' customer ids, as somebody copied them into the CRM."""
    linked = [buyer for buyer in sketch.buyers if buyer.linked]
    first = next((buyer.billing_id for buyer in linked if buyer.billing_id), None)
    return {
        "billing_id": sketch.claims or first,
        "erp_id": next((buyer.erp_id for buyer in linked if buyer.erp_id), None),
    }


def make_people(world: World, dossier: Dossier) -> None:
    """Contacts in the CRM, and most of them as users of the support desk."""
    chance = world.streams("people")
    for place in range(dossier.sketch.people):
        contact = _contact(world, dossier, place, chance)
        world.books.contacts.append(contact)
        dossier.contact_ids.append(contact.id)
        dossier.contact_emails.append(contact.email)
        if dossier.organization_id is not None and (place == 0 or chance.random() < 0.7):
            dossier.requester_ids.append(_requester(world, dossier, contact))


def _contact(world: World, dossier: Dossier, place: int, chance: Random) -> CrmContact:
    sketch = dossier.sketch
    first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    role, authority = _PARTS[place % len(_PARTS)]
    created_at = world.ago(chance.randrange(1, max(sketch.age, 2)))
    until = {_DELEGATED: world.ago(-365), _LAPSED: world.ago(30)}.get(place)
    return CrmContact(
        id=world.mint.crm("003"),
        account_id=sketch.id,
        first_name=None if sketch.bare else first,
        last_name=last,
        email=None if sketch.bare or (place > 0 and chance.random() < 0.04) else f"contact{place + 1}@{sketch.domain}",
        phone=None if sketch.bare else f"+49 30 9018 2{chance.randrange(1000):03d}",
        title=None if sketch.bare else chance.choice(TITLES),
        role=role,
        support_authority=authority,
        authorised_by=dossier.contact_ids[0] if until else None,
        authorised_until=until,
        reports_to_id=dossier.contact_ids[0] if place and not sketch.bare else None,
        deleted=sketch.deleted,
        created_at=created_at,
        updated_at=created_at,
    )


def _requester(world: World, dossier: Dossier, contact: CrmContact) -> int:
    linked = contact.first_name is not None and world.streams("requesters").random() > 0.04
    user = DeskUser(
        id=world.mint.number("desk_user"),
        contact_id=contact.id if linked else None,
        name=" ".join(filter(None, (contact.first_name, contact.last_name))),
        email=contact.email,
        role="end-user",
        organization_id=dossier.organization_id,
        phone=contact.phone,
        suspended=dossier.sketch.restriction == "fraud",
        created_at=contact.created_at,
        updated_at=contact.updated_at,
    )
    world.books.users.append(user)
    return user.id
