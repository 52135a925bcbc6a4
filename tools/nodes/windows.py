# SPDX-License-Identifier: MIT
"""Convolutions, pooling, resizing, and what makes spectra."""
import numpy as np

from draw import op


def window(c, axes, pooled=False, dilated=True, most=3):
    """Attributes of a window, and the least size under it of each axis."""
    kernel = [c.between(1, most) for _ in range(axes)]
    given = {"strides": [c.between(1, 3) for _ in range(axes)] if c.chance(0.6) else None}
    dilations = [c.between(1, 3) for _ in range(axes)] if dilated and c.chance(0.4) else None
    given["dilations"] = dilations
    wide = [(k - 1) * d + 1 for k, d in zip(kernel, dilations or [1] * axes)]
    auto = c.one_of(None, None, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    if pooled and dilations:  # ONNX Runtime forgets the dilations of these
        auto = c.one_of(None, "VALID")
    given["auto_pad"] = auto
    if auto == "NOTSET" or auto is None and c.chance(0.6):
        given["pads"] = [c.between(0, w // 2) for w in wide * 2]
    return kernel, given, wide


@op("Conv")
def conv(c):
    axes = c.one_of(1, 1, 2)
    group = c.one_of(1, 1, 2, 3)
    C, M = group * c.between(1, 3), group * c.between(1, 3)
    kernel, given, wide = window(c, axes)
    x = [c.between(1, 3), C] + [w + c.between(0, 6) for w in wide]
    known = c.chance(0.85)
    inputs = [c.reals(x, known=False), c.reals([M, C // group] + kernel, known=known)]
    if c.chance(0.6):
        inputs.append(c.reals([M], known=known))
    c.give(c.node("Conv", inputs, group=group if group > 1 or c.chance() else None,
                  kernel_shape=kernel if c.chance() else None, **given))


@op("ConvTranspose")
def conv_transpose(c):
    axes = c.one_of(1, 1, 2)
    group = c.one_of(1, 1, 2)
    C, M = group * c.between(1, 3), c.between(1, 3)
    kernel, given, wide = window(c, axes)
    x = [c.between(1, 3), C] + [c.between(1, 6) for _ in range(axes)]
    inputs = [c.reals(x, known=False), c.reals([C, M] + kernel, known=True)]
    if c.chance(0.6):
        inputs.append(c.reals([group * M], known=True))
    strides = given["strides"] or [1] * axes
    if c.chance(0.4):
        given["output_padding"] = [c.below(s) for s in strides]
    if given["auto_pad"] in (None, "NOTSET") and c.chance(0.2):
        more = given.get("output_padding", [0] * axes)
        given["output_shape"] = [max(1, s * (n - 1) + w + p - c.between(0, 2))
                                 for s, n, w, p in zip(strides, x[2:], wide, more)]
        given.pop("pads", None)
        given["auto_pad"] = c.one_of(None, "SAME_UPPER", "SAME_LOWER")
    c.give(c.node("ConvTranspose", inputs, group=group if group > 1 else None,
                  kernel_shape=kernel if c.chance() else None, **given))


def pool(name):
    def draw(c):
        axes = c.one_of(1, 1, 2)
        since = {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[name]
        if c.chance():
            c.opset = c.between(since, 24)
        kernel, given, wide = window(c, axes, True, c.opset >= since, 4)
        x = [c.between(1, 3), c.between(1, 3)] + [w + c.between(0, 6) for w in wide]
        if c.opset >= {"MaxPool": 10, "AveragePool": 10, "LpPool": 18}[name]:
            given["ceil_mode"] = c.one_of(None, 0, 1)
            if given["ceil_mode"] and c.chance():
                given["strides"] = [c.between(2, 3) for _ in range(axes)]
        if name == "AveragePool":
            given["count_include_pad"] = c.one_of(None, 0, 1)
        if name == "LpPool":
            given["p"] = c.one_of(None, 1, 2, 3)
        c.give(c.node(name, [c.reals(x, known=False)], kernel_shape=kernel, **given))
    return draw


for _name in ("MaxPool", "AveragePool", "LpPool"):
    op(_name)(pool(_name))


def whole(name):
    def draw(c):
        x = [c.between(1, 3) for _ in range(c.between(3, 4))]
        c.give(c.node(name, [c.reals(x, known=False)], p=c.one_of(None, 1, 2) if name == "GlobalLpPool" else None))
    return draw


for _name in ("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"):
    op(_name)(whole(_name))


@op("Resize", 10)
def resize(c):
    cubic = c.opset >= 11 and c.chance(0.25)  # of two axes that grow, as ONNX Runtime knows it
    shape = [c.between(1, 2), c.between(1, 2)] + [c.between(2, 6) for _ in range(2 if cubic else c.between(1, 2))]
    scales = [1.0, 1.0] + [1.0 + c.between(0, 2) if cubic else c.one_of(0.5, 0.5, 1.5, 2.0, 3.0, 1.0) for _ in shape[2:]]
    shape[2:] = [c.between(2, 3) if s == 0.5 and c.chance() else d for s, d in zip(scales[2:], shape[2:])]  # one is left
    mode = "cubic" if cubic else c.one_of(None, "nearest", "linear")
    x = c.reals(shape, known=False)
    later = {"exclude_outside": c.one_of(None, 0, 1 if mode == "cubic" else 0)}
    if mode == "cubic":
        later["cubic_coeff_a"] = c.one_of(None, -0.5, -0.75)
    if c.opset >= 18:
        later.update(antialias=c.one_of(None, 0), keep_aspect_ratio_policy=c.one_of(None, "stretch"))
    if c.opset < 11:
        c.give(c.node("Resize", [x, c.value(np.float32(scales), True)], mode=mode))
        return
    given = {**later, "mode": mode, "coordinate_transformation_mode": c.one_of(
        None, "half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")}
    if c.opset >= 18 and c.chance(0.3):
        given["axes"] = [i - (len(shape) if c.chance() else 0) for i in range(2, len(shape))]
    if mode in (None, "nearest"):
        given["nearest_mode"] = c.one_of(None, "floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
    first = 2 if "axes" in given else 0
    if c.chance():
        sizes = [int(np.floor(d * s)) for d, s in zip(shape[first:], scales[first:])]
        inputs = [x, "", "" if c.opset >= 13 else c.value(np.zeros(0, "f4"), True), c.ints(sizes)]
        if c.opset < 13:
            inputs[1] = c.value(np.zeros(0, "f4"), True)
    else:
        inputs = [x, "" if c.opset >= 13 else c.value(np.zeros(0, "f4"), True), c.value(np.float32(scales[first:]), True)]
    c.give(c.node("Resize", inputs, **given))


@op("Upsample")
def upsample(c):
    c.opset = c.one_of(7, 8, 9)
    shape = [c.between(1, 2), c.between(1, 2)] + [c.between(2, 6) for _ in range(c.between(1, 2))]
    scales = [1.0, 1.0] + [c.one_of(1.0, 2.0, 3.0) for _ in shape[2:]]
    x, mode = c.reals(shape, known=False), c.one_of(None, "nearest", "linear")
    if c.opset < 9:
        c.give(c.node("Upsample", [x], scales=scales, mode=mode))
    else:
        c.give(c.node("Upsample", [x, c.value(np.float32(scales), True)], mode=mode))


# --- spectra --------------------------------------------------------------------------------------


def shape_of_window(name):
    def draw(c):
        c.give(c.node(name, [c.ints(c.between(2, 12), kind=c.one_of("i8", "i4"))], periodic=c.one_of(None, 0, 1),
                      output_datatype=c.one_of(None, 1, 11)))
    return draw


for _name in ("HannWindow", "HammingWindow", "BlackmanWindow"):
    op(_name, 17)(shape_of_window(_name))


@op("DFT", 17)
def dft(c):
    shape = [c.between(1, 3) for _ in range(c.between(1, 2))] + [c.between(2, 9)]
    inverse = c.one_of(None, 0, 1)
    onesided = None if inverse else c.one_of(None, 0, 1)
    axis = c.between(1, len(shape) - 1)
    x = c.reals(shape + [1 if onesided else c.one_of(1, 2)], known=False)
    inputs = [x] + ([c.ints(c.between(2, 9))] if c.chance(0.3) else [])
    if c.opset < 20:
        c.give(c.node("DFT", inputs, inverse=inverse, onesided=onesided, axis=axis))
    else:
        inputs += [""] * (2 - len(inputs)) + [c.ints(axis)]
        c.give(c.node("DFT", inputs, inverse=inverse, onesided=onesided))


@op("STFT", 17)
def stft(c):
    length, step = c.between(2, 8), c.between(1, 4)
    N, T = c.between(1, 3), c.between(8, 24)
    onesided = c.one_of(None, 0, 1)
    x = c.reals([N, T, 1 if onesided != 0 else c.one_of(1, 1, 2)] if c.chance(0.7) else [N, T, 1], known=False)
    inputs = [x, c.ints(step), c.reals([length], 0.1, 1, known=True) if c.chance(0.7) else ""]
    if not inputs[2] or c.chance():
        inputs.append(c.ints(length))
    c.give(c.node("STFT", inputs, onesided=onesided))


@op("MelWeightMatrix", 17)
def mel(c):
    rate = c.one_of(8000, 16000)
    c.give(c.node("MelWeightMatrix", [c.ints(c.between(2, 8)), c.ints(c.one_of(16, 64)), c.ints(rate),
                                      c.value(np.float32(c.between(0, 200)), True),
                                      c.value(np.float32(c.between(2000, rate // 2)), True)],
                  output_datatype=c.one_of(None, 1, 11)))
