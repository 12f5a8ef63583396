"""The desk over the same house as the sagas."""

from tests.resolvers.sagas.conftest import database, house, opened, postgres

__all__ = ["database", "house", "opened", "postgres"]
