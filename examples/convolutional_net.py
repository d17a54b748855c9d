"""A small convolutional network: derived step by step, judged, trained on pictures of digits.

A convolution is a product at an offset, pooling a maximum over two labels more. The gradient by the
pictures would be a transposed convolution, the one by the kernels is a correlation.
"""

from __future__ import annotations

import numpy as np
from _digits import train

import eingrad as eg

NET = """
assume size(r) = 2
assume size(s) = 2
A[b,o,p,q] = X[b,p+k,q+l] K[o,k,l] + c_o              # 3 x 3 over 8 x 8 pixels
H[b,o,u,v] = max_rs(relu(A[b,o,2 u+r,2 v+s]))         # the largest of each 2 x 2
S[b,n] = H[b,o,u,v] W[o,u,v,n] + d_n
L = -mean_b(T_bn log(softmax_n(S_bn)))
assume sum_n(T_bn) = 1
"""
WRT = ["K", "c", "W", "d"]
CLAIMS = [
    "dL/dK[o,k,l] = sum_bpq(X[b,p+k,q+l] dL/dA[b,o,p,q])",
    "dL/dK[o,k,l] = sum_bpq(X[b,p-k,q-l] dL/dA[b,o,p,q])",
]


def parameters(rng: np.random.Generator, kernels: int = 8) -> dict[str, np.ndarray]:
    """Draw what is learned."""
    return {
        "K": rng.normal(scale=0.3, size=(kernels, 3, 3)).astype(np.float32),
        "c": np.zeros(kernels, np.float32),
        "W": rng.normal(scale=0.1, size=(kernels, 3, 3, 10)).astype(np.float32),
        "d": np.zeros(10, np.float32),
    }


def main() -> None:
    """Derive, judge, train."""
    rng = np.random.default_rng(0)
    model = eg.parse(NET)
    gradients = model.grad("L", WRT)
    print(gradients.text())
    for claim in CLAIMS:
        print(f"\n{model.check(claim)}")
    train(model, gradients, parameters(rng), rng, pictures="X", epochs=4)


if __name__ == "__main__":
    main()
