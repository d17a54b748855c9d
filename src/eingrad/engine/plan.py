"""What a compiled function will do, as a table: products, operations, memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from eingrad.engine.memory import Memory
from eingrad.engine.program import Program, Register


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A step as the table shows it; ``size`` is the number of entries of its result."""

    operation: str
    equation: str
    shape: tuple[int, ...]
    flops: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a program, in order, and its memory in bytes.

    ``workspace`` bytes are kept between calls, ``results`` bytes are allocated in each call;
    ``unshared`` is what the workspace would be if no buffer were used twice.
    """

    sizes: Mapping[str, int]
    dtype: str
    steps: tuple[PlanStep, ...]
    workspace: int
    results: int
    unshared: int
    buffers: int

    @property
    def flops(self) -> int:
        """The number of operations, a multiplication and an addition each one."""
        return sum(step.flops for step in self.steps)

    @property
    def largest_intermediate(self) -> int:
        """The number of entries of the largest result of a step."""
        largest = 0
        for step in self.steps:
            entries = 1
            for n in step.shape:
                entries *= n
            largest = max(largest, entries)
        return largest

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} = {n}" for name, n in self.sizes.items())
        rows = [
            f"{k:>4}  {s.operation:<12} {s.equation:<24} {_shape(s.shape):>18} {s.flops:>16,}"
            for k, s in enumerate(self.steps)
        ]
        return "\n".join([
            f"{self.dtype}{'; ' if sizes else ''}{sizes}",
            f"{'step':>4}  {'operation':<12} {'product':<24} {'shape':>18} {'FLOPs':>16}",
            *rows,
            f"FLOPs {self.flops:,}; largest intermediate {self.largest_intermediate:,} entries",
            f"memory: {self.buffers} buffers, {self.workspace:,} bytes "
            f"({self.unshared:,} without reuse); results {self.results:,} bytes a call",
        ])  # fmt: skip

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<pre style="text-align: left">{escape(str(self))}</pre>'


def make_plan(program: Program, memory: Memory, sizes: Mapping[str, int], dtype: str) -> Plan:
    """Return the table of a program."""
    steps = tuple(
        PlanStep(step.op, step.equation, step.out.shape, step.flops) for step in program.steps
    )
    return Plan(
        dict(sizes), dtype, steps, memory.workspace, memory.results, memory.unshared,
        len(memory.sizes),
    )  # fmt: skip


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


__all__ = ["Plan", "PlanStep", "Register", "make_plan"]
