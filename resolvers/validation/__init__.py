"""Validation of an order: facts are gathered once, then judged by a table of checks; it has no effects.

`order_of` makes an order of an input, `gather` reads, `settle` puts an order and its facts together, `examine` judges.
`judge` is all of it, for whoever validates and for whoever submits.
"""
