"""The simulated enterprise of the demo: Northwind Cloud, a software company of three legal entities."""

from gateway.enterprise.generate import generate

__all__ = ["generate"]
