"""Runs in zenpy's own environment: what its unchanged client sees of what was written, as JSON on standard output."""

import json
import sys

from zenpy import Zenpy

port, email, token, account, opened, escalated = sys.argv[1:7]
client = Zenpy(subdomain="127.0.0", domain=f"1:{port}", email=email, token=token)
(organization,) = client.organizations(external_id=account)
ticket, raised = client.tickets(id=int(opened)), client.tickets(id=int(escalated))
found = {
    "organization": [organization.name, organization.organization_fields],
    "opened": [ticket.subject, ticket.priority, ticket.type, ticket.external_id, ticket.organization_id],
    "body": ticket.description,
    "escalated": [raised.priority, sorted(raised.tags), raised.group_id],
    "notes": [each.body for each in client.tickets.comments(ticket=raised) if not each.public],
    "custom": [each.metadata.custom for each in client.tickets.audits(ticket=ticket)],
}
sys.stdout.write(json.dumps(found))
