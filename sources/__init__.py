"""TALKS: everything outside the process; the only I/O."""
