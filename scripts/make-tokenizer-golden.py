#!/usr/bin/env python3
"""Writes what the tokenizer's parity test expects, by the library `tokenizers`.

Development only; needs the Python package `tokenizers`.

usage: make-tokenizer-golden.py MODEL_DIRECTORY OUTPUT_DIRECTORY [ARTICLES.jsonl.gz]

    tokenizer_scalars.txt   one line for each pattern and 4096 code points: pattern, first code
                            point, hash of the ids
    tokenizer_strings.txt   groups of three lines: what to change in tokenizer.json (- is the same
                            as before), the text, the ids. The text is a JSON string, or x: and
                            its bytes in hexadecimal.
    tokenizer_articles.txt  with ARTICLES: the hash of the ids of each article's headline, a blank
                            and body
"""
import gzip
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer

BLOCK = 4096
SCALARS = 0x110000
PATTERNS = {
    "alone": lambda c: c,
    "between": lambda c: f"a{c}b",
    "doubled": lambda c: c + c,
}


def open_tokenizer(document):
    tokenizer = Tokenizer.from_str(json.dumps(document))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def hash_ids(lists):
    """FNV-1a, 64 bits, over the ids of each text and -1 behind them, as little-endian int32."""
    value = 0xCBF29CE484222325
    for ids in lists:
        for i in [*ids, -1]:
            for byte in (i & 0xFFFFFFFF).to_bytes(4, "little"):
                value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def encode(tokenizer, texts):
    return [e.ids for e in tokenizer.encode_batch(texts)]


def write_scalars(tokenizer, path):
    with open(path, "w", encoding="ascii") as out:
        for name, pattern in PATTERNS.items():
            for first in range(0, SCALARS, BLOCK):
                texts = [pattern(chr(c)) for c in range(first, first + BLOCK)
                         if not 0xD800 <= c < 0xE000]
                out.write(f"{name} {first:06x} {hash_ids(encode(tokenizer, texts))}\n")


def bert(clean, chinese, strip, lower):
    return {"normalizer": {"type": "BertNormalizer", "clean_text": clean,
                           "handle_chinese_chars": chinese, "strip_accents": strip,
                           "lowercase": lower}}


def added(document, *tokens):
    """Tokens are (content, flags); those new to the vocabulary get the ids behind it."""
    vocab = document["model"]["vocab"]
    free = iter(range(len(vocab), len(vocab) + len(tokens)))
    elements = list(document["added_tokens"])
    for content, flags in tokens:
        element = dict(id=vocab[content] if content in vocab else next(free), content=content,
                       single_word=False, lstrip=False, rstrip=False, normalized=False,
                       special=False)
        for flag in flags.split():
            element[flag] = True
        elements.append(element)
    return {"added_tokens": elements}


def variants(document):
    model = {**document["model"], "vocab": None}  # null: keep what is there
    yield {}
    yield bert(True, True, False, False)
    yield bert(True, True, True, False)
    yield bert(True, True, False, True)
    yield bert(False, True, None, True)
    yield bert(True, False, None, True)
    yield {"normalizer": None}
    yield {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 102],
                                                "cls": ["[CLS]", 101]}}
    yield {"post_processor": None}
    yield {"model": {**model, "max_input_chars_per_word": 5}}
    yield {"model": {**model, "continuing_subword_prefix": ""}}
    yield added(
        document, ("<raw>", ""), ("foo bar", "single_word"), ("Straße", "lstrip rstrip"),
        ("é", "single_word"), (" oil", "rstrip"), ("oi", ""), ("ank", "single_word"), ("中国", ""))
    yield added(
        document, ("<Norm>", "normalized"), ("foo bar", "single_word normalized"),
        ("STRASSE É", "lstrip rstrip normalized"), ("É", "single_word normalized"),
        ("oil", "rstrip single_word normalized"), ("中", "normalized"), ("raw", ""))


def changed(document, edits):
    result = {**document, **edits}
    if result["model"]["vocab"] is None:
        result["model"] = {**result["model"], "vocab": document["model"]["vocab"]}
    return result


