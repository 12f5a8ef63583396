"""The GraphQL types, one file per canonical type."""
