"""A program -> the text of a standalone module, in ruff's format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eingrad.calculus.optim import Optimizer
from eingrad.codegen import pieces
from eingrad.codegen.code import WIDTH, bracketed, comment, statement, tuple_text
from eingrad.codegen.data import MAKERS, draw_text, draws
from eingrad.codegen.emit import Emitter
from eingrad.codegen.header import Header
from eingrad.codegen.names import Namespace
from eingrad.codegen.own_functions import own_functions
from eingrad.codegen.program import Line, Program
from eingrad.codegen.targets import Target
from eingrad.codegen.training import Training, make_training
from eingrad.core.expr import Var


class Module:
    """Writes one module."""

    def __init__(
        self, program: Program, target: Target, *, matmul: bool, optimizer: Optimizer | None
    ) -> None:
        self.program, self.target = program, target
        self.array = "Tensor" if target.name == "torch" else "Array"
        self.training = None if optimizer is None else make_training(program, optimizer)
        self.namespace = Namespace()
        self.names: dict[str, str] = {}
        self._name_everything()
        self.emitter = Emitter(
            target,
            self.names,
            program.system.letters,
            program.deriver.names.rank,
            program.deriver.records,
            matmul,
        )
        self.sizes, self.draws = draws(program)
        self.makers: set[str] = set()
        directions = [r.direction for r in program.results if r.direction]
        self.mode = "gradient" if program.is_gradient else "along" if directions else "dense"
        self.backward = "backward" if self.mode == "gradient" else "derivatives"

    def _name_everything(self) -> None:
        program = self.program
        for var in program.inputs:
            self.names[var.name] = self.namespace.new(var.name)
        for line in (*program.forward, *program.backward):
            wanted = line.var.name if line.text else line.var.name.split(" part ")[0] + "_part"
            self.names[line.var.name] = self.namespace.new(wanted)
        for var in self.training.state if self.training else ():
            self.names[var.name] = self.namespace.new(var.name)
        dims = [d for v in program.inputs for d in v.dims if isinstance(d, str)]
        self.letters = Namespace()
        self.axis: dict[str, str] = {}
        for dim in dict.fromkeys(dims):
            letter = (*program.system.letters.get(dim, ()), dim)[0]
            self.axis[dim] = self.letters.new(letter)
            self.names[f"size {dim}"] = self.namespace.new(f"n_{letter}")
        self.function = self.namespace.new(f"{self.names[program.roots[0].name]}Function")

    # --- the whole ---

    def source(self) -> str:
        """Return the module's text."""
        body = [self._forward(), self._backward()]
        if self.mode == "gradient":
            body += self._framework()
        data = self._random_data()
        body += [*self._makers(), data, *self._checks()]
        if self.training is not None:
            body += self._training(self.training)
        helpers = own_functions(self.target.name, self.emitter.helpers, self.emitter.imports)
        shapes = self._in_words(pieces.CHECK_SHAPES.strip("\n"))
        parts = [*helpers, shapes, *body, self._main()]
        text = "\n\n\n".join(parts)
        header = Header(
            self.program, self.target, self.names, self.axis, self.mode, self.draws,
            self.emitter.uses_einsum, tuple(self.emitter.imports),
        )  # fmt: skip
        return f"{header.text(text)}\n\n\n{text}\n"

    def _in_words(self, text: str) -> str:
        return text.replace("Array", "Tensor") if self.array == "Tensor" else text

    # --- forward and backward ---

    def _parameters(self, variables_: Iterable[Var]) -> list[str]:
        return [f"{self.names[var.name]}: {self.array}" for var in variables_]

    def _names_of(self, variables_: Iterable[Var]) -> list[str]:
        return [self.names[var.name] for var in variables_]

    def _forward(self) -> str:
        program = self.program
        inputs = self._names_of(program.inputs)
        roots = self._names_of(program.roots)
        one = len(roots) == 1
        kind = self.array if one else f"tuple[{self.array}, ...]"
        tail = f") -> tuple[{kind}, Saved]:"
        lines = bracketed("def forward(", self._parameters(program.inputs), tail, "")
        lines.append(
            f'    """Return {" and ".join(roots[:2])} and what `{self.backward}` needs."""'
        )
        lines += bracketed("check_shapes(", inputs, ")", "    ")
        lines += self._lines(program.forward, program.inputs)
        saved = tuple_text(self._names_of(program.saved))
        result = roots[0] if one else tuple_text(roots)
        flat = f"    return {result}, {saved}"
        if len(flat) > WIDTH:
            lines += bracketed("saved = (", self._names_of(program.saved), ")", "    ", True)
            flat = f"    return {result}, saved"
        return "\n".join([*lines, flat])

    def _backward(self) -> str:
        program = self.program
        lines = [f"def {self.backward}(saved: Saved) -> tuple[{self.array}, ...]:"]
        what = "gradients" if self.mode == "gradient" else "derivatives"
        lines.append(f'    """Return the {what} by the tensors in WRT, in this order."""')
        names = self._names_of(program.saved)
        lines += self._unpacked(names, "saved")
        lines += self._lines(program.backward, program.saved)
        results = [self.names[r.var.name] for r in program.results]
        lines += self._returned(results)
        return "\n".join(lines)

    def _unpacked(self, names: Sequence[str], value: str) -> list[str]:
        flat = f"    {', '.join(names)} = {value}"
        if len(names) == 1:
            return [f"    ({names[0]},) = {value}"]
        if len(flat) <= WIDTH:
            return [flat]
        return bracketed("(", names, f") = {value}", "    ", one_per_line=True)

    def _returned(self, names: Sequence[str]) -> list[str]:
        flat = f"    return {', '.join(names)}"
        if len(names) == 1:
            return [f"    return ({names[0]},)"]
        if len(flat) <= WIDTH:
            return [flat]
        return bracketed("return (", names, ")", "    ", one_per_line=True)

    def _lines(self, lines: Sequence[Line], known: Sequence[Var]) -> list[str]:
        """Write definitions, and before them the sizes that they use."""
        self.emitter.sizes = {}
        self.emitter.like = self.names[next((v for v in known if not v.integer), known[0]).name]
        body: list[str] = []
        for line in lines:
            name = self.names[line.var.name]
            if line.text:
                body += comment(line.text)

            def fresh(name: str = name) -> str:
                return self.namespace.new(f"{name}_part")

            body += statement(name, self.emitter.definition(line.expr), fresh)
        return [*self._size_lines(known), *body]

    def _size_lines(self, known: Sequence[Var]) -> list[str]:
        lines = []
        for dim in self.emitter.sizes:
            var = next(v for v in known if dim in v.dims)
            place = var.dims.index(dim)
            name = self.names[f"size {dim}"]
            lines.append(f"    {name} = {self.names[var.name]}.shape[{place}]")
        return lines

    # --- frameworks ---

    def _framework(self) -> list[str]:
        if self.target.name == "torch":
            return [self._function(), self._value("FUNCTION"), self._nn_module()]
        if self.target.name == "jax":
            value = "@jax.custom_vjp\n" + self._value("forward")
            return [value, pieces.PULL_BACK.strip("\n")]
        return []

    def _value(self, function: str) -> str:
        program = self.program
        inputs = self._names_of(program.inputs)
        head = bracketed("def value(", self._parameters(program.inputs), f") -> {self.array}:", "")
        of = self.names[program.roots[0].name]
        head.append(f'    """Return {of}; its gradient is the one of `backward`."""')
        if function == "forward":
            return "\n".join([*head, *bracketed("return forward(", inputs, ")[0]", "    ")])
        return "\n".join([*head, *bracketed(f"return {self.function}.apply(", inputs, ")", "    ")])

    def _function(self) -> str:
        of = self.names[self.program.roots[0].name]
        return pieces.FUNCTION.format(function=self.function, of=of).strip("\n")

    def _nn_module(self) -> str:
        program = self.program
        wrt = {result.wrt for result in program.results}
        own = [v for v in program.inputs if v.name in wrt]
        others = [v for v in program.inputs if v.name not in wrt]
        names = self._names_of(own)
        lines = ["class Model(nn.Module):"]
        lines.append(
            '    """The tensors in WRT as parameters; the others are given to each call."""'
        )
        lines.append("")
        lines += bracketed("def __init__(", ["self", *self._parameters(own)], ") -> None:", "    ")
        lines.append("        super().__init__()")
        lines += [f"        self.{name} = nn.Parameter({name})" for name in names]
        lines.append("")
        tail = f") -> {self.array}:"
        lines += bracketed("def forward(", ["self", *self._parameters(others)], tail, "    ")
        lines.append(f'        """Return {self.names[program.roots[0].name]}."""')
        given = [f"self.{x}" if x in names else x for x in self._names_of(program.inputs)]
        lines += bracketed("return value(", given, ")", "        ")
        return "\n".join(lines)

    # --- data and checks ---

    def _random_data(self) -> str:
        target = self.target.name
        lines = [f"def random_data(seed: int = 0) -> dict[str, {self.array}]:"]
        lines.append('    """Return inputs for which the formulas hold."""')
        if target == "torch":
            lines.append("    rng = torch.Generator().manual_seed(seed)")
        else:
            lines.append("    rng = np.random.default_rng(seed)")
        body, used = [], dict[str, None]()
        for var in self.program.inputs:
            shape = [self.names[f"size {d}"] for d in var.dims]
            used |= dict.fromkeys(str(d) for d in var.dims)
            below = self.draws[var.name].below
            if below is not None:
                used[str(below)] = None
                bound = self.names[f"size {below}"]
                inside = tuple_text(shape)
                text = f"rng.integers({bound}, size={inside})"
                if target == "torch":
                    text = f"torch.randint({bound}, {inside}, generator=rng)"
                body += self._entry(self.names[var.name], text)
                continue
            text, maker = draw_text(target, self.draws[var.name], shape)
            if maker:
                self.makers.add(maker)
            if not text:
                text = self._literal(var, shape)
            body += self._entry(self.names[var.name], text)
        for dim in used:
            lines.append(f"    {self.names[f'size {dim}']} = {self.sizes[dim]}")
        if target == "jax":
            lines += ["    data = {", *body, "    }"]
            lines.append("    return {name: jnp.asarray(x) for name, x in data.items()}")
        else:
            lines += ["    return {", *body, "    }"]
        return "\n".join(lines)

    def _entry(self, name: str, text: str) -> list[str]:
        flat = f'        "{name}": {text},'
        if len(flat) <= WIDTH:
            return [flat]
        head, rest = text.split("(", 1)
        return [f'        "{name}": {head}(', f"            {rest[:-1]}", "        ),"]

    def _literal(self, var: Var, shape: Sequence[str]) -> str:
        key = f"values {var.name}"
        self.names[key] = self.namespace.new(f"{self.names[var.name]}_VALUES")
        if self.target.name == "torch":
            made = f"torch.tensor({self.names[key]}, dtype=torch.float64)"
        else:
            made = f"np.array({self.names[key]})"
        return f"{made}.reshape({tuple_text(shape)})"

    def _makers(self) -> list[str]:
        texts = MAKERS[self.target.name]
        return [text.strip("\n") for name, text in texts.items() if name in self.makers]

    def _checks(self) -> list[str]:
        target, roots = self.target.name, len(self.program.roots)
        parts = [
            pieces.differences(target, self.mode, roots),
            pieces.check(target, self.mode, roots),
        ]
        if self._checks_twice:
            parts.append(pieces.DOUBLE.format(function=self.function))
        return [part.strip("\n") for part in parts]

    @property
    def _checks_twice(self) -> bool:
        return self.target.name == "torch" and self.mode == "gradient"

    # --- training ---

    def _training(self, training: Training) -> list[str]:
        program = self.program
        inputs = [*program.inputs, *training.state]
        tail = f") -> tuple[{self.array}, dict[str, {self.array}]]:"
        lines = {"torch": ["@torch.no_grad()"], "jax": ["@jax.jit"]}.get(self.target.name, [])
        lines = [*lines, *bracketed("def train_step(", self._parameters(inputs), tail, "")]
        of = self.names[program.roots[0].name]
        lines.append(f'    """Take a step of {training.title}."""')
        lines += bracketed(f"{of}, saved = forward(", self._names_of(program.inputs), ")", "    ")
        lines += self._unpacked(
            [self.names[r.var.name] for r in program.results], "backward(saved)"
        )
        new = []
        for line in training.lines:
            if not line.var.name.startswith("new "):
                self.names[line.var.name] = self.namespace.new("correction")
                continue
            own = line.var.name.removeprefix("new ")
            self.names[line.var.name] = self.namespace.new(f"new_{self.names[own]}")
            new.append(f'        "{self.names[own]}": {self.names[line.var.name]},')
        lines += self._lines(training.lines, inputs)
        lines += [f"    return {of}, {{", *new, "    }"]
        state = _initial_state(self, training)
        return ["\n".join(lines), state, self._in_words(pieces.TRAIN.strip("\n")).format(of=of)]

    def _main(self) -> str:
        lines = ['if __name__ == "__main__":', "    error = check_gradient()"]
        lines.append('    print(f"largest relative error of the derivatives: {error:.1e}")')
        good = "error < TOLERANCE"
        if self._checks_twice:
            lines.append("    good = error < TOLERANCE and check_double_backward()")
            good = "good"
        if self.training is not None:
            lines.append("    losses = train()")
            line = 'print(f"{len(losses)} steps of training: {losses[0]:.6g} -> {losses[-1]:.6g}")'
            lines.append(f"    {line}")
        lines.append(f"    raise SystemExit(0 if {good} else 1)")
        return "\n".join(lines)


def _initial_state(module: Module, training: Training) -> str:
    """Return the function that makes what an optimizer remembers."""
    array = module.array
    lines = [f"def initial_state(data: dict[str, {array}]) -> dict[str, {array}]:"]
    lines.append('    """Return what the optimizer remembers, before the first step."""')
    if not training.state:
        lines.append("    return {}")
        return "\n".join(lines)
    prefix = module.target.module
    lines.append("    return {")
    for var, like, value in training.initial:
        maker = "zeros" if value == 0 else "ones"
        text = (
            f'{prefix}.{maker}_like(data["{module.names[like]}"])'
            if like
            else f"{prefix}.{maker}(())"
        )
        lines.append(f'        "{module.names[var.name]}": {text},')
    return "\n".join([*lines, "    }"])
