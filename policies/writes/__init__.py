"""The write rules: who may ask for what, alone up to how much, who approves above that, and what nobody does twice."""

from policies.writes.load import write_rules
from policies.writes.records import NO_WRITES, Step, Total, WriteRule, WriteRules

__all__ = ["NO_WRITES", "Step", "Total", "WriteRule", "WriteRules", "write_rules"]
