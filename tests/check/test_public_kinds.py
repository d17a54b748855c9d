r"""Claims of public documents by the kind of their writing: right ones, and wrong twins of each.

What is right was derived by hand or compared with PyTorch before eingrad saw it.
"""

# ruff: noqa: E501 - formulas stand as documents write them

from __future__ import annotations

import warnings

import pytest

import eingrad as eg

SQUARE = r"\in \mathbb{R}^{n \times n}"
HUBER = r"""L_\delta(a) = \begin{cases} \frac{1}{2} a^2 & \text{for } |a| \leq \delta, \\
\delta (|a| - \frac{1}{2} \delta) & \text{for } |a| > \delta. \end{cases}"""
# a model, claims that are right, claims that are wrong
KINDS: dict[str, tuple[str, list[str], list[str]]] = {
    "a gradient set to zero": (
        r"L = w^2 - 2 w",
        [r"\frac{\partial L}{\partial w} = 2w - 2 = 0", r"\frac{dL}{dw} = 2w - 2 \stackrel{!}{=} 0"],
        [r"\frac{\partial L}{\partial w} = 2w - 1 = 0", r"\frac{\partial L}{\partial w} = 2w - 2 = 1"],
    ),
    "a vector e": (
        rf"\lambda = e^\top D e \\ D {SQUARE}",
        [r"\frac{\partial \lambda}{\partial e} = D e + D^\top e"],
        [r"\frac{\partial \lambda}{\partial e} = 2 D^\top e^\top"],
    ),
    "a case in parentheses behind a space": (
        r"L = \sum_i x_i |x_i|",
        [r"\frac{\partial L}{\partial x_i} = 2 x_i \ (x_i > 0)", r"\frac{\partial L}{\partial x_i} = -2 x_i \;\left(x_i < 0\right)"],
        [r"\frac{\partial L}{\partial x_i} = 2 x_i \ (x_i < 0)", r"\frac{\partial L}{\partial x_i} = 2 x_i (x_i > 0)"],
    ),
    "a case of labels in parentheses": (
        r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}",
        [r"\frac{\partial p_i}{\partial z_j} = p_i(1-p_i) \ (i=j)", r"\frac{\partial p_i}{\partial z_j} = -p_ip_j ~(i\ne j)"],
        [r"\frac{\partial p_i}{\partial z_j} = p_i(1-p_i) \ (i\ne j)", r"\frac{\partial p_i}{\partial z_j} = p_ip_j ~(i\ne j)"],
    ),
    "an indicator behind a space": (
        r"y = \sum_i \max(0, x_i)^2 / 2",
        [r"\frac{\partial y}{\partial x_i} = x_i \, \mathbf{1}\, (x_i > 0)", r"\frac{\partial y}{\partial x_i} = x_i I\, (x_i > 0)"],
        [r"\frac{\partial y}{\partial x_i} = x_i \, \mathbf{1}\, (x_i < 0)"],
    ),
    "an error signal before parentheses": (
        r"\mathbf z^{(l)} = \mathbf W^{(l)}\mathbf a^{(l-1)} + \mathbf b^{(l)} \\ \mathbf a^{(l)} = \sigma(\mathbf z^{(l)}) \\ "
        r"C = \frac12\|\mathbf y-\mathbf a^{(L)}\|^2 \\ \boldsymbol\delta^{(l)} = \frac{\partial C}{\partial\mathbf z^{(l)}}",
        [r"\frac{\partial C}{\partial\mathbf W^{(l)}} = \boldsymbol\delta^{(l)}(\mathbf a^{(l-1)})^\top"],
        [r"\frac{\partial C}{\partial\mathbf W^{(l)}} = \boldsymbol\delta^{(l)}(\mathbf a^{(l)})^\top"],
    ),
    "a sum to a number": (
        r"\bar x = \frac1{10}\sum_{i=1}^{10}x_i \\ L = \sum_{i=1}^{10}(x_i-\bar x)^2",
        [r"\frac{\partial L}{\partial x_i} = 2(x_i-\bar x)"],
        [r"\frac{\partial L}{\partial x_i} = 2x_i-\bar x"],
    ),
    "a sum to a number, written out": (
        r"p_i = \frac{e^{z_i}}{\sum_{j=1}^3e^{z_j}} \\ y = \sum_{i=1}^{3} p_i w_i",
        [r"\frac{\partial p_1}{\partial z_1} = p_1(p_2+p_3)", r"y = p_1w_1+p_2w_2+p_3w_3"],
        [r"\frac{\partial p_1}{\partial z_1} = p_1(p_1+p_2)", r"y = p_1w_1+p_2w_2"],
    ),
    "a vector of a number of entries": (
        r"x \in \mathbb{R}^3 \\ f = \|x\|^2",
        [r"f = x_1^2+x_2^2+x_3^2", r"\nabla_x f = 2x"],
        [r"f = x_1^2+x_2^2", r"\nabla_x f = x"],
    ),
    "a declared extent beside labels": (
        r"Z \in \mathbb{R}^{N\times K} \\ P_{nk} = \frac{e^{Z_{nk}}}{\sum_j e^{Z_{nj}}} \\ "
        r"L = -\frac1N\sum_n\sum_k Y_{nk}\log P_{nk} \\ \text{assume } \sum_k Y_{nk} = 1 \\ Z = XW",
        [r"\frac{\partial L}{\partial W} = \frac1NX^\top(P-Y)", r"\frac{\partial L}{\partial Z} = \frac1N(P-Y)"],
        [r"\frac{\partial L}{\partial W} = X^\top(P-Y)", r"\frac{\partial L}{\partial Z} = P-Y"],
    ),
    "a declared extent beside the entries of what is computed": (
        r"X \in \mathbb{R}^{N\times D}, w\in\mathbb{R}^{D} \\ y = Xw \\ L = \frac1N\sum_n(y_n - t_n)^2",
        [r"\frac{\partial L}{\partial w} = \frac2NX^\top(y-t)"],
        [r"\frac{\partial L}{\partial w} = 2X^\top(y-t)"],
    ),
    "an extent without braces": (
        r"\ell = -\frac n2\log\sigma^2 - \frac1{2\sigma^2}\sum_{i=1}^nx_i^2",
        [r"\frac{\partial\ell}{\partial\sigma} = -\frac{n}{\sigma} + \frac{1}{\sigma^3}\sum_{i=1}^n x_i^2"],
        [r"\frac{\partial\ell}{\partial\sigma} = -\frac{n}{2\sigma} + \frac{1}{\sigma^3}\sum_{i=1}^n x_i^2"],
    ),
    "an array for cases": (
        r"f(x) = \max(0, x)",
        [r"f'(x) = \left\{ \begin{array}{rcl} 0 & \mbox{for}& x \le 0\\ 1 & \mbox{for} & x > 0 \\ \end{array}\right.",
         r"f'(x) = \left\{\begin{array}{@{}ll@{}} 1, & \text{if}\ x > 0\\ 0, & \text{otherwise} \end{array}\right."],
        [r"f'(x) = \left\{ \begin{array}{ll} 1 & x \le 0\\ 0 & x > 0 \end{array}\right."],
    ),
    "an array for rows": (
        r"\begin{array}{rcl} y &=& w x \\ L &=& y^2 \end{array}",
        [r"\frac{dL}{dx} = 2 y w"],
        [r"\begin{array}{rcl} \frac{dL}{dx} &=& 2 y w \\ \frac{dL}{dw} &=& 2 x \end{array}"],
    ),
    "old fonts": (
        r"f = \mbox{tr}\left\{ X^T \bold{A} X \right\} \\ X \in \mathbb{R}^{n \times m}",
        [r"\nabla_{X} \ \mbox{tr}\left\{ X^T \bold{A} X \right\} = (\bold{A} + \bold{A}^T) X"],
        [r"\frac{\partial f}{\partial X} = (\bold{A} + \bold{A}^T) X^T"],
    ),
    "second slopes, slopes without arguments": (
        r"f(x) = x e^{-x}",
        [r"f''(x) = (x-2)e^{-x}", r"f' = (1-x)e^{-x}", r"\frac d{dx} f(x) = (1-x)e^{-x}"],
        [r"f''(x) = (1-x)e^{-x}", r"f' = (x-2)e^{-x}", r"\frac d{dx} f(x) = (x-2)e^{-x}"],
    ),
    "signs as a typesetter shows them": (
        r"f(u) = u \cdot \tanh(u) \\ L = ‖\mathbf{y}‖^2 + ⟨\mathbf{a}, \mathbf{y}⟩ \\ \mathbf{y} = \mathbf{W} \mathbf{x}",
        ["f’(u) = \\tanh(u) + u (1 - \\tanh^2(u))", "f′(u) = \\tanh(u) + u (1 - \\tanh^2(u))",
         r"\nabla_{\mathbf{x}} L = \mathbf{W}^⊤ (2 \mathbf{y} + \mathbf{a})"],
        ["f’(u) = 1 - \\tanh^2(u)", r"\nabla_{\mathbf{x}} L = 2 \mathbf{W}^⊤ \mathbf{y}"],
    ),
    "letters of vectors that nothing binds": (
        r"J = -\log\frac{\exp(u_o^\top v_c)}{\sum_{w=1}^V\exp(u_w^\top v_c)}",
        [r"\frac{\partial J}{\partial v_c} = -u_o + \sum_{w=1}^V\frac{\exp(u_w^\top v_c)}{\sum_{x=1}^V\exp(u_x^\top v_c)}u_w"],
        [r"\frac{\partial J}{\partial v_c} = -u_o + \sum_{w=1}^V\exp(u_w^\top v_c)u_w"],
    ),
    "letters of vectors beside negative samples": (
        r"J = -\log(\sigma(u_o^\top v_c)) - \sum_{k=1}^{K} \log(\sigma(-u_k^\top v_c))",
        [r"\frac{\partial J}{\partial v_c} = (\sigma(u_o^\top v_c) - 1) u_o + \sum_{k=1}^{K} \sigma(u_k^\top v_c) u_k"],
        [r"\frac{\partial J}{\partial v_c} = \sigma(u_o^\top v_c) u_o + \sum_{k=1}^{K} \sigma(u_k^\top v_c) u_k"],
    ),
    "cases between two numbers": (
        r"f(u) = \begin{cases} 0, & u \leq -3 \\ u, & u \geq 3 \\ \frac{u(u+3)}{6}, & \text{otherwise} \end{cases}",
        [r"f'(u) = \begin{cases} 0, & u \leq -3 \\ 1, & u \geq 3 \\ \frac{2u + 3}{6}, & -3 < u < 3 \end{cases}",
         r"f'(u) = \begin{cases} 0 \text{ if } u < -3 \\ \frac{2u + 3}{6} \text{ if } 3 > u \ge -3 \\ 1 \text{ if } u > 3 \end{cases}",
         r"f'(u) = \left\{\begin{aligned} 0 & \quad u < -3 \\ \frac{2u + 3}{6} & \quad -3 < u < 3 \\ 1 & \quad u > 3 \end{aligned}\right."],
        [r"f'(u) = \begin{cases} 0, & u \leq -3 \\ 1, & u \geq 3 \\ \frac{2u + 3}{3}, & -3 < u < 3 \end{cases}"],
    ),
    "indicators of many kinds": (
        r"p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}",
        [rf"\frac{{\partial p_i}}{{\partial z_j}} = p_i({x} - p_j)" for x in (
            "1_{i=j}", r"\mathbf{1}\{i=j\}", "I(i=j)", r"I\{i = j\}", r"\mathbf{I}_{i=j}", r"\chi_{\{i=j\}}",
            r"\delta_{i=j}", r"\llbracket i=j \rrbracket", r"\mathrm{1}_{i=j}")],
        [rf"\frac{{\partial p_i}}{{\partial z_j}} = p_i({x} - p_j)" for x in (
            r"1_{i \ne j}", r"\mathbf{1}\{i \ne j\}", r"I(i \ne j)", r"\chi_{\{i \ne j\}}")],
    ),
    "the true class": (
        r"L = \sum_{j\neq y} \max(0, s_j - s_y + 1)",
        [r"\frac{\partial L}{\partial s_j} = 1(s_j - s_y + 1 > 0), \quad j \neq y"],
        [r"\frac{\partial L}{\partial s_j} = 1(s_j - s_y + 1 < 0), \quad j \neq y"],
    ),
    "a function with parameters, of vectors": (
        r"""J(\theta) = -\frac{1}{m} \sum_{i=1}^m [ y^{(i)} \log h_\theta(x^{(i)}) + (1 - y^{(i)}) \log(1 - h_\theta(x^{(i)})) ]
h_\theta(x) = g(\theta^T x) = \frac{1}{1+e^{-\theta^T x}}""",
        [r"\frac{\partial J}{\partial \theta_j} = \frac{1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) x_j^{(i)}",
         r"\nabla_\theta J = \frac{1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) - y^{(i)}) x^{(i)}"],
        [r"\nabla_\theta J = \frac{1}{m} \sum_{i=1}^m (h_\theta(x^{(i)}) + y^{(i)}) x^{(i)}"],
    ),
    "a function with parameters, of numbers": (
        r"L(w,b) = \frac{1}{n}\sum_{i=1}^n (f_{w,b}(x_i) - y_i)^2 \\ f_{w,b}(x) = wx+b",
        [r"\frac{\partial L}{\partial w} = \frac{2}{n}\sum_{i=1}^n (f_{w,b}(x_i) - y_i)x_i"],
        [r"\frac{\partial L}{\partial w} = \frac{2}{n}\sum_{i=1}^n (f_{w,b}(x_i) - y_i)"],
    ),
    "a function with a threshold": (
        r"L = \sum_i \rho_\tau(y_i - x_i), \quad \rho_\tau(u) = u(\tau - \mathbb{1}(u < 0))",
        [r"\frac{\partial L}{\partial x_i} = \mathbb{1}(y_i < x_i) - \tau"],
        [r"\frac{\partial L}{\partial x_i} = \mathbb{1}(y_i > x_i) - \tau"],
    ),
    "a function of two points": (
        r"K(x, z) = (x^T z)^2 \\ x, z \in \mathbb{R}^d \\ f = \sum_i \alpha_i K(x_i, z)",
        [r"\nabla_z f = 2 \sum_i \alpha_i (x_i^T z) x_i", r"\frac{\partial f}{\partial \alpha_i} = K(x_i, z)"],
        [r"\nabla_z f = \sum_i \alpha_i (x_i^T z) x_i", r"\frac{\partial f}{\partial \alpha_i} = 2 K(x_i, z)"],
    ),
    "a density of three arguments": (
        r"""N(x | \mu, \sigma) = \frac{1}{\sqrt{2\pi}\sigma} e^{-\frac{(x-\mu)^2}{2\sigma^2}}
L = \sum_i \log \sum_k \pi_k N(x_i | \mu_k, \sigma_k)""",
        [r"\frac{\partial L}{\partial \mu_k} = \sum_i \frac{\pi_k N(x_i|\mu_k,\sigma_k)}{\sum_j \pi_j N(x_i|\mu_j,\sigma_j)} \frac{x_i-\mu_k}{\sigma_k^2}"],
        [r"\frac{\partial L}{\partial \mu_k} = \sum_i \frac{\pi_k N(x_i|\mu_k,\sigma_k)}{\sum_j \pi_j N(x_i|\mu_j,\sigma_j)} \frac{x_i-\mu_k}{\sigma_k}"],
    ),
    "functions that speak of each other": (
        r"R(x) = 0.05 + 0.1\ln(x + 1) \\ \sigma(x) = \sqrt{0.04x^2 + 0.01} \\ S(x) = \frac{R(x) - R_f}{\sigma(x)}",
        [r"S'(x) = \frac{R'(x)\sigma(x) - (R(x) - R_f)\sigma'(x)}{\sigma(x)^2}"],
        [r"S'(x) = \frac{R'(x)\sigma(x) + (R(x) - R_f)\sigma'(x)}{\sigma(x)^2}"],
    ),
    "letters below a function for its derivatives": (
        r"f(x,y) = x^3 + 2x y^2 - y^3",
        [r"f_x = 3x^2+2y^2", r"f_{xx} = 6x,\quad f_{xy} = f_{yx} = 4y.", r"f_x(x,y) = 3x^2+2y^2", r"D_x f = 3x^2 + 2y^2",
         r"\partial_{xy} f = 4y", r"f'_y = 4xy - 3y^2", r"\frac{\partial f}{\partial x}(x,y) = 3x^2+2y^2"],
        [r"\frac{\partial f}{\partial x}(x,y) = (3x^2+2y^2) x", r"f_x = 3x^2+4y^2", r"f_{xy} = 2y", r"D_y f = 3x^2 + 2y^2"],
    ),
    "names that chains define, with letters below": (
        r"Y = A K^{\alpha} N^{1-\alpha}",
        [r"MP_K = \frac{\partial Y}{\partial K} = A\,\alpha\, K^{\alpha-1}\, N^{1-\alpha} = \alpha \cdot \frac{Y}{K}",
         r"p_\alpha = \frac{\partial Y}{\partial A} = \frac{Y}{A}"],
        [r"MP_N = \frac{\partial Y}{\partial N} = \alpha \cdot \frac{Y}{N}"],
    ),
    "an entry beside a sum over all": (
        r"L = -\log \frac{e^{s_y}}{\sum_j e^{s_j}}",
        [r"\frac{\partial L}{\partial s_y} = \frac{e^{s_y}}{\sum_j e^{s_j}} - 1",
         r"\frac{\partial L}{\partial s_k} = \frac{e^{s_k}}{\sum_j e^{s_j}} - \mathbb{1}(k=y)"],
        [r"\frac{\partial L}{\partial s_y} = \frac{e^{s_y}}{\sum_j e^{s_j}}"],
    ),
    "a logistic function that only a derivative names": (
        r"a = \sigma(z)",
        [r"\frac{d\sigma}{dz} = \sigma(z) (1 - \sigma(z)) = a(1-a)"], [r"\frac{d\sigma}{dz} = \sigma(z) (2 - \sigma(z))"],
    ),
    "a symmetry stated": (
        rf"f = x^T A x \\ A {SQUARE} \\ A^\top = A",
        [r"\nabla_x f = 2 A x"], [r"\nabla_x f = A x"],
    ),
    "a symmetry stated by entries": (
        r"f = x_i A_{ij} x_j \\ A_{ij} = A_{ji}",
        [r"\frac{\partial f}{\partial x_i} = 2 A_{ij} x_j"],
        [r"\frac{\partial f}{\partial x_i} = A_{ij} x_j"],
    ),
    "delta for a threshold": (
        HUBER,
        [r"L'_{\delta}(a) = \begin{cases} a & \text{for } |a| \leq \delta, \\ \delta \cdot \text{sign}(a) & \text{for } |a| > \delta. \end{cases}",
         r"\frac{d L_\delta}{d a} = \begin{cases} a & \text{if } |a| \leq \delta, \\ \delta \, \text{sgn}(a) & \text{otherwise} \end{cases}"],
        [r"L'_{\delta}(a) = \begin{cases} a & \text{for } |a| \leq \delta, \\ \text{sign}(a) & \text{for } |a| > \delta. \end{cases}"],
    ),
    "a Frobenius product": (
        r"""Z = X^TW-Y^T \\ f = Z:Z + \lambda W:W \\ X \in \mathbb{R}^{d \times m}, W \in \mathbb{R}^{d \times k}""",
        [r"\frac{\partial f}{\partial W} = 2(XX^TW - XY^T + \lambda W)"],
        [r"\frac{\partial f}{\partial W} = 2(XX^TW - XY^T - \lambda W)", r"df = Z : X^T dW + 2 \lambda W : dW"],
    ),
    "the trace of a number": (
        r"L = \text{Tr} (w^{T} X X^{T} w) - \lambda w^{T} w \\ X \in \mathbb{R}^{d \times n} \\ w \in \mathbb{R}^d",
        [r"\frac{\partial L}{\partial w} = 2 (X X^{T} - \lambda I) w"],
        [r"\frac{\partial L}{\partial w} = (X X^{T} - \lambda I) w"],
    ),
    "a sum without a letter": (
        r"J = \frac{1}{2} \sum_i (\sum_j \theta_j x_{ij} - y_i)^2",
        [r"\frac{\partial J}{\partial \theta_j} = \sum (\sum_k \theta_k x_{ik} - y_i) x_{ij}"],
        [r"\frac{\partial J}{\partial \theta_j} = 2 \sum (\sum_k \theta_k x_{ik} - y_i) x_{ij}"],
    ),
    "braces around e, a space before a prime": (
        r"\sigma (x) = \frac{1}{1+{ e }^{ -x }}",
        [r"\sigma '(x)=\sigma (x)(1-\sigma (x))"], [r"\sigma '(x)=\sigma (x)(2-\sigma (x))"],
    ),
    "units with names of their own": (
        r"pReLU(x) = \max(0, x) + \alpha \min(0, x) \\ ELU(x) = \begin{cases} x & x > 0 \\ \alpha(e^x-1) & x \leq 0 \end{cases}",
        [r"pReLU'(x) = \begin{cases} 1 & x > 0 \\ \alpha & x \leq 0 \end{cases}",
         r"ELU'(x) = \begin{cases} 1 & x > 0 \\ ELU(x) + \alpha & x \leq 0 \end{cases}"],
        [r"pReLU'(x) = \begin{cases} 1 & x > 0 \\ -\alpha & x \leq 0 \end{cases}",
         r"ELU'(x) = \begin{cases} 1 & x > 0 \\ ELU(x) + 1 & x \leq 0 \end{cases}"],
    ),
    "a second point": (
        r"K = \sigma^2\exp\left(\frac{-(x-x')^T(x-x')}{2l^2}\right) \\ x \in \mathbb{R}^d, x' \in \mathbb{R}^d",
        [r"\frac{\partial K}{\partial l} = \frac{(x-x')^T(x-x')}{l^3} K", r"\frac{\partial K}{\partial x'} = \frac{1}{l^2} (x - x') K"],
        [r"\frac{\partial K}{\partial l} = \frac{(x-x')^T(x-x')}{l^2} K", r"\frac{\partial K}{\partial x'} = -\frac{1}{l^2} (x - x') K"],
    ),
    "a second point, bold and by entries": (
        r"k = \exp(-\|\mathbf{x}-\mathbf{x}'\|^2) \\ q = \exp(-\frac{1}{2} \sum_i (z_i - z'_i)^2)",
        [r"\nabla_{\mathbf{x}} k = -2 (\mathbf{x} - \mathbf{x}') k", r"\frac{\partial q}{\partial z_i} = -(z_i - z'_i) q"],
        [r"\nabla_{\mathbf{x}'} k = -2 (\mathbf{x} - \mathbf{x}') k", r"\frac{\partial q}{\partial z'_i} = -(z_i - z'_i) q"],
    ),
    "bars for a determinant": (
        rf"B {SQUARE}",
        [r"\frac{d \log |B|}{dB} = B^{-T}", r"\frac{\partial |B|}{\partial B} = |B| B^{-T}"],
        [r"\frac{d \log |B|}{dB} = |B| B^{-T}", r"\frac{\partial |B|}{\partial B} = B^{-T}"],
    ),
    "square as declared": (
        rf"L = \log |A B| \\ A, B {SQUARE}",
        [r"\frac{\partial L}{\partial A} = A^{-T}"],
        [r"\frac{\partial L}{\partial A} = -A^{-T}", r"\frac{\partial L}{\partial A} = B^{-T}"],
    ),
    "a letter below a function": (
        r"h_s(x) = x^2 + s",
        [r"h_s'(x) = 2 x"], [r"h_s'(x) = 2 x + 1"],
    ),
    "no statement, bold": (
        "",
        [r"\nabla_{\boldsymbol{\theta}} (\boldsymbol{\theta}^T\textbf{X}^T\textbf{X}\boldsymbol{\theta}) = 2 \textbf{X}^T\textbf{X}\boldsymbol{\theta}",
         r"\frac{\partial \mathbf{a}^T\mathbf{X}^T \mathbf{b}}{\partial \mathbf{X}} &=& \mathbf{b}\mathbf{a}^T",
         r"\frac{\partial x^Ta}{\partial x} = \frac{\partial a^Tx}{\partial x} = a",
         r"\frac{\partial}{\partial X} \log\det X = X^{-T}"],
        [r"\frac{\partial \mathbf{a}^T\mathbf{X}^T \mathbf{b}}{\partial \mathbf{X}} = 2 \mathbf{b}\mathbf{a}^T",
         r"\frac{\partial x^T A x}{\partial x} = (A - A^T) x",
         r"\frac{\partial x^Ta}{\partial x} = \frac{\partial a^Tx}{\partial x} = 2 a"],
    ),
    "no statement, labels": (
        "",
        [r"\frac{\partial}{\partial x_k} \sum_i x_i^2 = 2 x_k", r"\frac{d}{dx} x^3 = 3x^2",
         r"\frac{\partial}{\partial a_j}\frac{e^{a_i}}{\sum_k e^{a_k}} = \frac{e^{a_i}}{\sum_k e^{a_k}} (\delta_{ij} - \frac{e^{a_j}}{\sum_k e^{a_k}})"],
        [r"\frac{\partial}{\partial x_k} \sum_i x_i^2 = x_k", r"\frac{d}{dx} x^3 = 3x"],
    ),
    "no statement, dots": (
        "",
        [r"\frac{\partial}{\partial x_j}\left(p_1 x_1 + p_2 x_2 + \dots + p_n x_n\right) = p_j"],
        [r"\frac{\partial}{\partial x_j}\left(p_1 x_1 + p_2 x_2 + \dots + p_n x_n\right) = p_j x_j"],
    ),
    "shapes alone": (
        r"V \in \mathbb{R}^{n \times m}, W \in \mathbb{R}^{n \times k}, H \in \mathbb{R}^{k \times m}",
        [r"\frac{d}{dW} ||V - WH||_F^2 = -2(V - WH)H^T", r"\nabla_{W} \lambda \|W\|_F^2 = 2 \lambda W"],
        [r"\frac{d}{dW} ||V - WH||_F^2 = -2H^T(V - WH)", r"\nabla_{W} \lambda \|W\|_F^2 = \lambda W"],
    ),
    "functions alone": (
        r"\sigma(x) = \frac{1}{1+e^{-x}} \\ ReLU(x) = \max(0, x)",
        [r"\sigma'(x) = \sigma(x)(1-\sigma(x)) = \sigma(x) - \sigma^2(x)",
         r"\frac{d\sigma}{dx} = \sigma(x)(1-\sigma(x))",
         r"\sigma''(x) = \sigma'(x)(1-2\sigma(x))",
         r"ReLU'(x) = \begin{cases} 1 & x > 0 \\ 0 & x \leq 0 \end{cases}"],
        [r"\sigma'(x) = \sigma(x)(1+\sigma(x))", r"\sigma''(x) = \sigma'(x)(1-\sigma(x))",
         r"ReLU'(x) = \begin{cases} 0 & x > 0 \\ 1 & x \leq 0 \end{cases}"],
    ),
    "e to a letter of layers": (
        r"D(x) = \frac{e^\ell}{1 + e^\ell}",
        [r"\frac{\partial D}{\partial \ell} = D (1 - D)", r"\frac{d}{d\ell} \log(1 + e^\ell) = \frac{e^\ell}{1 + e^\ell}"],
        [r"\frac{\partial D}{\partial \ell} = D", r"\frac{\partial D}{\partial \ell} = D (1 + D)"],
    ),
    "errors of layers": (
        r"e^L = a^L - y \\ C = \frac{1}{2} \sum_i (e^L_i)^2",
        [r"\frac{\partial C}{\partial a^L_i} = e^L_i"], [r"\frac{\partial C}{\partial a^L_i} = 2 e^L_i"],
    ),
    "gradients called after their tensors": (
        r"\hat{x}_i = \frac{x_i}{r} \\ y_i = \gamma_i \hat{x}_i \\ L = \sum_i f(y_i) \\ dy_i = \frac{\partial L}{\partial y_i} \\ d\hat{x}_i = \frac{\partial L}{\partial \hat{x}_i}",
        [r"\frac{\partial L}{\partial \gamma_i} = dy_i \cdot \hat{x}_i", r"d\hat{x}_i = dy_i \gamma_i",
         r"\frac{\partial L}{\partial r} = -\frac{1}{r^2} \sum_{j} d\hat{x}_j\, x_j"],
        [r"\frac{\partial L}{\partial \gamma_i} = dy_i", r"d\hat{x}_i = dy_i \hat{x}_i",
         r"\frac{\partial L}{\partial r} = -\frac{1}{r} \sum_{j} d\hat{x}_j\, x_j"],
    ),
    "a zero in bold": (
        r"L(w, \lambda) = w' \Sigma w + \lambda (w' \boldsymbol{1} - 1) \\ \Sigma = \Sigma'",
        [r"\frac{\delta L(w, \lambda)}{\delta w} = 2 \Sigma w + \lambda \boldsymbol{1} = \boldsymbol{0}",
         r"\nabla_w L = 2 \Sigma w + \lambda \mathbf{1} = {\bf 0}"],
        [r"\frac{\delta L(w, \lambda)}{\delta w} = \Sigma w + \lambda \boldsymbol{1} = \boldsymbol{0}"],
    ),
    "matrices with a capital between vectors": (
        r"J(w) = \frac{w^T S_B w}{w^T S_W w} \\ S_B = S_B^T \\ S_W = S_W^T",
        [r"\nabla J = \frac{2 S_B w (w^T S_W w) - 2 (w^T S_B w) S_W w}{(w^T S_W w)^2}"],
        [r"\nabla J = \frac{2 S_B w (w^T S_W w) - 2 (w^T S_B w) S_B w}{(w^T S_W w)^2}"],
    ),
    "bars around what stands between vectors": (
        r"p = \frac{1}{\sqrt{|C|}} e^{-\frac{1}{2} (x-m)^T C^{-1} (x-m)} \\ L = -\frac{1}{2}\ln|C| - \frac{1}{2}(x-m)^T C^{-1} (x-m) \\ C = C^T",
        [r"\nabla_m p = p C^{-1} (x-m)",
         r"\frac{\partial L}{\partial C} = -\frac{1}{2} C^{-1} + \frac{1}{2} C^{-1} (x-m)(x-m)^T C^{-1}"],
        [r"\nabla_m p = 2 p C^{-1} (x-m)",
         r"\frac{\partial L}{\partial C} = -C^{-1} + \frac{1}{2} C^{-1} (x-m)(x-m)^T C^{-1}"],
    ),
    "a wrong sum where what is summed is differentiated": (
        r"r = \sqrt{\frac{1}{n} \sum_j x_j^2} \\ y_i = \frac{w_i x_i}{r} \\ L = \sum_i f(y_i)",
        [r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i} \frac{w_i}{r} - \frac{x_i}{n r^3} \sum_j \frac{\partial L}{\partial y_j} w_j x_j"],
        [r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i} \frac{w_i}{r} - \frac{w_i x_i}{n r^3} \sum_j \frac{\partial L}{\partial y_j} x_j"],
    ),
    "entries off the diagonal": (
        r"f(w) = C \sum_{i=1}^n \log(1 + \exp(-y_i w^T x_i)) \\ M_i = \exp(-y_i w^T x_i)",
        [r"\frac{\partial^2 f(w)}{\partial w_j \, \partial w_k} = C\sum_{i=1}^n x_{ij} x_{ik} y_i^2 \frac{M_i}{(1+M_i)^2}, \quad j \neq k"],
        [r"\frac{\partial^2 f(w)}{\partial w_j \, \partial w_k} = 2 C\sum_{i=1}^n x_{ij} x_{ik} y_i^2 \frac{M_i}{(1+M_i)^2}, \quad j \neq k"],
    ),
    "dots within a sum": (
        r"f = w_0 + w_1 x_1 + w_2 x_2 + \dots + w_d x_d \\ p_i = \frac{e^{z_i}}{e^{z_1} + e^{z_2} + \cdots + e^{z_K}}",
        [r"\frac{\partial f}{\partial x_j} = w_j", r"\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)"],
        [r"\frac{\partial f}{\partial x_j} = x_j", r"\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} + p_j)"],
    ),
    "fractions without braces": (
        r"L = -\frac1N\sum_{i=1}^N y_i\log p_i",
        [r"\frac{\partial L}{\partial p_i} = -\frac1N \frac{y_i}{p_i}"], [r"\frac{\partial L}{\partial p_i} = -\frac{y_i}{p_i}"],
    ),
    "norms of differences": (
        r"d(x,y) = \|x-y\|^2 \\ L = \max(0, d(a,p) - d(a,n) + m)",
        [r"\frac{\partial L}{\partial a} = 2(a - p) - 2(a - n) \quad \text{if } L > 0", r"\frac{\partial L}{\partial p} = -2(a - p) \quad \text{if } L > 0"],
        [r"\frac{\partial L}{\partial a} = 2(a - p) + 2(a - n) \quad \text{if } L > 0", r"\frac{\partial L}{\partial p} = 2(a - p) \quad \text{if } L > 0"],
    ),
    "vectors that letters tell apart": (
        r"L = \max(0, \|f_a - f_p\|^2 - \|f_a - f_n\|^2 + \alpha)",
        [r"\frac{\partial L}{\partial f_p} = \begin{cases} 2(f_p - f_a), & \text{if } \|f_a - f_p\|^2 - \|f_a - f_n\|^2 + \alpha > 0 \\ 0, & \text{otherwise} \end{cases}"],
        [r"\frac{\partial L}{\partial f_p} = \begin{cases} 2(f_a - f_p), & \text{if } \|f_a - f_p\|^2 - \|f_a - f_n\|^2 + \alpha > 0 \\ 0, & \text{otherwise} \end{cases}"],
    ),
    "the distance of two points": (
        r"d = \|x_i - x_j\| \\ E = \frac{k}{2} (\|p_1 - p_2\| - l)^2",
        [r"\frac{\partial d}{\partial x_i} = \frac{x_i - x_j}{d}", r"\frac{\partial E}{\partial p_1} = k(\|p_1-p_2\| - l)\frac{p_1-p_2}{\|p_1-p_2\|}"],
        [r"\frac{\partial d}{\partial x_i} = \frac{x_j - x_i}{d}", r"\frac{\partial E}{\partial p_1} = k(\|p_1-p_2\| - l) (p_1-p_2)"],
    ),
    "a capital with a letter beside itself": (
        r"I = V\frac{1}{R_S+R_L} \\ V_L = V\frac{R_L}{R_S+R_L} \\ P = I \cdot V_L",
        [r"\frac{\partial P}{\partial R_L} = V^2\frac{(R_S+R_L)^2-2R_L(R_S+R_L)}{(R_S+R_L)^4}"],
        [r"\frac{\partial P}{\partial R_L} = V^2\frac{(R_S+R_L)^2-R_L(R_S+R_L)}{(R_S+R_L)^4}"],
    ),
    "a place that only conditions name": (
        r"L = \sum_{j \ne y} e^{s_j}",
        [r"\frac{\partial L}{\partial s_j} = e^{s_j} (1 - \delta_{jy})"], [r"\frac{\partial L}{\partial s_j} = e^{s_j}"],
    ),
    "quotients of forms in a line": (
        r"f=\mathbf x^T\mathbf A\mathbf x/\mathbf x^T\mathbf x \\ \mathbf A = \mathbf A^T",
        [r"\nabla_{\mathbf x} f = \frac{2}{\mathbf x^T\mathbf x}(\mathbf A\mathbf x - f\mathbf x)"],
        [r"\nabla_{\mathbf x} f = \frac{2}{\mathbf x^T\mathbf x}(\mathbf A\mathbf x + f\mathbf x)"],
    ),
    "a cosine in a line": (
        r"c = x^T y / \|x\| \|y\|",
        [r"\frac{\partial c}{\partial x} = \frac{y}{\|x\|\|y\|} - c\frac{x}{\|x\|^2}"],
        [r"\frac{\partial c}{\partial x} = \frac{y}{\|x\|\|y\|} + c\frac{x}{\|x\|^2}"],
    ),
    "words above names": (
        r"L = \sum_i (y_i^{\text{true}} - y_i^{\text{pred}})^2",
        [r"\frac{\partial L}{\partial y_i^{\text{pred}}} = -2(y_i^{\text{true}} - y_i^{\text{pred}})"],
        [r"\frac{\partial L}{\partial y_i^{\text{pred}}} = 2(y_i^{\text{true}} - y_i^{\text{pred}})"],
    ),
    "squares of vectors in physics": (
        r"E = \frac12 m \vec v^2 + \frac12 k (\vec x - \vec x_0)^2",
        [r"\frac{\partial E}{\partial \vec v} = m \vec v", r"\frac{\partial E}{\partial \vec x} = k (\vec x - \vec x_0)",
         r"\frac{\partial E}{\partial m} = \frac12 \vec v \cdot \vec v"],
        [r"\frac{\partial E}{\partial \vec v} = 2 m \vec v", r"\frac{\partial E}{\partial \vec x} = -k (\vec x - \vec x_0)"],
    ),
    "features of a vector": (
        r"E = \frac12\sum_{n=1}^N(w^T\phi(x_n)-t_n)^2",
        [r"\nabla_w E = \sum_{n=1}^N(w^T\phi(x_n)-t_n)\phi(x_n)"], [r"\nabla_w E = \sum_{n=1}^N(w^T\phi(x_n)-t_n)x_n"],
    ),
    "a gradient behind its zero": (
        r"P = V^2\frac{R_L}{(R_S+R_L)^2}",
        [r"0 = \frac{\partial P}{\partial R_L} = V^2\frac{(R_S+R_L)^2-2R_L(R_S+R_L)}{(R_S+R_L)^4}"],
        [r"0 = \frac{\partial P}{\partial R_L} = V^2\frac{(R_S+R_L)^2-R_L(R_S+R_L)}{(R_S+R_L)^4}"],
    ),
    "rates": (
        r"x = r\cos\phi \\ V = \frac43 \pi r^3",
        [r"\dot x = \dot r\cos\phi - r\dot\phi\sin\phi", r"\frac{dV}{dt} = 4\pi r^2 \frac{dr}{dt}",
         r"\frac{\mathrm{d}x}{\mathrm{d}t} = \frac{\mathrm{d}r}{\mathrm{d}t} \cos\phi - r \sin\phi\, \frac{\mathrm{d}\phi}{\mathrm{d}t}",
         r"dx = \cos\phi dr - r \sin\phi\, d\phi"],
        [r"\dot x = \dot r\cos\phi + r\dot\phi\sin\phi", r"\frac{dV}{dt} = 8\pi r^2 \frac{dr}{dt}", r"\dot V = 2 \pi r^2 \dot r",
         r"dx = \cos\phi dr + r \sin\phi\, d\phi"],
    ),
    "squared errors of vectors with labels": (
        r"J = \frac{1}{2}\sum_{i=1}^{n} \|y_i - W x_i\|^2 \\ E = \sum_{i=1}^n \|x_i - \mu\|^2",
        [r"\frac{\partial J}{\partial W} = -\sum_{i=1}^n (y_i - W x_i) x_i^T", r"\frac{\partial E}{\partial \mu} = -2\sum_{i=1}^n (x_i - \mu)"],
        [r"\frac{\partial J}{\partial W} = \sum_{i=1}^n (y_i - W x_i) x_i^T", r"\frac{\partial E}{\partial \mu} = 2\sum_{i=1}^n (x_i - \mu)"],
    ),
    "matrices with two letters between vectors": (
        r"L = w_x^T \Sigma_{xy} w_y - \frac{\lambda}{2}(w_x^T\Sigma_{xx} w_x - 1) \\ \Sigma_{xx} = \Sigma_{xx}^T",
        [r"\frac{\partial L}{\partial w_x} = \Sigma_{xy} w_y - \lambda\Sigma_{xx} w_x"],
        [r"\frac{\partial L}{\partial w_x} = \Sigma_{xy} w_y - 2\lambda\Sigma_{xx} w_x"],
    ),
    "hyperbolic functions": (
        r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}",
        [r"\tanh'(x) = 1 - \tanh^2(x)"], [r"\tanh'(x) = 1 + \tanh^2(x)"],
    ),
}  # fmt: skip


