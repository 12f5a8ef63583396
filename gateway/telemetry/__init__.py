"""Telemetry: watches what the other packages tell of themselves; logs and counts, never interferes."""
