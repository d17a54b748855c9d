"""The ``autograd.Function`` of a PyTorch module: what `forward` and `backward` are to autograd."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from eingrad.codegen.code import WIDTH, bracketed
from eingrad.codegen.identifiers import Namespace
from eingrad.codegen.module_plan import ModulePlan
from eingrad.core.expr import Var


@dataclass(frozen=True)
class FunctionClass:
    """Writes the class. Its ``setup_context`` and vmap rule let torch.func and torch.compile in.

    Autograd sees what `forward` computes for `backward` as further outputs, and a second
    derivative computes them again, since they carry no history. Of one output nothing is filled
    with zeros: the further outputs have no cotangents, which would be as large as they are.
    """

    program: ModulePlan
    name: str
    names: Mapping[str, str]
    prefix: str = ""
    """What stands before the names of `forward` and `backward`."""

    @property
    def computed(self) -> tuple[Var, ...]:
        """What is saved and is neither an input nor an output."""
        known = {*self.program.inputs, *self.program.roots}
        return tuple(v for v in self.program.saved if v not in known)

    @property
    def _is_lean(self) -> bool:
        """Whether a cotangent that is not there is None instead of zeros."""
        return bool(self.computed) and len(self.program.roots) == 1

    def text(self) -> str:
        """Return the class."""
        outputs = self._names(self.program.roots)
        lines = [
            f"class {self.name}(torch.autograd.Function):",
            f'    """{" and ".join(outputs)} with the gradients of `backward`, '
            'differentiable twice."""',
            "",
            "    generate_vmap_rule = True",
            "",
            *self._forward(),
            "",
            *self._setup_context(),
            "",
            *self._backward(),
        ]
        return "\n".join(lines)

    def _names(self, variables: Sequence[Var]) -> list[str]:
        return [self.names[v.name] for v in variables]

    def _local(self, wanted: str) -> str:
        """Return a name that no tensor has."""
        namespace = Namespace({*self.names.values()})
        return namespace.new(wanted)

    def _forward(self) -> list[str]:
        one = len(self.program.roots) == 1
        extra = len(self.computed)
        kind = "Tensor" if one and not extra else "tuple[Tensor, ...]"
        lines = ["    @staticmethod", f"    def forward(*inputs: Tensor) -> {kind}:"]
        if not extra:
            return [*lines, f"        return {self.prefix}forward(*inputs)[0]"]
        first = sum(v in self.program.inputs for v in self.program.saved)
        saved = f"saved[{first or ''}:{first + extra if first + extra < self._count else ''}]"
        saved = saved.replace("[:]", "").replace(":", " :" if " " in saved else ":")
        lines.append(f"        outputs, saved = {self.prefix}forward(*inputs)")
        return [*lines, f"        return {'' if one else '*'}outputs, *{saved}"]

    @property
    def _count(self) -> int:
        return len(self.program.saved)

    def _setup_context(self) -> list[str]:
        ctx, inputs, outputs = (self._local(x) for x in ("ctx", "inputs", "outputs"))
        head = f"    def setup_context({ctx}: Any, {inputs}: Any, {outputs}: Any) -> None:"
        kept, computed = self._kept(), self._names(self.computed)
        results = [*self._names(self.program.roots), *computed]
        lines = ["    @staticmethod", head]
        lines += _taken_apart(self._names(self.program.inputs), inputs, kept)
        if len(results) == 1 and set(results) & set(kept):
            lines.append(f"        {results[0]} = {outputs}")
        elif len(results) > 1:
            lines += _taken_apart(results, outputs, kept)
        if computed:
            lines += bracketed(f"{ctx}.mark_non_differentiable(", computed, ")", "        ")
        if self._is_lean:
            lines.append(f"        {ctx}.set_materialize_grads(False)")
        return [*lines, *bracketed(f"{ctx}.save_for_backward(", kept, ")", "        ")]

    def _kept(self) -> list[str]:
        """Return what autograd keeps: what `backward` takes, and with it all that forward does."""
        again = self.program.inputs if self.computed else ()
        return self._names(list(dict.fromkeys([*self.program.saved, *again])))

    def _backward(self) -> list[str]:
        program = self.program
        bars = self._cotangents()
        ctx, saved, rest = (self._local(x) for x in ("ctx", "saved", "rest"))
        kind = "Tensor | None" if self._is_lean else "Tensor"
        parameters = [f"{ctx}: Any", *(f"{bar}: {kind}" for bar in bars)]
        parameters += [f"*{rest}: Any"] if self.computed else []
        tail = ") -> tuple[Tensor | None, ...]:"
        lines = ["    @staticmethod", *bracketed("def backward(", parameters, tail, "    ")]
        kept = self._kept()
        if self._is_lean:
            none = ", ".join(["None"] * len(program.inputs))
            lines += [f"        if {bars[0]} is None:",
                      f"            return {none if ',' in none else '(None,)'}"]  # fmt: skip
        if not self.computed:
            lines.append(f"        {saved} = {ctx}.saved_tensors")
        else:
            lines += _taken_apart(kept, f"{ctx}.saved_tensors", kept)
            names = self._names(program.saved)
            lines += bracketed(f"{saved} = (", names, ",)" if len(names) == 1 else ")", "        ")
            lines.append(
                "        if torch.is_grad_enabled():  # a second derivative needs their history"
            )
            inputs = self._names(program.inputs)
            lines += bracketed(f"_, {saved} = {self.prefix}forward(", inputs, ")", "            ")
        return [*lines, *self._returned(saved, bars)]

    def _cotangents(self) -> list[str]:
        bars = getattr(self.program, "cotangents", ())
        return self._names(bars) if bars else [self._local("g")]

    def _returned(self, saved: str, bars: Sequence[str]) -> list[str]:
        program = self.program
        scalar = not getattr(program, "cotangents", ())
        results = {r.wrt: self.names[r.var.name] for r in program.results}
        arguments = [saved] if scalar else [saved, *bars]
        lines = _taken_apart(
            [*results.values()], f"{self.prefix}backward({', '.join(arguments)})", results.values()
        )
        times = f"{bars[0]} * " if scalar else ""
        gradients = [
            f"{times}{results[v.name]}" if v.name in results else "None" for v in program.inputs
        ]
        flat = f"        return {', '.join(gradients)}"
        if len(gradients) == 1 or len(flat) > WIDTH:
            return [
                *lines,
                *bracketed(
                    "return (",
                    gradients,
                    ",)" if len(gradients) == 1 else ")",
                    "        ",
                    len(flat) > WIDTH,
                ),
            ]
        return [*lines, flat]


def _taken_apart(names: Sequence[str], value: str, used: Collection[str]) -> list[str]:
    """Write an assignment of several names, of which some are used."""
    names = [name if name in used else "_" for name in names]
    if set(names) == {"_"}:
        return []
    flat = f"        {', '.join(names)} = {value}"
    if len(names) == 1:
        return [f"        ({names[0]},) = {value}"]
    if len(flat) <= WIDTH:
        return [flat]
    return bracketed("(", names, f") = {value}", "        ", one_per_line=True)
