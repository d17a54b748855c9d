"""The engine: expressions are planned for given sizes, written as source, and run."""

from eingrad.engine.compile import CompiledFunction as Function
from eingrad.engine.compile import compile_program
from eingrad.engine.contract import ContractionPath, contraction_path
from eingrad.engine.library import load_library
from eingrad.engine.plan import Plan
from eingrad.engine.segmented import SegmentedFunction

__all__ = [
    "ContractionPath", "Function", "Plan", "SegmentedFunction", "compile_program",
    "contraction_path", "load_library",
]  # fmt: skip
