"""RECEIVES: the HTTP edge, the operation engine and the wiring."""
