# SPDX-License-Identifier: MIT
"""The programs that the models of tools/real were made for. Each function takes a file and what goes in
by name, and gives a function that runs it once: its outputs by name, or in order."""
import collections
import inspect
import json
import pathlib
import tempfile

import numpy as np


def by_onnxruntime(path, feed):
    import onnxruntime
    wishes = onnxruntime.SessionOptions()
    wishes.log_severity_level, wishes.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(str(path), wishes, providers=["CPUExecutionProvider"])
    names = [y.name for y in session.get_outputs()]
    return lambda: dict(zip(names, session.run(names, feed)))


def of_today(layers):
    """Layers of an older Keras's configuration, in place: Keras 3 knows not all of their options, and a
    GRU resets before where nothing is said."""
    import keras
    for layer in layers:
        kind, config = layer["class_name"], layer["config"]
        known = {"name", "trainable", "dtype", "batch_input_shape"}
        for base in getattr(keras.layers, kind).__mro__:
            known |= set(inspect.signature(base.__init__).parameters) if "__init__" in vars(base) else set()
        if "recurrent_activation" in config:
            config.setdefault("reset_after", False)
        layer.update(module="keras.layers", registered_name=None,
                     config={k: v for k, v in config.items() if k in known})
        if kind in ("Bidirectional", "TimeDistributed"):
            of_today([config["layer"]])
        if kind != "InputLayer":
            layer["config"].pop("batch_input_shape", None)


def by_keras(path, feed):
    """A .h5 of Keras 2 as Keras 3 takes it, with the hard_sigmoid of that time."""
    import h5py
    import keras
    import torch
    torch.set_num_threads(1)
    if path.suffix != ".keras":
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "model.h5"
            copy.write_bytes(path.read_bytes())
            with h5py.File(copy, "r+") as file:
                text = file.attrs["model_config"]
                whole = json.loads(text)
                config = whole["config"]
                layers = config if isinstance(config, list) else config["layers"]
                given = [None, *np.shape(next(iter(feed.values())))[1:]]
                shape = layers[0]["config"].get("batch_input_shape", given)
                of_today(layers)
                if layers[0]["class_name"] != "InputLayer":
                    layers.insert(0, {"class_name": "InputLayer", "module": "keras.layers",
                                      "registered_name": None, "config": {"batch_shape": shape, "name": "in"}})
                if isinstance(config, list):
                    whole["config"] = {"name": "model", "layers": layers}
                file.attrs["model_config"] = json.dumps(whole)
                old = str(file.attrs.get("keras_version", "2")) < "3"
            if old:
                keras.src.backend.nn.hard_sigmoid = lambda x: keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
            model = keras.models.load_model(copy, compile=False)
    else:
        model = keras.models.load_model(path, compile=False)
    x = list(feed.values())
    x = x[0] if len(x) == 1 else x

    def run():
        with torch.inference_mode():
            return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x))]
    return run


def speaker_encoder(path, feed):
    """What resemblyzer/voice_encoder.py does with its file."""
    import torch
    torch.set_num_threads(1)
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    lstm, linear = torch.nn.LSTM(40, 256, 3, batch_first=True), torch.nn.Linear(256, 256)
    lstm.load_state_dict({k[5:]: v for k, v in state.items() if k.startswith("lstm.")})
    linear.load_state_dict({k[7:]: v for k, v in state.items() if k.startswith("linear.")})
    x = torch.tensor(feed["mels"])

    def run():
        with torch.inference_mode():
            raw = torch.relu(linear(lstm(x)[1][0][-1]))
            return {"voice": (raw / torch.norm(raw, dim=1, keepdim=True)).numpy()}
    return run


def word_parts(path, feed):
    """As arabic_morph_segmenter/segmenter.py scores letters; its CRF then chooses a way through them."""
    import torch
    torch.set_num_threads(1)
    state = torch.load(path, map_location="cpu", weights_only=False)
    state = state.get("model_state_dict", state.get("state_dict", state))
    parts = {"embedding": torch.nn.Embedding(176, 128), "classifier": torch.nn.Linear(512, 3),
             "lstm": torch.nn.LSTM(128, 256, 2, batch_first=True, bidirectional=True)}
    for name, module in parts.items():
        module.load_state_dict({k[len(name) + 1:]: v for k, v in state.items() if k.startswith(name + ".")})
    letters = torch.tensor(feed["letters"])

    def run():
        with torch.inference_mode():
            return {"scores": parts["classifier"](parts["lstm"](parts["embedding"](letters))[0]).numpy()}
    return run


