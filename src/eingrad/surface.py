"""The public surface: every name of ``import eingrad``, under the module that it lives in.

A module is loaded when a name of it is used. What type checkers read, `__init__.pyi`, is written
from this table by ``python docs/make_stubs.py``.
"""

ELEMENTWISE = "api.tensors.elementwise"
REDUCTIONS = "api.tensors.reductions"
SHAPING = "api.tensors.shaping"
LINEAR_ALGEBRA = "api.tensors.linear_algebra"
CONTRACTION = "api.tensors.contraction"

FUNCTIONS = {
    ELEMENTWISE: (
        "abs acos acosh acot acoth acsc add asec asin asinh atan atanh ceil clip conj cos "
        "cosh cot coth csc csch digamma divide elu erf exp expm1 floor floor_divide gelu imag "
        "leaky_relu lgamma log log1p logaddexp maximum minimum multiply negative polygamma "
        "pow power real reciprocal relu remainder sec sech sigmoid sign silu sin sinh "
        "softplus sqrt square subtract tan tanh where"
    ),
    REDUCTIONS: (
        "argmax argmin cumsum log_softmax logsumexp max mean min norm prod softmax std sum var"
    ),
    SHAPING: (
        "broadcast_to concatenate diag diagonal expand_dims flip moveaxis ravel reshape split "
        "squeeze stack swapaxes trace transpose"
    ),
    LINEAR_ALGEBRA: "cholesky det dot inner inv logdet matmul outer solve tensordot tril triu",
    CONTRACTION: "einsum",
}
"""The functions of the eager engine: of Tensors, arrays and numbers."""

SURFACE = {
    "api.einsum.contract_path": "PathPlan contract_path",
    "api.models.layer": "Layer",
    "api.models.load": "load",
    "api.models.model": "Model parse parse_latex",
    "api.models.model_derivatives": "Derivatives Gradient",
    "api.models.structured": "StructuredTensor",
    "api.tensors.tape": "no_grad",
    "api.tensors.tensor": "Tensor tensor",
    **FUNCTIONS,
    "api.traces.trace": "TracedFunction function",
    "api.transforms.checking": "GradientCheckError check_grads",
    "api.transforms.functional": "grad hvp jvp value_and_grad vjp",
    "api.transforms.jacobian": "hessian jacobian",
    "api.transforms.own_rules": "custom_vjp stop_gradient",
    "calculus.optim": "Optimizer adam momentum sgd",
    "check": "Verdict",
    "derivation.steps": "Step",
    "engine": "Function",
    "engine.executable": "MatrixError",
    "papers.check_document": "check_document",
    "papers.judged_formula": "JudgedFormula",
    "papers.report": "Report",
    "errors": (
        "BackendError DataError DifferentiationError EingradError MemoryLimitError "
        "NotationError NotationWarning Position ShapeError UnknownNameError"
    ),
}
