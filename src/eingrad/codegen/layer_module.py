"""A layer's plan -> the text of its module: outputs forward, gradients from their cotangents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eingrad.codegen import templates
from eingrad.codegen.code import bracketed, tuple_text, unpacked
from eingrad.codegen.layer_plan import LayerPlan, Save, make_layer_plan
from eingrad.codegen.module import Module, target_of
from eingrad.codegen.module_header import Header, formulas
from eingrad.core.expr import Var, variables
from eingrad.notation.system import System

NUMBER_BYTES = 4  # of a float32


class LayerModule(Module):
    """Writes the module of a layer: `backward` takes a cotangent for each output."""

    program: LayerPlan

    @property
    def has_nn_module(self) -> bool:
        """No: which of the tensors are parameters is the caller's to say."""
        return False

    def _name_everything(self) -> None:
        for var in self.program.inputs:  # before all else: a person's names stay
            self.names[var.name] = self.namespace.new(var.name)
        for var in (*self.program.outputs, *self.program.cotangents):
            self.names[var.name] = self.namespace.new(var.name)
        super()._name_everything()
        for var in (self.program.directions or {}).values():
            self.names[var.name] = self.namespace.new(var.name)
        self._name_lines(self.program.tangents)

    def header(self) -> Header:
        """The head, which also says what is saved."""
        return LayerHeader(
            self.program, self.target, self.names, self.axis, self.mode, self.draws,
            self.emitter.uses_einsum, tuple(self.emitter.imports),
        )  # fmt: skip

    def _backward(self) -> str:
        program = self.program
        bars = program.cotangents
        parameters = [f"{self.saved}: Saved", *self._parameters(bars)]
        tail = f") -> tuple[{self.array}, ...]:"
        lines = bracketed(f"def {self.flat}backward(", parameters, tail, "")
        lines.append('    """Return the gradients by the tensors in WRT, in this order."""')
        lines += unpacked(self._names_of(program.saved), self.saved)
        known = (*program.saved, *bars)
        body = self._lines(program.backward, known)
        lines += self._checked_cotangents()
        lines += body
        gradients = [self.names[r.var.name] for r in program.results]
        text = "\n".join([*lines, *self._returned(gradients)])
        check = self._in_words(templates.CHECK_COTANGENT.strip("\n"))
        return f"{check}\n\n\n{text}" if "check_cotangent(" in text else text

    def _checked_cotangents(self) -> list[str]:
        """Write the checks of cotangents against the sizes that saved tensors have."""
        places = {
            dim: (self.names[v.name], k) for v in self.program.saved for k, dim in enumerate(v.dims)
        }
        lines: list[str] = []
        for bar in self.program.cotangents:
            if all(dim in places or isinstance(dim, int) for dim in bar.dims):
                shape = [
                    str(dim) if isinstance(dim, int) else "{}.shape[{}]".format(*places[dim])
                    for dim in bar.dims
                ]
                name = self.names[bar.name]
                lines += bracketed(
                    "check_cotangent(", [name, tuple_text(shape) if shape else "()"], ")", "    "
                )
        return lines

    def _jvp(self) -> str:
        program = self.program
        inputs, tangents = (self.namespace.new(x) for x in ("inputs", "tangents"))
        roots = self._names_of(program.outputs)
        one = len(roots) == 1
        kind = self.array if one else f"tuple[{self.array}, ...]"
        many = f"tuple[{self.array}, ...]"
        parameters = [f"{inputs}: {many}", f"{tangents}: tuple[{self.array} | None, ...]"]
        lines = bracketed(f"def {self.flat}jvp(", parameters, f") -> tuple[{kind}, {kind}]:", "")
        lines.append(f'    """Return {" and ".join(roots)}, and how they move as the inputs do."""')
        names = self._names_of(program.inputs)
        lines += bracketed("check_shapes(", [f"*{inputs}"], ")", "    ")
        lines += unpacked(names, inputs)
        directions = program.directions or {}
        used = {v for line in program.tangents for v in variables(line.expr)}
        dots = [directions.get(v.name) for v in program.inputs]
        own = [self.names[dot.name] if dot in used and dot else "_" for dot in dots]
        lines += unpacked(own, f"filled({inputs}, {tangents})")
        every = [*program.forward, *program.tangents]
        lines += self._lines(every, (*program.inputs, *directions.values()))
        moved = self._names_of(program.moved)
        result = [roots[0], moved[0]] if one else [tuple_text(roots), tuple_text(moved)]
        return "\n".join([*lines, *self._returned(result)])

    def _framework(self) -> list[str]:
        target = self.target.name
        if target == "numpy":
            value = self._value()
            return [value, self._jvp(), templates.FILLED[target].strip("\n")]
        parts = super()._framework()
        return [*parts, self._jvp(), templates.FILLED[target].strip("\n")]

    def _pull_back(self) -> str:
        """Write what `jax.custom_vjp` calls: a cotangent of each input, None without one."""
        program = self.program
        bars = self._names_of(program.cotangents)
        saved = self.saved
        one = len(bars) == 1
        kind = self.array if one else f"tuple[{self.array}, ...]"
        given = bars[0] if one else self.namespace.new("cotangents")
        tail = f") -> tuple[{self.array} | None, ...]:"
        lines = bracketed("def pull_back(", [f"{saved}: Saved", f"{given}: {kind}"], tail, "")
        lines.append(
            '    """Return the cotangents of the inputs, None for those that are not in WRT."""'
        )
        results = {r.wrt: self.names[r.var.name] for r in program.results}
        call = f"{self.flat}backward({saved}, {given if one else f'*{given}'})"
        lines += unpacked(list(results.values()), call)
        lines += self._returned([results.get(v.name, "None") for v in program.inputs])
        return "\n".join(
            [*lines, "", "", f"{self.flat}value.defvjp({self.flat}forward, pull_back)"]
        )

    def _checks(self) -> list[str]:
        own = templates.layer_checks(self.target.name, len(self.program.outputs)).strip("\n")
        return [*super()._checks(), own] if self.by_framework else [own]

    def _checked(self) -> list[str]:
        if self.by_framework:
            return [
                "    good = check_gradient() and check_jvp()",
                f'    print("{templates.SAYS_GOOD}")',
            ]
        return super()._checked()


