"""Program -> program: without the steps whose results nothing reads."""

from __future__ import annotations

from eingrad.engine.program import Program, Register


def prune(program: Program) -> Program:
    """Drop what no result and no new value needs, in place.

    A Kronecker delta in a product, for one, is lowered like every operand, and then not read: the
    product writes along the diagonal.
    """
    wanted = {x.root for x in program.outputs.values() if isinstance(x, Register)}
    wanted |= {x.root for x in program.updates.values()}
    kept = []
    for step in reversed(program.steps):
        if step.out in wanted:
            kept.append(step)
            wanted.update(x.root for x in step.reads)
    program.steps[:] = reversed(kept)
    return program


__all__ = ["prune"]
