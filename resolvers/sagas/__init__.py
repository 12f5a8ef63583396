"""Governed writes: a saga is a list of steps, read by one interpreter; each write of the graph is one file of them."""
