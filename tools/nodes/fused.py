# SPDX-License-Identifier: MIT
"""Operators of com.microsoft, as ONNX Runtime's optimiser writes them."""
from draw import op
from windows import window


def microsoft(c):
    c.domains["com.microsoft"] = 1
    return {"domain": "com.microsoft"}


ACTIVATIONS = [("Relu", []), ("Tanh", []), ("Sigmoid", []), ("LeakyRelu", [0.2]), ("HardSigmoid", [0.3, 0.4]),
               ("Clip", [-0.5, 0.7])]


@op("com.microsoft.FusedConv", 13)
def fused_conv(c):
    axes, group = c.one_of(1, 2), c.one_of(1, 2)
    C, M = group * c.between(1, 3), group * c.between(1, 3)
    kernel, given, wide = window(c, axes)
    x = [c.between(1, 3), C] + [w + c.between(0, 6) for w in wide]
    name, numbers = c.one_of(*ACTIVATIONS)
    inputs = [c.reals(x, known=False), c.reals([M, C // group] + kernel, known=True)]
    if c.chance():
        inputs.append(c.reals([M], known=True))
    c.give(c.node("FusedConv", inputs, group=group, activation=name, activation_params=numbers or None,
                  kernel_shape=kernel if c.chance() else None, **given, **microsoft(c)))


@op("com.microsoft.FusedGemm", 13)
def fused_gemm(c):
    M, N, K = c.sizes(3, 6)
    ta, tb = c.below(2), c.below(2)
    name, numbers = c.one_of(*ACTIVATIONS[:5], ("Elu", [0.7]), ("Softplus", []), ("Softsign", []))
    inputs = [c.reals([K, M] if ta else [M, K]), c.reals([N, K] if tb else [K, N]), c.reals([N])]
    c.give(c.node("FusedGemm", inputs, transA=ta, transB=tb, alpha=c.real(0.2, 2), beta=c.real(0.2, 2), activation=name,
                  activation_alpha=numbers[0] if numbers else None,
                  activation_beta=numbers[1] if len(numbers) > 1 else None, **microsoft(c)))


@op("com.microsoft.FusedMatMul", 13)
def fused_matmul(c):
    M, N, K = c.sizes(3, 6)
    front, ta, tb = c.sizes(c.below(3), 3), c.below(2), c.below(2)
    other = front if c.chance() else []
    c.give(c.node("FusedMatMul", [c.reals(front + ([K, M] if ta else [M, K])), c.reals(other + ([N, K] if tb else [K, N]))],
                  transA=ta, transB=tb, alpha=c.one_of(None, 0.5, -2.0), transBatchA=c.one_of(None, 0),
                  transBatchB=c.one_of(None, 0), **microsoft(c)))


def gelu(name):
    def draw(c):
        x = c.sizes(c.between(1, 3)) + [c.between(1, 6)]
        inputs = [c.reals(x, -4, 4)]
        if name == "BiasGelu" or name == "FastGelu" and c.chance():
            inputs.append(c.reals(x[-1:]))
        c.give(c.node(name, inputs, alpha=c.one_of(None, 1.3) if name == "QuickGelu" else None, **microsoft(c)))
    op(f"com.microsoft.{name}", 13)(draw)


for _name in ("Gelu", "BiasGelu", "FastGelu", "QuickGelu"):
    gelu(_name)


def skip(name):
    def draw(c):
        F = c.between(2, 6)
        x = [c.between(1, 3), c.between(1, 4), F]
        simple = "Simplified" in name
        inputs = [c.reals(x, known=False), c.reals(x, known=False), c.reals([F])]
        if not simple:
            inputs.append(c.reals([F]) if c.chance(0.7) else "")
        inputs.append(c.reals([F]) if c.chance() else "")
        while not inputs[-1]:
            inputs.pop()
        y, total = c.fresh(), c.fresh()
        c.node(name, inputs, [y, "", "", total] if c.chance() else [y], epsilon=c.one_of(1e-5, 0.01), **microsoft(c))
        c.give(y, *([total] if len(c.nodes[-1].output) == 4 else []))
    op(f"com.microsoft.{name}", 13)(draw)


@op("SimplifiedLayerNormalization", 13)
def simplified(c):
    shape = c.sizes(c.between(1, 3)) + [c.between(2, 6)]
    axis = c.between(-len(shape), len(shape) - 1)
    c.give(c.node("SimplifiedLayerNormalization", [c.reals(shape, known=False), c.reals(shape[axis:])], axis=axis,
                  epsilon=c.one_of(1e-5, 0.01), stash_type=c.one_of(None, 1)))


skip("SkipLayerNormalization")
skip("SkipSimplifiedLayerNormalization")
