"""Python code as a claim: a backward pass that a person wrote, judged on arrays.

A function whose parameters are the model's tensors, and the gradient of one where it gets one
(``dY``, ``grad_output``); a ``torch.autograd.Function``; a function with a ``custom_vjp``.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eingrad.calculus.reverse import with_cotangents
from eingrad.check.decide import check_function
from eingrad.check.derived import Derived
from eingrad.check.function_claims import FunctionFailedError
from eingrad.check.verdict import Verdict
from eingrad.core.later import np
from eingrad.errors import DataError, EingradError, UnknownNameError
from eingrad.notation.system import System

UPSTREAM = frozenset({
    "grad_output", "grad_out", "grad_outputs", "dout", "d_out", "upstream", "upstream_grad", "grad",
    "gradient", "cotangent", "ct", "g", "dvalues",
})  # fmt: skip
ALIASES = (
    "d{x}", "d_{x}", "grad_{x}", "grad{x}", "{x}_grad", "g{x}", "g_{x}", "dL_d{x}", "dLd{x}",
    "dL/d{x}", "{x}bar", "{x}_bar", "nabla_{x}", "delta_{x}",
)  # fmt: skip
Arrays = Mapping[str, Any]


def load_code(place: str) -> Any:
    """Run the file of ``FILE.py:NAME`` and return what has the name; ``A.b`` is b of A.

    Raises DataError for a file that cannot be read, that fails, or that lacks the name.
    """
    path, colon, name = place.rpartition(":")
    if not colon or not name:
        raise DataError(
            f"--code {place}: no name", operand=place, hint="write it as layers.py:linear_backward"
        )
    if not Path(path).is_file():
        raise DataError(f"cannot read {path}: no such file", operand=path)
    spec = importlib.util.spec_from_file_location("eingrad_checked_code", path)
    if spec is None or spec.loader is None:
        raise DataError(f"{path} is no Python file", operand=path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise DataError(f"{path} raised {type(error).__name__}: {error}", operand=path) from error
    finally:
        sys.path.pop(0)
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except Exception as error:  # a file may have a __getattr__ of its own
            own = [n for n in vars(module) if not n.startswith("_") and callable(vars(module)[n])]
            raise DataError(
                f"{path} has no {name}", operand=name, hint=f"it has {', '.join(own) or 'nothing'}"
            ) from error
    return found


def check_code(
    system: System, code: Any, of: str | None = None, wrt: Sequence[str] | None = None
) -> list[Verdict]:
    """Judge a backward pass: one verdict for each gradient that it returns.

    ``of`` is what it is the gradient of, by default the model's last tensor; ``wrt`` names the
    gradients where the code does not. Raises EingradError for code that the model cannot judge.
    """
    if of is not None and of not in system.definitions:
        raise UnknownNameError(
            f"the model defines no tensor {of}",
            operand=of,
            hint=f"it defines {', '.join(system.definitions)}",
        )
    if isinstance(code, type) and hasattr(code, "apply") and hasattr(code, "backward"):
        return _check_rule(system, _TorchRule(code), of, wrt)
    if hasattr(code, "defvjp"):
        return _check_rule(system, _JaxRule(code), of, wrt)
    if not callable(code):
        raise EingradError(
            f"{getattr(code, '__name__', code)!r} is no function",
            code="wrong-type",
            hint="name a function, an autograd.Function or one with a custom_vjp",
        )
    return _check_plain(system, code, of, wrt)


# --- functions that return gradients -----------------------------------------------------------


def _check_plain(
    system: System, code: Callable[..., Any], of: str | None, wrt: Sequence[str] | None
) -> list[Verdict]:
    asked, upstream = _asked(system, code, of)
    if upstream:
        system, of = _with_upstream(system, upstream)
    else:
        of = of or _last(system, lambda n: not system.labels[n])
    names = {p: tensor for p, tensor in asked.items() if p not in upstream}
    bars = {p: _bar(tensor) for p, tensor in upstream.items()}
    call = _PlainPass(code, {**names, **bars})
    wanted = list(wrt) if wrt else _returned(system, code)
    derived = Derived(system)
    return [
        check_function(derived, call.part(name, k, len(wanted)), of, name)
        for k, name in enumerate(wanted)
    ]  # fmt: skip


def _asked(
    system: System, code: Callable[..., Any], of: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return which tensor each parameter is, and which ones are gradients, of which tensors."""
    asked: dict[str, str] = {}
    upstream: dict[str, str] = {}
    for p in inspect.signature(code).parameters.values():
        if p.kind in {p.VAR_KEYWORD, p.VAR_POSITIONAL}:
            continue
        if (tensor := _tensor(system, p.name)) is not None:
            asked[p.name] = tensor
        elif (tensor := _differentiated(system, p.name, system.definitions)) is not None:
            upstream[p.name] = tensor
        elif p.name.lower() in UPSTREAM:
            upstream[p.name] = of or _last(system)
        elif p.default is p.empty:
            raise EingradError(
                f"the model has no tensor {p.name!r}, which {_title(code)} asks for",
                operand=p.name,
                hint=f"parameters are its tensors, {', '.join(system.labels)}, or the gradient "
                f"by one of them, such as d{_last(system)}",
            )
    return asked, upstream


