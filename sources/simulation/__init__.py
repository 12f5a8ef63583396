"""What the vendors' simulators share: the enterprise they are loaded from, the call log, the fault layer."""
