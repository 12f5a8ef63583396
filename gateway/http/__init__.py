"""The HTTP edge: GraphQL over HTTP, health."""
