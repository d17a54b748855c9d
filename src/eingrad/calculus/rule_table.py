"""The rewrite rules: a row each, in the order in which they are tried.

A text is in eingrad's notation, ``left -> right``, and reads from left to right. A name stands for
anything, as a function of the labels that it names; labels that both sides have are free, and may
stand for several axes each. Axes that a text does not name are a batch. At the root factors and
terms may stand beside what the left side says. A name with a condition is a number (``if k < 0``,
``if k even``) or a comparison (``if c condition``). Rows that no text can state are functions.
"""

from __future__ import annotations

from eingrad.calculus.condition_rules import case_by_place, condition_counted, conditions_joined
from eingrad.calculus.exp_rules import (
    exp_beside_sigmoid,
    log_of_weighted_exps,
)
from eingrad.calculus.gather_rules import (
    close_scatter,
    gather_moves_in,
    indicator_cancels,
    indicator_selects,
    log_of_gathered_softmax,
    open_scatter,
)
from eingrad.calculus.kink_rules import (
    adjugate_written_out,
    power_at_0,
    product_with_log,
)
from eingrad.calculus.pattern import Rule
from eingrad.calculus.pointwise_rules import (
    cases_joined,
    comparison_of_difference,
    gelu_slope,
    rows_times_numbers,
    sum_of_deviations,
    ties_joined,
)
from eingrad.calculus.root_rules import as_root

# fmt: off
FORMS = (
    Rule("log of exp", ("log(exp(x)) -> x",)),
    Rule("exp of log", ("exp(log(x)) -> x", "exp(log1p(x)) -> 1 + x")),
    Rule("inverse of exp", ("exp(x)^k -> exp(k x) if k < 0",)),
    Rule("log of inverse", ("log(1/x) -> -log(x)",)),
    Rule("softmax", ("exp(x_i) / sum_j(exp(x_j)) -> softmax_i(x_i)",), "softmax recognised"),
    Rule("sum of softmax", ("sum_i(softmax_i(x_i)) -> 1",), "a softmax sums to 1"),
    Rule("shift", (
        "softmax_i(x_i + c) -> softmax_i(x_i)",
        "log_softmax_i(x_i + c) -> log_softmax_i(x_i)",
        "logsumexp_i(x_i + c) -> logsumexp_i(x_i) + c",
    ), "softmax does not see a shift"),
    Rule("logsumexp", ("log(s sum_j(exp(x_j))) -> log(s) + logsumexp_j(x_j)",),
         "logsumexp recognised"),
    Rule("log-softmax", ("x_i - logsumexp_j(x_j) -> log_softmax_i(x_i)",),
         "log-softmax recognised"),
    Rule("log of softmax", ("log(softmax_i(x_i)) -> log_softmax_i(x_i)",),
         "log-softmax recognised"),
    Rule("exp of log-softmax", ("exp(log_softmax_i(x_i)) -> softmax_i(x_i)",),
         "softmax recognised"),
    Rule("sigmoid", (
        "(1 + exp(-x))^k -> sigmoid(x)^(-k) if k < 0",
        "exp(x) sigmoid(-x) -> sigmoid(x)",
    ), "sigmoid recognised"),
    Rule("powers of sigmoid", function=exp_beside_sigmoid, heads=("*",), needs=("sigmoid",),
         cites="sigmoid recognised"),
    Rule("softplus", (
        "log(1 + exp(x)) -> softplus(x)",
        "log1p(exp(x)) -> softplus(x)",
    ), "softplus recognised"),
    Rule("log of sigmoid", ("log(sigmoid(x)) -> -softplus(-x)",)),
    Rule("log of 1 - sigmoid", (
        "log(1 - sigmoid(x)) -> -softplus(x)",
        "log1p(-sigmoid(x)) -> -softplus(x)",
    )),
    Rule("tanh", (
        "(exp(x) - exp(-x)) / (exp(x) + exp(-x)) -> tanh(x)",
        "(exp(x) - 1) sigmoid(-x) -> tanh(x / 2)",
        "expm1(x) sigmoid(-x) -> tanh(x / 2)",
    ), "tanh recognised"),
    Rule("sinh over cosh", ("sinh(x) / cosh(x) -> tanh(x)",), "sinh / cosh = tanh"),
    Rule("sin over cos", ("sin(x) / cos(x) -> tan(x)",), "sin / cos = tan"),
    Rule("indicator again", (
        "where(c, 1, 0)^2 -> where(c, 1, 0) if c condition",
        "where(x > 0, 1, 0) relu(x) -> relu(x)",
    ), "a case that another factor implies"),
    Rule("inverse of inverse", (
        "inv_ij(inv_ij(A_ij)) -> A_ij",
        "det_ij(inv_ij(A_ij)) -> 1 / det_ij(A_ij)",
        "logdet_ij(inv_ij(A_ij)) -> -logdet_ij(A_ij)",
    ), "inverse of an inverse"),
    Rule("diagonal matrix", (
        "inv_ij(d_i delta_ij) -> delta_ij / d_i",
        "det_ij(d_i delta_ij) -> prod_i(d_i)",
        "logdet_ij(d_i delta_ij) -> sum_i(log(abs(d_i)))",
    ), "diagonal matrix"),
    Rule("rows times numbers", function=rows_times_numbers, heads=("det", "logdet"),
         cites="rows and columns times numbers"),
    Rule("inverse of multiple", ("inv_ij(s A_ij) -> inv_ij(A_ij) / s",), "inverse of a multiple"),
    Rule("inverse times matrix", (
        "inv_ij(A_ij) A_jk -> delta_ik",
        "A_ij inv_jk(A_jk) -> delta_ik",
    ), "a matrix times its inverse is the identity"),
)
"""Forms written out in exp, log and sum, folded back."""

