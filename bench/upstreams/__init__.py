"""Four small REST systems under one port, far cheaper per call than any gateway in front of them."""
