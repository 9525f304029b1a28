#!/usr/bin/env python3
"""Makes the small tokenizers of tests/parity/tokenizers/ and what is expected of them.

Development only; needs the Python packages `tokenizers` and, for charsmaps, `sentencepiece`.

usage: make-tokenizer-kinds.py ARTICLES.jsonl OUTPUT_DIRECTORY [KIND ...]

    KIND/tokenizer.json  trained on the articles, or kept when it is there
    KIND/golden.txt      lines of a pattern (see PATTERNS), the first code point of a block, and the
                         hash of the ids that the reference gives for the block; or of "random",
                         the first number of a block of random texts, and the hash
    pieces.txt           JSON strings, one a line, that random texts are made of

Each hash is the beginning of the SHA-256 of the ids of each text and -1 behind them, as
little-endian int32. test_tokenizer_kinds.c makes the same texts.
"""
import base64
import hashlib
import json
import pathlib
import struct
import sys
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import (AddedToken, Regex, Tokenizer, models, normalizers as norm,
                        pre_tokenizers as pre, processors as post, trainers)

BLOCK = 16384
RANDOM_TEXTS = 10000
RANDOM_BLOCK = 500
VOCAB = 700
PATTERNS = {"alone": lambda c: c, "between": lambda c: f"a{c}b", "doubled": lambda c: c + c}

GPT2_LIKE = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = GPT2_LIKE + r"\p{N}" + REST
LLAMA3 = GPT2_LIKE + r"\p{N}{1,3}" + REST
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

PIECES = [
    " ", "  ", "   ", "\n", "\r\n", "\n\n", "\t", "\u00a0", "\u3000", "\u2028", "\u0085", "\0", "a",
    "B", "s", "S", "z", "'", "'s", "'S", "'T", "'re", "'LL", "'d", "'m", "'ve", "\u2019s", "'\u017f",
    "1", "12", "345", "6789", "10000", "\u0661\u0662", "\u00bd", "\u00b2", "\u2163", "\u4e00",
    ".", ",", "!", "?!", "...", "-", "--", "$", "\u20ac", "(", ")", "_", "/", "\\", "<", ">", "|", "#",
    "the", " the", "The", " market", "insurance", " million", "Kestria", " said", "ing", "ed",
    "\u00e9", "e\u0301", "\u00c9", "a\u0300\u0323", "\u1e69", "s\u0323\u0307", "\u0307\u0323",
    "\u00df", "\u1e9e", "\u0130", "\u03a3", "\ufb01", "\ufb03", "\u00aa", "\u2460", "\u33c2", "\ufdfa",
    "\u212b", "\u2126", "\uff21", "\uff76\uff9e", "\u30ab\u3099", "\u3071", "\u4e2d\u56fd", "\u65e5",
    "\uac00", "\uac01", "\u1100\u1161", "\u1100\u1161\u11a8", "\u1161", "\u0915\u093c", "\u0958",
    "\u0915\u094d\u0937", "\u0937\u0301", "\u0939\u093f", "\u0e01\u0e33", "\u0e4d", "\u05d0\u05b7",
    "\u0627\u0651\u064e", "\u0600", "\u0600a", "\u0600\u1100", "\u1160", "\u200d", "\u00a9\u200d",
    "\u00a9", "\u200b", "\u200c", "\u00ad", "\ufeff", "\ufffd", "\u202e", "\U0001f600",
    "\U0001f468\u200d\U0001f469", "\U0001f1e9\U0001f1ea", "\U0001d15e", "\U0001d165", "\U00020000",
    "\u2581", "\u2581\u2581", "\u0120", "<s>", "</s>", "<unk>", "<mask>", " <mask>", "<mask> ", "<pad>",
    "<bos>", "[UNK]", "<0x41>", "<|end|>", "<|endoftext|>", "x<|end|>y", "##", "</w>", "Norm", "norm",
    "NORM", "one word", "One Word", "\u0301", "\u0308", "\u0345", "\u0344", "\u1fbe", "\u0f73",
    "\x01", "\x7f", "\u0090", "\ue000", "\U000e0041", "\u180e", "\u061c", "\u0488", "\u20dd",
]


