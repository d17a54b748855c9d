"""Claims: whether a formula that a person states is right, and what is wrong with it."""

from eingrad.check.decide import check, check_each, is_misfit
from eingrad.check.derived import Derived
from eingrad.check.verdict import MISTAKES, Depth, Verdict

__all__ = ["MISTAKES", "Depth", "Derived", "Verdict", "check", "check_each", "is_misfit"]
