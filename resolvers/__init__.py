"""ANSWERS: the GraphQL types, fields and governed writes."""
