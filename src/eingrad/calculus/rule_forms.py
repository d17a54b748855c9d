"""The rules' texts in index form: written by ``python -m eingrad.calculus.rule_text``."""

# ruff: noqa: E501
# fmt: off
from fractions import Fraction

from eingrad.calculus.pattern import Applied, Dirac, Form, Hole, Plus, Times

TEXTS: dict[str, Form] = {
    'log(exp(x)) -> x':
        Form(Applied('log', (Applied('exp', (Hole('x'),)),)), Hole('x')),
    'exp(log(x)) -> x':
        Form(Applied('exp', (Applied('log', (Hole('x'),)),)), Hole('x')),
    'exp(log1p(x)) -> 1 + x':
        Form(Applied('exp', (Applied('log1p', (Hole('x'),)),)), Plus(((Times(1), 1), (Hole('x'), 1)))),
    'exp(x)^k -> exp(k x) if k < 0':
        Form(Times(1, ((Applied('exp', (Hole('x'),)), Hole('k')),)), Applied('exp', (Times(1, ((Hole('k'), 1), (Hole('x'), 1))),)), ('k', '< 0')),
    'log(1/x) -> -log(x)':
        Form(Applied('log', (Times(1, ((Hole('x'), -1),)),)), Times(-1, ((Applied('log', (Hole('x'),)), 1),))),
    'exp(x_i) / sum_j(exp(x_j)) -> softmax_i(x_i)':
        Form(Times(1, ((Times(1, ((Applied('exp', (Hole('x', ('0',)),)), 1),), ('0',)), -1), (Applied('exp', (Hole('x', ('i',)),)), 1))), Applied('softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'sum_i(softmax_i(x_i)) -> 1':
        Form(Times(1, ((Applied('softmax', (Hole('x', ('1',)),), ('1',), ('0',)), 1),), ('0',)), Times(1)),
    'softmax_i(x_i + c) -> softmax_i(x_i)':
        Form(Applied('softmax', (Plus(((Hole('c'), 1), (Hole('x', ('0',)), 1))),), ('0',), ('i',)), Applied('softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'log_softmax_i(x_i + c) -> log_softmax_i(x_i)':
        Form(Applied('log_softmax', (Plus(((Hole('c'), 1), (Hole('x', ('0',)), 1))),), ('0',), ('i',)), Applied('log_softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'logsumexp_i(x_i + c) -> logsumexp_i(x_i) + c':
        Form(Applied('logsumexp', (Plus(((Hole('c'), 1), (Hole('x', ('0',)), 1))),), ('0',)), Plus(((Applied('logsumexp', (Hole('x', ('1',)),), ('1',)), 1), (Hole('c'), 1)))),
    'log(s sum_j(exp(x_j))) -> log(s) + logsumexp_j(x_j)':
        Form(Applied('log', (Times(1, ((Applied('exp', (Hole('x', ('0',)),)), 1), (Hole('s'), 1)), ('0',)),)), Plus(((Applied('logsumexp', (Hole('x', ('1',)),), ('1',)), 1), (Applied('log', (Hole('s'),)), 1)))),
    'x_i - logsumexp_j(x_j) -> log_softmax_i(x_i)':
        Form(Plus(((Applied('logsumexp', (Hole('x', ('0',)),), ('0',)), -1), (Hole('x', ('i',)), 1))), Applied('log_softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'log(softmax_i(x_i)) -> log_softmax_i(x_i)':
        Form(Applied('log', (Applied('softmax', (Hole('x', ('0',)),), ('0',), ('i',)),)), Applied('log_softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'exp(log_softmax_i(x_i)) -> softmax_i(x_i)':
        Form(Applied('exp', (Applied('log_softmax', (Hole('x', ('0',)),), ('0',), ('i',)),)), Applied('softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    '(1 + exp(-x))^k -> sigmoid(x)^(-k) if k < 0':
        Form(Times(1, ((Plus(((Applied('exp', (Times(-1, ((Hole('x'), 1),)),)), 1), (Times(1), 1))), Hole('k')),)), Times(1, ((Applied('sigmoid', (Hole('x'),)), Times(-1, ((Hole('k'), 1),))),)), ('k', '< 0')),
    'exp(x) sigmoid(-x) -> sigmoid(x)':
        Form(Times(1, ((Applied('exp', (Hole('x'),)), 1), (Applied('sigmoid', (Times(-1, ((Hole('x'), 1),)),)), 1))), Applied('sigmoid', (Hole('x'),))),
    'log(1 + exp(x)) -> softplus(x)':
        Form(Applied('log', (Plus(((Applied('exp', (Hole('x'),)), 1), (Times(1), 1))),)), Applied('softplus', (Hole('x'),))),
    'log1p(exp(x)) -> softplus(x)':
        Form(Applied('log1p', (Applied('exp', (Hole('x'),)),)), Applied('softplus', (Hole('x'),))),
    'log(sigmoid(x)) -> -softplus(-x)':
        Form(Applied('log', (Applied('sigmoid', (Hole('x'),)),)), Times(-1, ((Applied('softplus', (Times(-1, ((Hole('x'), 1),)),)), 1),))),
    'log(1 - sigmoid(x)) -> -softplus(x)':
        Form(Applied('log', (Plus(((Applied('sigmoid', (Hole('x'),)), -1), (Times(1), 1))),)), Times(-1, ((Applied('softplus', (Hole('x'),)), 1),))),
    'log1p(-sigmoid(x)) -> -softplus(x)':
        Form(Applied('log1p', (Times(-1, ((Applied('sigmoid', (Hole('x'),)), 1),)),)), Times(-1, ((Applied('softplus', (Hole('x'),)), 1),))),
    '(exp(x) - exp(-x)) / (exp(x) + exp(-x)) -> tanh(x)':
        Form(Times(1, ((Plus(((Applied('exp', (Hole('x'),)), 1), (Applied('exp', (Times(-1, ((Hole('x'), 1),)),)), -1))), 1), (Plus(((Applied('exp', (Hole('x'),)), 1), (Applied('exp', (Times(-1, ((Hole('x'), 1),)),)), 1))), -1))), Applied('tanh', (Hole('x'),))),
    '(exp(x) - 1) sigmoid(-x) -> tanh(x / 2)':
        Form(Times(1, ((Applied('sigmoid', (Times(-1, ((Hole('x'), 1),)),)), 1), (Plus(((Applied('exp', (Hole('x'),)), 1), (Times(1), -1))), 1))), Applied('tanh', (Times(Fraction(1, 2), ((Hole('x'), 1),)),))),
    'expm1(x) sigmoid(-x) -> tanh(x / 2)':
        Form(Times(1, ((Applied('expm1', (Hole('x'),)), 1), (Applied('sigmoid', (Times(-1, ((Hole('x'), 1),)),)), 1))), Applied('tanh', (Times(Fraction(1, 2), ((Hole('x'), 1),)),))),
    'sinh(x) / cosh(x) -> tanh(x)':
        Form(Times(1, ((Applied('cosh', (Hole('x'),)), -1), (Applied('sinh', (Hole('x'),)), 1))), Applied('tanh', (Hole('x'),))),
    'sin(x) / cos(x) -> tan(x)':
        Form(Times(1, ((Applied('cos', (Hole('x'),)), -1), (Applied('sin', (Hole('x'),)), 1))), Applied('tan', (Hole('x'),))),
    'where(c, 1, 0)^2 -> where(c, 1, 0) if c condition':
        Form(Times(1, ((Applied('where', (Hole('c'), Times(1), Times(0))), 2),)), Applied('where', (Hole('c'), Times(1), Times(0))), ('c', 'condition')),
    'where(x > 0, 1, 0) relu(x) -> relu(x)':
        Form(Times(1, ((Applied('relu', (Hole('x'),)), 1), (Applied('where', (Applied('gt', (Hole('x'), Times(0))), Times(1), Times(0))), 1))), Applied('relu', (Hole('x'),))),
    'inv_ij(inv_ij(A_ij)) -> A_ij':
        Form(Applied('inv', (Applied('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('0', '1')),), ('0', '1'), ('i', 'j')), Hole('A', ('i', 'j'))),
    'det_ij(inv_ij(A_ij)) -> 1 / det_ij(A_ij)':
        Form(Applied('det', (Applied('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('0', '1')),), ('0', '1')), Times(1, ((Applied('det', (Hole('A', ('4', '5')),), ('4', '5')), -1),))),
    'logdet_ij(inv_ij(A_ij)) -> -logdet_ij(A_ij)':
        Form(Applied('logdet', (Applied('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('0', '1')),), ('0', '1')), Times(-1, ((Applied('logdet', (Hole('A', ('4', '5')),), ('4', '5')), 1),))),
    'inv_ij(d_i delta_ij) -> delta_ij / d_i':
        Form(Applied('inv', (Times(1, ((Dirac(('0', '1')), 1), (Hole('d', ('0',)), 1))),), ('0', '1'), ('i', 'j')), Times(1, ((Dirac(('i', 'j')), 1), (Hole('d', ('i',)), -1)))),
    'det_ij(d_i delta_ij) -> prod_i(d_i)':
        Form(Applied('det', (Times(1, ((Dirac(('0', '1')), 1), (Hole('d', ('0',)), 1))),), ('0', '1')), Applied('prod', (Hole('d', ('2',)),), ('2',))),
    'logdet_ij(d_i delta_ij) -> sum_i(log(abs(d_i)))':
        Form(Applied('logdet', (Times(1, ((Dirac(('0', '1')), 1), (Hole('d', ('0',)), 1))),), ('0', '1')), Times(1, ((Applied('log', (Applied('abs', (Hole('d', ('2',)),)),)), 1),), ('2',))),
    'inv_ij(s A_ij) -> inv_ij(A_ij) / s':
        Form(Applied('inv', (Times(1, ((Hole('s'), 1), (Hole('A', ('0', '1')), 1))),), ('0', '1'), ('i', 'j')), Times(1, ((Applied('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('i', 'j')), 1), (Hole('s'), -1)))),
    'inv_ij(A_ij) A_jk -> delta_ik':
        Form(Times(1, ((Applied('inv', (Hole('A', ('1', '2')),), ('1', '2'), ('i', '0')), 1), (Hole('A', ('0', 'k')), 1)), ('0',)), Dirac(('i', 'k'))),
    'A_ij inv_jk(A_jk) -> delta_ik':
        Form(Times(1, ((Applied('inv', (Hole('A', ('1', '2')),), ('1', '2'), ('0', 'k')), 1), (Hole('A', ('i', '0')), 1)), ('0',)), Dirac(('i', 'k'))),
    'sqrt(x)^k -> x^(k/2) if k even':
        Form(Times(1, ((Applied('sqrt', (Hole('x'),)), Hole('k')),)), Times(1, ((Hole('x'), Times(Fraction(1, 2), ((Hole('k'), 1),))),)), ('k', 'even')),
    'sign(x) / abs(x) -> 1 / x':
        Form(Times(1, ((Applied('abs', (Hole('x'),)), -1), (Applied('sign', (Hole('x'),)), 1))), Times(1, ((Hole('x'), -1),))),
    'exp(x)^k -> exp(k x)':
        Form(Times(1, ((Applied('exp', (Hole('x'),)), Hole('k')),)), Applied('exp', (Times(1, ((Hole('k'), 1), (Hole('x'), 1))),))),
    'exp(a) / (exp(a) + exp(b)) -> sigmoid(a - b)':
        Form(Times(1, ((Applied('exp', (Hole('a'),)), 1), (Plus(((Applied('exp', (Hole('a'),)), 1), (Applied('exp', (Hole('b'),)), 1))), -1))), Applied('sigmoid', (Plus(((Hole('a'), 1), (Hole('b'), -1))),))),
    'log(1 + x) -> log1p(x)':
        Form(Applied('log', (Plus(((Times(1), 1), (Hole('x'), 1))),)), Applied('log1p', (Hole('x'),))),
    'exp(x) - 1 -> expm1(x)':
        Form(Plus(((Applied('exp', (Hole('x'),)), 1), (Times(1), -1))), Applied('expm1', (Hole('x'),))),
    'log(exp(a) + exp(b)) -> logaddexp(a, b)':
        Form(Applied('log', (Plus(((Applied('exp', (Hole('a'),)), 1), (Applied('exp', (Hole('b'),)), 1))),)), Applied('logaddexp', (Hole('a'), Hole('b')))),
    'log(cosh(x)) -> x + softplus(-2 x) - log(2)':
        Form(Applied('log', (Applied('cosh', (Hole('x'),)),)), Plus(((Applied('softplus', (Times(-2, ((Hole('x'), 1),)),)), 1), (Times(0.6931471805599453), -1), (Hole('x'), 1)))),
}