EDGES = [
    "", " ", "\0", "\t\n\r", "hello", "Hello, World!", "don't", "e-mail@example.org", "$9.99",
    "[SEP]", "[CLS][SEP]", "x[SEP]y", "[sep]", "[ SEP ]", "[[SEP]]", "[SEP", "##ing", "[UNK]",
    "[PAD] [MASK]", "a" * 99, "a" * 100, "a" * 101, "a" * 100 + "é", "é" * 100, "é" * 101,
    "中" * 101, "a" * 5000 + " b", "unaffable", "İstanbul", "ΣΊΣΥΦΟΣ", "Straße", "ﬁ ligature",
    "Å Å Å", "ạ̈ ạ̈", "ṩ ṩ", "\u0344a", "a\u0344", "가각힣 가", "𝅘𝅥𝅮 𝅗𝅥\u302e",
    "a\u302e\u302f\U0001d165", "a\u302f\u0301\u302e", "中文 text", "\uf900豈", "𠀀𫝀𮯠",
    "soft\u00adhyphen", "zero\u200bwidth\u200djoiner", "\ufeffbom", "\ufffd", "\u0085next",
    "\u00a0\u2003\u3000", "\u2028\u2029", "١٢٣", "हिन्दी", "ไทย", "עִבְרִית", "العَرَبِيَّة", "🙂👩‍👩‍👧",
    "«quoted»", "„so“", "—dash–", "…", "¿qué?", "x²", "№5", "℃", "½", "\ue000\U000f0000", "\x7f\x80",
]

BYTES = [b"\xff", b"a\xffb", b"\xc3", b"\xc3\xa9\xc3", b"\xe4\xb8", b"\xe4\xb8\xad\xe4",
         b"\xed\xa0\x80", b"\xf0\x9f\x99", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\x80\x80",
         b"[SEP]\xff[SEP]", b"\xe2\xc3\xa9", b"bank\xc2 oil"]

PIECES = ["[SEP]", "[CLS]", "[sep]", " ", "  ", "\n", "\t", "\0", ".", ",", "'", "-", "##", "é", "É",
          "ß", "İ", "Σ", "中国", "中", "日本", "가", "ไ", "\u0301", "\u0323", "\u302e", "\u302f",
          "\U0001d165", "\U0001d15e", "\u200d", "\u00ad", "<raw>", "<norm>", "<NORM>", "foo bar",
          "Foo bar", "foo  bar", "Straße", " straße ", "strasse é", "STRASSE E", "oil", " oil",
          "oils", "bank", "_", "a", "1"]


def random_text(rng, words):
    kind = rng.randrange(5)
    n = rng.randrange(1, 16)
    if kind == 0:
        return bytes(rng.randrange(256) for _ in range(n))
    if kind == 1:
        return "".join(chr(rng.choice([*range(0xD800), *range(0xE000, 0x30000)]))
                       for _ in range(n)).encode()
    if kind == 2:
        return " ".join(rng.choice(words) for _ in range(n)).title().encode()
    text = "".join(rng.choice(PIECES) if rng.random() < 0.7 else rng.choice(words)
                   for _ in range(n)).encode()
    if kind == 3 and text:
        i = rng.randrange(len(text))
        text = text[:i] + bytes([rng.randrange(256)]) + text[i + 1:]
    return text


def quoted(text):
    try:
        return json.dumps(text.decode())
    except UnicodeDecodeError:
        return "x:" + text.hex()


def write_strings(document, path):
    rng = random.Random(20)
    words = [w for w in sorted(document["model"]["vocab"]) if w.isalpha() and w.isascii()]
    with open(path, "w", encoding="ascii") as out:
        for i, edits in enumerate(variants(document)):
            tokenizer = open_tokenizer(changed(document, edits))
            texts = [t.encode() for t in EDGES] + BYTES if i == 0 else []
            texts += [random_text(rng, words) for _ in range(600 if i == 0 else 60)]
            ids = encode(tokenizer, [t.decode(errors="replace") for t in texts])
            change = json.dumps(edits)
            for text, text_ids in zip(texts, ids):
                out.write(f"{change}\n{quoted(text)}\n{' '.join(map(str, text_ids))}\n")
                change = "-"


def write_articles(tokenizer, articles, path):
    with gzip.open(articles, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [f"{row['headline'] or ''} {row['body'] or ''}" for row in rows]
    with open(path, "w", encoding="ascii") as out:
        for ids in encode(tokenizer, texts):
            out.write(hash_ids([ids]) + "\n")


def main():
    model, output = map(pathlib.Path, sys.argv[1:3])
    document = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer = open_tokenizer(document)
    write_scalars(tokenizer, output / "tokenizer_scalars.txt")
    write_strings(document, output / "tokenizer_strings.txt")
    if len(sys.argv) > 3:
        write_articles(tokenizer, sys.argv[3], output / "tokenizer_articles.txt")


if __name__ == "__main__":
    main()