class LayerHeader(Header):
    """The head of a layer's module: its docstring says what is saved, in bytes."""

    program: LayerPlan

    def _backward_formulas(self) -> list[str]:
        again = self.program.again
        return formulas([line for line in self.program.backward if line.var.name not in again])

    def _more(self) -> list[str]:
        program = self.program
        lines = ["", "Forward mode:", "", *formulas(program.tangents)]
        lines += ["", "Saved for `backward`, in bytes of float32:", ""]
        lines += self._bytes(program.saved)
        if program.again:
            lines += ["", "Computed again instead of saved:", ""]
            lines += self._bytes([x.var for x in program.backward if x.var.name in program.again])
        return lines

    def _bytes(self, variables: Sequence[Var]) -> list[str]:
        whose = dict.fromkeys(self.program.outputs, ", an output")
        whose |= dict.fromkeys(self.program.inputs, ", an input")
        return [
            f"    {self.names[v.name]}: "
            + " ".join([str(NUMBER_BYTES), *(self.axis.get(str(d), str(d)) for d in v.dims)])
            + whose.get(v, "")
            for v in variables
        ]


def layer_source(
    system: System,
    outputs: Sequence[str],
    wrt: Sequence[str],
    target: str,
    *,
    matmul: bool = True,
    functions: Mapping[str, str] | None = None,
    save: Save = None,
) -> str:
    """Return the module of a layer; see `Layer.source`."""
    spelled = target_of(target)
    plan = make_layer_plan(system, outputs, wrt, functions, save, spelled.fused)
    return LayerModule(plan, spelled, matmul=matmul, optimizer=None).source()
