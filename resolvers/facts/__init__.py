"""What is computed from several records: one file per type, batched, with every read declared."""
