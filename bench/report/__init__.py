"""The report: tables, charts, and each target beside what was found."""
