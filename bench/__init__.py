"""The benchmark: Opsgraph beside its peers on the same upstreams, and at home on its own connectors."""
