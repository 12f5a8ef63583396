"""What Salesforce can be told to do: accounts, deals, contracts, orders and rights to support."""

from sources.vendors.salesforce.writers.writers import COMMANDS, TOUCHES, Writers

__all__ = ["COMMANDS", "TOUCHES", "Writers"]