# ---- texts ----

class Random:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        return ((z ^ z >> 31) >> 33) % n


def random_text(number):
    random, text = Random(number), b""
    for _ in range(1 + random.below(20)):
        choice = random.below(8)
        if choice == 0:
            c = random.below(0x30000)
            text += chr(c + 0x800 if 0xD800 <= c < 0xE000 else c).encode()
        elif choice == 1 and random.below(4) == 0:
            text += bytes([0x80 + random.below(128)])
        elif choice == 1:
            text += chr(random.below(0x300)).encode()
        else:
            text += PIECES[random.below(len(PIECES))].encode()
    return text.decode(errors="replace")


def hash_ids(tokenizer, texts):
    digest = hashlib.sha256()
    for encoding in tokenizer.encode_batch(texts):
        ids = encoding.ids
        digest.update(struct.pack(f"<{len(ids) + 1}i", *ids, -1))
    return digest.hexdigest()[:16]


def write_golden(tokenizer, path):
    with open(path, "w", encoding="ascii") as out:
        for name, pattern in PATTERNS.items():
            for first in range(0, 0x110000, BLOCK):
                texts = [pattern(chr(c)) for c in range(first, first + BLOCK)
                         if not 0xD800 <= c < 0xE000]
                out.write(f"{name} {first} {hash_ids(tokenizer, texts)}\n")
        for first in range(0, RANDOM_TEXTS, RANDOM_BLOCK):
            texts = [random_text(i) for i in range(first, first + RANDOM_BLOCK)]
            out.write(f"random {first} {hash_ids(tokenizer, texts)}\n")


# ---- tokenizers ----

def train_bpe(tokenizer, articles, special=(), alphabet=None, size=VOCAB, **options):
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), show_progress=False,
        initial_alphabet=alphabet if alphabet is not None else [], **options)
    tokenizer.train_from_iterator(articles, trainer)
    return tokenizer


def byte_level(tokenizer, articles, **options):
    return train_bpe(tokenizer, articles, alphabet=pre.ByteLevel.alphabet(), **options)


def roberta(articles):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
    byte_level(t, articles, special=["<s>", "<pad>", "</s>", "<unk>"])
    t.post_processor = post.RobertaProcessing(("</s>", 2), ("<s>", 0))
    t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return t


def bart_prefixed(articles):
    t = Tokenizer(models.BPE(unk_token="<unk>"))
    t.pre_tokenizer = pre.ByteLevel(add_prefix_space=True)
    byte_level(t, articles, special=["<s>", "</s>", "<unk>"])
    t.post_processor = post.Sequence([post.ByteLevel(trim_offsets=True)])
    t.add_tokens([AddedToken("Norm", single_word=True), AddedToken("one word", rstrip=True)])
    return t


def qwen2(articles):
    t = Tokenizer(models.BPE())
    t.normalizer = norm.NFC()
    t.pre_tokenizer = pre.Sequence([pre.Split(Regex(QWEN2), "isolated"),
                                    pre.ByteLevel(add_prefix_space=False, use_regex=False)])
    byte_level(t, articles)
    t.post_processor = post.ByteLevel(trim_offsets=False)
    t.add_special_tokens(["<|endoftext|>", "<|end|>"])
    return t


