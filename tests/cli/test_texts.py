"""embed, tokenize, model show and bench with a tiny model, and with the real one where it is."""
import ast
import json
import math
import os
import signal
import struct
import subprocess
import time

import program
import tiny_model

MODEL = "sentence-transformers/all-MiniLM-L6-v2"

# name, line of input, tokens
LINES = [
    ("string", b'"oil up"', ["[CLS]", "oil", "up", "[SEP]"]),
    ("text", b'{"text": "oil up"}', ["[CLS]", "oil", "up", "[SEP]"]),
    ("headline and body", b'{"headline": "oil", "body": "up"}', ["[CLS]", "oil", "up", "[SEP]"]),
    ("headline alone", b'{"headline": "oil", "body": null}', ["[CLS]", "oil", "[SEP]"]),
    ("body alone", b'{"body": "up"}', ["[CLS]", "up", "[SEP]"]),
    ("text before headline", b'{"text": "bank", "headline": "oil"}', ["[CLS]", "bank", "[SEP]"]),
    ("nothing to read", b'{"headline": null, "body": null}', ["[CLS]", "[SEP]"]),
    ("empty", b'""', ["[CLS]", "[SEP]"]),
    ("escapes", b'"oil\\u0000\\t\\u0042ank"', ["[CLS]", "oil", "bank", "[SEP]"]),
    ("invalid UTF-8", b'"oil\xff bank"', ["[CLS]", "oil", "bank", "[SEP]"]),
    ("cut short", b'"oil \xe4\xb8"', ["[CLS]", "oil", "[SEP]"]),
    ("unknown", '"油 up"'.encode(), ["[CLS]", "[UNK]", "up", "[SEP]"]),
    ("special in the text", b'"oil [SEP] up"', ["[CLS]", "oil", "[SEP]", "up", "[SEP]"]),
    ("carriage return", b'"oil"\r', ["[CLS]", "oil", "[SEP]"]),
]

# name, line of input, message
BAD_LINES = [
    ("not JSON", b"oil up", "not valid JSON"),
    ("half an object", b'{"text": "oil"', "not valid JSON"),
    ("two values", b'"oil" "up"', "not valid JSON"),
    ("a number", b"7", "a number where a string or an object is expected"),
    ("no text", b'{"id": 7}', 'without "text" and without "headline"'),
    ("text that is none", b'{"text": 7}', '"text" is a number where a string'),
    ("duplicate key", b'{"text": "a", "text": "b"}', "duplicate"),
]


def read_npy(data):
    """Rows of floats."""
    assert data[:8] == b"\x93NUMPY\x01\x00"
    length = struct.unpack("<H", data[8:10])[0]
    header = ast.literal_eval(data[10:10 + length].decode())
    assert header["descr"] == "<f4" and header["fortran_order"] is False
    assert (10 + length) % 64 == 0
    rows, columns = header["shape"]
    values = struct.unpack(f"<{rows * columns}f", data[10 + length:])
    return [values[i * columns:(i + 1) * columns] for i in range(rows)]


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def as_float32(values):
    return struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values))


