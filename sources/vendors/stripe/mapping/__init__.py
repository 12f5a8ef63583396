"""From wire to canonical: pure and total; a value no vocabulary has raises UnknownValue."""
