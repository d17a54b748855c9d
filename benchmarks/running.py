"""Values and gradients of layers as they are used, beside the same formulas in PyTorch.

    python benchmarks/running.py [--models attention glu] [--rounds 7] [--threads 1]

Each model is written with names for its parts and in one line where it can be. "torch" is autograd
over the same formulas, "fused" the operation that PyTorch has for it. Single precision, medians of
calls by turns; each contender has a process of its own, with as many threads as the others.
"largest" is the largest array that is computed beside the results, in entries, and the largest of
the forward pass and of the results; "FLOPs" counts element-wise work as well. OPENBLAS_CORETYPE and
the like, which some machines set, are unset in the workers and printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """A model in notation, the shapes of its inputs, and the same in PyTorch."""

    text: str
    shapes: Mapping[str, tuple[int, ...]]
    torch: str
    fused: str = ""
    wrt: tuple[str, ...] = ()
    integers: Mapping[str, int] = field(default_factory=dict)
    positive: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs by which gradients are taken."""
        return self.wrt or tuple(x for x in self.shapes if x not in (*self.integers, "G"))


def attention(b: int, h: int, t: int, k: int) -> dict[str, Problem]:
    """Scaled dot-product attention."""
    shapes = dict.fromkeys(["Q", "K", "V", "G"], (b, h, t, k))
    plain = """
S = torch.einsum("bhtk,bhsk->bhts", Q, K) / k ** 0.5
L = (G * torch.einsum("bhts,bhsk->bhtk", torch.softmax(S, -1), V)).sum()""".replace("/ k", f"/ {k}")
    fused = "L = (G * F.scaled_dot_product_attention(Q, K, V)).sum()"
    named = """
S_bhts = Q_bhtk K_bhsk / sqrt(size(k))
P_bhts = softmax_s(S_bhts)
O_bhtk = P_bhts V_bhsk
L = G_bhtk O_bhtk"""
    line = "L = sum_bh(G_bhtd softmax_s(Q_bhtk K_bhsk / sqrt(size(k))) V_bhsd)"
    return {
        "attention": Problem(named, shapes, plain, fused),
        "attention, a line": Problem(line, shapes, plain, fused),
    }


def units(n: int, d: int, f: int) -> dict[str, Problem]:
    """Gated linear units, also by their input."""
    weights = {"A": (d, f), "B": (d, f)}
    swiglu = {"R": (n, d), **weights, "W": (f, d), "G": (n, d)}
    glu = {"R": (n, d), **weights, "a": (f,), "b": (f,), "G": (n, f)}
    return {
        "SwiGLU": Problem(
            """
A1_nf = R_nd A_df
H_nf = silu(A1_nf) (R_nd B_df)
Y_nd = H_nf W_fd
L = G_nd Y_nd""",
            swiglu, "L = (G * ((F.silu(R @ A) * (R @ B)) @ W)).sum()",
        ),
        "SwiGLU, a line": Problem(
            "L = G_ng silu(R_nd A_df) (R_ne B_ef) W_fg", swiglu,
            "L = (G * ((F.silu(R @ A) * (R @ B)) @ W)).sum()",
        ),
        "GLU": Problem(
            """
Z_nf = R_nd B_df + b_f
H_nf = sigmoid(R_nd A_df + a_f) Z_nf
L = G_nf H_nf""",
            glu, "L = (G * torch.sigmoid(R @ A + a) * (R @ B + b)).sum()",
        ),
        "GLU, a line": Problem(
            "L = G_nf sigmoid(R_nd A_df + a_f) (R_ne B_ef + b_f)", glu,
            "L = (G * torch.sigmoid(R @ A + a) * (R @ B + b)).sum()",
        ),
    }  # fmt: skip


