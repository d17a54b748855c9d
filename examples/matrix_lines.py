# ruff: noqa: E501
r"""The matrix lines of the five documents, stated as their authors write them, and judged.

Shapes come from what the documents declare; ``print(model)`` shows the same in index notation. Each
line is judged by itself; what is wrong in a document is found, and said what is wrong with it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from _show import heading

import eingrad as eg


@dataclass(frozen=True)
class Document:
    """A document's definitions, and its matrix lines as claims; ``mistakes`` are the wrong ones."""

    title: str
    model: str
    claims: tuple[str, ...]
    mistakes: tuple[str, ...] = ()


SAMPLE = Document(
    "Simple MLP: one sample in columns",
    r"""
\begin{aligned} h_a &= W x + b \\ h &= \text{Sigmoid}(h_a) \\ y_a &= V h + c \\ y &= \text{Softmax}(y_a)
\end{aligned}
L = -\sum_{i} t_i \log y_i
W \in \mathbb{R}^{N_h \times N_i}
V \in \mathbb{R}^{N_o \times N_h}
x \in \mathbb{R}^{N_i \times 1}
b \in \mathbb{R}^{N_h \times 1}
c \in \mathbb{R}^{N_o \times 1}
\text{assume } \sum_i t_i = 1
""",
    (
        r"\frac{\partial L}{\partial L} = 1",
        r"\frac{\partial L}{\partial y} = -\frac{t}{y}",
        r"\frac{\partial L}{\partial y_a} = \frac{\partial L}{\partial y} \cdot \frac{\partial y}{\partial y_a} = y - t",
        r"\frac{\partial L}{\partial V} = \frac{\partial L}{\partial y_a} \cdot \frac{\partial y_a}{\partial V} = (y - t) \cdot h^\top",
        r"\frac{\partial L}{\partial h} = \frac{\partial L}{\partial y_a} \cdot \frac{\partial y_a}{\partial h} = V^\top \cdot (y - t)",
        r"\frac{\partial L}{\partial c} = \frac{\partial L}{\partial y_a} \cdot \frac{\partial y_a}{\partial c} = (y - t) \cdot 1",
        r"\frac{\partial L}{\partial h_a} = \frac{\partial L}{\partial h} \cdot \frac{\partial h}{\partial h_a}",
        r"\frac{\partial L}{\partial W} = \frac{\partial L}{\partial h_a} \cdot \frac{\partial h_a}{\partial W} = \frac{\partial L}{\partial h_a} \cdot x^\top",
        r"\frac{\partial L}{\partial b} = \frac{\partial L}{\partial h_a} \cdot \frac{\partial h_a}{\partial b} = \frac{\partial L}{\partial h_a} \cdot 1",
        r"\frac{\partial L}{\partial h} = V^\top \frac{\partial L}{\partial y_a}",
    ),
    (
        r"\frac{\partial L}{\partial h_a} = \frac{\partial L}{\partial h} \left[ \sigma(h_a) \cdot (1 - \sigma(h_a)) \right]",
    ),
)
LAYER = Document(
    "Use Einstein Notation to derive Backpropagation: a layer with a squared error",
    r"""
z = Wx \\[1ex] y = \sigma(z) \\[1ex] L = \| y_{\text{true}} - y \|^2_2 \\[1ex]
W \in \mathbb{R}^{M \times N} \\[1ex] x \in \mathbb{R}^{N \times 1} \\[1ex]
z \in \mathbb{R}^{M \times 1} \\[1ex] y \in \mathbb{R}^{M \times 1} \\[1ex]
""",
    (r"\frac{\partial L}{\partial W} = \frac{\partial L}{\partial z} x^T",),
)
ROW = Document(
    "Backpropagation for an MLP classifier on MNIST: one example, a row",
    r"""
a^{(1)} = x W^{(1)} + b^{(1)} \\ z^{(1)} = \phi(a^{(1)}) \\ a^{(2)} = z^{(1)} W^{(2)} + b^{(2)}
z^{(2)} = \text{softmax}(a^{(2)}) \\ \mathcal{L} = -\sum_k t_k \log(z^{(2)}_k)
x \in \mathbb{R}^{1 \times d}
W^{(1)} \in \mathbb{R}^{d \times h}
W^{(2)} \in \mathbb{R}^{h \times c}
b^{(1)} \in \mathbb{R}^{1 \times h}
b^{(2)} \in \mathbb{R}^{1 \times c}
\text{assume } \sum_k t_k = 1
""",  # t is the row that the document calls delta[y, :]
    (
        r"\frac{\partial \mathcal{L}}{\partial b^{(2)}} = \frac{\partial \mathcal{L}}{\partial a^{(2)}} = -(t - z^{(2)})",
        r"\frac{\partial \mathcal{L}}{\partial W^{(2)}} = (z^{(1)})^\top \frac{\partial \mathcal{L}}{\partial a^{(2)}} = - (z^{(1)})^\top (t - z^{(2)})",
        r"\frac{\partial \mathcal{L}}{\partial z^{(1)}} = - (t - z^{(2)}) W^{(2) \top} = \frac{\partial \mathcal{L}}{\partial a^{(2)}} W^{(2) \top}",
        r"\frac{\partial \mathcal{L}}{\partial b^{(1)}} = \frac{\partial \mathcal{L}}{\partial a^{(1)}} = \frac{\partial \mathcal{L}}{\partial z^{(1)}} \odot \phi'(a^{(1)})",
        r"\frac{\partial \mathcal{L}}{\partial W^{(1)}} = x^\top \cdot \frac{\partial \mathcal{L}}{\partial a^{(1)}}",
    ),
)
BATCH = Document(
    "Backpropagation for an MLP classifier on MNIST: a minibatch",
    r"""
A^{(1)} = X W^{(1)} + b^{(1)} \\ Z^{(1)} = \phi(A^{(1)}) \\ A^{(2)} = Z^{(1)} W^{(2)} + b^{(2)}
Z^{(2)} = \text{softmax}(A^{(2)})
\mathcal{L}_i = -\sum_j Y_{ij} \log(Z^{(2)}_{ij})
\mathfrak{L} = \frac{1}{m} \sum_{k=1}^m \mathcal{L}_k
X \in \mathbb{R}^{m \times d}
W^{(1)} \in \mathbb{R}^{d \times h}, b^{(1)} \in \mathbb{R}^h
W^{(2)} \in \mathbb{R}^{h \times c}, b^{(2)} \in \mathbb{R}^c
A^{(2)}, Z^{(2)} \in \mathbb{R}^{m \times c}
\text{assume } \sum_j Y_{ij} = 1
""",
    (
        r"\frac{\partial \mathfrak{L}}{\partial A^{(2)}_{[i,:]}} = \frac{1}{m} \sum_{k=1}^m \frac{\partial \mathcal{L}_k}{\partial A^{(2)}_{[i, :]}} = \frac{1}{m} \frac{\partial \mathcal{L}_i}{\partial A^{(2)}_{[i, :]}} = - \frac{1}{m} (Y_{[i,:]} - Z^{(2)}_{[i,:]})",
        r"\frac{\partial \mathfrak{L}}{\partial A^{(2)}} = - \frac{1}{m} (Y - Z^{(2)})",
        r"\frac{\partial \mathfrak{L}}{\partial b^{(2)}} = \frac{1}{m} \sum_{i=1}^m \frac{\partial \mathcal{L}_i}{\partial A^{(2)}_{[i,:]}} = - \frac{1}{m} \sum_{i=1}^m (Y_{[i, :]} - Z^{(2)}_{[i, :]})",
        r"\frac{\partial \mathfrak{L}}{\partial W^{(2)}} = - \frac{1}{m} \sum_{i=1}^m (Z^{(1)}_{[i,:]})^\top (Y_{[i, :]} - Z^{(2)}_{[i, :]}) = Z^{(1)\top} \frac{\partial \mathfrak{L}}{\partial A^{(2)}}",
        r"\frac{\partial \mathfrak{L}}{\partial Z^{(1)}_{[i,:]}} = \frac{1}{m} \sum_{k=1}^m \frac{\partial \mathcal{L}_k}{\partial Z^{(1)}_{[i,:]}} = - \frac{1}{m} (Y_{[i,:]} - Z^{(2)}_{[i,:]}) W^{(2) \top} = \frac{\partial \mathfrak{L}}{\partial A^{(2)}_{[i,:]}} W^{(2) \top}",
        r"\frac{\partial \mathfrak{L}}{\partial Z^{(1)}} = \frac{\partial \mathfrak{L}}{\partial A^{(2)}} W^{(2) \top}",
        r"\frac{\partial \mathfrak{L}}{\partial A^{(1)}_{[i,:]}} = \frac{1}{m} \sum_{k=1}^m \frac{\partial \mathcal{L}_k}{\partial A^{(1)}_{[i, :]}} = \frac{1}{m} \frac{\partial \mathcal{L}_i}{\partial A^{(1)}_{[i, :]}} = \frac{1}{m} \frac{\partial \mathcal{L}_i}{\partial Z^{(1)}_{[i, :]}} \odot \phi'(A^{(1)}_{[i, :]})",
        r"\frac{\partial \mathfrak{L}}{\partial b^{(1)}} = \frac{1}{m} \sum_{i=1}^m \frac{\partial \mathcal{L}_i}{\partial b^{(1)}} = \frac{1}{m} \sum_{i=1}^m \frac{\partial \mathcal{L}_i}{\partial Z^{(1)}_{[i,:]}} \odot \phi'(A^{(1)}_{[i,:]})",
        r"\frac{\partial \mathfrak{L}}{\partial W^{(1)}} = \frac{1}{m} \sum_{k=1}^m \frac{\partial \mathcal{L}_k}{\partial W^{(1)}} = \frac{1}{m} \sum_{k=1}^m (X_{[k,:]})^\top \frac{\partial \mathcal{L}_k}{\partial A^{(1)}_{[k,:]}}",
    ),
    (  # where the lines above end in the document
        r"\frac{\partial \mathfrak{L}}{\partial A^{(1)}} = \frac{1}{m} \frac{\partial \mathfrak{L}}{\partial Z^{(1)}} \odot \phi'(A^{(1)})",
        r"\frac{\partial \mathfrak{L}}{\partial A^{(1)}_{[i,:]}} = \frac{1}{m} \frac{\partial \mathfrak{L}}{\partial Z^{(1)}_{[i, :]}} \odot \phi'(A^{(1)}_{[i, :]})",
        r"\frac{\partial \mathfrak{L}}{\partial W^{(1)}} = \frac{1}{m} X^\top \frac{\partial \mathfrak{L}}{\partial A^{(1)}}",
    ),
)
MATMUL = Document(
    "MLP Standard Derivatives: matrix multiplication",
    r"""
Y = A X
A \in \mathbb{R}^{m \times n}
X \in \mathbb{R}^{n \times p}
Y \in \mathbb{R}^{m \times p}
L = \sum_{ij} f(Y_{ij})
""",
    (
        r"\frac{\partial L}{\partial A} = \frac{\partial L}{\partial Y} \, X^\top",
        r"\frac{\partial L}{\partial X} = A^\top \frac{\partial L}{\partial Y}",
    ),
)
EINSUM = Document(
    "Einsum Gradient: its pattern, in matrices",
    r"""
X_{ij}W_{jk} = Z_{ik} \\ N = \sum_{ik} f(Z_{ik})
""",
    (
        r"\nabla_W N = X^\top \frac{\partial N}{\partial Z}",
        r"\nabla_X N = \frac{\partial N}{\partial Z} W^\top",
    ),
)
DOCUMENTS = (SAMPLE, LAYER, ROW, BATCH, MATMUL, EINSUM)


def main() -> None:
    warnings.simplefilter("ignore", eg.NotationWarning)  # the notes are printed with the model
    for document in DOCUMENTS:
        heading(document.title)
        model = eg.parse_latex(document.model)
        print(model)
        for claim in document.claims:
            for verdict in model.check_each(claim, latex=True):
                print(f"  {verdict.outcome}: {verdict.claim}")
                assert verdict.ok, str(verdict)
        for claim in document.mistakes:
            for verdict in model.check_each(claim, latex=True):
                print(f"MISTAKE: {verdict}")
                assert not verdict.ok


if __name__ == "__main__":
    main()