def _tensor(system: System, name: str) -> str | None:
    """Return the tensor that a name means, whatever its case where only one fits."""
    if name in system.labels:
        return name
    found = [n for n in system.labels if n.lower() == name.lower()]
    return found[0] if len(found) == 1 else None


def _differentiated(system: System, name: str, among: Mapping[str, Any]) -> str | None:
    """Return the tensor of which a name is the gradient: ``dW1``, ``grad_W1``, ``dL_dW1``."""
    found = [n for n in among for alias in ALIASES if alias.format(x=n) == name] or [
        n for n in among for alias in ALIASES if alias.format(x=n).lower() == name.lower()
    ]
    for loss in system.definitions:
        found += [n for n in among if name in {f"d{loss}_d{n}", f"d{loss}/d{n}", f"d{loss}d{n}"}]
    return found[0] if found else None


def _last(system: System, fits: Callable[[str], bool] = lambda name: bool(name)) -> str:
    """Return the last tensor that the model defines, of those that fit."""
    found = [name for name in system.definitions if fits(name)]
    if not found:
        raise EingradError(
            "of what is it the gradient? The model has no scalar, and no parameter is a gradient",
            hint="name it with --of, or call a parameter dY",
        )
    return found[-1]


def _returned(system: System, code: Callable[..., Any]) -> list[str]:
    """Return the tensors by which a function differentiates, as its text says.

    Raises EingradError where the text does not say it.
    """
    for names in _return_names(code):
        found = [_differentiated(system, name, system.labels) for name in names]
        left = [n for n, var in system.inputs.items() if n not in found and not var.integer]
        left = [n for n in left if not n.endswith("bar")]
        if any(found) and None in found and found.count(None) == len(left):
            rest = iter(left)
            found = [name or next(rest) for name in found]
        if all(found):
            return [name for name in found if name is not None]
    own = _differentiated(system, _title(code), system.labels)
    if own is not None:
        return [own]
    raise EingradError(
        f"which gradients does {_title(code)} return?",
        code="meaningless-claim",
        hint="say it with --wrt W,b, or return variables, or a dict, with names such as dW",
    )


