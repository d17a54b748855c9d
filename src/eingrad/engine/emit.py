"""Program -> Python source: the text that runs is the text that is shown.

Names in it are generated; an input keeps its own where that is a plain identifier.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable
from itertools import accumulate

import numpy as np

from eingrad.engine.backends import numpy as spelling
from eingrad.engine.memory import RESULT, Memory
from eingrad.engine.program import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    Argument,
    Program,
    Register,
    Step,
)

PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}\Z", re.ASCII)
GENERATED_NAME = re.compile(r"[fmvx]\d+\Z")
RESERVED = {"np", "workspace", "run", "buffers", "memory", *spelling.IMPORTS}


def input_names(names: Iterable[str]) -> dict[str, str]:
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
        )
        result[name] = name if free else f"x{k}"
    return result


class Emitter:
    """Writes one program for NumPy."""

    def __init__(
        self, program: Program, memory: Memory, dtype: str, result_dtype: str,
        input_dtypes: dict[str, str], title: str,
    ) -> None:  # fmt: skip
        self.program, self.memory = program, memory
        self.dtype, self.result_dtype, self.input_dtypes = dtype, result_dtype, input_dtypes
        self.title = title
        self.item_size = int(re.sub(r"\D", "", dtype)) // 8
        self.names: dict[Register, str] = {}
        self.functions: dict[str, str] = {}
        self.imports: dict[str, None] = {"import numpy as np": None}
        self.kept: dict[str, str] = {}
        self.offsets = [0, *accumulate(memory.sizes)]
        self.body: list[str] = []
        self.count = 0

    def emit(self) -> str:
        """Return the source: ``workspace()`` makes the buffers, ``run(buffers, ...)`` computes."""
        inputs = input_names(self.program.inputs)
        for name, register in self.program.inputs.items():
            self.names[register] = inputs[name]
            self._convert(register, self.input_dtypes.get(name, self.dtype))
        for step in self.program.steps:
            self._step(step)
        for register, name in self.memory.copies:
            self.body.append(f"np.copyto({inputs[name]}, {self._name(register)})")
        results = [self._result(x) for x in self.program.outputs.values()]
        self.body.append(f"return ({', '.join(results)}{',' if len(results) == 1 else ''})")
        return self._text(list(inputs.values()))

    def _text(self, inputs: list[str]) -> str:
        names = ", ".join(self.kept.values()) + ("," if len(self.kept) == 1 else "")
        made = [f"{name} = {text}" for text, name in self.kept.items()]
        setup = [*self._buffer_lines(), *made, f"return ({names})"]
        body = [f"{names} = buffers", *self.body] if self.kept else self.body
        lines = [f"# {self.title}", *self.imports, "", "", "def workspace():"]
        lines += [f"    {line}" for line in setup]
        lines += ["", "", f"def run({', '.join(['buffers', *inputs])}):"]
        lines += [f"    {line}" for line in body]
        return "\n".join(lines) + "\n"

    def _buffer_lines(self) -> list[str]:
        if self.memory.sizes:
            self.imports[spelling.IMPORTS["aligned"]] = None
            return [f"memory = aligned({self.memory.workspace})"]
        return []

    def _convert(self, register: Register, dtype: str) -> None:
        """Bring an input to the dtype that the program computes in."""
        name, wanted = self.names[register], self._dtype(register.kind)
        if f"np.{dtype}" != wanted:
            self.body.append(f"{name} = {name}.astype({wanted})")
        if not register.shape:
            self.names[register] = scalar = self._fresh()
            self.body.append(f"{scalar} = {name}[()]")

    def _dtype(self, kind: str) -> str:
        return {FLOAT: f"np.{self.dtype}", INTEGER: "np.int64", BOOLEAN: "np.bool_"}[kind]

    def _fresh(self) -> str:
        self.count += 1
        return f"v{self.count - 1}"

    # --- registers ----------------------------------------------------------------------------

    def _define(self, register: Register) -> None:
        """Name the array into which a step writes."""
        place, dtype = self.memory.place[register], self._dtype(register.kind)
        if isinstance(place, str):
            target = self.program.inputs[place]
            self.names[register] = self.names[target]
            if target.shape != register.shape:
                self.names[register] = name = self._fresh()
                self.body.append(f"{name} = {self.names[target]}.reshape({register.shape})")
        elif place == RESULT:
            result = self.memory.becomes.get(register, register)
            if result not in self.names:
                self.names[result] = name = self._fresh()
                self.body.append(f"{name} = np.empty({register.shape}, {dtype})")
            self.names[register] = self.names[result]
        else:
            item = {FLOAT: self.item_size, INTEGER: 8, BOOLEAN: 1}[register.kind]
            start = self.offsets[place]
            part = f"memory[{start}:{start + register.size * item}].view({dtype})"
            self.names[register] = self._kept(f"{part}.reshape({register.shape})")

    def _kept(self, text: str) -> str:
        """Return the name of an array that ``workspace`` makes."""
        name = self.kept.get(text)
        if name is None:
            name = self.kept[text] = self._fresh()
        return name

    def _name(self, register: Register) -> str:
        """Return the name of a register; a view is made where it is first needed."""
        chain = []
        while register not in self.names:
            chain.append(register)
            assert register.parent is not None
            register = register.parent
        for view in reversed(chain):
            assert view.parent is not None
            text = _view(view, self.names[view.parent])
            place = self.memory.place.get(view.root)
            if isinstance(place, int) and place >= 0:
                self.names[view] = self._kept(text)
            else:
                self.names[view] = name = self._fresh()
                self.body.append(f"{name} = {text}")
        return self.names[chain[0] if chain else register]

    # --- steps --------------------------------------------------------------------------------

    def _step(self, step: Step) -> None:
        arguments = [self._argument(x) for x in step.arguments]
        fields = self._fields(step)
        fields["arguments"], fields["others"] = ", ".join(arguments), ", ".join(arguments[1:])
        scalar = not step.out.shape
        if step.op in spelling.IMPORTS and (scalar or step.op != "sigmoid"):
            self.imports[spelling.IMPORTS[step.op]] = None
        if scalar:
            name = self.names[step.out] = self._fresh()
            text = spelling.scalar_expression(step.op)
            lines = [f"{name} = " + text.format(*arguments, **fields)]
        else:
            self._define(step.out)
            fields["out"] = self.names[step.out]
            lines = [
                text.format(*arguments, **fields)
                for text in spelling.array_lines(step.op, self.item_size)
            ]
            lines = self._made_by_the_step(step, self._with_copy(step, arguments, lines))
        if step.equation and lines:
            lines[-1] += f"  # {step.equation}, {_count(step.flops)}FLOP"
        self.body += lines

    def _made_by_the_step(self, step: Step, lines: list[str]) -> list[str]:
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

    def _with_copy(self, step: Step, arguments: list[str], lines: list[str]) -> list[str]:
        """Copy the target of a sum that is not in its place."""
        place = self.memory.place
        here = place.get(step.out)

        def stays(register: Argument) -> bool:
            assert isinstance(register, Register)
            if isinstance(here, str):
                return here == register.root.name
            return here is not None and here >= 0 and place.get(register.root) == here

        if step.op == "gemm" and not stays(step.arguments[0]):
            return [f"np.copyto({self.names[step.out]}, {arguments[0]})", *lines]
        return lines

    def _fields(self, step: Step) -> dict[str, object]:
        fields: dict[str, object] = {"dtype": self._dtype(step.out.kind), "start": ""}
        parameters = step.parameters
        if step.op in {"sum", "long_sum", "amax", "amin", "prod"}:
            fields["axes"] = parameters[0] if len(parameters[0]) != 1 else parameters[0][0]
            fields["keep"] = parameters[1]
            if len(parameters) == 3:
                least = float(getattr(np.finfo(self.dtype), parameters[2]))
                fields["start"] = f", initial={least!r}"
        elif step.op == "call":
            fields["spec"] = self.functions.setdefault(parameters[0], f"f{len(self.functions)}")
        elif parameters:
            fields["spec"] = parameters[0]
        return fields

    def _argument(self, argument: Argument) -> str:
        if isinstance(argument, Register):
            return self._name(argument)
        if isinstance(argument, float) and not math.isfinite(argument):
            return "np.nan" if math.isnan(argument) else f"{'-' if argument < 0 else ''}np.inf"
        return f"({argument!r})" if isinstance(argument, complex) else repr(argument)

    def _result(self, result: Argument) -> str:
        if not isinstance(result, Register):
            return f"np.array({self._argument(result)}, np.{self.result_dtype})"
        name = self._name(result)
        if result.kind == FLOAT and self.result_dtype != self.dtype:
            return f"np.asarray({name}).astype(np.{self.result_dtype})"
        return name if result.shape else f"np.asarray({name})"


def _view(register: Register, parent: str) -> str:
    assert register.view is not None
    op, parameter = register.view
    if op == "transpose":
        return f"{parent}.T" if parameter == (1, 0) else f"{parent}.transpose({parameter})"
    if op == "reshape":
        return f"{parent}.reshape({parameter})"
    if op == "diagonal":
        return f"np.einsum({parameter!r}, {parent})"
    return f"{parent}[{parameter}]"


def _count(flops: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if flops >= size:
            return f"{flops / size:.3g} {unit}"
    return f"{flops} "
