"""NetSuite, the ERP."""
