"""What accepting an order adds to reading its facts, and what the reads beside it feel."""