def modules(path, parts, key=None):
    """A state_dict in modules of PyTorch, by their names."""
    import torch
    torch.set_num_threads(1)
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state[key] if key else state
    for name, module in parts.items():
        module.load_state_dict({k[len(name) + 1:]: v for k, v in state.items() if k.startswith(name + ".")})
        module.eval()
    return parts


def word_tags(path, feed):
    """As uzmorph_bigru/model.py."""
    import torch
    nn = torch.nn
    parts = modules(path, {"char_embeddings": nn.Embedding(49, 64), "hidden2tag": nn.Linear(128, 746),
                           "gru": nn.GRU(64, 64, 2, bidirectional=True)})
    x = torch.tensor(feed["x"])

    def run():
        with torch.inference_mode():
            y = parts["gru"](parts["char_embeddings"](x))[0]
            return {"y": y.numpy(), "logits": parts["hidden2tag"](y).numpy()}
    return run


def beats(path, feed):
    """As BeatNet/model.py."""
    import torch
    nn = torch.nn
    parts = modules(path, {"conv1": nn.Conv1d(1, 2, 10), "linear0": nn.Linear(262, 150),
                           "lstm": nn.LSTM(150, 150, 2, batch_first=True), "linear": nn.Linear(150, 3)})
    x = torch.tensor(feed["spectrum"])

    def run():
        with torch.inference_mode():
            y = nn.functional.max_pool1d(torch.relu(parts["conv1"](x.reshape(-1, 1, 272))), 2)
            y = parts["linear0"](y.reshape(*x.shape[:2], 262))
            return {"beats": parts["linear"](parts["lstm"](y)[0]).transpose(1, 2).numpy()}
    return run


LINE_BLOCKS = [(24, 48, 2, 2), (48, 64, 1, 1), (64, 96, 2, 1), (96, 128, 1, 1), (128, 160, 2, 1), (160, 192, 2, 1)]


def text_line(path, feed):
    """As legere/model.py."""
    import torch
    nn = torch.nn
    blocks = [nn.Sequential(collections.OrderedDict(
        depthwise=nn.Conv2d(a, a, 3, stride, padding=1, groups=a, bias=False), bn1=nn.BatchNorm2d(a), r1=nn.ReLU(),
        pointwise=nn.Conv2d(a, b, 1, bias=False), bn2=nn.BatchNorm2d(b), r2=nn.ReLU()))
        for a, b, *stride in LINE_BLOCKS]
    stem = nn.Sequential(nn.Conv2d(1, 24, 3, 2, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU())
    parts = modules(path, {"stem": stem, "blocks": nn.Sequential(*blocks), "head": nn.Linear(256, 122),
                           "rnn": nn.GRU(192, 128, batch_first=True, bidirectional=True)}, "model")
    image = torch.tensor(feed["image"])

    def run():
        with torch.inference_mode():
            y = parts["blocks"](parts["stem"](image)).squeeze(2).permute(0, 2, 1)
            return {"logits": parts["head"](parts["rnn"](y)[0]).numpy()}
    return run


def phonemes(path, feed, part):
    """As g2p_en/g2p.py computes: a GRU over letters, and one over phonemes from where it ended."""
    w = dict(np.load(path))

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def run():
        h = feed.get("h0", np.zeros((1, 1, 256), np.float32))[0]
        hidden = []
        for x in w[f"{part}_emb"][feed["ids"][0]]:
            a = x[None] @ w[f"{part}_w_ih"].T + w[f"{part}_b_ih"]
            b = h @ w[f"{part}_w_hh"].T + w[f"{part}_b_hh"]
            H = h.shape[1]
            r, z = np.split(sigmoid(a[:, :2 * H] + b[:, :2 * H]), 2, -1)
            n = np.tanh(a[:, 2 * H:] + r * b[:, 2 * H:])
            h = (1 - z) * n + z * h
            hidden.append(h)
        if part == "enc":
            return {"last": h[None]}
        return {"logits": np.stack(hidden, 1) @ w["fc_w"].T + w["fc_b"]}
    return run