FORMULAS = (
    Rule("case by place", function=case_by_place, heads=("where",), cites=""),
    Rule("conditions joined", function=conditions_joined, heads=("+",), cites="conditions joined"),
    Rule("condition counted", function=condition_counted, heads=("*",),
         cites="the entries are counted for which the condition holds"),
    Rule("sum of deviations", function=sum_of_deviations, heads=("*",),
         cites="summed term by term"),
    Rule("open scatter", function=open_scatter, heads=("Scatter",), cites=""),
    Rule("gather moves in", function=gather_moves_in, heads=("Gather",),
         cites="entries of a sum or product"),
    Rule("indicator cancels", function=indicator_cancels, heads=("*",),
         cites="the indicator selects its entry, which cancels"),
    Rule("indicator selects", function=indicator_selects, heads=("*",),
         cites="the indicator selects its entry"),
)
"""For formulas, which are short: sums that vanish, indicators that meet what they select."""

TIDIES = (
    Rule("power of root", ("sqrt(x)^k -> x^(k/2) if k even",), "sqrt(x)^2 = x"),
    Rule("sign over size", ("sign(x) / abs(x) -> 1 / x",), "sign(x) / abs(x) = 1 / x"),
    Rule("comparison of difference", function=comparison_of_difference,
         heads=("gt", "ge", "lt", "le"), cites="a - b > 0 where a > b"),
    Rule("cases joined", function=cases_joined, heads=("+",), cites="cases joined"),
    Rule("ties joined", function=ties_joined, heads=("+",), cites="cases joined"),
)
"""For results, which read better so."""

LATE = (Rule("power of exp", ("exp(x)^k -> exp(k x)",)),)
"""For results and what runs, when nothing else is to be done: it hides a power of a softmax."""

NUMERIC = (
    Rule("indicator cancels", function=indicator_cancels, heads=("*",)),
    Rule("indicator selects", function=indicator_selects, heads=("*",)),
    Rule("close scatter", function=close_scatter, heads=("*",)),
    Rule("log of gathered softmax", function=log_of_gathered_softmax, heads=("log",)),
    Rule("power at 0", function=power_at_0, heads=("*",), needs=("pow",)),
    Rule("product with log", function=product_with_log, heads=("*",)),
    Rule("adjugate", function=adjugate_written_out, heads=("*",), needs=("det",)),
    Rule("log of weighted exps", function=log_of_weighted_exps, heads=("log",)),
    Rule("share of two exp", ("exp(a) / (exp(a) + exp(b)) -> sigmoid(a - b)",)),
    Rule("log near 1", ("log(1 + x) -> log1p(x)",)),
    Rule("exp minus 1", ("exp(x) - 1 -> expm1(x)",)),
    Rule("log of two exp", ("log(exp(a) + exp(b)) -> logaddexp(a, b)",)),
    Rule("root of squares", function=as_root, heads=("sqrt", "root", "pow", "*", "std")),
    Rule("log of cosh", ("log(cosh(x)) -> x + softplus(-2 x) - log(2)",)),
)
"""For what runs: equal on paper, better in floating point; entries read and added at integers."""

PORTABLE = (Rule("gelu slope", function=gelu_slope, heads=("gelu'",)),)
"""For standalone modules: functions that every library has."""
# fmt: on
