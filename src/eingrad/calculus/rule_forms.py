"""The rules' texts in index form: written by ``python -m eingrad.calculus.rule_text``."""

# ruff: noqa: E501
# fmt: off
from fractions import Fraction

from eingrad.calculus.pattern import Call, Form, Hole, Identity, Product, Sum

TEXTS: dict[str, Form] = {
    'log(exp(x)) -> x':
        Form(Call('log', (Call('exp', (Hole('x'),)),)), Hole('x')),
    'exp(log(x)) -> x':
        Form(Call('exp', (Call('log', (Hole('x'),)),)), Hole('x')),
    'exp(log1p(x)) -> 1 + x':
        Form(Call('exp', (Call('log1p', (Hole('x'),)),)), Sum(((Product(1), 1), (Hole('x'), 1)))),
    'exp(x)^k -> exp(k x) if k < 0':
        Form(Product(1, ((Call('exp', (Hole('x'),)), Hole('k')),)), Call('exp', (Product(1, ((Hole('k'), 1), (Hole('x'), 1))),)), ('k', '< 0')),
    'log(1/x) -> -log(x)':
        Form(Call('log', (Product(1, ((Hole('x'), -1),)),)), Product(-1, ((Call('log', (Hole('x'),)), 1),))),
    'exp(x_i) / sum_j(exp(x_j)) -> softmax_i(x_i)':
        Form(Product(1, ((Product(1, ((Call('exp', (Hole('x', ('0',)),)), 1),), ('0',)), -1), (Call('exp', (Hole('x', ('i',)),)), 1))), Call('softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'sum_i(softmax_i(x_i)) -> 1':
        Form(Product(1, ((Call('softmax', (Hole('x', ('1',)),), ('1',), ('0',)), 1),), ('0',)), Product(1)),
    'softmax_i(x_i + c) -> softmax_i(x_i)':
        Form(Call('softmax', (Sum(((Hole('c'), 1), (Hole('x', ('0',)), 1))),), ('0',), ('i',)), Call('softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'log_softmax_i(x_i + c) -> log_softmax_i(x_i)':
        Form(Call('log_softmax', (Sum(((Hole('c'), 1), (Hole('x', ('0',)), 1))),), ('0',), ('i',)), Call('log_softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'logsumexp_i(x_i + c) -> logsumexp_i(x_i) + c':
        Form(Call('logsumexp', (Sum(((Hole('c'), 1), (Hole('x', ('0',)), 1))),), ('0',)), Sum(((Call('logsumexp', (Hole('x', ('1',)),), ('1',)), 1), (Hole('c'), 1)))),
    'log(s sum_j(exp(x_j))) -> log(s) + logsumexp_j(x_j)':
        Form(Call('log', (Product(1, ((Call('exp', (Hole('x', ('0',)),)), 1), (Hole('s'), 1)), ('0',)),)), Sum(((Call('logsumexp', (Hole('x', ('1',)),), ('1',)), 1), (Call('log', (Hole('s'),)), 1)))),
    'x_i - logsumexp_j(x_j) -> log_softmax_i(x_i)':
        Form(Sum(((Call('logsumexp', (Hole('x', ('0',)),), ('0',)), -1), (Hole('x', ('i',)), 1))), Call('log_softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'log(softmax_i(x_i)) -> log_softmax_i(x_i)':
        Form(Call('log', (Call('softmax', (Hole('x', ('0',)),), ('0',), ('i',)),)), Call('log_softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    'exp(log_softmax_i(x_i)) -> softmax_i(x_i)':
        Form(Call('exp', (Call('log_softmax', (Hole('x', ('0',)),), ('0',), ('i',)),)), Call('softmax', (Hole('x', ('1',)),), ('1',), ('i',))),
    '(1 + exp(-x))^k -> sigmoid(x)^(-k) if k < 0':
        Form(Product(1, ((Sum(((Call('exp', (Product(-1, ((Hole('x'), 1),)),)), 1), (Product(1), 1))), Hole('k')),)), Product(1, ((Call('sigmoid', (Hole('x'),)), Product(-1, ((Hole('k'), 1),))),)), ('k', '< 0')),
    'exp(x) sigmoid(-x) -> sigmoid(x)':
        Form(Product(1, ((Call('exp', (Hole('x'),)), 1), (Call('sigmoid', (Product(-1, ((Hole('x'), 1),)),)), 1))), Call('sigmoid', (Hole('x'),))),
    'log(1 + exp(x)) -> softplus(x)':
        Form(Call('log', (Sum(((Call('exp', (Hole('x'),)), 1), (Product(1), 1))),)), Call('softplus', (Hole('x'),))),
    'log1p(exp(x)) -> softplus(x)':
        Form(Call('log1p', (Call('exp', (Hole('x'),)),)), Call('softplus', (Hole('x'),))),
    'log(sigmoid(x)) -> -softplus(-x)':
        Form(Call('log', (Call('sigmoid', (Hole('x'),)),)), Product(-1, ((Call('softplus', (Product(-1, ((Hole('x'), 1),)),)), 1),))),
    'log(1 - sigmoid(x)) -> -softplus(x)':
        Form(Call('log', (Sum(((Call('sigmoid', (Hole('x'),)), -1), (Product(1), 1))),)), Product(-1, ((Call('softplus', (Hole('x'),)), 1),))),
    'log1p(-sigmoid(x)) -> -softplus(x)':
        Form(Call('log1p', (Product(-1, ((Call('sigmoid', (Hole('x'),)), 1),)),)), Product(-1, ((Call('softplus', (Hole('x'),)), 1),))),
    '(exp(x) - exp(-x)) / (exp(x) + exp(-x)) -> tanh(x)':
        Form(Product(1, ((Sum(((Call('exp', (Hole('x'),)), 1), (Call('exp', (Product(-1, ((Hole('x'), 1),)),)), -1))), 1), (Sum(((Call('exp', (Hole('x'),)), 1), (Call('exp', (Product(-1, ((Hole('x'), 1),)),)), 1))), -1))), Call('tanh', (Hole('x'),))),
    'sinh(x) / cosh(x) -> tanh(x)':
        Form(Product(1, ((Call('cosh', (Hole('x'),)), -1), (Call('sinh', (Hole('x'),)), 1))), Call('tanh', (Hole('x'),))),
    'sin(x) / cos(x) -> tan(x)':
        Form(Product(1, ((Call('cos', (Hole('x'),)), -1), (Call('sin', (Hole('x'),)), 1))), Call('tan', (Hole('x'),))),
    'where(c, 1, 0)^2 -> where(c, 1, 0) if c condition':
        Form(Product(1, ((Call('where', (Hole('c'), Product(1), Product(0))), 2),)), Call('where', (Hole('c'), Product(1), Product(0))), ('c', 'condition')),
    'where(x > 0, 1, 0) relu(x) -> relu(x)':
        Form(Product(1, ((Call('relu', (Hole('x'),)), 1), (Call('where', (Call('gt', (Hole('x'), Product(0))), Product(1), Product(0))), 1))), Call('relu', (Hole('x'),))),
    'inv_ij(inv_ij(A_ij)) -> A_ij':
        Form(Call('inv', (Call('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('0', '1')),), ('0', '1'), ('i', 'j')), Hole('A', ('i', 'j'))),
    'det_ij(inv_ij(A_ij)) -> 1 / det_ij(A_ij)':
        Form(Call('det', (Call('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('0', '1')),), ('0', '1')), Product(1, ((Call('det', (Hole('A', ('4', '5')),), ('4', '5')), -1),))),
    'logdet_ij(inv_ij(A_ij)) -> -logdet_ij(A_ij)':
        Form(Call('logdet', (Call('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('0', '1')),), ('0', '1')), Product(-1, ((Call('logdet', (Hole('A', ('4', '5')),), ('4', '5')), 1),))),
    'inv_ij(d_i delta_ij) -> delta_ij / d_i':
        Form(Call('inv', (Product(1, ((Identity(('0', '1')), 1), (Hole('d', ('0',)), 1))),), ('0', '1'), ('i', 'j')), Product(1, ((Identity(('i', 'j')), 1), (Hole('d', ('i',)), -1)))),
    'det_ij(d_i delta_ij) -> prod_i(d_i)':
        Form(Call('det', (Product(1, ((Identity(('0', '1')), 1), (Hole('d', ('0',)), 1))),), ('0', '1')), Call('prod', (Hole('d', ('2',)),), ('2',))),
    'logdet_ij(d_i delta_ij) -> sum_i(log(abs(d_i)))':
        Form(Call('logdet', (Product(1, ((Identity(('0', '1')), 1), (Hole('d', ('0',)), 1))),), ('0', '1')), Product(1, ((Call('log', (Call('abs', (Hole('d', ('2',)),)),)), 1),), ('2',))),
    'inv_ij(s A_ij) -> inv_ij(A_ij) / s':
        Form(Call('inv', (Product(1, ((Hole('s'), 1), (Hole('A', ('0', '1')), 1))),), ('0', '1'), ('i', 'j')), Product(1, ((Call('inv', (Hole('A', ('2', '3')),), ('2', '3'), ('i', 'j')), 1), (Hole('s'), -1)))),
    'inv_ij(A_ij) A_jk -> delta_ik':
        Form(Product(1, ((Call('inv', (Hole('A', ('1', '2')),), ('1', '2'), ('i', '0')), 1), (Hole('A', ('0', 'k')), 1)), ('0',)), Identity(('i', 'k'))),
    'A_ij inv_jk(A_jk) -> delta_ik':
        Form(Product(1, ((Call('inv', (Hole('A', ('1', '2')),), ('1', '2'), ('0', 'k')), 1), (Hole('A', ('i', '0')), 1)), ('0',)), Identity(('i', 'k'))),
    'sqrt(x)^k -> x^(k/2) if k even':
        Form(Product(1, ((Call('sqrt', (Hole('x'),)), Hole('k')),)), Product(1, ((Hole('x'), Product(Fraction(1, 2), ((Hole('k'), 1),))),)), ('k', 'even')),
    'exp(x)^k -> exp(k x)':
        Form(Product(1, ((Call('exp', (Hole('x'),)), Hole('k')),)), Call('exp', (Product(1, ((Hole('k'), 1), (Hole('x'), 1))),))),
    'log(1 + x) -> log1p(x)':
        Form(Call('log', (Sum(((Product(1), 1), (Hole('x'), 1))),)), Call('log1p', (Hole('x'),))),
    'exp(x) - 1 -> expm1(x)':
        Form(Sum(((Call('exp', (Hole('x'),)), 1), (Product(1), -1))), Call('expm1', (Hole('x'),))),
    'log(exp(a) + exp(b)) -> a + softplus(b - a)':
        Form(Call('log', (Sum(((Call('exp', (Hole('a'),)), 1), (Call('exp', (Hole('b'),)), 1))),)), Sum(((Call('softplus', (Sum(((Hole('a'), -1), (Hole('b'), 1))),)), 1), (Hole('a'), 1)))),
    'exp(a) / (exp(a) + exp(b)) -> sigmoid(a - b)':
        Form(Product(1, ((Call('exp', (Hole('a'),)), 1), (Sum(((Call('exp', (Hole('a'),)), 1), (Call('exp', (Hole('b'),)), 1))), -1))), Call('sigmoid', (Sum(((Hole('a'), 1), (Hole('b'), -1))),))),
    'log(cosh(x)) -> x + softplus(-2 x) - log(2)':
        Form(Call('log', (Call('cosh', (Hole('x'),)),)), Sum(((Call('softplus', (Product(-2, ((Hole('x'), 1),)),)), 1), (Product(0.6931471805599453), -1), (Hole('x'), 1)))),
}
