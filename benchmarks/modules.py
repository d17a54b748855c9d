"""Generated layers beside the same formulas written by hand, in PyTorch and in JAX.

    python benchmarks/modules.py [--layers linear attention] [--ways eager compile jit]

A row is a layer's value with the gradients by all of its inputs, for a cotangent. "eager" is
PyTorch with autograd, "compile" the same under ``torch.compile(fullgraph=True)``, "jit" ``jax.vjp``
under ``jax.jit``. The module is what `Derivatives.source` writes; by hand stands what a person
writes, with the derivatives that the framework finds. Single precision, one thread; both run by
turns in one process, and the minimum of all calls is taken: what else the machine does is in
neither.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

WAYS = ("eager", "compile", "jit")


@dataclass(frozen=True)
class Layer:
    """A layer in notation, what it is differentiated by, and the same by hand for any framework."""

    text: str
    shapes: Mapping[str, tuple[int, ...]]
    by_hand: str
    constant: str = ""
    integers: Mapping[str, int] = field(default_factory=dict)

    @property
    def wrt(self) -> list[str]:
        """The inputs by which it is differentiated."""
        return [x for x in self.shapes if x not in self.integers and x not in self.constant.split()]


N, D, F = 256, 256, 1024
B, H, T, K = 2, 8, 256, 64
ATTENTION = dict.fromkeys("QKV", (B, H, T, K))
GATES = {f"{w}{g}": (256, 256) for w in "WU" for g in "ifoa"} | {f"d{g}": (256,) for g in "ifoa"}
LAYERS = {
    "linear": Layer("Y_bo = X_bi W_io + c_o", {"X": (512, 512), "W": (512, 512), "c": (512,)},
                    "X @ W + c"),
    "feed forward": Layer("Y_bo = gelu(X_bi W_ih + b_h) V_ho + c_o",
                          {"X": (N, D), "W": (D, F), "b": (F,), "V": (F, D), "c": (D,)},
                          "gelu(X @ W + b) @ V + c"),
    "batched linear": Layer("Y_bto = tanh(X_bti W_io)", {"X": (8, 128, 256), "W": (256, 256)},
                            "tanh(X @ W)"),
    "bilinear": Layer("Y_bo = X_bi W_ijo Z_bj", {"X": (128, 64), "W": (64, 64, 64), "Z": (128, 64)},
                      'einsum("bi,ijo,bj->bo", X, W, Z)'),
    "conv": Layer("Y_btf = X[b, p[t,k], c] W_kcf + b_f",
                  {"X": (8, 130, 64), "p": (128, 3), "W": (3, 64, 64), "b": (64,)},
                  'einsum("btkc,kcf->btf", X[:, p], W) + b', integers={"p": 130}),
    "conv2d": Layer("Y[b,h,w,o] = X[b, r[h,k], s[w,l], c] W[k,l,c,o]",
                    {"X": (4, 18, 18, 16), "r": (16, 3), "s": (16, 3), "W": (3, 3, 16, 32)},
                    'einsum("bhkwlc,klco->bhwo", X[:, r[:, :, None, None], s[None, None]], W)',
                    integers={"r": 18, "s": 18}),
    "conv, offsets": Layer("Y[b,f,t] = X[b,c,t+k] W[f,c,k] + b_f",
                           {"X": (8, 64, 130), "W": (64, 64, 3), "b": (64,)},
                           "conv(X, W) + b[:, None]"),
    "conv2d, offsets": Layer("Y[b,o,h,w] = X[b,c,h+k,w+l] W[o,c,k,l]",
                             {"X": (4, 16, 18, 18), "W": (32, 16, 3, 3)}, "conv(X, W)"),
    "conv2d, strided": Layer("assume size(k) = 3\nassume size(l) = 3\n"
                             "Y[b,o,h,w] = X[b,c,2 h+k,2 w+l] W[o,c,k,l]",
                             {"X": (8, 32, 33, 33), "W": (64, 32, 3, 3)}, "conv(X, W, 2)"),
    "embedding": Layer("Y_btf = E[w[b,t], d] W_df", {"E": (2000, 128), "w": (8, 64),
                       "W": (128, 128)}, "E[w] @ W", integers={"w": 2000}),
    "RMS norm": Layer("v_b = mean_i(X_bi^2)\nY_bi = g_i X_bi / sqrt(v_b + 0.00001)",
                      {"X": (1024, 1024), "g": (1024,)}, "g * X / sqrt(mean(X * X) + 1e-5)"),
    "layer norm": Layer("m_b = mean_i(X_bi)\nv_b = mean_i((X_bi - m_b)^2)\n"
                        "Y_bi = g_i (X_bi - m_b) / sqrt(v_b + 0.00001) + c_i",
                        {"X": (1024, 1024), "g": (1024,), "c": (1024,)},
                        "g * (X - mean(X)) / sqrt(mean((X - mean(X)) ** 2) + 1e-5) + c"),
    "SwiGLU": Layer("A_bf = X_bi W_if\nU_bf = X_bi V_if\nY_bo = silu(A_bf) U_bf P_fo",
                    {"X": (N, D), "W": (D, F), "V": (D, F), "P": (F, D)},
                    "(silu(X @ W) * (X @ V)) @ P"),
    "GLU": Layer("Y_bf = sigmoid(X_bi W_if + a_f) (X_bi V_if + b_f)",
                 {"X": (N, D), "W": (D, F), "V": (D, F), "a": (F,), "b": (F,)},
                 "sigmoid(X @ W + a) * (X @ V + b)"),
    "attention": Layer("S_bhqk = Q_bhqd K_bhkd / sqrt(size(d)) + M_qk\nP_bhqk = softmax_k(S_bhqk)\n"
                       "Y_bhqd = P_bhqk V_bhkd", {**ATTENTION, "M": (T, T)},
                       'einsum("bhqk,bhkd->bhqd", softmax('
                       f'einsum("bhqd,bhkd->bhqk", Q, K) / {K} ** 0.5 + M), V)', constant="M"),
    "causal attention": Layer("S_bhqk = where(k <= q, Q_bhqd K_bhkd / sqrt(size(d)), -1e9)\n"
                              "P_bhqk = softmax_k(S_bhqk)\nY_bhqd = P_bhqk V_bhkd", ATTENTION,
                              'einsum("bhqk,bhkd->bhqd", softmax(where('
                              f"tril(ones(({T}, {T}))) > 0, "
                              f'einsum("bhqd,bhkd->bhqk", Q, K) / {K} ** 0.5, -1e9)), V)'),
    "self-attention": Layer("Q_bhtd = X_bte A_ehd\nK_bhtd = X_bte B_ehd\nV_bhtd = X_bte C_ehd\n"
                            "P_bhqk = softmax_k(Q_bhqd K_bhkd / sqrt(size(d)))\n"
                            "Y_bte = P_bhtk V_bhkd O_hde",
                            {"X": (4, 128, 256), **dict.fromkeys("ABC", (256, 8, 32)),
                             "O": (8, 32, 256)},
                            'einsum("bhtd,hde->bte", einsum("bhqk,bhkd->bhqd", softmax(einsum('
                            '"bhqd,bhkd->bhqk", einsum("bte,ehd->bhtd", X, A), '
                            'einsum("bte,ehd->bhtd", X, B)) / 32 ** 0.5), '
                            'einsum("bte,ehd->bhtd", X, C)), O)'),
    "LSTM cell": Layer("i_bk = sigmoid(X_bi Wi_ik + h_bj Ui_jk + di_k)\n"
                       "f_bk = sigmoid(X_bi Wf_ik + h_bj Uf_jk + df_k)\n"
                       "o_bk = sigmoid(X_bi Wo_ik + h_bj Uo_jk + do_k)\n"
                       "a_bk = tanh(X_bi Wa_ik + h_bj Ua_jk + da_k)\n"
                       "Y_bk = o_bk tanh(f_bk c_bk + i_bk a_bk)",
                       {**dict.fromkeys("Xhc", (128, 256)), **GATES},
                       "sigmoid(X @ Wo + h @ Uo + do) * tanh(sigmoid(X @ Wf + h @ Uf + df) * c + "
                       "sigmoid(X @ Wi + h @ Ui + di) * tanh(X @ Wa + h @ Ua + da))"),
    "GRU cell": Layer("z_bk = sigmoid(X_bi Wi_ik + h_bj Ui_jk)\n"
                      "r_bk = sigmoid(X_bi Wf_ik + h_bj Uf_jk)\n"
                      "n_bk = tanh(X_bi Wo_ik + r_bk sum_j(h_bj Uo_jk))\n"
                      "Y_bk = (1 - z_bk) n_bk + z_bk h_bk",
                      {**dict.fromkeys("Xh", (128, 256)),
                       **{f"{w}{g}": (256, 256) for w in "WU" for g in "ifo"}},
                      "(1 - (z := sigmoid(X @ Wi + h @ Ui))) * "
                      "tanh(X @ Wo + sigmoid(X @ Wf + h @ Uf) * (h @ Uo)) + z * h"),
    "rotary": Layer("Y[b,t,h,p,i] = X[b,t,h,p,j] R[t,p,i,j]",
                    {"X": (4, 128, 8, 32, 2), "R": (128, 32, 2, 2)},
                    'einsum("bthpj,tpij->bthpi", X, R)', constant="R"),
    "cosine": Layer("n_a = norm_d(U_ad)\nm_b = norm_d(V_bd)\nY_ab = U_ad V_bd / (n_a m_b)",
                    {"U": (512, 256), "V": (512, 256)},
                    'einsum("ad,bd->ab", U, V) / (norm(U) * norm(V)[..., 0])'),
    "mixture": Layer("p_be = softmax_e(X_bi G_ie)\nY_bo = p_be X_bi W_eio",
                     {"X": (256, 128), "G": (128, 8), "W": (8, 128, 128)},
                     'einsum("be,bi,eio->bo", softmax(X @ G), X, W)'),
    "kernel": Layer("Y_bk = exp(-g_k sum_i((X_bi - C_ki)^2))",
                    {"X": (256, 32), "C": (128, 32), "g": (128,)},
                    "exp(-g * ((X[:, None] - C[None]) ** 2).sum(-1))"),
    "cross-entropy": Layer("p_bo = softmax_o(z_bo)\nY_b = -log(p[b, y[b]])",
                           {"z": (512, 4096), "y": (512,)},
                           "-log(softmax(z)[arange(512), y])", integers={"y": 4096}),
    "cross-entropy, a line": Layer("Y_b = logsumexp_o(z_bo) - z[b, y[b]]",
                                   {"z": (512, 4096), "y": (512,)},
                                   "logsumexp(z) - z[arange(512), y]", integers={"y": 4096}),
}  # fmt: skip


def arrays(layer: Layer) -> dict[str, np.ndarray[Any, Any]]:
    """Return random inputs; what they are scaled by keeps values near 1."""
    rng = np.random.default_rng(0)
    result: dict[str, Any] = {}
    for name, shape in layer.shapes.items():
        if name in layer.integers:
            result[name] = rng.integers(0, layer.integers[name], size=shape)
        else:
            scale = shape[0] ** -0.5 if len(shape) > 1 and name not in "XUQKV" else 0.3
            result[name] = (scale * rng.normal(size=shape)).astype("f")
    return result


SHARED = ("einsum", "tanh", "exp", "log", "sqrt", "where", "tril", "ones", "arange")


def torch_words() -> dict[str, Any]:
    """Return the words of the formulas in PyTorch."""
    import torch  # noqa: PLC0415
    import torch.nn.functional as functional  # noqa: PLC0415

    words = {x: getattr(torch, x) for x in SHARED}
    return words | {
        "softmax": lambda x: torch.softmax(x, -1), "gelu": functional.gelu,
        "sigmoid": torch.sigmoid, "silu": functional.silu,
        "logsumexp": lambda x: torch.logsumexp(x, -1),
        "mean": lambda x: x.mean(-1, keepdim=True),
        "norm": lambda x: torch.linalg.vector_norm(x, dim=-1, keepdim=True),
        "conv": lambda x, w, stride=1: (functional.conv1d, functional.conv2d)[x.ndim - 3](
            x, w, None, stride),
    }  # fmt: skip


def jax_words() -> dict[str, Any]:
    """Return the words of the formulas in JAX."""
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    words = {x: getattr(jnp, x) for x in SHARED}
    return words | {
        "softmax": jax.nn.softmax, "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "sigmoid": jax.nn.sigmoid, "silu": jax.nn.silu,
        "logsumexp": lambda x: jax.nn.logsumexp(x, -1),
        "mean": lambda x: x.mean(-1, keepdims=True),
        "norm": lambda x: jnp.linalg.norm(x, axis=-1, keepdims=True),
        "conv": lambda x, w, stride=1: jax.lax.conv_general_dilated(
            x, w, (stride,) * (x.ndim - 2), "VALID"),
    }  # fmt: skip


def generated(layer: Layer, target: str) -> Callable[..., Any]:
    """Return ``value`` of the module that is written for a layer."""
    import eingrad as eg  # noqa: PLC0415

    source = eg.parse(layer.text).vjp("Y", layer.wrt).source(target)
    folder = Path(tempfile.mkdtemp())
    (folder / "generated_layer.py").write_text(source)
    sys.path.insert(0, str(folder))
    module = importlib.import_module("generated_layer")
    order, value = list(module.AXES), module.value
    return lambda **inputs: value(*[inputs[name] for name in order])


def by_hand(layer: Layer, words: dict[str, Any]) -> Callable[..., Any]:
    """Return a layer as a person writes it."""
    scope = dict(words)
    exec(f"def layer({', '.join(layer.shapes)}):\n    return {layer.by_hand}\n", scope)
    function: Callable[..., Any] = scope["layer"]
    return function


Call = Callable[[], dict[str, Any]]


def torch_calls(layer: Layer, compiled: bool) -> list[Call]:
    """Return calls of the module and of the layer by hand."""
    import torch  # noqa: PLC0415

    tensors = {name: torch.from_numpy(x) for name, x in arrays(layer).items()}
    leaves = [tensors[name].requires_grad_() for name in layer.wrt]

    def call_of(function: Callable[..., Any]) -> Call:
        run = torch.compile(function, fullgraph=True) if compiled else function
        bar = torch.ones_like(function(**tensors).detach())

        def call() -> dict[str, Any]:
            value = run(**tensors)
            gradients = torch.autograd.grad(value, leaves, bar)
            return {"Y": value.detach(), **dict(zip(layer.wrt, gradients, strict=True))}

        return call

    return [call_of(generated(layer, "torch")), call_of(by_hand(layer, torch_words()))]


def jax_calls(layer: Layer) -> list[Call]:
    """Return calls of the module and of the layer by hand."""
    import jax  # noqa: PLC0415

    inputs = {name: jax.numpy.asarray(x) for name, x in arrays(layer).items()}
    fixed = {name: x for name, x in inputs.items() if name not in layer.wrt}
    moved = {name: inputs[name] for name in layer.wrt}

    def call_of(function: Callable[..., Any]) -> Call:
        @jax.jit
        def run(moved: Any, fixed: Any, bar: Any) -> dict[str, Any]:
            value, pull = jax.vjp(lambda moved: function(**moved, **fixed), moved)
            return {"Y": value, **pull(bar)[0]}

        bar = jax.numpy.ones_like(jax.jit(lambda: function(**inputs))())
        return lambda: jax.block_until_ready(run(moved, fixed, bar))  # type: ignore[no-any-return]

    return [call_of(generated(layer, "jax")), call_of(by_hand(layer, jax_words()))]


def measure(name: str, way: str, rounds: int) -> dict[str, float]:
    """Return the minima in milliseconds, and how far results differ, relative to their size."""
    layer = LAYERS[name]
    calls = jax_calls(layer) if way == "jit" else torch_calls(layer, way == "compile")
    own, hand = ({k: np.asarray(x) for k, x in call().items()} for call in calls)
    error = max(
        float(np.abs(own[k] - x).max() / max(np.abs(x).max(), 1e-9)) for k, x in hand.items()
    )
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        for call, seen in zip(calls, times, strict=True):
            until = time.perf_counter() + 0.1
            while True:
                start = time.perf_counter()
                call()
                seen.append(1e3 * (time.perf_counter() - start))
                if time.perf_counter() > until:
                    break
    return {"module": min(times[0]), "by hand": min(times[1]), "error": error}


def main() -> None:
    """Measure, in a process for each layer and way, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", nargs="*", default=list(LAYERS))
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.layers[0], options.ways[0], options.rounds)))
        return
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    environment = {**os.environ, **threads, "XLA_FLAGS": flags}
    print(
        f"{'layer':<22} {'way':<8} {'module ms':>10} {'by hand ms':>10} {'ratio':>6} {'error':>8}"
    )
    for way in options.ways:
        logs = []
        for name in options.layers:
            command = [sys.executable, __file__, "--one", "--layers", name, "--ways", way]
            command += ["--rounds", str(options.rounds)]
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                print(f"{name:<22} {way:<8} {done.stderr.strip().splitlines()[-1]}")
                continue
            row = json.loads(done.stdout.splitlines()[-1])
            ratio = row["module"] / row["by hand"]
            logs.append(np.log(ratio))
            print(
                f"{name:<22} {way:<8} {row['module']:>10.3f} {row['by hand']:>10.3f} {ratio:>6.2f} "
                f"{row['error']:>8.0e}", flush=True,
            )  # fmt: skip
        print(f"{'geometric mean':<22} {way:<8} {'':>21} {np.exp(np.mean(logs)):>6.2f}", flush=True)


if __name__ == "__main__":
    main()
