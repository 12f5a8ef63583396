"""The soak: one source fails in every way there is, under load, and what is left of the answers is measured."""
