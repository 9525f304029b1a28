#!/usr/bin/env python3
"""Makes the models and vectors that tests/parity/test_sentence_heads.py compares with.

    make-sentence-heads.py [FILE]

Every case is a tiny BERT with another set of sentence-transformers' files around it: poolings, Dense
modules, prompts, dimensions, forms of the weights. FILE holds the files of the network, which all
cases share, and of each case the files that it has beside or instead of those, the options, and the
vectors of sentence-transformers. With a version before 5.4 the cases in the older form of the files
are added to it.

Needs sentence-transformers; only to be run when the cases change.
"""
import base64
import json
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))

import safetensors.torch  # noqa: E402
import sentence_transformers  # noqa: E402
import tiny_model  # noqa: E402
import torch  # noqa: E402
from sentence_transformers import SentenceTransformer, models  # noqa: E402

OLD_FORM = tuple(int(n) for n in sentence_transformers.__version__.split(".")[:2]) < (5, 4)
HIDDEN = 8
TEXTS = ["oil up", "Bank shares: profit OF the port", "", "vote storm crop loss market rate oil " * 3]
NETWORK = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
POOLINGS = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]


def as_text(path):
    """The content of a file: text, or bytes in base64."""
    content = path.read_bytes()
    if path.suffix == ".json":
        return json.dumps(json.loads(content))
    return {"base64": base64.b64encode(content).decode()}


def make_base(folder):
    with tempfile.TemporaryDirectory() as scratch:
        made = pathlib.Path(tiny_model.write(pathlib.Path(scratch) / "model", hidden=HIDDEN))
        folder.mkdir()
        for name in NETWORK:
            shutil.copy(made / name, folder / name)


def pooling(modes="mean", include_prompt=True, size=HIDDEN):
    if not OLD_FORM:
        return models.Pooling(size, modes, include_prompt=include_prompt)
    booleans = {"cls": "cls_token", "max": "max_tokens", "mean": "mean_tokens",
                "weightedmean": "weightedmean_tokens"}
    chosen = {"pooling_mode_mean_tokens": False, f"pooling_mode_{booleans.get(modes, modes)}": True}
    return models.Pooling(size, **chosen, include_prompt=include_prompt)


def dense(inputs, outputs, activation="Tanh", **options):
    torch.manual_seed(inputs + outputs)
    return models.Dense(inputs, outputs, activation_function=getattr(torch.nn, activation)(),
                        **options)


class Case:
    """What stands around the network, and how the texts are encoded."""

    def __init__(self, *modules, prompts=None, default=None, cut=None, encode=None, options=(),
                 settings=None, change=None):
        self.modules, self.prompts, self.default, self.cut = modules, prompts, default, cut
        self.encode = encode or {}      # arguments of encode()
        self.options = list(options)    # the program's options for the same
        self.settings = settings or {}  # of sentence_bert_config.json
        self.change = change            # makes the folder another one, e.g. its weights


def to_pickle(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def dense_to_pickle(folder):
    to_pickle(folder / "2_Dense")


def to_shards(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    names = sorted(tensors)
    shards = {f"model-0000{i + 1}-of-00003.safetensors": names[i::3] for i in range(3)}
    for shard, part in shards.items():
        safetensors.torch.save_file({name: tensors[name] for name in part}, folder / shard,
                                    metadata={"format": "pt"})
    weight_map = {name: shard for shard, part in shards.items() for name in part}
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map}))
    (folder / "model.safetensors").unlink()


def in_type(dtype):
    def change(folder):
        tensors = safetensors.torch.load_file(folder / "model.safetensors")
        safetensors.torch.save_file({name: t.to(dtype) for name, t in tensors.items()},
                                    folder / "model.safetensors", metadata={"format": "pt"})
    return change


def cased(folder):
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    tokenizer["normalizer"]["lowercase"] = False
    path.write_text(json.dumps(tokenizer))


def no_modules(folder):
    for path in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / path).unlink(missing_ok=True)
    shutil.rmtree(folder / "1_Pooling")


