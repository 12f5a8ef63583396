"""Runs in zenpy's own environment: what its unchanged client sees of the simulator, as JSON on standard output."""

import json
import sys

from zenpy import Zenpy

port, email, token = sys.argv[1:4]
client = Zenpy(subdomain="127.0.0", domain=f"1:{port}", email=email, token=token)
organizations = list(client.organizations())
first = next(each for each in organizations if each.external_id)
tickets = list(client.tickets())
found = {
    "me": client.users.me().name,
    "organizations": len(organizations),
    "by_external_id": [each.id for each in client.organizations(external_id=first.external_id)],
    "first": first.id,
    "tickets": len(tickets),
    "statuses": sorted({each.status for each in tickets}),
    "users": len(list(client.users())),
    "open": sorted(each.id for each in client.search(type="ticket", status="open")),
    "many": [each.id for each in client.tickets(ids=[each.id for each in tickets[:3]])],
    "cursor": len(list(client.tickets(cursor_pagination=True))),
}
sys.stdout.write(json.dumps(found))