def model(text: str) -> eg.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", eg.NotationWarning)
        return eg.parse_latex(text)


def outcome(text: str, claim: str) -> str:
    """Say what is found of a claim: the least of its verdicts."""
    found = {v.outcome for v in model(text).check_each(claim, latex=True)}
    return next(x for x in ("wrong", "not judged", "right if", "right") if x in found)


@pytest.mark.parametrize(
    ("text", "claim", "expected"),
    [
        pytest.param(text, claim, expected, id=f"{kind}-{expected}-{k}")
        for kind, (text, right, wrong) in KINDS.items()
        for expected, claims in (("right", right), ("wrong", wrong))
        for k, claim in enumerate(claims)
    ],
)
def test_kind(text: str, claim: str, expected: str) -> None:
    assert outcome(text, claim) == expected


def test_what_follows_from_a_condition_is_not_judged() -> None:
    """``X^T X w = X^T y`` holds where the gradient is 0, and nowhere else."""
    fitted = model(r"L = \|X w - y\|^2 \\ X \in \mathbb{R}^{n \times d}")
    claim = r"\frac{\partial L}{\partial w} = 2 X^T (X w - y) = 0 \Rightarrow X^T X w = X^T y"
    gradient, normal = fitted.check_each(claim)
    assert gradient.ok
    assert "condition" in " ".join(gradient.notes)
    assert normal.outcome == "not judged"
    assert fitted.check(r"\frac{\partial L}{\partial w} = 0").outcome == "not judged"


