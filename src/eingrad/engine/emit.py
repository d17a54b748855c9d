"""Program -> Python source: the text that runs is the text that is shown.

Names in it are generated; an input keeps its own where that is a plain identifier.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Container, Iterable
from itertools import accumulate

import numpy as np

from eingrad.core.functions import AXIS_FUNCTIONS
from eingrad.engine.loops import loop_lines
from eingrad.engine.memory import RESULT, Memory
from eingrad.engine.program import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    Argument,
    Instruction,
    Program,
    Register,
)
from eingrad.engine.spelling import Spelling

PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}\Z", re.ASCII)
GENERATED_NAME = re.compile(r"[fmvx]\d+\Z")
RESERVED = frozenset({
    "np", "torch", "jax", "jnp", "workspace", "run", "buffers", "memory", "mesh",
})  # fmt: skip
FOLDS = frozenset({
    "sum", "large_sum", "amax", "amin", "short_amax", "short_amin", "prod",
    *(name for name, row in AXIS_FUNCTIONS.items() if row.smooth),
})  # fmt: skip
ENTRIES = {
    "gather": (0,),
    "scatter": (0,),
    "add_at": (0, 1),
    "where": (1, 2),
    "keep_where": (0,),
}  # not the indices


def input_names(names: Iterable[str], reserved: Container[str] = ()) -> dict[str, str]:
    """Return the identifier of each input in the source.

    >>> input_names(["W1", "dL/dW1", "for", "v3"])
    {'W1': 'W1', 'dL/dW1': 'x1', 'for': 'x2', 'v3': 'x3'}
    """
    result = {}
    for k, name in enumerate(names):
        free = (
            PLAIN_NAME.match(name)
            and not GENERATED_NAME.match(name)
            and not keyword.iskeyword(name)
            and name not in RESERVED
            and name not in reserved
        )
        result[name] = name if free else f"x{k}"
    return result


class Emitter:
    """Writes one program as a backend spells it: into planned memory, or without side effects."""

    def __init__(
        self, program: Program, spelling: Spelling, memory: Memory, dtype: str, result_dtype: str,
        input_dtypes: dict[str, str], title: str,
    ) -> None:  # fmt: skip
        self.program, self.spelling, self.memory = program, spelling, memory
        self.dtype, self.result_dtype, self.input_dtypes = dtype, result_dtype, input_dtypes
        self.title = title
        self.item_size = int(re.sub(r"\D", "", dtype)) // 8
        self.names: dict[Register, str] = {}
        self.functions: dict[str, str] = {}
        self.imports: dict[str, None] = dict.fromkeys(spelling.imports)
        self.kept: dict[str, str] = {}
        self.offsets = [0, *accumulate(memory.sizes)]
        self.body: list[str] = []
        self.count = 0
        self.device = ""
        self.outer: Emitter | None = None  # of a loop's body
        self.waiting = list(program.steps)
        self.buffer = "memory"
        self.inner_memories: dict[str, int] = {}

    def emit(self) -> str:
        """Return the source of ``run``, and of ``workspace``, which makes its buffers if any."""
        inputs = input_names(self.program.inputs, self.spelling.needed)
        self.device = "".join(f", device={name}.device" for name in list(inputs.values())[:1])
        for name, register in self.program.inputs.items():
            self.names[register] = inputs[name]
            self._convert(register, self.input_dtypes.get(name, self.dtype))
        self.body = self.lines()
        results = [self._result(x) for x in self.program.outputs.values()]
        results += self._updates(inputs)
        self.body.append(f"return ({', '.join(results)}{',' if len(results) == 1 else ''})")
        return self._text(list(inputs.values()))

    def _updates(self, inputs: dict[str, str]) -> list[str]:
        """Write new values into inputs; return those that the backend can only return."""
        update = self.spelling.update
        if update is None:
            return [self._name(register) for register in self.program.updates.values()]
        for register, name in self.memory.copies:
            value = self._name(register)
            if register.root.is_input and not self.spelling.in_place:  # a view of the old value
                value = self.spelling.expression("copy").format(value)
            self.body.append(update.format(inputs[name], value))
        return []

    def _text(self, inputs: list[str]) -> str:
        spelling, body, setup = self.spelling, self.body, []
        if spelling.in_place:
            names = ", ".join(self.kept.values()) + ("," if len(self.kept) == 1 else "")
            made = [f"{name} = {text}" for text, name in self.kept.items()]
            setup = ["def workspace():", *_indented([*self._buffer_lines(), *made])]
            setup += [f"    return ({names})", "", ""]
            inputs = ["buffers", *inputs]
            body = [f"{names} = buffers", *body] if self.kept else body
        decorators = [spelling.decorator, spelling.update_decorator * bool(self.program.updates)]
        lines = [f"# {self.title}", *self.imports, "", "", *setup, *filter(None, decorators)]
        lines += [f"def run({', '.join(inputs)}):", *_indented(body)]
        return "\n".join(lines) + "\n"

    def _buffer_lines(self) -> list[str]:
        sizes = {"memory": self.memory.workspace} if self.memory.sizes else {}
        sizes |= self.inner_memories
        if sizes:
            self.imports[self.spelling.needed["aligned"]] = None
        return [f"{name} = aligned({size})" for name, size in sizes.items()]

    def _convert(self, register: Register, dtype: str) -> None:
        """Bring an input to the dtype that the program computes in."""
        name, wanted = self.names[register], self._dtype(register.kind)
        if self.spelling.dtype(FLOAT, dtype) != wanted:
            self.body.append(f"{name} = {self.spelling.cast.format(name, dtype=wanted)}")
        if self.spelling.in_place and not register.shape:
            self.names[register] = scalar = self.fresh()
            self.body.append(f"{scalar} = {name}[()]")

    def _dtype(self, kind: str) -> str:
        return self.spelling.dtype(kind, self.dtype)

    def fresh(self) -> str:
        """Return a name that nothing has; inside a loop, nothing around it either."""
        if self.outer is not None:
            return self.outer.fresh()
        self.count += 1
        return f"v{self.count - 1}"

    # --- loops --------------------------------------------------------------------------------

    def inside(self, program: Program, memory: Memory) -> Emitter:
        """Return the writer of a loop's body, which shares names, imports and buffers."""
        inner = Emitter(program, self.spelling, memory, self.dtype, self.dtype, {}, "")
        inner.outer, inner.device = self, self.device
        inner.functions, inner.imports, inner.kept = self.functions, self.imports, self.kept
        if memory.sizes and self.spelling.in_place:
            root = self
            while root.outer is not None:
                root = root.outer
            inner.buffer = f"memory{len(root.inner_memories) + 1}"
            root.inner_memories[inner.buffer] = memory.workspace
        return inner

    def lines(self) -> list[str]:
        """Return the lines of the steps that were not written before."""
        steps, self.waiting = self.waiting, []
        for step in steps:
            self._step(step)
        lines, self.body = self.body, []
        return lines

    def result(self, value: Argument) -> str:
        """Return a result of a loop's body."""
        if isinstance(value, Register) or self.spelling.in_place:
            return self._argument(value)
        dtype = self._dtype(FLOAT)
        return self.spelling.full.format(self._argument(value), dtype=dtype, device=self.device)

    def is_fresh(self, register: Register) -> bool:
        """Whether a result is an array of its own, that a step fills."""
        return self.memory.place.get(register) == RESULT and register not in self.names

    def name_of(self, register: Register) -> str:
        """Return the name of a register, a view's too."""
        return self._name(register)

    def kept_array(self, text: str) -> str:
        """Return the name of an array that is made once."""
        return self._kept(text)

    # --- registers ----------------------------------------------------------------------------

    def _define(self, register: Register) -> None:
        """Name the array into which a step writes."""
        place, dtype = self.memory.place[register], self._dtype(register.kind)
        if isinstance(place, str):
            target = self.program.inputs[place]
            self.names[register] = self.names[target]
            if target.shape != register.shape:
                self.names[register] = name = self.fresh()
                self.body.append(f"{name} = {self.names[target]}.reshape({register.shape})")
        elif place == RESULT:
            result = self.memory.becomes.get(register, register)
            if result not in self.names:
                self.names[result] = name = self.fresh()
                self.body.append(f"{name} = np.empty({register.shape}, {dtype})")
            self.names[register] = self.names[result]
        else:
            item = {FLOAT: self.item_size, INTEGER: 8, BOOLEAN: 1}[register.kind]
            start = self.offsets[place]
            part = f"{self.buffer}[{start}:{start + register.size * item}].view({dtype})"
            self.names[register] = self._kept(f"{part}.reshape({register.shape})")

    def _kept(self, text: str) -> str:
        """Return the name of an array that ``workspace`` makes."""
        name = self.kept.get(text)
        if name is None:
            name = self.kept[text] = self.fresh()
        return name

    def _name(self, register: Register) -> str:
        """Return the name of a register, or of a view's parent with what makes the view of it.

        With planned memory a view has a name, too, and is made where it is first needed.
        """
        chain = []
        while register not in self.names:
            chain.append(register)
            assert register.parent is not None
            register = register.parent
        for view in reversed(chain):
            assert view.parent is not None
            text = self.spelling.view(view, self.names[view.parent])
            place = self.memory.place.get(view.root)
            if isinstance(place, int) and place >= 0:
                self.names[view] = self._kept(text)
            elif not self.spelling.in_place:
                self.names[view] = text
            else:
                self.names[view] = name = self.fresh()
                self.body.append(f"{name} = {text}")
        return self.names[chain[0] if chain else register]

    # --- steps --------------------------------------------------------------------------------

    def _step(self, step: Instruction) -> None:
        in_place = self.spelling.in_place and bool(step.out.shape)
        arguments = [self._argument(x) for x in step.arguments]
        op = step.op
        if op == "scan":
            self._loop(step, arguments)
            return
        if not self.spelling.in_place:
            arguments = [self._entries(step, k, x) for k, x in enumerate(arguments)]
            op = self._variant(step)
        fields = self._fields(step)
        fields["arguments"], fields["others"] = ", ".join(arguments), ", ".join(arguments[1:])
        if not (in_place and op == "sigmoid"):
            self.imports |= dict.fromkeys(self.spelling.needs(op))
        lines = (self._statements if in_place else self._expression)(step, op, arguments, fields)
        if step.equation and lines:
            lines[-1] += f"  # {step.equation}, {_count(step.flops)}FLOP"
        self.body += lines

    def _loop(self, step: Instruction, arguments: list[str]) -> None:
        if self.spelling.in_place:
            self._define(step.out)
        else:
            self.names[step.out] = self.fresh()
        inner = step.parameters[0]
        lines = loop_lines(self, inner, arguments, self.names[step.out])
        self.body += lines

    def _expression(
        self, step: Instruction, op: str, arguments: list[str], fields: dict[str, object]
    ) -> list[str]:
        """Write a step as an expression, and give its value a name where it has none."""
        text = self.spelling.expression(op).format(*arguments, **fields)
        if text.isidentifier():
            self.names[step.out] = text
            return []
        name = self.names[step.out] = self.fresh()
        return [f"{name} = {text}"]

    def _statements(
        self, step: Instruction, op: str, arguments: list[str], fields: dict[str, object]
    ) -> list[str]:
        """Write a step into the memory that is planned for it."""
        assert self.spelling.statements is not None
        self._define(step.out)
        fields["out"] = self.names[step.out]
        texts = self.spelling.statements(op, self.item_size)
        lines = [text.format(*arguments, **fields) for text in texts]
        return self._made_by_the_step(step, self._with_copy(step, arguments, lines))

    def _made_by_the_step(self, step: Instruction, lines: list[str]) -> list[str]:
        """Where the result is a new array, let the operation make it: ``np.empty`` takes time."""
        name = self.names[step.out]
        if not (lines and self.body and self.body[-1].startswith(f"{name} = np.empty(")):
            return lines
        if lines[0] == f"{name}.fill(0)":
            self.body[-1] = self.body[-1].replace("np.empty", "np.zeros", 1)
            return lines[1:]
        kinds = {x.kind for x in step.reads}
        if step.op == "matmul" and len(step.out.shape) <= 2 and kinds == {FLOAT}:
            self.body.pop()  # in row-major order, like the array that np.empty makes
            return [f"{name} = {lines[0].replace(f', out={name}', '', 1)}"]
        return lines

    def _variant(self, step: Instruction) -> str:
        """Return the name of an operation that has a case of its own without ``out``."""
        first = step.arguments[0] if step.arguments else None
        if step.op == "amax" and len(step.parameters) == 3:
            return "shift"
        if step.op in {"copy", "fill"} and isinstance(first, Register):
            return "copy" if first.shape == step.out.shape else "repeat"
        return step.op

    def _entries(self, step: Instruction, k: int, text: str) -> str:
        """Return argument k as entries of the result's dtype, where the operation needs that."""
        x, kind = step.arguments[k], step.out.kind
        if not isinstance(x, Register):
            if self.spelling.takes_numbers(step.op):
                return text
            return self.spelling.full.format(text, dtype=self._dtype(kind), device=self.device)
        if kind != FLOAT or x.kind == FLOAT or k not in ENTRIES.get(step.op, (k,)):
            return text
        return self.spelling.cast.format(text, dtype=self._dtype(kind))

    def _with_copy(self, step: Instruction, arguments: list[str], lines: list[str]) -> list[str]:
        """Copy the target of a sum that is not in its place."""
        place = self.memory.place
        here = place.get(step.out)

        def stays(register: Argument) -> bool:
            assert isinstance(register, Register)
            if isinstance(here, str):
                return here == register.root.name
            return here is not None and here >= 0 and place.get(register.root) == here

        same = arguments[:1] == [self.names[step.out]]
        if step.op in {"gemm", "add_on_diagonal", "add_at"} and not (
            same or stays(step.arguments[0])
        ):
            return [f"np.copyto({self.names[step.out]}, {arguments[0]})", *lines]
        return lines

    def _fields(self, step: Instruction) -> dict[str, object]:
        fields: dict[str, object] = {
            "dtype": self._dtype(step.out.kind), "shape": step.out.shape, "start": "",
            "device": self.device, "spec": "",
        }  # fmt: skip
        op, parameters = step.op, step.parameters
        if op in FOLDS:
            fields["axes"] = parameters[0] if len(parameters[0]) != 1 else parameters[0][0]
            fields["keep"] = keep = parameters[1]
            fields["keepdim"], fields["keepdims"] = (
                ", keepdim=True" * keep,
                ", keepdims=True" * keep,
            )
            if len(parameters) == 3:
                # beyond float64's range a number has no text: longdouble starts at float64's least
                dtype = np.dtype(self.dtype)
                limits = np.finfo(dtype if dtype.itemsize <= 8 else float)
                fields["least"] = least = repr(float(getattr(limits, parameters[2])))
                fields["start"] = f", initial={least}"
        elif op == "call":
            fields["spec"] = self.functions.setdefault(parameters[0], f"f{len(self.functions)}")
        elif op == "place" and isinstance(step.arguments[0], Register):
            fields["spec"] = self.spelling.place(parameters[0], step.arguments[0].shape)
        elif parameters:
            fields["spec"] = parameters[0]
        return fields

    def _argument(self, argument: Argument) -> str:
        if isinstance(argument, Register):
            return self._name(argument)
        if isinstance(argument, float) and not math.isfinite(argument):
            prefix = self.spelling.prefix
            return (
                f"{prefix}.nan" if math.isnan(argument) else f"{'-' * (argument < 0)}{prefix}.inf"
            )
        return f"({argument!r})" if isinstance(argument, complex) else repr(argument)

    def _result(self, result: Argument) -> str:
        spelling, dtype = self.spelling, self.spelling.dtype(FLOAT, self.result_dtype)
        if not isinstance(result, Register):
            return spelling.full.format(self._argument(result), dtype=dtype, device=self.device)
        name = self._name(result)
        if spelling.in_place and not result.shape:
            name = f"np.asarray({name})"
        casts = spelling.casts_results or self.result_dtype != self.dtype
        if result.kind == FLOAT and casts:
            return spelling.cast.format(name, dtype=dtype)
        return name


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _count(flops: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if flops >= size:
            return f"{flops / size:.3g} {unit}"
    return f"{flops} "