def _return_names(code: Callable[..., Any]) -> Iterator[list[str]]:
    """Yield the names that a function returns: variables, or keys of a dict."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Return(value=ast.Tuple(elts=parts) | ast.List(elts=parts)):
                yield [_name_of(part) for part in parts]
            case ast.Return(value=ast.Dict(keys=keys)):
                yield [k.value if isinstance(k, ast.Constant) else "" for k in keys]  # type: ignore[misc]
            case ast.Return(value=ast.Call(func=ast.Name(id="dict"), keywords=keywords)):
                yield [k.arg or "" for k in keywords]
            case ast.Return(value=ast.expr() as value):
                yield [_name_of(value)]


def _name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True)
class _PlainPass:
    """A function of arrays, with the tensor that each parameter is."""

    code: Callable[..., Any]
    parameters: Mapping[str, str]

    def part(self, name: str, place: int, count: int) -> Callable[..., Any]:
        """Return a function that computes one of the gradients."""

        def part(**arrays: Any) -> Any:
            return _array(_pick(self(arrays), name, place, count))

        return _named(part, self.code, self.parameters.values())

    def __call__(self, arrays: Arrays) -> Any:
        """Call the function, with torch's tensors where it does not take NumPy's arrays."""
        given = {p: arrays[tensor] for p, tensor in self.parameters.items()}
        try:
            return self.code(**given)
        except (TypeError, AttributeError):
            torch = sys.modules.get("torch")
            if torch is None:
                raise
            return self.code(**{p: torch.as_tensor(x) for p, x in given.items()})


def _pick(result: Any, name: str, place: int, count: int) -> Any:
    """Return one of the gradients that a call returned."""
    if isinstance(result, Mapping):
        keys = {alias.format(x=name) for alias in ALIASES} | {name}
        found = [value for key, value in result.items() if key in keys]
        if not found:
            own = ", ".join(map(str, result))
            raise EingradError(f"it returned no gradient by {name}, but {own}", operand=name)
        return found[0]
    if isinstance(result, tuple | list):
        if len(result) != count:
            raise EingradError(f"it returned {len(result)} results, not {count}")
        return result[place]
    return result


def _array(value: Any) -> Any:
    """Return a result as NumPy's array."""
    return value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)


def _named(fn: Callable[..., Any], code: Any, tensors: Iterable[str]) -> Callable[..., Any]:
    """Give a function the name and the text of the code, and the parameters of its calls."""
    fn.__name__ = _title(code)
    fn.__wrapped__ = code  # type: ignore[attr-defined]
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, kind) for name in dict.fromkeys(tensors)]
    fn.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return fn


def _title(code: Any) -> str:
    return str(getattr(code, "__name__", "the function"))


def _bar(tensor: str) -> str:
    return f"{tensor}bar"


def _with_upstream(system: System, upstream: Mapping[str, str]) -> tuple[System, str]:
    """Return a model with a scalar whose gradients are the pull-backs, and the scalar's name."""
    names = {tensor: _bar(tensor) for tensor in upstream.values()}
    scalar = next(n for n in ("L", "s", "loss", "scalar") if n not in system.labels)
    return with_cotangents(system, scalar, names)[0], scalar


# --- functions with a rule of their own --------------------------------------------------------


