"""A program -> the text of a standalone module, in ruff's format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from eingrad.calculus.optim import Optimizer
from eingrad.codegen import templates
from eingrad.codegen.code import (
    WIDTH,
    Code,
    atom,
    binary,
    bracketed,
    comment,
    statement,
    tuple_text,
    unpacked,
)
from eingrad.codegen.expressions import ExpressionWriter
from eingrad.codegen.identifiers import OF_NN_MODULES, Namespace
from eingrad.codegen.leading_wrappers import PREFIX, Wrappers
from eingrad.codegen.module_header import Header
from eingrad.codegen.module_loops import LoopText, Stored, loops_in
from eingrad.codegen.module_plan import (
    Line,
    ModulePlan,
    make_module_plan,
    sizes_in,
)
from eingrad.codegen.own_functions import own_functions
from eingrad.codegen.pieces import linear
from eingrad.codegen.random_data import MAKERS, draw_text, draws
from eingrad.codegen.targets import TARGETS, Target
from eingrad.codegen.torch_function import FunctionClass
from eingrad.codegen.usual_sizes import extents_of
from eingrad.core.expr import (
    ELLIPSIS,
    Dim,
    Expr,
    Map,
    Reduce,
    Var,
    has_leading_axes,
    postorder,
    variables,
)
from eingrad.core.positions import Scan
from eingrad.core.rewrite import substitute
from eingrad.core.spans import DerivedExtent, span_of, within
from eingrad.derivation.steps import Deriver
from eingrad.errors import EingradError
from eingrad.notation.system import System


class Module:
    """Writes one module: tensors keep their names, and the module's own give way to them."""

    def __init__(
        self, program: ModulePlan, target: Target, *, matmul: bool, optimizer: Optimizer | None
    ) -> None:
        self.program = program
        self.array = "Tensor" if target.name == "torch" else "Array"
        self.training = None if optimizer is None else make_training(program, optimizer)
        directions = [r.direction for r in program.results if r.direction]
        self.flat = PREFIX if has_leading_axes(program.inputs) else ""
        self.mode = "gradient" if program.is_gradient else "along" if directions else "dense"
        self.backward = "backward" if self.mode == "gradient" else "derivatives"
        has_class = target.name == "torch" and self.has_nn_module
        self.namespace = Namespace(OF_NN_MODULES | {"value"} if has_class else ())
        self.names: dict[str, str] = {}
        self.locals: dict[str, str] = {}
        self._name_everything()
        if "F" in self.namespace:
            target = replace(target, functional="torch.nn.functional")
        self.target = target
        self.emitter = ExpressionWriter(
            target,
            self.names,
            program.system.letters,
            program.deriver.names.rank,
            program.deriver.records,
            matmul,
            self.namespace,
            extents_of(line.expr for line in self.every_line),
        )
        self.sizes, self.draws = draws(program)
        self.makers: set[str] = set()

    @property
    def every_line(self) -> tuple[Line, ...]:
        """All that the module computes."""
        return (*self.program.forward, *self.program.backward)

    @property
    def has_nn_module(self) -> bool:
        """Whether PyTorch's module has an ``nn.Module``, whose attributes no tensor may hide."""
        return self.mode == "gradient"

    def _name_everything(self) -> None:
        program = self.program
        for var in program.inputs:
            if var.name not in self.names:
                self.names[var.name] = self.namespace.new(var.name)
        self._name_lines(self.every_line)
        for var in self.training.state if self.training else ():
            self.names[var.name] = self.namespace.new(var.name)
        dims = [d for v in program.inputs for d in v.dims if isinstance(d, str)]
        dims += [
            d for line in self.every_line for d in sizes_in(line.expr) if span_of(d) is not None
        ]
        self.letters = Namespace()
        self.axis: dict[str, str] = {}
        for dim in dict.fromkeys(dims):
            letter = (*program.system.letters.get(dim, ()), dim)[0]
            self.axis[dim] = letter if dim == ELLIPSIS else self.letters.new(letter)
            word = "rows" if dim == ELLIPSIS else letter
            self.names[f"size {dim}"] = self.namespace.new(f"n_{word}")
        for number in {d for v in program.inputs for d in v.dims if isinstance(d, int)}:
            self.axis[str(number)] = self.names[f"size {number}"] = str(number)
        self.function = self.namespace.new(f"{self.names[program.roots[0].name]}Function")
        self.saved = self.namespace.new("saved")

    def _name_lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if line.var.name not in self.names:
                wanted = line.var.name if line.text else line.var.name.split(" part ")[0] + "_part"
                self.names[line.var.name] = self.namespace.new(wanted)

    # --- the whole ---

    def source(self) -> str:
        """Return the module's text."""
        body = [self._forward(), self._backward()]
        if self.mode == "gradient":
            body += self._framework()
        data = self._random_data()
        if self.flat:
            body += self._wrappers()
        body += [*self._makers(), data, *self._checks()]
        if self.training is not None:
            body += self._training(self.training)
        helpers = own_functions(self.target.name, self.emitter.helpers, self.emitter.imports)
        shapes = self._in_words(templates.CHECK_SHAPES.strip("\n"))
        if any(isinstance(d, int) for v in self.program.inputs for d in v.dims):
            own = "int(axis) if axis.isdigit() else size"
            shapes = shapes.replace("setdefault(axis, size)", f"setdefault(axis, {own})")
        parts = [*helpers, shapes, *body, self._main()]
        text = "\n\n\n".join(parts)
        return f"{self.header().text(text)}\n\n\n{text}\n"

    def header(self) -> Header:
        """The head of the module, when all else is written."""
        return Header(
            self.program, self.target, self.names, self.axis, self.mode, self.draws,
            self.emitter.uses_einsum, tuple(self.emitter.imports),
        )  # fmt: skip

    def _wrappers(self) -> list[str]:
        """Write the functions of arrays with leading axes."""
        program, is_layer = self.program, hasattr(self.program, "cotangents")
        return Wrappers(
            self.array, self.target.module, self._names_of(program.inputs),
            self._names_of(program.roots), self.backward, is_layer,
        ).texts(has_value=self.target.name != "numpy" or is_layer)  # fmt: skip

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
        lines = bracketed(f"def {self.flat}forward(", self._parameters(program.inputs), tail, "")
        lines.append(
            f'    """Return {" and ".join(roots[:2])} and what `{self.backward}` needs."""'
        )
        lines += bracketed("check_shapes(", inputs, ")", "    ")
        lines += self._lines(program.forward, program.inputs)
        saved = tuple_text(self._names_of(program.saved))
        result = roots[0] if one else tuple_text(roots)
        flat = f"    return {result}, {saved}"
        if len(flat) > WIDTH:
            lines += bracketed(
                f"{self.saved} = (", self._names_of(program.saved), ")", "    ", True
            )
            flat = f"    return {result}, {self.saved}"
        return "\n".join([*lines, flat])

    def _backward(self) -> str:
        program = self.program
        lines = [
            f"def {self.flat}{self.backward}({self.saved}: Saved) -> tuple[{self.array}, ...]:"
        ]
        what = "gradients" if self.mode == "gradient" else "derivatives"
        lines.append(f'    """Return the {what} by the tensors in WRT, in this order."""')
        names = self._names_of(program.saved)
        lines += unpacked(names, self.saved)
        lines += self._lines(program.backward, program.saved)
        results = [self.names[r.var.name] for r in program.results]
        lines += self._returned(results)
        return "\n".join(lines)

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
        self.emitter.loops, self.emitter.softmaxes = {}, {}
        for line in lines:
            loops = loops_in(line.expr)
            for scan in loops:
                body += self._loop(scan, lines)
            if isinstance(line.expr, Scan) or not all(self.emitter.loops[x] for x in loops):
                continue
            name = self.names[line.var.name]
            for row in () if loops else line.text.splitlines():
                body += comment(row)

            def fresh(name: str = name) -> str:
                return self.namespace.new(f"{name}_part")

            body += statement(name, self.emitter.result(line.expr, known), fresh)
            if isinstance(line.expr, Reduce) and line.expr.function == "softmax":
                self.emitter.softmaxes[line.expr.operands[0], line.expr.axes] = name
        return [*self._size_lines(known), *body]

    def _loop(self, scan: Scan, lines: Sequence[Line]) -> list[str]:
        """Write a loop, unless it is written; the tensors that it stores have the lines' names.

        A state that nothing reads later, nor at another position, is not stored.
        """
        written = self.emitter.loops
        if scan in written:
            return []
        stored = []
        for k, body in enumerate(scan.loop.bodies):
            own = Scan(scan.operands, scan.loop, k)
            line = next(x for x in lines if own in loops_in(x.expr))
            name, read = self.names[line.var.name], self._is_read(line.var, lines)
            along = name if line.expr is own else self._local(f"{name}_along")
            written[own] = along if read else ""
            stored.append(Stored(name, along, line.text, body.dims, read))
        letter = self.axis.get(str(scan.loop.dim), "t")
        new = self.namespace.new
        return LoopText(self.emitter, self.names, scan, stored, letter, new, self._local).text()

    def _is_read(self, var: Var, lines: Sequence[Line]) -> bool:
        """Whether lines read a tensor, or a function returns it."""
        program = self.program
        results = [r.var for r in program.results]
        given = (*program.saved, *program.roots, *results, *getattr(program, "moved", ()))
        return var in given or any(var in variables(line.expr) for line in lines)

    def _local(self, wanted: str) -> str:
        """Return the name of something that lives in one loop."""
        if wanted not in self.locals:
            self.locals[wanted] = self.namespace.new(wanted)
        return self.locals[wanted]

    def _size_lines(self, known: Sequence[Var]) -> list[str]:
        """Write the extents that are spoken of, those that follow from others after these."""
        dims = list(self.emitter.sizes)
        lines = []
        for dim in dict.fromkeys([*within(dims), *(d for d in dims if span_of(d) is not None)]):
            own, name = span_of(dim), self.names[f"size {dim}"]
            if own is None:
                var = next(v for v in known if dim in v.dims)
                place = var.dims.index(dim)
                lines.append(f"    {name} = {self.names[var.name]}.shape[{place}]")
            else:
                lines.append(f"    {name} = {self._extent(own)}")
        return lines

    def _extent(self, own: DerivedExtent) -> Code:
        """Return the code of an extent that follows from others."""
        sizes = [(n, self._base(dim)) for n, dim in own.terms]
        if own.divisor == 1:
            return linear(own.constant + own.more, sizes)
        whole = binary("//", linear(own.constant, sizes), atom(str(own.divisor)))
        return linear(own.more, [(1, whole)])

    def _base(self, dim: Dim) -> Code:
        own = span_of(dim)
        return atom(self.names[f"size {dim}"]) if own is None else self._extent(own)

    # --- frameworks ---

    def _framework(self) -> list[str]:
        if self.target.name == "torch":
            function = FunctionClass(self.program, self.function, self.names, self.flat).text()
            rest = [self._nn_module()] if self.has_nn_module else []
            return [function, self._value(), *rest]
        if self.target.name == "jax":
            return [f"@jax.custom_vjp\n{self._value()}", self._pull_back()]
        return []

    def _pull_back(self) -> str:
        text = templates.PULL_BACK.strip("\n")
        if not self.flat:
            return text
        text = text.replace("backward(", f"{self.flat}backward(")
        return text.replace("value.defvjp(forward", f"{self.flat}value.defvjp({self.flat}forward")

    def _value(self) -> str:
        program = self.program
        inputs, roots = self._names_of(program.inputs), self._names_of(program.roots)
        kind = self.array if len(roots) == 1 else f"tuple[{self.array}, ...]"
        lines = bracketed(
            f"def {self.flat}value(", self._parameters(program.inputs), f") -> {kind}:", ""
        )
        gradients = (
            "its gradient is the one" if self.mode == "gradient" else "its gradients are those"
        )
        lines.append(f'    """Return {" and ".join(roots)}; {gradients} of `backward`."""')
        if self.target.name == "torch":
            extra = len(FunctionClass(program, self.function, self.names).computed)
            place = f"[:{len(roots)}]" if len(roots) > 1 else "[0]"
            tail = f"){place}" if extra else ")"
            return "\n".join(
                [*lines, *bracketed(f"return {self.function}.apply(", inputs, tail, "    ")]
            )
        return "\n".join(
            [*lines, *bracketed(f"return {self.flat}forward(", inputs, ")[0]", "    ")]
        )

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

        def size(dim: Dim) -> str:
            if isinstance(dim, str):
                used[dim] = None
            return self.names[f"size {dim}"]

        for var in self.program.inputs:
            shape = [size(d) for d in var.dims]
            if ELLIPSIS in var.dims:  # two axes, the first of which is short
                shape.insert(var.dims.index(ELLIPSIS), "1")
            below = self.draws[var.name].below
            if below is not None:
                bound = size(below)
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
        if self.by_framework:
            return [templates.FRAMEWORK_CHECK[target].strip("\n")]
        parts = [
            templates.differences(target, self.mode, roots),
            templates.check(target, self.mode, roots),
        ]
        return [part.strip("\n") for part in parts]

    @property
    def by_framework(self) -> bool:
        """Whether the framework has a check of its own for these derivatives."""
        return self.target.name != "numpy" and self.mode == "gradient"

    # --- a training step as lines: the optimizer's formulas over a program's gradients ---

    def _training(self, training: Training) -> list[str]:
        program = self.program
        inputs = [*program.inputs, *training.state]
        tail = f") -> tuple[{self.array}, dict[str, {self.array}]]:"
        lines = {"torch": ["@torch.no_grad()"], "jax": ["@jax.jit"]}.get(self.target.name, [])
        lines = [*lines, *bracketed("def train_step(", self._parameters(inputs), tail, "")]
        of = self.names[program.roots[0].name]
        lines.append(f'    """Take a step of {training.title}."""')
        lines += bracketed(
            f"{of}, {self.saved} = forward(", self._names_of(program.inputs), ")", "    "
        )
        lines += unpacked(
            [self.names[r.var.name] for r in program.results], f"backward({self.saved})"
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
        return ["\n".join(lines), state, self._in_words(templates.TRAIN.strip("\n")).format(of=of)]

    def _main(self) -> str:
        lines = ['if __name__ == "__main__":', *self._checked()]
        if self.training is not None:
            lines.append("    losses = train()")
            line = 'print(f"{len(losses)} steps of training: {losses[0]:.6g} -> {losses[-1]:.6g}")'
            lines.append(f"    {line}")
        return "\n".join([*lines, "    raise SystemExit(0 if good else 1)"])

    def _checked(self) -> list[str]:
        if self.by_framework:
            return ["    good = check_gradient()", f'    print("{templates.SAYS_GOOD}")']
        return [
            "    error = check_gradient()",
            "    good = error < TOLERANCE",
            '    print(f"largest relative error of the derivatives: {error:.1e}")',
        ]


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


# --- a training step as lines: the optimizer's formulas over a program's gradients ---


@dataclass(frozen=True, slots=True)
class Training:
    """``lines`` give new values, named ``new W1``; ``initial`` says what the state starts from:
    (tensor, the input that it is shaped like or "", value)."""

    title: str
    state: tuple[Var, ...]
    initial: tuple[tuple[Var, str, int], ...]
    lines: tuple[Line, ...]


def make_training(program: ModulePlan, optimizer: Optimizer) -> Training:
    """Return the step of an optimizer; raises EingradError where there is no gradient."""
    if not program.is_gradient:
        raise EingradError(
            "an optimizer needs the gradient of a scalar", hint="leave out the optimizer"
        )
    lines: dict[str, Line] = {}
    initial: dict[str, tuple[Var, str, int]] = {}
    for result in program.results:
        param = program.system.inputs[result.wrt]
        step = optimizer.step(param, result.var)
        known: dict[Expr, Expr] = {}
        for name, remembered in step.state.items():
            new = Var(f"new {name}", remembered.var.dims)
            like = param.name if name.endswith(f"/{param.name}") else ""
            initial.setdefault(name, (remembered.var, like, remembered.initial))
            lines.setdefault(name, Line(new, remembered.new_value, ""))
            known[remembered.new_value] = new
        lines[param.name] = Line(
            Var(f"new {param.name}", param.dims), substitute(step.new_value, known), ""
        )
    shared = _shared_scalars([line.expr for line in lines.values()])
    parts = {x: Var(f"correction {k}", ()) for k, x in enumerate(shared)}
    steps = [Line(v, substitute(x, _before(parts, x)), "") for x, v in parts.items()]
    whole: dict[Expr, Expr] = dict(parts)
    state = [x for name, x in lines.items() if name in initial and not x.var.dims]
    rest = [x for x in lines.values() if x not in state]
    steps = state + steps + [Line(x.var, substitute(x.expr, whole), "") for x in rest]
    state_vars = tuple(var for var, _, _ in initial.values())
    return Training(repr(optimizer), state_vars, tuple(initial.values()), tuple(steps))


def _shared_scalars(exprs: Sequence[Expr]) -> list[Expr]:
    """Return the largest scalars, such as Adam's corrections, that several formulas share."""
    counts = Counter(x for expr in exprs for x in set(postorder([expr])))
    shared = [
        x for x in dict.fromkeys(postorder(exprs))
        if counts[x] > 1 and not x.ndim and isinstance(x, Map) and x.function in {"sqrt", "expm1"}
    ]  # fmt: skip
    inside = {y for x in shared for y in postorder([x]) if y is not x}
    return [x for x in shared if x not in inside]


def _before(parts: Mapping[Expr, Var], x: Expr) -> dict[Expr, Expr]:
    return {k: v for k, v in parts.items() if k is not x}


# --- derivatives -> source ---


def module_source(
    of: str,
    keys: Mapping[str, str],
    system: System,
    deriver: Deriver,
    target: str,
    *,
    matmul: bool = False,
    optimizer: Optimizer | None = None,
    functions: Mapping[str, str] | None = None,
) -> str:
    """Return a module that computes ``of`` and its derivatives; see `Derivatives.source`.

    ``keys`` names for each tensor by which ``of`` is differentiated the record of the result.
    """
    chosen = target_of(target)
    program = make_module_plan(of, keys, system, deriver, functions, chosen.fused)
    return Module(program, chosen, matmul=matmul, optimizer=optimizer).source()


def target_of(name: str) -> Target:
    """Return a target by its name; raises EingradError for another."""
    target = name
    if target not in TARGETS:
        near = get_close_matches(str(target), TARGETS, 1)
        known = f"known are {', '.join(TARGETS)}"
        raise EingradError(
            f"there is no target {target!r}",
            operand=str(target),
            hint=f"did you mean {near[0]!r}?" if near else known,
        )
    return TARGETS[target]
