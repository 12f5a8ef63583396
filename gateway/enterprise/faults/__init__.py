"""A fault proxy: stands in front of one upstream and plays every way in which an upstream can fail."""
