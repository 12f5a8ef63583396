"""The write rules: who may ask for what, alone up to how much, who approves above that, and what nobody does twice."""

from policies.writes.examples import WriteExample, run_examples, write_examples
from policies.writes.load import write_rules
from policies.writes.records import NO_WRITES, WriteRule, WriteRules

__all__ = ["NO_WRITES", "WriteExample", "WriteRule", "WriteRules", "run_examples", "write_examples", "write_rules"]
