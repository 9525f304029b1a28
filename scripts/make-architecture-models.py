#!/usr/bin/env python3
"""Makes the small models of tests/parity/architectures/ and the vectors that are expected of them.

Development only; needs the Python packages `transformers`, `sentence-transformers` and `torch`.

usage: make-architecture-models.py TOKENIZERS_DIRECTORY OUTPUT_DIRECTORY [MODEL ...]

    MODEL/config.json, modules.json, …   as in a repository of the Hub
    MODEL/weights.txt    "file NAME", then the tensors of that file: name, offset, scale, dimensions
    MODEL/expected.txt   "tokenizer KIND", then a vector a line: "ids LENGTH LOWEST HIGHEST VALUE…"
                         or "text NUMBER TOKENS VALUE…"
    texts.txt            JSON strings, one a line

No weights are stored: a tensor's value i is offset + scale * u(i), u from SplitMix64 seeded with
the FNV-1a hash of the tensor's name; token ids of a sequence come from SplitMix64 seeded with its
length. test_architectures.c makes the same. The vectors are those of transformers in float32,
through the modules of sentence-transformers.

Models named …_remote have the files of repositories whose code lies on the Hub, which transformers
does not run by itself: they are computed by its class for the same network, with what their files
say put in.
"""
import json
import pathlib
import shutil
import sys
import tempfile

import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.base.modules import Dense
from tokenizers import Tokenizer

LENGTHS = [1, 2, 3, 5, 8, 13, 16, 17, 31, 33, 48, 64, 65, 100, 127, 201, 300]
FEW_LENGTHS = [1, 17, 65, 201]
SPECIALS = 8  # ids below are special tokens in some tokenizer, padding among them
MAX_POSITIONS = 400
HIDDEN, LAYERS, INNER = 60, 3, 100

TEXTS = [
    "Kestria",
    "the insurance market said it would lose 12.5 million",
    "Shares of \u00c9cole Fran\u00e7aise rose 3\u00bd% on \u4e2d\u56fd news \u2014 its best day since 1987!",
    "The bank said on Monday that profit fell to 345 million in the third quarter, from 6789 million "
    "a year before, as the cost of insurance for ships in the northern ports rose and the market for "
    "crops was weak; shares were down, and the board's chairman said he'd resign. \"We've seen the "
    "worst,\" he told Kestria's agency, 'but not the end'.",
]


# ---- values that the test can make, too ----

def split_mix(state):
    state = state.copy()
    state ^= state >> numpy.uint64(30)
    state *= numpy.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> numpy.uint64(27)
    state *= numpy.uint64(0x94D049BB133111EB)
    return state ^ state >> numpy.uint64(31)