class Tiny(program.Case):
    def setUp(self):
        super().setUp()
        self.model = tiny_model.write(self.work / "model")

    def with_model(self, command, *arguments, **options):
        return self.check(command, "--hf-model-name", self.model, *arguments, **options)

    def test_tokenize(self):
        stdin = b"\n".join(line for _, line, _ in LINES)
        rows = objects(self.with_model("tokenize", stdin=stdin).stdout)
        self.assertEqual(len(rows), len(LINES))
        for (name, _, tokens), row in zip(LINES, rows):
            with self.subTest(name):
                self.assertEqual(row["tokens"], tokens)
                self.assertEqual(row["ids"], [tiny_model.VOCABULARY.index(t) for t in tokens])
                self.assertEqual(list(row), ["ids", "tokens", "truncated"])
                self.assertIs(row["truncated"], False)

    def test_limit(self):
        stdin = b'"oil up oil up"\n"oil up"\n'
        rows = objects(self.with_model("tokenize", "--max-seq-length", 4, stdin=stdin).stdout)
        self.assertEqual([r["tokens"] for r in rows], [["[CLS]", "oil", "up", "[SEP]"]] * 2)
        self.assertEqual([r["truncated"] for r in rows], [True, False])
        self.with_model("tokenize", "--max-seq-length", 65, status=78, stderr="65")

    def test_embed(self):
        stdin = b'"oil up"\n{"text": "bank rate", "id": "a"}\n' + b'{"text": "vote", "article_id": 7}'
        rows = objects(self.with_model("embed", stdin=stdin).stdout)
        self.assertEqual([list(r) for r in rows], [
            ["vector", "tokens", "truncated"], ["id", "vector", "tokens", "truncated"],
            ["article_id", "vector", "tokens", "truncated"]])
        self.assertEqual([rows[1]["id"], rows[2]["article_id"]], ["a", 7])
        self.assertEqual([r["tokens"] for r in rows], [4, 4, 3])
        for row in rows:
            self.assertEqual(len(row["vector"]), 32)
            self.assertAlmostEqual(math.fsum(x * x for x in row["vector"]), 1, places=5)

    def test_ids_are_passed_on_as_they_were(self):
        for value in (0, -7, 9007199254740993, "7", "ä\"\\\n", None, True, [1, {"a": None}], 1.5):
            line = json.dumps({"id": value, "text": "oil"}, ensure_ascii=False).encode()
            for command in ("embed", "tokenize"):
                row = objects(self.with_model(command, stdin=line).stdout)[0]
                self.assertEqual(row["id"], value)
                self.assertEqual(type(row["id"]), type(value))

    def test_order_and_formats(self):
        """More lines than a window, long and short by turns, as JSON Lines and as .npy."""
        words = tiny_model.WORDS
        texts = [" ".join(words[j % len(words)] for j in range(i, i + 1 + i % 40))
                 for i in range(1300)]
        path = self.write_lines("texts.jsonl", texts)
        vectors = [tuple(as_float32(r["vector"]))
                   for r in objects(self.with_model("embed", path).stdout)]
        self.assertEqual(len(vectors), len(texts))
        some = objects(self.with_model("embed", "--threads", 1, stdin=json.dumps(texts[700]).encode())
                       .stdout)
        self.assertEqual(tuple(as_float32(some[0]["vector"])), vectors[700])

        self.with_model("embed", "--format", "npy", "--output", "v.npy", path)
        self.assertEqual(read_npy((self.work / "v.npy").read_bytes()), vectors)
        self.assertEqual((self.work / "v.npy").stat().st_mode & 0o777,
                         0o666 & ~self.umask())
        piped = subprocess.run([program.BIN / "vecfill", "embed", "--format", "npy",
                                "--hf-model-name", self.model, path], capture_output=True,
                               env=self.environment, check=True)
        self.assertEqual(read_npy(piped.stdout), vectors)
        self.assertEqual(sorted(p.name for p in self.work.iterdir()),
                         ["model", "texts.jsonl", "v.npy"])

    @staticmethod
    def umask():
        mask = os.umask(0)
        os.umask(mask)
        return mask

    def test_no_texts(self):
        self.assertEqual(self.with_model("embed").stdout, "")
        self.assertEqual(self.with_model("tokenize", stdin=b"\n \n").stdout, "")
        self.with_model("embed", "--format", "npy", "-o", "v.npy")
        self.assertEqual(read_npy((self.work / "v.npy").read_bytes()), [])

    def test_several_files(self):
        one, two = self.write("one", b'"oil"'), self.write("two", b'\xef\xbb\xbf"bank"\n"rate"\n')
        rows = objects(self.with_model("tokenize", one, two, "-", stdin=b'"vote"').stdout)
        self.assertEqual([r["tokens"][1] for r in rows], ["oil", "bank", "rate", "vote"])

    def test_bad_lines(self):
        for name, line, message in BAD_LINES:
            path = self.write("texts.jsonl", b'"oil"\n\n' + line + b'\n"bank"\n')
            for command in ("embed", "tokenize"):
                with self.subTest(name, command=command):
                    done = self.with_model(command, path, status=65,
                                           stderr=rf"texts\.jsonl:3: .*{message}")
                    self.assertEqual(len(done.stdout.splitlines()), 1)
            with self.subTest(name, output="file"):
                self.with_model("embed", path, "--output", "out.jsonl", status=65)
                self.assertFalse((self.work / "out.jsonl").exists())
        self.with_model("tokenize", stdin=b"{", status=65, stderr="standard input:1: ")
        self.with_model("tokenize", "nowhere", status=66, stderr="cannot read nowhere: No such")
        self.with_model("embed", "-o", "no/where", status=66, stderr="cannot write no/where")

    def test_long_text(self):
        text = "oil " * 2_500_000
        row = objects(self.with_model("embed", stdin=json.dumps(text).encode()).stdout)[0]
        self.assertEqual((row["tokens"], row["truncated"]), (64, True))

    def test_model_show(self):
        done = self.check("model", "show", "--json", self.model)
        shown = json.loads(done.stdout)
        expected = {"name": self.model, "revision": None, "architecture": "bert",
                    "pooling": "mean", "normalized": True, "dimensions": 32, "max_seq_length": 64,
                    "max_positions": 64, "layers": 2, "heads": 2, "hidden_size": 32,
                    "intermediate_size": 64, "vocab_size": len(tiny_model.VOCABULARY),
                    "precision": "fp32"}
        self.assertEqual({k: shown[k] for k in expected}, expected)
        self.check("model", "show", self.model, stdout="dimensions +32\n")
        self.check("model", "show", self.model, "--max-seq-length", 7,
                   stdout="longest input +7 tokens")

    def test_bench(self):
        done = self.with_model("bench", "--tokens", 16, "--seconds", 1, "--json")
        report = json.loads(done.stdout)
        self.assertEqual(list(report["stages"]), ["tokenize", "encode", "embed"])
        self.assertEqual(report["mean_tokens"], 16)
        for stage in report["stages"].values():
            self.assertGreater(stage["tokens_per_second"], 0)
        self.with_model("bench", "--tokens", 65, status=78, stderr="65")
        self.with_model("bench", "--tokens", 6, "--texts", "x", status=2, stderr="give it or --t")
        self.with_model("bench", "--tokens", 6, "--max-seq-length", 6, status=2, stderr="one of")
        path = self.write_lines("texts.jsonl", ["oil up", "bank"])
        self.with_model("bench", "--texts", path, "--seconds", 1, stdout="2 texts of 3.5 tokens")

    def test_signal(self):
        process = subprocess.Popen(
            [program.BIN / "vecfill", "embed", "--hf-model-name", self.model, "-o", "out"],
            cwd=self.work, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
        process.stdin.write(b'"oil"\n')
        process.stdin.flush()
        while not list(self.work.glob("out.*")):
            time.sleep(0.01)
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143, said)
        self.assertEqual([p.name for p in self.work.iterdir()], ["model"])


class Real(program.Case):
    def setUp(self):
        super().setUp()
        if self.run_program("model", "show", MODEL).returncode:
            self.skipTest(f"{MODEL} is not in the Hub's cache")

    def test_tokens(self):
        done = self.check("tokenize", stdin=b'"hello"')
        self.assertEqual(json.loads(done.stdout),
                         {"ids": [101, 7592, 102], "tokens": ["[CLS]", "hello", "[SEP]"],
                          "truncated": False})

    def test_model_show(self):
        shown = json.loads(self.check("model", "show", "--json", MODEL).stdout)
        self.assertEqual(shown["parameters"], 22565376)
        self.assertEqual((shown["dimensions"], shown["max_seq_length"]), (384, 512))
        self.assertRegex(shown["revision"], "^[0-9a-f]{40}$")


if __name__ == "__main__":
    program.main()
