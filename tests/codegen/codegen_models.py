"""Models for standalone modules: (name, notation, what by what, kind, bound functions)."""

from __future__ import annotations

from dataclasses import dataclass, field

import eingrad as eg
from eingrad.api.models.model_derivatives import Derivatives


@dataclass(frozen=True)
class Case:
    """A model and one set of derivatives of it."""

    name: str
    text: str
    wrt: str
    of: str = "L"
    kind: str = "grad"
    functions: dict[str, str] = field(default_factory=dict)

    def derivatives(self) -> Derivatives:
        """Derive."""
        wrt = self.wrt if self.kind in {"jvp", "hvp"} else self.wrt.split()
        result = getattr(eg.parse(self.text), self.kind)(self.of, wrt)
        assert isinstance(result, Derivatives)
        return result


MLP = """A1_bh = X_bi W1_ih + b1_h
Z1_bh = {}(A1_bh)
A2_bo = Z1_bh W2_ho + b2_o
Z2_bo = softmax_o(A2_bo)
L = -mean_b(T_bo log(Z2_bo))
assume sum_o(T_bo) = 1"""
DEEP = """A1_bh = X_bi W1_ih + b1_h
Z1_bh = tanh(A1_bh)
A2_bk = Z1_bh W2_hk + b2_k
Z2_bk = softplus(A2_bk)
Y_bo = Z2_bk W3_ko + b3_o
L = mean_b(sum_o((Y_bo - T_bo)^2)) / 2"""
LOGISTIC = """P_a = sigmoid(X_ai w_i)
L = -sum_a(t_a log(P_a) + (1 - t_a) log(1 - P_a))"""
SOFTMAX = """Z_bo = softmax_o(X_bi W_io + c_o)
L = -mean_b(T_bo log(Z_bo)) + 0.05 W_io W_io
assume sum_o(T_bo) = 1"""
ATTENTION = """S_ij = Q_id K_jd / sqrt(size(d))
A_ij = softmax_j(S_ij)
Y_ie = A_ij V_je
L = sum_i(sum_e(G_ie Y_ie))"""
HEADS = """S_nhqk = Q_nhqd K_nhkd / sqrt(size(d))
A_nhqk = softmax_k(S_nhqk)
Y_nhqd = A_nhqk V_nhkd
L = mean_n(sum_h(sum_q(sum_d(Y_nhqd^2))))"""
LAYER_NORM = """m_b = mean_i(X_bi)
v_b = mean_i((X_bi - m_b)^2)
Y_bi = g_i (X_bi - m_b) / sqrt(v_b + 0.001) + c_i
L = mean_b(D_bi Y_bi)"""
RNN = """H_bh = tanh(X_bi W_ih + P_bk U_kh + c_h)
L = mean_b((H_bh v_h - y_b)^2)"""
RECURRENCE = """h[t,i] = tanh(U_ij h[t-1,j] + V_in x_tn + c_i)
h[t<0,i] = g_i
L = sum_ti((h_ti - y_ti)^2)"""
LSTM = """f_ti = sigmoid(A_in x_tn + P_ij h[t-1,j] + c_i)
s_ti = tanh(B_in x_tn + Q_ij h[t-1,j])
k[t,i] = f_ti k[t-1,i] + (1 - f_ti) s_ti
h[t,i] = sigmoid(C_in x_tn) tanh(k_ti)
L = sum_t((h_ti w_i)^2)"""
RETURNS = "G[b,t] = r_bt + a G[b,t+1] - tanh(G[b,t+2])\nL = sum_bt((G_bt - v_bt)^2)"
DEEP_STACK = """Z[l,b,k] = Z[l-1,b,k] + gelu(Z[l-1,b,j] W_ljm) V_lmk
Z[l<0,b,k] = X_bk
L = sum_lbk(Z_lbk^2) / size(l)"""
KEYWORDS = """lambda_b = X_bi np_i
forward_b = tanh(lambda_b in_h in_h)
L = mean_b((forward_b - einsum_b)^2) + saved yield"""

