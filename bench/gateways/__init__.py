"""Opsgraph beside its peers: the product's own parts over the benchmark's connector, types and rules."""
