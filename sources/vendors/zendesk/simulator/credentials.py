"""Who may call: one OAuth client, and one agent with an old-style API token."""

from __future__ import annotations

import msgspec


class Credentials(msgspec.Struct, frozen=True):
    """A confidential OAuth client, and an agent's e-mail and API token."""

    client_id: str
    client_secret: str
    email: str
    api_token: str

    def __repr__(self) -> str:
        return f"Credentials({self.client_id})"


# Development values that protect nothing.
DEVELOPMENT = Credentials("opsgraph-development", "development-secret", "agent@northwind.example", "development-token")