def norms(n: int, d: int) -> dict[str, Problem]:
    """Layer norm and root-mean-square norm."""
    layer = {"x": (n, d), "g": (d,), "c": (d,), "G": (n, d)}
    rms = {"x": (n, d), "g": (d,), "G": (n, d)}
    layer_torch = """
y = x - x.mean(-1, keepdim=True)
L = (G * (g * y / torch.sqrt((y * y).mean(-1, keepdim=True) + 1e-5) + c)).sum()"""
    layer_fused = f"L = (G * F.layer_norm(x, ({d},), g, c, 1e-5)).sum()"
    rms_torch = "L = (G * g * x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5)).sum()"
    rms_fused = f"L = (G * F.rms_norm(x, ({d},), g, 1e-5)).sum()"
    return {
        "layer norm": Problem(
            """
mu_n = mean_d(x_nd)
v_n = mean_d((x_nd - mu_n)^2)
y_nd = g_d (x_nd - mu_n) / sqrt(v_n + 1e-5) + c_d
L = G_nd y_nd""",
            layer, layer_torch, layer_fused,
        ),
        "layer norm, a line": Problem(
            "L = G_nd (g_d (x_nd - mean_d(x_nd)) / sqrt(var_d(x_nd) + 1e-5) + c_d)",
            layer, layer_torch, layer_fused,
        ),
        "RMS norm": Problem(
            """
r_n = sqrt(mean_d(x_nd^2) + 1e-5)
y_nd = g_d x_nd / r_n
L = G_nd y_nd""",
            rms, rms_torch, rms_fused,
        ),
        "RMS norm, a line": Problem(
            "L = G_nd g_d x_nd / sqrt(mean_d(x_nd^2) + 1e-5)", rms, rms_torch, rms_fused
        ),
    }  # fmt: skip


def losses(b: int, o: int, n: int, k: int) -> dict[str, Problem]:
    """Cross-entropy by class numbers, and Cox's partial likelihood."""
    entropy = {"z": (b, o), "y": (b,)}
    cox = {"X": (n, k), "w": (k,), "d": (n,), "R": (n, n)}
    entropy_torch = f"L = -torch.log(torch.softmax(z, -1))[torch.arange({b}), y].mean()"
    cox_torch = "L = -(d * (X @ w - torch.log(R @ torch.exp(X @ w)))).sum()"
    return {
        "cross-entropy": Problem(
            "p_bo = softmax_o(z_bo)\nL = -mean_b(log(p[b,y[b]]))", entropy, entropy_torch,
            "L = F.cross_entropy(z, y)", integers={"y": o},
        ),
        "cross-entropy, a line": Problem(
            "L = -mean_b(z[b,y[b]] - logsumexp_o(z_bo))", entropy,
            f"L = -(z[torch.arange({b}), y] - torch.logsumexp(z, -1)).mean()",
            "L = F.cross_entropy(z, y)", integers={"y": o},
        ),
        "Cox": Problem(
            "e_i = exp(X_ik w_k)\nL = -d_i (X_ik w_k - log(R_ij e_j))", cox, cox_torch,
            wrt=("w",), positive=("R", "d"),
        ),
        "Cox, a line": Problem(
            "L = -d_i (X_ik w_k - log(R_ij exp(X_jk w_k)))", cox, cox_torch, wrt=("w",),
            positive=("R", "d"),
        ),
    }  # fmt: skip


