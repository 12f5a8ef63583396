"""Opsgraph as it stands beside its peers: the product's own parts over a connector, types and rules of the benchmark."""