def random_words(seed, n):
    """n numbers of SplitMix64, begun at `seed`."""
    steps = numpy.arange(1, n + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
    return split_mix(numpy.uint64(seed) + steps)


def fnv1a(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def tensor_values(name, offset, scale, shape):
    words = random_words(fnv1a(name), int(numpy.prod(shape)))
    u = (words >> numpy.uint64(40)).astype(numpy.float64) / 2.0**23 - 1
    return torch.from_numpy((offset + scale * u).astype(numpy.float32).reshape(shape))


def token_ids(length, lowest, highest):
    return [lowest + int(w >> numpy.uint64(33)) % (highest - lowest)
            for w in random_words(length, length)]


def spread(name, shape, zero_centred):
    """Offset and scale of a tensor: each layer keeps the order of what it is given."""
    if len(shape) == 1 and name.endswith("weight"):
        return (0 if zero_centred else 1), 0.3
    if len(shape) == 1:
        return 0, 0.2
    if "embedding" in name.lower() or "embed_tokens" in name:
        return 0, 1
    return 0, round(float(3 / numpy.prod(shape[1:])) ** 0.5, 3)


# ---- a model directory ----

class Model:
    """A directory with a model that transformers opens. `prefix` is put before the tensors' names
    once the vectors are made."""
    transformer = {"type": "sentence_transformers.models.Transformer"}  # in modules.json

    def __init__(self, config, tokenizer, pooling="mean", normalize=False, dense=(), prefix="",
                 zero_centred=False, lengths=None):
        self.config, self.tokenizer, self.pooling = config, tokenizer, pooling
        self.normalize, self.dense, self.prefix = normalize, dense, prefix
        self.zero_centred = zero_centred
        self.lengths = lengths  # of what is embedded; None: LENGTHS, special tokens and texts
        self.files = {}  # name of a weights file: {tensor: (offset, scale, shape)}

    def make(self, folder):
        """Writes config.json and the weights, and returns the model that reads them."""
        transformers.AutoModel.from_config(self.config).save_pretrained(folder)
        weights = folder / "model.safetensors"
        names = {name: tuple(t.shape) for name, t in load_file(weights).items()}
        self.files[weights.name] = {
            self.prefix + name: (*spread(name, shape, self.zero_centred), shape)
            for name, shape in names.items()}
        values = self.values(weights.name)
        save_file({name: values[self.prefix + name] for name in names}, weights, {"format": "pt"})
        return transformers.AutoModel.from_pretrained(folder).eval()

    def values(self, file):
        return {name: tensor_values(name, *rest) for name, rest in self.files[file].items()}


class RemoteNomic(Model):
    """The configuration of nomic-ai's own code, which has GPT-2's names."""

    def make(self, folder):
        network = super().make(folder)
        c = self.config
        write_json(folder / "config.json", {
            "architectures": ["NomicBertModel"], "model_type": "nomic_bert",
            "auto_map": {"AutoModel": "modeling_hf_nomic_bert.NomicBertModel"},
            "activation_function": "swiglu", "causal": False, "dense_seq_output": True,
            "layer_norm_epsilon": c.layer_norm_eps, "max_trained_positions": 128,
            "mlp_fc1_bias": False, "mlp_fc2_bias": False, "n_embd": c.hidden_size,
            "n_head": c.num_attention_heads, "n_inner": c.intermediate_size,
            "n_layer": c.num_hidden_layers, "n_positions": c.max_position_embeddings,
            "parallel_block": False, "prenorm": False, "qkv_proj_bias": False,
            "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False,
            "rotary_emb_scale_base": None, "rotary_scaling_factor": None, "type_vocab_size": 2,
            "use_rms_norm": False, "vocab_size": c.vocab_size})
        return network


class RemoteGte(Model):
    """Alibaba-NLP's own code: frequencies scaled as NTK-aware interpolation has it."""
    theta, factor = 20000, 8

    def make(self, folder):
        network = super().make(folder)
        c = self.config
        head = c.hidden_size // c.num_attention_heads
        powers = torch.arange(0, head, 2, dtype=torch.float) / head
        network.rotary_emb.inv_freq = (
            1 / (self.theta * self.factor) ** powers / self.factor ** (2 / head))
        write_json(folder / "config.json", {
            "architectures": ["NewModel"], "model_type": "new",
            "auto_map": {"AutoModel": "Alibaba-NLP/new-impl--modeling.NewModel"},
            "hidden_act": c.hidden_act, "hidden_size": c.hidden_size,
            "intermediate_size": c.intermediate_size, "layer_norm_eps": c.layer_norm_eps,
            "layer_norm_type": "layer_norm", "logn_attention_clip1": False,
            "logn_attention_scale": False, "max_position_embeddings": c.max_position_embeddings,
            "num_attention_heads": c.num_attention_heads, "num_hidden_layers": c.num_hidden_layers,
            "pack_qkv": True, "pad_token_id": c.pad_token_id, "position_embedding_type": "rope",
            "rope_scaling": {"factor": float(self.factor), "type": "ntk"},
            "rope_theta": self.theta, "type_vocab_size": c.type_vocab_size,
            "unpad_inputs": False, "use_memory_efficient_attention": False,
            "vocab_size": c.vocab_size})
        return network


class RemoteJina(Model):
    """Jina's own code, which keeps an adapter to each task beside every linear map and embedding:
    W + B A / rank, and for embeddings W + A B / rank."""
    transformer = {"type": "custom_st.Transformer", "kwargs": ["task"]}
    tasks, task, rank = ["retrieval.query", "retrieval.passage", "text-matching"], 1, 4

    def make(self, folder):
        network = super().make(folder)
        file = self.files["model.safetensors"]
        for name in [n for n in file if n.endswith("weight") and len(file[n][2]) == 2]:
            offset, scale, (rows, cols) = file.pop(name)
            base = name.removesuffix("weight") + "parametrizations.weight."
            left, right = ("A", "B") if "embeddings." in name else ("B", "A")
            count = len(self.tasks)
            file[base + "original"] = offset, scale, (rows, cols)
            file[f"{base}0.lora_{left}"] = 0, scale, (count, rows, self.rank)
            file[f"{base}0.lora_{right}"] = 0, 1, (count, self.rank, cols)
        self.adapt(folder)
        self.write_config(folder)
        return transformers.AutoModel.from_pretrained(folder / "adapted").eval()

    def adapt(self, folder):
        """Writes the network with the adapter of the task added to its weights."""
        values = self.values("model.safetensors")
        for original in [n for n in values if n.endswith("original")]:
            base = original.removesuffix("original")
            a, b = (values.pop(f"{base}0.lora_{x}")[self.task] for x in "AB")
            product = a @ b if "embeddings." in original else b @ a
            values[base.removesuffix("parametrizations.weight.") + "weight"] = (
                values.pop(original) + product / self.rank)
        adapted = folder / "adapted"
        adapted.mkdir()
        shutil.copy(folder / "config.json", adapted)
        save_file({name.removeprefix(self.prefix): value.contiguous()
                   for name, value in values.items()},
                  adapted / "model.safetensors", {"format": "pt"})

    def write_config(self, folder):
        c = self.config
        write_json(folder / "config.json", {
            "architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta",
            "auto_map": {"AutoModel": "jinaai/xlm-roberta-flash-implementation--modeling_lora."
                                      "XLMRobertaLoRA"},
            "hidden_act": c.hidden_act, "hidden_size": c.hidden_size,
            "intermediate_size": c.intermediate_size, "layer_norm_eps": c.layer_norm_eps,
            "load_trained_adapters": True, "lora_adaptations": self.tasks, "lora_alpha": 1,
            "lora_rank": self.rank, "max_position_embeddings": c.max_position_embeddings,
            "num_attention_heads": c.num_attention_heads, "num_hidden_layers": c.num_hidden_layers,
            "pad_token_id": c.pad_token_id, "position_embedding_type": "rotary",
            "rotary_emb_base": 20000.0, "type_vocab_size": c.type_vocab_size,
            "use_flash_attn": True, "vocab_size": c.vocab_size})


def modules_of(model, hidden):
    """modules.json, its files by path, and the modules that compute the same."""
    path = "sentence_transformers.models."
    listed = [{"idx": 0, "name": "0", "path": "", **model.transformer},
              {"idx": 1, "name": "1", "path": "1_Pooling", "type": path + "Pooling"}]
    files = {"1_Pooling/config.json": {
        "word_embedding_dimension": hidden,
        **{f"pooling_mode_{name}": name.startswith(model.pooling) for name in (
            "cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens",
            "weightedmean_tokens", "lasttoken")}}}
    files["1_Pooling/config.json"]["pooling_mode_mean_sqrt_len_tokens"] = False
    modules = [Pooling(hidden, pooling_mode=model.pooling)]
    for outputs in model.dense:
        i = len(listed)
        config = {"in_features": hidden, "out_features": outputs, "bias": False,
                  "activation_function": "torch.nn.modules.linear.Identity"}
        file = f"{i}_Dense/model.safetensors"
        model.files[file] = {"linear.weight": (0, round((3 / hidden) ** 0.5, 3), (outputs, hidden))}
        module = Dense(hidden, outputs, bias=False, activation_function=torch.nn.Identity())
        module.load_state_dict(model.values(file))
        listed.append({"idx": i, "name": str(i), "path": f"{i}_Dense", "type": path + "Dense"})
        files[f"{i}_Dense/config.json"] = config
        modules.append(module)
        hidden = outputs
    if model.normalize:
        i = len(listed)
        listed.append({"idx": i, "name": str(i), "path": f"{i}_Normalize",
                       "type": path + "Normalize"})
    files["modules.json"] = listed
    return files, modules


def embed(network, modules, normalize, ids):
    with torch.no_grad():
        tokens = torch.tensor([ids])
        mask = torch.ones_like(tokens)
        features = {"token_embeddings": network(tokens, attention_mask=mask).last_hidden_state,
                    "attention_mask": mask}
        for module in modules:
            features = module(features)
        vector = features["sentence_embedding"]
        return (torch.nn.functional.normalize(vector) if normalize else vector)[0].tolist()


def write_expected(model, network, modules, tokenizer, path):
    def line(*head, ids):
        vector = embed(network, modules, model.normalize, ids)
        return " ".join([*map(str, head), *(f"{x:.9g}" for x in vector)]) + "\n"

    vocab = model.config.vocab_size
    with open(path, "w", encoding="ascii") as out:
        out.write(f"tokenizer {model.tokenizer}\n")
        for n in model.lengths or LENGTHS:
            out.write(line("ids", n, SPECIALS, vocab, ids=token_ids(n, SPECIALS, vocab)))
        if model.lengths:
            return
        out.write(line("ids", 40, 0, SPECIALS, ids=token_ids(40, 0, SPECIALS)))
        for i, text in enumerate(TEXTS):
            ids = tokenizer.encode(text).ids
            out.write(line("text", i, len(ids), ids=ids))


def write_weights(model, path):
    with open(path, "w", encoding="ascii") as out:
        for file, tensors in model.files.items():
            out.write(f"file {file}\n")
            for name, (offset, scale, shape) in tensors.items():
                out.write(" ".join(map(str, (name, offset, scale, *shape))) + "\n")


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_model(name, model, tokenizers, output):
    folder = output / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tokenizer = Tokenizer.from_file(str(tokenizers / model.tokenizer / "tokenizer.json"))
    model.config.vocab_size = tokenizer.get_vocab_size()
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        network = model.make(work)
        shutil.copy(work / "config.json", folder)
    files, modules = modules_of(model, model.config.hidden_size)
    for file, content in files.items():
        write_json(folder / file, content)
    write_json(folder / "tokenizer_config.json", {
        "model_max_length": model.config.max_position_embeddings - 2})
    write_weights(model, folder / "weights.txt")
    write_expected(model, network, modules, tokenizer, folder / "expected.txt")


# ---- the models ----

def sizes(heads=3, **more):
    return {"hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": heads,
            "intermediate_size": INNER, "max_position_embeddings": MAX_POSITIONS, **more}


def encoder(kind, heads=3, **more):
    return getattr(transformers, kind)(**sizes(heads, **more))


ROBERTA_IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
THETAS = {"full_attention": {"rope_type": "default", "rope_theta": 160000.0},
          "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}


def variant(kind, pooling="mean", zero_centred=False, **settings):
    return Model(encoder(kind, **settings), "wordpiece_steps", pooling=pooling,
                 zero_centred=zero_centred, lengths=FEW_LENGTHS)


def long_model(head_size, longest):
    """Texts longer than what kernels keep at a time, for a size of attention heads: the last token
    sees others that have seen the whole text."""
    return Model(transformers.ModernBertConfig(
        hidden_size=2 * head_size, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        local_attention=128, max_position_embeddings=8194, pad_token_id=1, rope_parameters=THETAS),
        "bpe_llama3", pooling="lasttoken", lengths=[512, 1025, longest])


DISTANCES = {"relative_attention": True, "position_biased_input": False, "type_vocab_size": 0,
             "layer_norm_eps": 1e-7}

MODELS = {
    "heads_of_32": lambda: long_model(32, 2049),
    "heads_of_64": lambda: long_model(64, 8192),
    "heads_of_96": lambda: long_model(96, 2049),
    "heads_of_128": lambda: long_model(128, 2049),
    "wide": lambda: Model(transformers.EuroBertConfig(
        hidden_size=1024, num_hidden_layers=1, num_attention_heads=16, num_key_value_heads=4,
        intermediate_size=4096, max_position_embeddings=MAX_POSITIONS, mask_token_id=4,
        **ROBERTA_IDS), "bpe_llama3", lengths=[7, 130]),
    "bert": lambda: Model(encoder("BertConfig"), "wordpiece_steps", normalize=True),
    "distilbert": lambda: Model(transformers.DistilBertConfig(
        dim=HIDDEN, n_layers=LAYERS, n_heads=3, hidden_dim=INNER,
        max_position_embeddings=MAX_POSITIONS), "wordpiece_steps"),
    "roberta": lambda: Model(encoder("RobertaConfig", type_vocab_size=1, **ROBERTA_IDS),
                             "bpe_roberta"),
    "xlm_roberta": lambda: Model(encoder("XLMRobertaConfig", type_vocab_size=1, **ROBERTA_IDS),
                                 "unigram_xlm_roberta"),
    "camembert": lambda: Model(encoder("CamembertConfig", type_vocab_size=1, **ROBERTA_IDS),
                               "unigram_xlm_roberta", pooling="max"),
    "mpnet": lambda: Model(encoder("MPNetConfig", relative_attention_num_buckets=32,
                                   **ROBERTA_IDS), "wordpiece_mixed"),
    "albert": lambda: Model(encoder("AlbertConfig", embedding_size=36, hidden_act="gelu_new"),
                            "unigram_t5"),
    "electra": lambda: Model(encoder("ElectraConfig", embedding_size=36), "wordpiece_steps",
                             pooling="cls"),
    "deberta_v2": lambda: Model(encoder(
        "DebertaV2Config", relative_attention=True, position_buckets=16, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False,
        type_vocab_size=0, layer_norm_eps=1e-7), "unigram_first"),
    "nomic_bert": lambda: Model(encoder("NomicBertConfig"), "wordpiece_steps"),
    "nomic_bert_remote": lambda: RemoteNomic(encoder("NomicBertConfig"), "wordpiece_mixed"),
    "modernbert": lambda: Model(encoder(
        "ModernBertConfig", num_hidden_layers=5, local_attention=16, pad_token_id=1,
        rope_parameters=THETAS), "bpe_llama3", pooling="cls"),
    "gte": lambda: Model(encoder("GteConfig", type_vocab_size=1, pad_token_id=1),
                         "unigram_xlm_roberta", pooling="cls"),
    "gte_remote": lambda: RemoteGte(encoder("GteConfig", type_vocab_size=0, pad_token_id=0),
                                    "wordpiece_steps", pooling="cls", prefix="new."),
    "eurobert": lambda: Model(encoder(
        "EuroBertConfig", heads=6, num_key_value_heads=2, mask_token_id=4, **ROBERTA_IDS,
        rope_parameters={"rope_type": "default", "rope_theta": 250000.0}), "bpe_llama3"),
    "jina_embeddings_v3": lambda: Model(encoder("JinaEmbeddingsV3Config", type_vocab_size=1),
                                        "unigram_xlm_roberta"),
    "jina_v3_remote": lambda: RemoteJina(
        encoder("JinaEmbeddingsV3Config", type_vocab_size=1), "unigram_xlm_roberta",
        normalize=True, prefix="roberta."),
    "qwen3": lambda: Model(encoder(
        "Qwen3Config", heads=4, num_key_value_heads=2, head_dim=24,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
        "bpe_qwen2", pooling="lasttoken", normalize=True),
    "gemma3_text": lambda: Model(encoder(
        "Gemma3TextConfig", heads=4, num_key_value_heads=1, head_dim=24, sliding_window=18,
        sliding_window_pattern=3, query_pre_attn_scalar=20, use_bidirectional_attention=True,
        rope_parameters={**THETAS, "full_attention": {"rope_type": "linear", "factor": 8.0,
                                                      "rope_theta": 1000000.0}}),
        "bpe_gemma", normalize=True, dense=(90, 48), zero_centred=True),

    # What the same architectures can be set to.
    "bert_tanh": lambda: variant("BertConfig", pooling="cls", hidden_act="gelu_new",
                                 type_vocab_size=1),
    "electra_wide": lambda: variant("ElectraConfig", embedding_size=HIDDEN),
    "albert_groups": lambda: variant("AlbertConfig", embedding_size=36, num_hidden_groups=2,
                                     inner_group_num=2),
    "deberta_v2_exact": lambda: variant(
        "DebertaV2Config", **DISTANCES, norm_rel_ebd="layer_norm", share_att_key=False,
        pos_att_type=["c2p"], position_buckets=-1, max_relative_positions=50),
    "deberta_v2_unshared": lambda: variant(
        "DebertaV2Config", **{**DISTANCES, "position_biased_input": True}, norm_rel_ebd="none",
        share_att_key=False, pos_att_type=["p2c", "c2p"], position_buckets=32),
    "deberta_v2_absolute": lambda: variant("DebertaV2Config", relative_attention=False,
                                           position_biased_input=True, type_vocab_size=2),
    "modernbert_biases": lambda: variant("ModernBertConfig", norm_bias=True, attention_bias=True,
                                         mlp_bias=True, pad_token_id=0, local_attention=7),
    "eurobert_biases": lambda: variant("EuroBertConfig", heads=5, attention_bias=True,
                                       mlp_bias=True, hidden_act="gelu", mask_token_id=4,
                                       **ROBERTA_IDS),
    "qwen3_windows": lambda: variant(
        "Qwen3Config", pooling="lasttoken", heads=4, num_key_value_heads=1, head_dim=14,
        use_sliding_window=True, sliding_window=9, max_window_layers=1, attention_bias=True),
    "qwen3_bidirectional": lambda: variant("Qwen3Config", heads=4, num_key_value_heads=4,
                                           head_dim=30, is_causal=False),
    "gemma3_causal": lambda: variant(
        "Gemma3TextConfig", zero_centred=True, heads=2, num_key_value_heads=2, head_dim=40,
        sliding_window=7, sliding_window_pattern=2, query_pre_attn_scalar=40),
}


def main():
    tokenizers, output = map(pathlib.Path, sys.argv[1:3])
    torch.set_num_threads(1)
    output.mkdir(parents=True, exist_ok=True)
    (output / "texts.txt").write_text("".join(json.dumps(t) + "\n" for t in TEXTS))
    for name in sys.argv[3:] or MODELS:
        write_model(name, MODELS[name](), tokenizers, output)
        print(name)


if __name__ == "__main__":
    main()
