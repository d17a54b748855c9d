"""Models whose derivatives are mutated and rewritten, and their right formulas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import eingrad as eg
from eingrad.check.derived import Derived
from eingrad.check.function_claims import target_for
from eingrad.check.question import labels_of
from eingrad.derivation.labels import to_formula
from eingrad.notation.syntax import Assignment
from eingrad.notation.text import to_text

MODELS: dict[str, str] = {
    "mlp": """
        A1_bh = X_bi W1_ih + b1_h
        Z1_bh = sigmoid(A1_bh)
        A2_bo = Z1_bh W2_ho + b2_o
        Z2_bo = softmax_o(A2_bo)
        L = -mean_b(T_bo log(Z2_bo))
        assume sum_o(T_bo) = 1""",
    "generic mlp": """
        function phi
        A1_bh = X_bi W1_ih + b1_h
        Z1_bh = phi(A1_bh)
        A2_bo = Z1_bh W2_ho + b2_o
        L = sum_bo((A2_bo - T_bo)^2) / (2 size(b))""",
    "one example": """
        p_h = W_hi x_i + b_h
        q_h = tanh(p_h)
        r_o = V_oh q_h + c_o
        y_o = softmax_o(r_o)
        L = -t_o log(y_o)
        assume sum_o(t_o) = 1""",
    "squares": """
        z_i = W_ij x_j
        y_i = sigmoid(z_i)
        e_i = t_i - y_i
        L = e_i e_i""",
    "linear regression": """
        p_b = X_bi w_i + c
        r_b = p_b - y_b
        L = mean_b(r_b^2) / 2""",
    "ridge": "L = sum_b((X_bi w_i - y_b)^2) + a w_i w_i",
    "logistic regression": """
        s_b = X_bi w_i
        p_b = sigmoid(s_b)
        L = -mean_b(y_b log(p_b) + (1 - y_b) log(1 - p_b))""",
    "softmax regression": """
        S_bk = X_bi W_ik
        P_bk = softmax_k(S_bk)
        L = -mean_b(T_bk log(P_bk)) + c W_ik W_ik""",
    "quadratic": "L = x_i A_ij x_j + c_i x_i",
    "factorisation": """
        R_ij = Y_ij - U_ik V_jk
        L = R_ij R_ij / 2""",
    "poisson": """
        s_b = X_bi w_i
        m_b = exp(s_b)
        L = sum_b(m_b - y_b s_b)""",
    "gaussian": """
        r_b = (y_b - X_bi w_i) / s
        L = r_b r_b / 2 + size(b) log(s)""",
    "deep": """
        A1_i = W1_ij x_j
        Z1_i = tanh(A1_i)
        A2_i = W2_ij Z1_j
        Z2_i = tanh(A2_i)
        A3_i = W3_ij Z2_j
        L = sum_i((A3_i - t_i)^2)""",
    "attention": """
        Q_td = X_te Q0_ed
        K_sd = X_se K0_ed
        S_ts = Q_td K_sd / sqrt(size(d))
        P_ts = softmax_s(S_ts)
        O_te = P_ts X_se
        L = sum_te((O_te - T_te)^2)""",
    "gate": """
        A_h = U_hi x_i
        B_h = V_hi x_i
        G_h = sigmoid(B_h)
        Z_h = A_h G_h
        L = t_h Z_h + sum_h(log(Z_h^2 + 1))""",
    "autoencoder": """
        H_bk = relu(X_bi W_ik)
        R_bi = H_bk W_ik - X_bi
        L = mean_b(R_bi R_bi)""",
    "recurrent": """
        p_h = U_hi x_i + V_hg s_g
        q_h = tanh(p_h)
        u_h = U_hi y_i + V_hg q_g
        v_h = tanh(u_h)
        L = c_h v_h""",
    "energy": """
        E_b = logsumexp_k(X_bi W_ik)
        L = mean_b(E_b) - mean_b(X_bi v_i)""",
    "cosine": """
        n = sqrt(x_i x_i)
        L = x_i y_i / n""",
}
TENSORS: dict[str, tuple[str, list[str]]] = {
    "softmax": ("y_i = softmax_i(a_i)", ["dy/da"]),
    "sigmoid": ("y_i = sigmoid(a_i)", ["dy/da"]),
    "layer": ("function phi\na_bh = X_bi W_ih\nz_bh = phi(a_bh)", ["da/dW", "da/dX", "dz/da"]),
    "matrix product": ("Y_ij = A_ik B_kj", ["dY/dA", "dY/dB"]),
    "squares": ("L = x_i x_i + x_i A_ij x_j", ["d2L/dx dx"]),
    "logistic": (
        "s_b = X_bi w_i\nL = sum_b(softplus(s_b) - y_b s_b)", ["d2L/dw dw"],
    ),
    "cross-entropy": ("p_i = softmax_i(a_i)\nL = -t_i log(p_i)\nassume sum_i(t_i) = 1",
                      ["d2L/da da"]),
}  # fmt: skip
LONGEST = 140  # a formula of more characters is not what a person writes


@dataclass(frozen=True)
class Formula:
    """A right formula of a model, as a claim."""

    model: str
    text: str
    claim: Assignment

    def __str__(self) -> str:
        return to_text(self.claim)


def text_of(model: str) -> str:
    """Return a model's text without the indentation that it has here."""
    text = MODELS[model] if model in MODELS else TENSORS[model.removeprefix("d ")][0]
    return "\n".join(line.strip() for line in text.strip().splitlines())


@cache
def model_of(text: str) -> eg.Model:
    """Parse a model once; it remembers what was derived for it."""
    return eg.parse(text)


@cache
def right_formulas() -> tuple[Formula, ...]:
    """Return the right formulas: gradients by every tensor, unfolded and step by step."""
    result: dict[str, Formula] = {}

    def add(model: str, text: str, claim: Assignment) -> None:
        if len(to_text(claim)) <= LONGEST:
            result.setdefault(f"{model}: {to_text(claim)}", Formula(model, text, claim))

    for name in MODELS:
        text = text_of(name)
        for line in gradients(text):
            add(name, text, line)
    for name, (_, wanted) in TENSORS.items():
        text = text_of("d " + name)
        model = model_of(text)
        for key in wanted:
            add("d " + name, text, tensor_derivative(model, key))
    return tuple(result.values())


def gradients(text: str) -> list[Assignment]:
    """Return the gradients of L by every tensor, each unfolded and by the chain rule alone."""
    system = model_of(text).system
    derived = Derived(system)
    result = []
    for name in system.labels:
        if name != "L":
            target = target_for(system, "L", [name])
            own = derived.derivative("L", [name])
            labels = labels_of(target)
            step = to_formula(derived.exprs[own], labels, derived.names)
            result += [Assignment(target, x) for x in (derived.readable(own, labels), step)]
    return result


def tensor_derivative(model: eg.Model, key: str) -> Assignment:
    """Return a Jacobian or Hessian by its key, ``dy/da``."""
    above, below = key.split("/")
    wrt = [part[1:] for part in below.split()]
    if above.startswith("d2"):
        return model.hessian(above[2:], wrt[0])[wrt[0]].formula
    return model.jacobian(above[1:], wrt[0])[wrt[0]].formula