CASES = [
    Case("mlp_sigmoid", MLP.format("sigmoid"), "W1 b1 W2 b2"),
    Case("mlp_gelu", MLP.format("gelu"), "W1 b1 W2 b2"),
    Case("mlp_inputs", MLP.format("silu"), "X T W1"),
    Case("deep", DEEP, "W1 b1 W2 b2 W3 b3"),
    Case("logistic", LOGISTIC, "w"),
    Case("softmax", SOFTMAX, "W c"),
    Case("poisson", "z_a = X_ai w_i\nL = sum_a(exp(z_a) - y_a z_a)", "w"),
    Case("least_squares", "r_a = X_ai w_i - y_a\nL = r_a r_a / 2", "w y"),
    Case("ridge", "L = mean_a((X_ai w_i - y_a)^2) + k w_i w_i", "w k"),
    Case("factors", "R_ij = M_ij - U_ik V_jk\nL = R_ij R_ij", "U V"),
    Case("attention", ATTENTION, "Q K V"),
    Case("recurrence", RECURRENCE, "U V c g x"),
    Case("lstm_loop", LSTM, "P Q A c"),
    Case("returns", RETURNS, "r a"),
    Case("deep_stack", DEEP_STACK, "W V X"),
    Case("recurrence_tangent", RECURRENCE, "U", kind="jvp"),
    Case("recurrence_hessian", "h[t] = tanh(u h[t-1] + x_t)\nL = sum_t(h_t^2)", "u",
         kind="hessian"),
    Case("heads", HEADS, "Q K V"),
    Case("layer_norm", LAYER_NORM, "X g c"),
    Case("gaussian", "r_a = (x_a - m) / s\nL = sum_a(r_a^2) / 2 + size(a) log(s)", "m s"),
    Case("normal_matrix", "r_ai = X_ai - m_i\nL = r_ai S_ij r_aj - logdet_ij(S_ij)\n"
         "assume S_ij = S_ji", "m S"),
    Case("hinge", "L = mean_a(relu(1 - y_a X_ai w_i))", "w"),
    Case("rbf", "D_ab = sum_i((X_ai - Y_bi)^2)\nK_ab = exp(-k D_ab)\nL = c_a K_ab d_b", "X k c"),
    Case("cosine", "L = x_i y_i / (norm_i(x_i) norm_i(y_i))", "x y"),
    Case("rnn", RNN, "W U c v"),
    Case("where", "z_a = X_ai w_i\nL = sum_a(where(z_a > t_a, z_a^2, 3 z_a))", "w"),
    Case("leaky", "L = mean_b(leaky_relu(X_bi w_i) * elu(X_bj u_j))", "w u"),
    Case("max_pool", "P_bc = max_k(X_bck)\nL = mean_b(P_bc w_c)", "X w"),
    Case("extrema", "L = sum_b(maximum(x_b, y_b) minimum(x_b, 0.1)) + min_b(x_b)", "x y"),
    Case("products", "L = sum_b(prod_k(X_bk)) + prod_k(w_k)", "X w"),
    Case("trace", "L = A_ii + A_ij B_ji + sum_i(A_ii^2)", "A B"),
    Case("outer", "M_ij = x_i y_j + delta_ij s\nL = sum_i(sum_j(M_ij^2 C_ji))", "x y s C"),
    Case("bilinear", "L = u_a A_ab B_bc v_c", "u A B v"),
    Case("broadcast", "Y_ijk = a_i + B_jk - c_k\nL = mean_i(mean_j(mean_k(sin(Y_ijk))))", "a B c"),
    Case("generic", "function phi\nZ_bh = phi(X_bi W_ih)\nL = mean_b(Z_bh v_h)", "W v",
         functions={"phi": "relu"}),
    Case("generic_tanh", "function phi\nA_h = W_ih x_i\nZ_h = phi(A_h)\nL = Z_h v_h", "W x",
         functions={"phi": "tanh"}),
    Case("logsumexp", "L = mean_b(logsumexp_o(X_bi W_io)) + log(sum_i(exp(w_i)))", "W w"),
    Case("kl", "q_i = softmax_i(a_i)\nL = p_i log(p_i / q_i)\nassume sum_i(p_i) = 1", "a p"),
    Case("powers", "L = sum_i(x_i^3 / y_i + x_i^0.5 + y_i^-2 + pow(x_i, y_i))", "x y"),
    Case("inverse", "L = a_i inv_ij(A_ij) b_j + det_ij(A_ij)", "A a"),
    Case("unused", "L = sum_b(1 + 0 x_b) + y", "x y"),
    Case("keywords", KEYWORDS, "np in yield"),
    Case("long_names", "activationOfTheHiddenLayer[batch,hidden] = "
         "tanh(theInputsOfTheModel[batch,features] weightsOfTheModel[features,hidden])\n"
         "s[batch] = activationOfTheHiddenLayer[batch,hidden] scaleOfEachHiddenUnit[hidden]\n"
         "L = mean_{batch}(s[batch] s[batch]) - sum_{hidden}(offsetOfEachHiddenUnit[hidden])",
         "weightsOfTheModel scaleOfEachHiddenUnit offsetOfEachHiddenUnit"),
    Case("assumed", "L = x_i A_ij x_j\nassume x_i x_i = 1", "A"),
    Case("conv_gather", "function act\nY_btf = act(X[b, p[t,k], c] W_kcf + b_f)\n"
         "L = mean_b(sum_t(sum_f((Y_btf - T_btf)^2)))", "X W b", functions={"act": "tanh"}),
    Case("two_tables", "s_bk = emb[c[b], d] ctx[o[b,k], d]\nL = -mean_b(sum_k(log(sigmoid(s_bk))))",
         "emb ctx"),
    Case("gather_of_labels", "a_btk = log_softmax_k(X_bti W_ik)\n"
         "L = -mean_b(sum_t(a[b, t, y[b,t]] m_bt))", "X W"),
    Case("cox", "e_a = X_ai w_i\nL = -sum_a(d_a (e_a - log(reverse_cumsum_a(exp(e_a)))))", "X w"),
    Case("masked", "S_ij = where(m_ij > 0, Q_id K_jd, -20)\nP_ij = softmax_j(S_ij)\n"
         "L = sum_i(sum_e(P_ij V_je G_ie))", "Q K V"),
    Case("contrastive", "n_a = norm_i(U_ai)\nm_a = norm_i(V_ai)\nu_ai = U_ai / n_a\n"
         "v_ai = V_ai / m_a\nS_ab = u_ai v_bi / t\nL = -mean_a(log_softmax_b(S_ab) I_ab size(b))",
         "U V t"),
    Case("gaussian_process", "K_ab = exp(-sum_i((X_ai - X_bi)^2) / (2 l^2)) + s^2 delta_ab\n"
         "L = y_a inv_ab(K_ab) y_b / 2 + logdet_ab(K_ab) / 2", "X y l s"),
    Case("gather", "Z_bo = log_softmax_o(X_bi W_io)\nL = -mean_b(Z[b, y[b]])", "W X"),
    Case("embedding", "L = mean_b(mean_d(E[w[b], d]^2 c_d))", "E c"),
    Case("argmax", "L = sum_i(argmax_j(A_ij) x_i) + sum_i((x_i > y_i) x_i) sigmoid(2)", "x"),
    Case("several_axes", "L = sum_{ab}(softmax_ab(X_ab) X_ab) + norm_{abc}(Y_abc)", "X Y"),
    Case("convolution", "A[b,o,p,q] = X[b,c,2 p+k,q+l] W[o,c,k,l] + c_o\n"
         "Y_bopq = relu(A_bopq)\nL = mean_b(sum_opq(Y_bopq^2))", "X W c"),
    Case("padded", "assume size(i) = size(n)\ny_i = tanh(x[i+k-1] w_k)\nL = y[-1] + sum_i(y_i^2)",
         "x w"),
    Case("transposed", "assume size(i) = 2 size(j) + size(n) - 2\ny_i = x_j w[i-2 j]\n"
         "L = sum_i(y_i^3)", "x w"),
    Case("pooled", "assume size(k) = 2\nY_bi = max_k(X[b,2 i+k])\nL = Y_bi v_i X[b,0]", "X v"),
    Case("heat", "v_i = u_i + 0.1 (u[i+1] - 2 u_i + u[i-1])\nL = sum_i(v_i^3)", "u"),
    Case("hessian_of_offsets", "y_i = x[i+k] w_k\nL = sum_i(y_i^3)", "x", kind="hessian"),
    Case("jvp", "y_i = A_ij sin(x_j)", "x", of="y", kind="jvp"),
    Case("hvp", "L = sum_i(exp(A_ij x_j))", "x", kind="hvp"),
    Case("cumsum", "S_bt = cumsum_t(X_bt)\nL = sum_b(w_t S_bt^2) + sum_ij(cumsum_ij(A_ij)^2)",
         "X w A"),
    Case("jacobian", "p_i = softmax_i(a_i)", "a", of="p", kind="jacobian"),
    Case("jacobian_layer", "y_bo = tanh(X_bi W_io)", "W X", of="y", kind="jacobian"),
    Case("hessian", LOGISTIC, "w", kind="hessian"),
    Case("hessian_pairs", "L = sum_a(exp(X_ai w_i) c) + w_i A_ij w_j", "w c", kind="hessian"),
]  # fmt: skip
