"""What Salesforce can be told to do: accounts, deals, contracts, orders, rights to support and cases."""

from sources.vendors.salesforce.writers.writers import COMMANDS, TOUCHES, Writers

__all__ = ["COMMANDS", "TOUCHES", "Writers"]
