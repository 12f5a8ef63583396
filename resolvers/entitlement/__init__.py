"""Entitlement as a decision: facts are gathered once, then judged by a table of pure rules."""
