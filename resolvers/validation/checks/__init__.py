"""The checks of an order: each a pure function of a case, by subject; `table` lists them all."""