def test_a_sign_is_assumed_only_where_it_suffices() -> None:
    """With y < 0 the slope of a hinge is -y only where 1 - y z > 0."""
    hinge = model(r"l = \max(0, 1 - y z)")
    assert hinge.check(r"\frac{\partial l}{\partial z} = \max(0, -y)").outcome == "wrong"
    slope = r"\begin{cases} a & |a| \leq \delta \\ \delta & \text{otherwise} \end{cases}"
    assert (
        model(HUBER).check(rf"L'_\delta(a) = {slope}").outcome == "wrong"
    )  # it says on which side
    root = model(r"f = \sqrt{x^2 y}")
    assert root.check(r"\frac{df}{dx} = \sqrt{y}").assumption == "x > 0"


def test_a_number_beside_a_matrix_may_stand_for_the_identity() -> None:
    text = r"L = w^T X X^T w - \lambda w^T w \\ X \in \mathbb{R}^{d \times n} \\ w \in \mathbb{R}^d"
    verdict = model(text).check(r"\frac{\partial L}{\partial w} = 2 (X X^T - \lambda) w")
    assert verdict.assumption == "lambda stands for lambda I"
    twin = r"\frac{\partial L}{\partial w} = 2 (X X^T + \lambda) w"
    assert model(text).check(twin).outcome == "wrong"