def cases():
    norm = models.Normalize
    for mode in POOLINGS:
        yield f"pool_{mode}", Case(pooling(mode))
    if OLD_FORM:
        yield "dense", Case(pooling(), dense(HIDDEN, 6), norm())
        return
    yield "pool_all", Case(pooling(POOLINGS), norm())
    yield "pool_two", Case(pooling(["lasttoken", "mean"]))
    prompt = "the market: "
    for mode in POOLINGS:
        yield f"without_prompt_{mode}", Case(pooling(mode, include_prompt=False),
                                             encode={"prompt": prompt},
                                             options=["--prompt", prompt])
    for activation in ("Identity", "Tanh", "GELU", "ReLU", "SiLU", "Sigmoid"):
        yield f"dense_{activation}", Case(pooling(), dense(HIDDEN, 6, activation))
    yield "dense_two", Case(pooling(), dense(HIDDEN, 64, "Identity", bias=False),
                            dense(64, HIDDEN, "Identity", bias=False), norm())
    yield "dense_behind_two_poolings", Case(pooling(["mean", "max"]), dense(2 * HIDDEN, 9), norm())
    yield "dense_residual", Case(pooling(), norm(), dense(HIDDEN, HIDDEN, use_residual=True))
    yield "dense_residual_projected", Case(pooling(), dense(HIDDEN, 5, "GELU", use_residual=True))
    yield "dense_pickle", Case(pooling(), dense(HIDDEN, 6), norm(), change=dense_to_pickle)
    prompts = {"oil": "oil: ", "vote": "vote on "}
    both = {"query": "oil: ", "document": "vote on "}
    yield "prompt_default", Case(pooling(), norm(), prompts=prompts, default="vote")
    yield "prompt_name", Case(pooling(), norm(), prompts=prompts, encode={"prompt_name": "oil"},
                              options=["--prompt-name", "oil"])
    yield "prompt_document", Case(pooling(), norm(), prompts=both,
                                  encode={"prompt_name": "document"})
    yield "prompt_query", Case(pooling(), norm(), prompts=both, encode={"prompt_name": "query"},
                               options=["--prompt-name", "query"])
    yield "prompt_text", Case(pooling(), norm(), prompts=prompts, default="vote",
                              encode={"prompt": "loss "}, options=["--prompt", "loss "])
    yield "prompt_none", Case(pooling(), norm(), prompts=prompts, default="vote",
                              encode={"prompt": ""}, options=["--prompt", ""])
    yield "cut", Case(pooling(), encode={"truncate_dim": 5}, options=["--dimensions", 5])
    yield "cut_normalized", Case(pooling(), norm(), options=["--dimensions", 5],
                                 encode={"truncate_dim": 5, "normalize_embeddings": True})
    yield "cut_by_file", Case(pooling(), norm(), cut=7, encode={"normalize_embeddings": True})
    yield "short", Case(pooling(), norm(), settings={"max_seq_length": 9},
                        options=["--max-seq-length", 9])
    yield "lower_case", Case(pooling(), norm(), settings={"do_lower_case": True}, change=cased)
    yield "no_modules", Case(pooling(), change=no_modules)
    yield "pickle", Case(pooling(), norm(), change=to_pickle)
    yield "shards", Case(pooling(), norm(), change=to_shards)
    yield "float16", Case(pooling(), norm(), change=in_type(torch.float16))
    yield "bfloat16", Case(pooling(), norm(), change=in_type(torch.bfloat16))


def make_case(base, case):
    with tempfile.TemporaryDirectory() as scratch:
        transformer = models.Transformer(str(base))
        model = SentenceTransformer(modules=[transformer, *case.modules], prompts=case.prompts,
                                    default_prompt_name=case.default, truncate_dim=case.cut)
        whole = pathlib.Path(scratch) / "whole"
        model.save(str(whole), create_model_card=False)
        for name in NETWORK:
            shutil.copy(base / name, whole / name)
        settings = whole / "sentence_bert_config.json"
        settings.write_text(json.dumps(json.loads(settings.read_text()) | case.settings))
        if case.change:
            case.change(whole)
        loaded = SentenceTransformer(str(whole), model_kwargs={"torch_dtype": torch.float32},
                                     device="cpu")
        vectors = loaded.encode(TEXTS, batch_size=1, **case.encode)
        own = [p for p in sorted(whole.rglob("*")) if p.is_file()
               and not ((base / p.relative_to(whole)).is_file()
                        and (base / p.relative_to(whole)).read_bytes() == p.read_bytes())]
        return {"files": {str(p.relative_to(whole)): as_text(p) for p in own},
                "without": [n for n in NETWORK if not (whole / n).exists()],
                "options": [str(o) for o in case.options],
                "vectors": [[float(f"{x:.9g}") for x in row] for row in vectors.tolist()]}


def main():
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "tests/parity/sentence_heads.json")
    kept = json.loads(path.read_text())["cases"] if path.exists() else {}
    prefix = "old_" if OLD_FORM else ""
    kept = {name: case for name, case in kept.items() if name.startswith("old_") != OLD_FORM}
    with tempfile.TemporaryDirectory() as scratch:
        base = pathlib.Path(scratch) / "base"
        make_base(base)
        made = {f"{prefix}{name}": make_case(base, case) for name, case in cases()}
        network = {name: as_text(base / name) for name in NETWORK}
    everything = {"texts": TEXTS, "network": network, "cases": dict(sorted((kept | made).items()))}
    path.write_text(json.dumps(everything, indent=0) + "\n")


if __name__ == "__main__":
    main()
