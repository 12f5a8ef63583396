"""Happenings: where the events of subscriptions come from. Who may see what of them, the engine judges for each."""
