"""Claims: whether a formula that a person states is right, and what is wrong with it."""

from eingrad.check.decide import check
from eingrad.check.derived import Derived
from eingrad.check.verdict import Verdict

__all__ = ["Derived", "Verdict", "check"]
