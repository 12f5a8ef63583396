"""The operation engine: document, plan, run, answer. There is one path to data, and no plan without grants."""
