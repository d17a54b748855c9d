"""The engine: expressions are planned for given sizes, written as source, and run."""

from eingrad.engine.compile import CompiledFunction as Function
from eingrad.engine.compile import compile_program
from eingrad.engine.contract import ContractionPath, contraction_path
from eingrad.engine.plan import Plan

__all__ = ["ContractionPath", "Function", "Plan", "compile_program", "contraction_path"]
