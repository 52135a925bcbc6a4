# SPDX-License-Identifier: MIT
"""Attention with every attribute, RotaryEmbedding, CumProd."""
from draw import op


@op("RotaryEmbedding", 23)
def rotary(c):
    N, heads, T, half = c.between(1, 3), c.between(1, 3), c.between(1, 5), c.between(1, 3)
    R = 2 * half
    part = c.chance(0.3)
    D = R + (c.between(1, 3) if part else 0)
    flat, known = c.chance(), c.chance(0.7)
    x = c.reals([N, T, heads * D] if flat else [N, heads, T, D], known=False)
    if c.chance():
        rows = c.between(T, T + 4)
        inputs = [x, c.reals([rows, half], known=known), c.reals([rows, half], known=known),
                  c.ints(c.array([N, T], 0, rows - 1, "i8"), c.chance())]
    else:
        inputs = [x, c.reals([N, T, half], known=known), c.reals([N, T, half], known=known)]
    c.give(c.node("RotaryEmbedding", inputs, interleaved=c.one_of(None, 0, 1), num_heads=heads if flat or c.chance() else None,
                  rotary_embedding_dim=R if part else c.one_of(None, 0, R)))


@op("Attention", 23)
def attention(c):
    N, T, S, D, E = (c.between(1, 4) for _ in range(5))
    shared, times, flat = c.between(1, 2), c.between(1, 3), c.chance()
    heads, past = shared * times, c.between(1, 3) if c.chance(0.3) else 0
    causal = c.one_of(None, 0, 1)
    if causal:
        S = T  # of others ONNX Runtime makes something else where T is 1
    q, k, v = ([N, t, h * d] if flat else [N, h, t, d] for h, t, d in ((heads, T, D), (shared, S, D), (shared, S, E)))
    inputs = [c.reals(q, known=False), c.reals(k), c.reals(v)]
    mask, every = c.below(3), past + S
    shape = c.one_of([T, every], [N, 1, T, every], [N, heads, T, every], [1, 1, T, every])
    if mask == 1:
        inputs.append(c.reals(shape))
    elif mask == 2:
        truths = c.array(shape, kind="?")
        if c.chance(0.7):
            truths[..., 0] = True  # something is left of each row
        inputs.append(c.value(truths))
    elif past:
        inputs.append("")
    if past:
        inputs += [c.reals([N, shared, past, D]), c.reals([N, shared, past, E])]
    if not past and c.opset >= 24 and c.chance(0.3):
        inputs += [""] * (6 - len(inputs)) + [c.ints(c.array([N], 1, S, "i8"), c.chance())]
    given = {"q_num_heads": heads, "kv_num_heads": shared} if flat else {}
    outputs = [c.fresh()] + ([c.fresh(), c.fresh()] if past else [])
    if c.chance(0.3):
        outputs += [""] * (3 - len(outputs)) + [c.fresh()]
    c.node("Attention", inputs, outputs, is_causal=causal, scale=c.real(0.2, 2) if c.chance() else None,
           softcap=c.real(0.5, 2) if c.chance(0.3) else None, softmax_precision=c.one_of(None, 1),
           qk_matmul_output_mode=c.one_of(None, 0, 1, 2, 3), **given)
    c.give(*outputs)


@op("CumProd", 11)
def products(c):
    c.opset = 26
    shape = c.sizes(c.between(1, 4))
    c.give(c.node("CumProd", [c.reals(shape, kind=c.one_of("f4", "f4", "f8", "i4")),
                              c.ints(c.between(-len(shape), len(shape) - 1), kind=c.one_of("i8", "i4"))],
                  exclusive=c.one_of(None, 0, 1), reverse=c.one_of(None, 0, 1)))