def block(b: int, t: int, d: int, h: int, k: int, f: int, v: int) -> dict[str, Problem]:
    """A transformer block: RMS norms, masked attention, SwiGLU, logits, cross-entropy."""
    text = """
r1_bt = sqrt(mean_d(X_btd^2) + 1e-6)
N1_btd = X_btd g1_d / r1_bt
Q_bhtk = N1_btd WQ_dhk
K_bhtk = N1_btd WK_dhk
U_bhtk = N1_btd WV_dhk
S_bhts = Q_bhtk K_bhsk / sqrt(size(k)) + M_ts
P_bhts = softmax_s(S_bhts)
O_bhtk = P_bhts U_bhsk
Z_btd = X_btd + O_bhtk WO_hkd
r2_bt = sqrt(mean_d(Z_btd^2) + 1e-6)
N2_btd = Z_btd g2_d / r2_bt
H_btf = silu(N2_btd WG_df) (N2_bte WU_ef)
Y_btd = Z_btd + H_btf WD_fd
r3_bt = sqrt(mean_d(Y_btd^2) + 1e-6)
N3_btd = Y_btd g3_d / r3_bt
C_btv = N3_btd E_vd
J_btv = softmax_v(C_btv)
L = -mean_bt(log(J[b,t,y[b,t]]))"""
    plain = f"""
def norm(x, g):
    return x * g / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6)
N = norm(X, g1)
Q, K, U = (torch.einsum("btd,dhk->bhtk", N, W) for W in (WQ, WK, WV))
P = torch.softmax(torch.einsum("bhtk,bhsk->bhts", Q, K) / {k} ** 0.5 + M, -1)
Z = X + torch.einsum("bhtk,hkd->btd", torch.einsum("bhts,bhsk->bhtk", P, U), WO)
N = norm(Z, g2)
Y = Z + (F.silu(N @ WG) * (N @ WU)) @ WD
J = torch.softmax(norm(Y, g3) @ E.T, -1)
L = -torch.log(torch.gather(J, 2, y[..., None])).mean()"""
    shapes: dict[str, tuple[int, ...]] = {
        "X": (b, t, d), "M": (t, t), "g1": (d,), "g2": (d,), "g3": (d,), "WQ": (d, h, k),
        "WK": (d, h, k), "WV": (d, h, k), "WO": (h, k, d), "WG": (d, f), "WU": (d, f),
        "WD": (f, d), "E": (v, d), "y": (b, t),
    }  # fmt: skip
    wrt = tuple(x for x in shapes if x not in "My")
    return {"block": Problem(text, shapes, plain, wrt=wrt, integers={"y": v})}


def problems(small: bool = False) -> dict[str, Problem]:
    """Return all of them; the small ones are for tests."""
    if small:
        return {
            **attention(2, 2, 5, 4), **units(6, 4, 8), **norms(5, 8), **losses(6, 7, 9, 3),
            **block(2, 5, 4, 2, 3, 8, 7),
        }  # fmt: skip
    return {
        **attention(2, 8, 256, 64), **units(256, 256, 1024), **norms(2048, 1024),
        **losses(512, 10000, 200, 20), **block(4, 128, 256, 8, 32, 1024, 1000),
    }  # fmt: skip


def arrays(problem: Problem, dtype: str = "float32") -> Arrays:
    """Return random inputs; a mask M is causal."""
    rng = np.random.default_rng(0)
    result: Arrays = {}
    for name, shape in problem.shapes.items():
        if name in problem.integers:
            result[name] = rng.integers(0, problem.integers[name], size=shape)
        elif name == "M":
            result[name] = np.triu(np.full(shape, -1e9), 1).astype(dtype)
        else:
            x = 0.3 * rng.normal(size=shape)
            result[name] = (np.abs(x) if name in problem.positive else x).astype(dtype)
    return result


def eingrad_call(problem: Problem, dtype: str = "float32") -> Callable[[], Arrays]:
    """Return a call that computes value and gradients, its plan beside it."""
    import eingrad as eg  # noqa: PLC0415

    values = arrays(problem, dtype)
    compiled = eg.parse(problem.text).grad("L", list(problem.parameters)).compile()
    call = lambda: compiled(**values)  # noqa: E731
    call()
    call.plan = compiled.plan  # type: ignore[attr-defined]
    return call


def torch_call(problem: Problem, fused: bool, dtype: str = "float32") -> Callable[[], Arrays]:
    """Return the same in PyTorch."""
    import torch  # noqa: PLC0415
    import torch.nn.functional  # noqa: PLC0415

    tensors = {name: torch.from_numpy(x) for name, x in arrays(problem, dtype).items()}
    leaves = [tensors[name].requires_grad_() for name in problem.parameters]
    code = compile(problem.fused if fused else problem.torch, "<formulas>", "exec")

    def call() -> Arrays:
        scope = {"torch": torch, "F": torch.nn.functional, **tensors}
        exec(code, scope)
        gradients = torch.autograd.grad(scope["L"], leaves)
        names = (f"dL/d{name}" for name in problem.parameters)
        return {"L": scope["L"].detach(), **dict(zip(names, gradients, strict=True))}

    return call


