"""Claims: whether a formula that a person states is right, and what is wrong with it."""

from eingrad.check.decide import check, check_each
from eingrad.check.derived import Derived
from eingrad.check.verdict import MISTAKES, Verdict

__all__ = ["MISTAKES", "Derived", "Verdict", "check", "check_each"]
