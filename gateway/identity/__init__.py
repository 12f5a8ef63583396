"""Who asks: a bearer token becomes a principal."""