class _Rule:
    """A function with a backward pass of its own."""

    def __init__(self, code: Any, forward: Callable[..., Any], skipped: int) -> None:
        self.code, self.title = code, _title(code)
        parameters = list(inspect.signature(forward).parameters.values())[skipped:]
        self.parameters = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]

    def forward(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the outputs for arguments in order."""
        raise NotImplementedError

    def gradients(
        self, arrays: Sequence[Any], bars: Sequence[Any], moved: Sequence[int]
    ) -> list[Any]:
        """Return the gradients by the arguments at some places."""
        raise NotImplementedError


class _TorchRule(_Rule):
    """A ``torch.autograd.Function``."""

    def __init__(self, code: Any) -> None:
        has_context = "setup_context" in vars(code)
        super().__init__(code, code.forward, 0 if has_context else 1)
        self.torch = sys.modules["torch"]

    def tensors(self, arrays: Sequence[Any], moved: Sequence[int]) -> list[Any]:
        """Return arguments as torch's tensors."""
        found = [self.torch.as_tensor(x) for x in arrays]
        return [x.requires_grad_() if k in moved else x for k, x in enumerate(found)]

    def forward(self, arrays: Sequence[Any]) -> list[Any]:
        return _outputs(self.code.apply(*self.tensors(arrays, ())))

    def gradients(
        self, arrays: Sequence[Any], bars: Sequence[Any], moved: Sequence[int]
    ) -> list[Any]:
        given = self.tensors(arrays, moved)
        outputs = _outputs(self.code.apply(*given))
        bars = [self.torch.as_tensor(bar) for bar in bars]
        wanted = [given[k] for k in moved]
        found = self.torch.autograd.grad(outputs, wanted, bars, allow_unused=True)
        return [
            self.torch.zeros_like(x) if g is None else g for g, x in zip(found, wanted, strict=True)
        ]


class _JaxRule(_Rule):
    """A function with a ``custom_vjp``, of JAX or of eingrad."""

    def __init__(self, code: Any) -> None:
        super().__init__(code, getattr(code, "fun", getattr(code, "__wrapped__", code)), 0)
        module = type(code).__module__.partition(".")[0]
        self.library = sys.modules["jax" if module == "jax" else "eingrad"]
        if module == "jax":
            self.library.config.update("jax_enable_x64", True)

    def forward(self, arrays: Sequence[Any]) -> list[Any]:
        return _outputs(self.code(*arrays))

    def gradients(
        self, arrays: Sequence[Any], bars: Sequence[Any], moved: Sequence[int]
    ) -> list[Any]:
        out, pull = self.library.vjp(self.code, *arrays)
        several = isinstance(out, tuple | list)
        given = [np.asarray(bar, dtype=np.asarray(o).dtype)
                 for bar, o in zip(bars, _outputs(out), strict=True)]  # fmt: skip
        found = pull(tuple(given) if several else given[0])
        return [found[k] for k in moved]


def _outputs(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple | list) else [out]


def _check_rule(
    system: System, rule: _Rule, of: str | None, wrt: Sequence[str] | None
) -> list[Verdict]:
    """Judge a forward pass, and each gradient of the backward pass."""
    asked = []
    for p in rule.parameters:
        tensor = _tensor(system, p)
        if tensor is None:
            raise EingradError(
                f"the model has no tensor {p!r}, which {rule.title} asks for",
                operand=p,
                hint=f"its parameters are the model's tensors: {', '.join(system.labels)}",
            )
        asked.append(tensor)
    outputs = [of] if of is not None else _computed(system, rule, asked)
    derived = Derived(system)
    verdicts = []
    for k, name in enumerate(outputs):
        forward = _named(_forward(rule, asked, k), rule.code, asked)
        verdicts.append(check_function(derived, forward, name, None))
    if not all(verdicts):
        return verdicts
    whole, scalar = _with_upstream(system, dict(zip(outputs, outputs, strict=True)))
    integers = {n for n, var in system.inputs.items() if var.integer}
    moved = [n for n in asked if n not in integers and (wrt is None or n in wrt)]
    derived = Derived(whole)
    for name in moved:
        fn = _named(_backward(rule, asked, outputs, name), rule.code,
                    [*asked, *map(_bar, outputs)])  # fmt: skip
        verdicts.append(check_function(derived, fn, scalar, name))
    return verdicts


def _computed(system: System, rule: _Rule, asked: Sequence[str]) -> list[str]:
    """Return which tensors of the model a forward pass computes; the last one, if none."""
    derived = Derived(system)
    found: list[str] = []
    for k in range(len(asked) + 1):
        names = [n for n in reversed(list(system.definitions)) if n not in found]
        fn = _named(_forward(rule, asked, k), rule.code, asked)
        try:
            own = next((n for n in names if check_function(derived, fn, n, None)), None)
        except FunctionFailedError:
            own = None
        if own is None:
            break
        found.append(own)
    return found or [_last(system)]


def _forward(rule: _Rule, asked: Sequence[str], place: int) -> Callable[..., Any]:
    def forward(**arrays: Any) -> Any:
        return _array(rule.forward([arrays[name] for name in asked])[place])

    return forward


def _backward(
    rule: _Rule, asked: Sequence[str], outputs: Sequence[str], name: str
) -> Callable[..., Any]:
    def backward(**arrays: Any) -> Any:
        given = [arrays[tensor] for tensor in asked]
        bars = [arrays[_bar(tensor)] for tensor in outputs]
        return _array(rule.gradients(given, bars, [asked.index(name)])[0])

    return backward
