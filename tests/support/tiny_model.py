"""A tiny BERT that a test writes itself: a whole model directory with random weights.

Its tokenizer knows the words of WORDS, letters, digits, and each of these as a continuation; what
else it meets is [UNK]. Only the standard library is needed.
"""
import json
import pathlib
import random
import struct

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "bank rate oil market profit loss shares up down the of crop port ship vote storm".split()
LETTERS = list("abcdefghijklmnopqrstuvwxyz0123456789")
VOCABULARY = SPECIALS + WORDS + LETTERS + ["##" + c for c in LETTERS]
LIMIT = 64


def special(name, type_id=0):
    return {"SpecialToken": {"id": name, "type_id": type_id}}


def sequence(name, type_id=0):
    return {"Sequence": {"id": name, "type_id": type_id}}


def tokenizer():
    single = [special("[CLS]"), sequence("A"), special("[SEP]")]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True} for i, name in enumerate(SPECIALS)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": single + [sequence("B", 1), special("[SEP]", 1)],
            "special_tokens": {name: {"id": name, "ids": [SPECIALS.index(name)], "tokens": [name]}
                               for name in ("[CLS]", "[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {token: i for i, token in enumerate(VOCABULARY)}},
    }


def shapes(hidden, intermediate, layers):
    yield "embeddings.word_embeddings.weight", [len(VOCABULARY), hidden]
    yield "embeddings.position_embeddings.weight", [LIMIT, hidden]
    yield "embeddings.token_type_embeddings.weight", [2, hidden]
    yield "embeddings.LayerNorm.weight", [hidden]
    yield "embeddings.LayerNorm.bias", [hidden]
    for i in range(layers):
        prefix = f"encoder.layer.{i}."
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            yield f"{prefix}attention.{name}.weight", [hidden, hidden]
            yield f"{prefix}attention.{name}.bias", [hidden]
        yield prefix + "attention.output.LayerNorm.weight", [hidden]
        yield prefix + "attention.output.LayerNorm.bias", [hidden]
        yield prefix + "intermediate.dense.weight", [intermediate, hidden]
        yield prefix + "intermediate.dense.bias", [intermediate]
        yield prefix + "output.dense.weight", [hidden, intermediate]
        yield prefix + "output.dense.bias", [hidden]
        yield prefix + "output.LayerNorm.weight", [hidden]
        yield prefix + "output.LayerNorm.bias", [hidden]


def safetensors(tensors, data):
    """A file of a header {name: {dtype, shape, data_offsets}} and bytes."""
    header = json.dumps(tensors).encode()
    return struct.pack("<Q", len(header)) + header + data


def weights(hidden=32, intermediate=64, layers=2, seed=1):
    source = random.Random(seed)
    tensors, data = {}, bytearray()
    for name, shape in shapes(hidden, intermediate, layers):
        n = shape[0] * (shape[1] if len(shape) > 1 else 1)
        mean = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        values = [mean + source.uniform(-0.3, 0.3) for _ in range(n)]
        begin = len(data)
        data += struct.pack(f"<{n}f", *values)
        tensors[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    return tensors, bytes(data)


def write(directory, hidden=32, seed=1, layers=2):
    """Writes the model and returns its path as a string."""
    root = pathlib.Path(directory)
    (root / "1_Pooling").mkdir(parents=True)
    files = {
        "config.json": {
            "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
            "hidden_size": hidden, "intermediate_size": 64, "num_hidden_layers": layers,
            "num_attention_heads": 2, "max_position_embeddings": LIMIT,
            "vocab_size": len(VOCABULARY), "type_vocab_size": 2, "layer_norm_eps": 1e-12,
            "pad_token_id": 0, "position_embedding_type": "absolute"},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "",
             "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling",
             "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize",
             "type": "sentence_transformers.models.Normalize"}],
        "1_Pooling/config.json": {"word_embedding_dimension": hidden,
                                  "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": False},
        "tokenizer_config.json": {"model_max_length": LIMIT, "tokenizer_class": "BertTokenizer",
                                  "do_lower_case": True},
        "tokenizer.json": tokenizer(),
    }
    for name, value in files.items():
        (root / name).write_text(json.dumps(value), encoding="utf-8")
    tensors, data = weights(hidden=hidden, layers=layers, seed=seed)
    (root / "model.safetensors").write_bytes(safetensors(tensors, data))
    return str(root)