def test_a_matrix_entry_by_entry_is_refused() -> None:
    with pytest.raises(eg.NotationError, match="a matrix entry by entry"):
        eg.parse_latex(r"A = \left( \begin{array}{cc} a & b \\ c & d \end{array} \right)")


def test_what_could_be_meant_is_refused() -> None:
    """A sum without a letter beside kept labels alone, the name of an equation before a colon."""
    text = r"J = \sum_i x_i y_i"
    with pytest.raises(eg.NotationError, match="names no label"):
        model(text).check(r"\frac{\partial J}{\partial x_j} = \sum y_j")
    with pytest.raises(eg.NotationError, match="before a derivative"):
        model(text).check(r"J : \frac{\partial J}{\partial x_j} = y_j")


@pytest.mark.parametrize("by", ["u_o", "u_w"])
def test_a_row_beside_all_rows_is_no_variable(by: str) -> None:
    """Whether u_o is one of the u_w, over which is summed, changes the slope by it."""
    softmax = model(r"J = -\log\frac{\exp(u_o^\top v_c)}{\sum_w\exp(u_w^\top v_c)}")
    with pytest.raises(eg.NotationError, match="is one of the u is open"):
        softmax.check(rf"\frac{{\partial J}}{{\partial {by}}} = -v_c")


CONFLICTS = {  # what must not be read, each with why
    "x is one vector here, and one for each i beside it": r"f(x) = \sum_i \alpha_i k(x_i, x) \\ k(x, z) = e^{-\|x - z\|^2}",
    "a norm over i, which is kept or summed outside": r"L_i = \|x_i - \mu_k\|^2",
    "yhat in its formula depends": r"p(y|x) = \hat y^y (1-\hat y)^{1-y} \\ \hat y = \sigma(w x) \\ L = \sum_i \log p(y_i|x_i)",
    "x is one vector here, and one for each i": r"f(x) = \sum_i \alpha_i K(x, x_i) \\ K(x, z) = (x^T z)^2 \\ x, z \in \mathbb{R}^d",
}


@pytest.mark.parametrize(("reason", "model"), CONFLICTS.items())
def test_functions_of_what_they_cannot_take_are_refused(reason: str, model: str) -> None:
    with pytest.raises(eg.EingradError, match=reason):
        eg.parse_latex(model)