def llama3(articles):
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.normalizer = norm.NFKC()
    t.pre_tokenizer = pre.Sequence([pre.Split(Regex(LLAMA3), "isolated"),
                                    pre.ByteLevel(add_prefix_space=False, use_regex=False)])
    byte_level(t, articles)
    t.add_special_tokens(["<bos>", "<|end|>"])
    t.post_processor = post.Sequence([post.ByteLevel(), post.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", t.token_to_id("<bos>"))])])
    return t


def cased_regex(articles):
    t = Tokenizer(models.BPE())
    t.normalizer = norm.NFD()
    t.pre_tokenizer = pre.Sequence([pre.Split(Regex(CASED), "isolated"),
                                    pre.ByteLevel(add_prefix_space=False, use_regex=False)])
    return byte_level(t, articles)


def unigram(tokenizer, articles, special, unk="<unk>"):
    trainer = trainers.UnigramTrainer(vocab_size=2 * VOCAB, special_tokens=special, unk_token=unk,
                                      show_progress=False)
    tokenizer.train_from_iterator(articles, trainer)
    return tokenizer


def precompiled(**rules):
    """The charsmap of rules of SentencePiece, out of a model trained with them."""
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text"
        text.write_text("\n".join(f"some words {i}" for i in range(100)))
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=f"{folder}/m", vocab_size=30, hard_vocab_limit=False,
            minloglevel=2, **rules)
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString((pathlib.Path(folder) / "m.model").read_bytes())
    charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode("ascii")
    document = json.loads(Tokenizer(models.Unigram()).to_str())
    document["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": charsmap}
    return Tokenizer.from_str(json.dumps(document)).normalizer


FEW_RULES = {"\x01": "", "\u200b": "", "\u00a0": " ", "\u00bd": "1/2", "e\u0301": "\u00e9", "B": "b",
             "B\u0301": "bb", "\u0937\u0301": "x", "\r\n": "\n", "\r": " ", "\u00a9": "(c)",
             "\u0600": "\u0601", "\u1100": "g", "\u0308": "", "\ufdfa": "many words for one"}


def precompiled_few():
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for key, value in FEW_RULES.items():
            file.write(" ".join(f"{ord(c):X}" for c in key) + "\t"
                       + " ".join(f"{ord(c):X}" for c in value) + "\n")
        file.flush()
        return precompiled(normalization_rule_tsv=file.name)


def xlm_roberta(articles):
    t = Tokenizer(models.Unigram())
    t.normalizer = precompiled(normalization_rule_name="nmt_nfkc")
    t.pre_tokenizer = pre.Metaspace()
    unigram(t, articles, ["<s>", "<pad>", "</s>", "<unk>"])
    t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    t.post_processor = post.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return t


def metaspace_first(articles):
    t = Tokenizer(models.Unigram())
    t.normalizer = precompiled_few()
    t.pre_tokenizer = pre.Metaspace(prepend_scheme="first")
    unigram(t, articles, ["<unk>", "</s>"])
    t.add_tokens([AddedToken("Norm", normalized=True), AddedToken("<mask>", rstrip=True)])
    t.post_processor = post.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return t


def with_bytes(tokenizer):
    """Puts the tokens of all bytes behind the specials of a Unigram model."""
    document = json.loads(tokenizer.to_str())
    model = document["model"]
    model["byte_fallback"] = True
    model["vocab"] += [[f"<0x{byte:02X}>", -20.0] for byte in range(256)]
    return Tokenizer.from_str(json.dumps(document))


def unigram_bytes(articles):
    t = Tokenizer(models.Unigram())
    t.normalizer = norm.NFKC()
    t.pre_tokenizer = pre.Metaspace(prepend_scheme="never", split=False)
    return with_bytes(unigram(t, articles, ["<unk>"]))


def unigram_t5(articles):
    t = Tokenizer(models.Unigram())
    t.normalizer = norm.Sequence([norm.Replace(Regex(" {2,}"), " "), norm.Replace("\n", " "),
                                  norm.NFKC(), norm.Strip(left=False, right=True)])
    t.pre_tokenizer = pre.Sequence([pre.WhitespaceSplit(), pre.Metaspace(prepend_scheme="first")])
    return unigram(t, articles, ["<pad>", "</s>", "<unk>"])


def gemma(articles):
    t = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    t.normalizer = norm.Replace(" ", "\u2581")
    t.pre_tokenizer = pre.Split("\u2581", "merged_with_next")
    train_bpe(t, articles, special=["<pad>", "<bos>", "<unk>"]
              + [f"<0x{byte:02X}>" for byte in range(0, 256)])
    t.pre_tokenizer = pre.Split(" ", "merged_with_previous")
    t.post_processor = post.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    return t


def llama2(articles):
    """Without the tokens of some bytes, so that characters of theirs are unknown."""
    t = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=False, unk_token="<unk>"))
    t.normalizer = norm.Sequence([norm.Prepend("\u2581"), norm.Replace(" ", "\u2581")])
    t.pre_tokenizer = pre.Split("\u2581", "merged_with_next")
    train_bpe(t, articles, special=["<unk>", "<s>", "</s>"]
              + [f"<0x{byte:02X}>" for byte in range(0, 256) if byte not in (0x81, 0xB9, 0xF0)])
    document = json.loads(t.to_str())
    document["pre_tokenizer"] = None
    t = Tokenizer.from_str(json.dumps(document))
    t.post_processor = post.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return t