def contender(name: str, problem: Problem, dtype: str = "float32") -> Callable[[], Arrays]:
    """Return the call of a contender."""
    if name == "eingrad":
        return eingrad_call(problem, dtype)
    return torch_call(problem, name == "fused", dtype)


def limits(problem: Problem) -> tuple[int, int, int]:
    """Return FLOPs, the largest array computed, and the largest of forward's and the results."""
    import eingrad as eg  # noqa: PLC0415

    values = arrays(problem)
    forward = eg.parse(problem.text).grad("L", []).compile()
    forward(**values)
    plan = eingrad_call(problem).plan  # type: ignore[attr-defined]
    results = max(values[name].size for name in problem.parameters)
    return plan.flops, plan.largest_intermediate, max(forward.plan.largest_intermediate, results)


# --- processes ---------------------------------------------------------------------------------


def serve(name: str, threads: int) -> None:
    """Answer each line, a model's name, with the times of a few calls in milliseconds."""
    if name != "eingrad":
        import torch  # noqa: PLC0415

        torch.set_num_threads(threads)
    calls: dict[str, Callable[[], Arrays]] = {}
    everything = problems()
    for line in sys.stdin:
        model = line.strip()
        if model not in calls:
            calls.clear()
            calls[model] = contender(name, everything[model])
            calls[model]()
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            calls[model]()
            times.append(1e3 * (time.perf_counter() - begin))
        print(json.dumps(times), flush=True)


def start(name: str, threads: int) -> subprocess.Popen[str]:
    """Start a contender."""
    environment = {x: v for x, v in os.environ.items() if not x.startswith("OPENBLAS_")}
    environment |= {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen(
        [sys.executable, __file__, "--serve", name, "--threads", str(threads)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def measure(models: list[str], rounds: int, threads: int) -> None:
    """Print a row for each model."""
    everything = problems()
    workers = {name: start(name, threads) for name in ("eingrad", "torch", "fused")}
    for model in models:
        problem, times = everything[model], {name: [] for name in workers}  # type: ignore[var-annotated]
        for _ in range(rounds):
            for name, worker in workers.items():
                if name != "fused" or problem.fused:
                    worker.stdin.write(model + "\n")  # type: ignore[union-attr]
                    worker.stdin.flush()  # type: ignore[union-attr]
                    times[name] += json.loads(worker.stdout.readline())  # type: ignore[union-attr]
        flops, largest, allowed = limits(problem)
        median = {name: float(np.median(ts)) for name, ts in times.items() if ts}
        row = f"{model:<22}{flops:>15,}{largest:>12,}{allowed:>12,}"
        row += "".join(f"{median[x]:>10.2f}" if x in median else " " * 10 for x in workers)
        row += f"{median['eingrad'] / median['torch']:>8.2f}"
        row += f"{min(times['eingrad']) / min(times['torch']):>8.2f}"
        print(row + (f"{median['eingrad'] / median['fused']:>8.2f}" if problem.fused else ""))
        sys.stdout.flush()
    for worker in workers.values():
        worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(problems()))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--serve", choices=("eingrad", "torch", "fused"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.threads)
        return
    known = {x: v for x, v in os.environ.items() if x.startswith("OPENBLAS_")}
    print(f"unset in the workers: {known or 'nothing was set'}; threads {options.threads}")
    print(f"{'model':<22}{'FLOPs':>15}{'largest':>12}{'allowed':>12}{'eingrad':>10}{'torch':>10}"
          f"{'fused':>10}{'median':>8}{'min':>8}{'fused':>8}")  # fmt: skip
    measure(options.models, options.rounds, options.threads)


if __name__ == "__main__":
    main()
