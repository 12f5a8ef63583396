"""Orders over the simulated systems by processes that are killed again and again, and what is left of it at the end."""