def clip(articles):
    t = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>",
                             continuing_subword_prefix=""))
    t.normalizer = norm.Sequence([norm.NFC(), norm.Replace(Regex(r"\s+"), " "), norm.Lowercase()])
    t.pre_tokenizer = pre.Sequence([pre.Split(Regex(CLIP), "removed", invert=True),
                                    pre.ByteLevel(add_prefix_space=False)])
    byte_level(t, articles, end_of_word_suffix="</w>", special=["<|startoftext|>", "<|endoftext|>"])
    t.post_processor = post.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0))
    return t


def bpe_subwords(articles, fuse_unk=True):
    t = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##", fuse_unk=fuse_unk))
    t.normalizer = norm.Sequence([norm.NFKD(), norm.StripAccents()])
    t.pre_tokenizer = pre.Sequence([pre.Whitespace(), pre.Digits(individual_digits=False)])
    return train_bpe(t, articles, special=["[UNK]"], continuing_subword_prefix="##",
                     limit_alphabet=60)


def wordpiece_steps(articles):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=12))
    t.normalizer = norm.Sequence([norm.Strip(), norm.NFD(), norm.StripAccents(), norm.Lowercase()])
    t.pre_tokenizer = pre.Sequence([pre.WhitespaceSplit(), pre.Digits(individual_digits=True),
                                    pre.Punctuation("contiguous")])
    t.train_from_iterator(articles, trainers.WordPieceTrainer(
        vocab_size=VOCAB, special_tokens=["[UNK]", "[CLS]", "[SEP]"], show_progress=False))
    t.add_tokens([AddedToken("Norm", single_word=True, normalized=True),
                  AddedToken("one word", lstrip=True, rstrip=True, normalized=False)])
    t.post_processor = post.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return t


def wordpiece_mixed(articles):
    t = wordpiece_steps(articles)
    t.normalizer = norm.Sequence([norm.BertNormalizer(strip_accents=False), norm.Strip(right=False)])
    t.pre_tokenizer = pre.Sequence([pre.BertPreTokenizer(), pre.Split("a", "merged_with_previous"),
                                    pre.Split(Regex(r"[^\W\d]\S"), "contiguous", invert=True),
                                    pre.Punctuation("merged_with_previous")])
    return t


KINDS = {
    "unigram_t5": unigram_t5,
    "bpe_gemma": gemma,
    "bpe_llama2": llama2,
    "bpe_clip": clip,
    "bpe_subwords": bpe_subwords,
    "wordpiece_steps": wordpiece_steps,
    "wordpiece_mixed": wordpiece_mixed,
    "unigram_xlm_roberta": xlm_roberta,
    "unigram_first": metaspace_first,
    "unigram_bytes": unigram_bytes,
    "bpe_roberta": roberta,
    "bpe_prefixed": bart_prefixed,
    "bpe_qwen2": qwen2,
    "bpe_llama3": llama3,
    "bpe_cased": cased_regex,
}


def main():
    articles = []
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            articles.append(f"{row['headline'] or ''} {row['body'] or ''}")
    output = pathlib.Path(sys.argv[2])
    output.mkdir(exist_ok=True)
    (output / "pieces.txt").write_text("".join(json.dumps(p) + "\n" for p in PIECES))
    for kind in sys.argv[3:] or KINDS:
        file = output / kind / "tokenizer.json"
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_text(KINDS[kind](articles).to_str() + "\n", encoding="utf-8")
        write_golden(Tokenizer.from_file(str(file)), output / kind / "golden.txt")


if __name__ == "__main__":
    main()
