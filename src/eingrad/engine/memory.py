"""Where each register lives: in an input, in a buffer that later registers take over, or afresh."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from eingrad.engine.program import FLOAT, Instruction, Program, Register

ITEM_SIZES = {"integer": 8, "boolean": 1}
ALIGNMENT = 64
RESULT, SCALAR = -1, -2  # places that are no buffer: a fresh array, no array at all


@dataclass(slots=True)
class Memory:
    """A place for every register that a step fills.

    ``place[r]`` is a buffer's number, RESULT, SCALAR, or the name of the input whose memory it
    takes. ``becomes[r]`` is the result in whose array r is computed, to be overwritten by it.
    ``sizes[k]`` are the bytes of buffer k, ``copies`` the (register, input) pairs that are copied
    after the last step.
    """

    place: dict[Register, int | str] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    copies: list[tuple[Register, str]] = field(default_factory=list)
    updated: dict[Register, str] = field(default_factory=dict)
    becomes: dict[Register, Register] = field(default_factory=dict)
    results: int = 0
    unshared: int = 0

    @property
    def workspace(self) -> int:
        """The bytes of all buffers."""
        return sum(self.sizes)


class _Planner:
    def __init__(self, program: Program, item_size: int) -> None:
        self.program = program
        self.steps = program.steps
        self.item_size = item_size
        self.memory = Memory()
        self.free: list[tuple[int, int]] = []  # (bytes, buffer), sorted
        self.taken_over: set[Register] = set()
        self.last_read = _last_reads(program)
        self.results = {x.root for x in program.outputs.values() if isinstance(x, Register)}
        self.target_of = {
            register.root: name
            for name, register in program.updates.items()
            if _is_whole(register) and register.root not in self.results
        }

    def plan(self) -> Memory:
        self._find_what_becomes_a_result()
        expiring: dict[int, list[Register]] = {}
        for register, when in self.last_read.items():
            expiring.setdefault(when, []).append(register)
        for when, step in enumerate(self.steps):
            self._place(step, when)
            for register in expiring.get(when, ()):
                self._release(register)
            if step.out not in self.last_read:
                self._release(step.out)
        for name, register in self.program.updates.items():
            here = self.memory.updated.get(register.root) == name or register.name == name
            if not here:
                self.memory.copies.append((register, name))
        return self.memory

    def _find_what_becomes_a_result(self) -> None:
        """Let a step that works in place do so where the result or new value it leads to is."""
        producer = {step.out: when for when, step in enumerate(self.program.steps)}
        becomes = self.memory.becomes
        for when in range(len(self.program.steps) - 1, -1, -1):
            step = self.program.steps[when]
            result = becomes.get(step.out, step.out)
            name = self.target_of.get(step.out)
            if not step.out.shape or (result not in self.results and name is None):
                continue
            for root in self._overwritten(step, when):
                earlier = producer[root]
                if name is None:
                    becomes[root] = result
                    break
                if self._may_fill(self.steps[earlier], self.program.inputs[name], earlier):
                    self.target_of[root] = name
                    break

    def _overwritten(self, step: Instruction, when: int) -> Iterator[Register]:
        """Yield operands, computed before, whose memory the result of the step may take."""
        for k in step.in_place:
            x = step.arguments[k]
            assert isinstance(x, Register)
            known = x.root in self.results or x.root in self.memory.becomes
            if x.root.is_input or known or x.root in self.target_of:
                continue
            if x.root.shape == step.out.shape and self._may_fill(step, x.root, when):
                yield x.root

    def bytes_of(self, register: Register) -> int:
        """Return the bytes of a register, whole cache lines."""
        item = self.item_size if register.kind == FLOAT else ITEM_SIZES[register.kind]
        return -(-max(1, register.size) * item // ALIGNMENT) * ALIGNMENT

    def _place(self, step: Instruction, when: int) -> None:
        out, memory = step.out, self.memory
        if out in memory.becomes:
            memory.place[out] = RESULT
            return
        if out in self.results:
            memory.place[out] = RESULT if out.shape else SCALAR
            memory.results += self.bytes_of(out)
            return
        if not out.shape:
            memory.place[out] = SCALAR
            return
        memory.unshared += self.bytes_of(out)
        name = self.target_of.get(out)
        if name is not None and self._may_fill(step, self.program.inputs[name], when):
            memory.place[out] = name
            memory.updated[out] = name
            return
        for k in step.in_place:
            x = step.arguments[k]
            assert isinstance(x, Register)
            if self._buffer(x.root) is not None and self._may_fill(step, x.root, when):
                memory.place[out] = memory.place[x.root]
                self.taken_over.add(x.root)
                return
        memory.place[out] = self._take(self.bytes_of(out))

    def _may_fill(self, step: Instruction, root: Register, when: int) -> bool:
        """Whether the step may write where ``root`` is: nothing reads that any more."""
        if self.last_read.get(root, -1) > when or root in self.results:
            return False
        if root.size != step.out.size or root.kind != step.out.kind:
            return False
        reading = [k for k, x in enumerate(step.arguments)
                   if isinstance(x, Register) and x.root is root]  # fmt: skip
        return all(k in step.in_place and _is_whole(step.arguments[k]) for k in reading)

    def _buffer(self, root: Register) -> int | None:
        place = self.memory.place.get(root)
        return place if isinstance(place, int) and place >= 0 else None

    def _take(self, size: int) -> int:
        """Take the smallest free buffer that is large enough, or a new one."""
        k = bisect_left(self.free, (size, -1))
        if k < len(self.free) and self.free[k][0] <= 4 * size:
            return self.free.pop(k)[1]
        self.memory.sizes.append(size)
        return len(self.memory.sizes) - 1

    def _release(self, root: Register) -> None:
        place = self._buffer(root)
        if place is not None and root not in self.taken_over:
            insort(self.free, (self.memory.sizes[place], place))


def _is_whole(register: object) -> bool:
    """Whether a register lies in its root's memory entry by entry."""
    assert isinstance(register, Register)
    while register.parent is not None and register.view is not None:
        if register.view[0] != "reshape":
            return False
        register = register.parent
    return True


def _last_reads(program: Program) -> dict[Register, int]:
    """Return for each root the number of the last step that reads it."""
    last: dict[Register, int] = {}
    for when, step in enumerate(program.steps):
        for register in step.reads:
            last[register.root] = when
    end = len(program.steps)
    for register in program.updates.values():
        last[register.root] = end
    for result in program.outputs.values():
        if isinstance(result, Register):
            last[result.root] = end
    return last


def plan_memory(program: Program, item_size: int) -> Memory:
    """Return a place for every register, reusing memory as soon as nothing reads it."""
    return _Planner(program, item_size).plan()


def without_buffers(program: Program, item_size: int) -> Memory:
    """Return the memory of a program whose backend allocates: what results and steps take."""
    planner = _Planner(program, item_size)
    memory = planner.memory
    for step in program.steps:
        if step.out.shape and step.out not in planner.results:
            memory.unshared += planner.bytes_of(step.out)
    memory.results = sum(planner.bytes_of(root) for root in planner.results)
    memory.copies = [(r, name) for name, r in program.updates.items() if r.name != name]
    return memory
