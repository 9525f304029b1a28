"""A model that keeps an adapter to each task: none is run that was not asked for, and the task is
part of what a model_id means."""
import json
import random
import shutil
import struct
import unittest

import program
import tiny_model

PARITY = program.ROOT / "tests/parity"
SMALL_FILES = ["config.json", "modules.json", "tokenizer_config.json", "1_Pooling/config.json"]


def random_weights(lines):
    """A safetensors file with the tensors of weights.txt."""
    values, tensors, data = random.Random(1), {}, b""
    for line in lines[1:]:
        name, offset, scale, *shape = line.split()
        count, begin = 1, len(data)
        for size in shape:
            count *= int(size)
        data += struct.pack(f"<{count}f", *(
            float(offset) + float(scale) * values.uniform(-1, 1) for _ in range(count)))
        tensors[name] = {"dtype": "F32", "shape": list(map(int, shape)),
                         "data_offsets": [begin, len(data)]}
    header = json.dumps(tensors).encode()
    return struct.pack("<Q", len(header)) + header + data


class Tasks(program.Case):
    def setUp(self):
        super().setUp()
        files = PARITY / "architectures/jina_v3_remote"
        for name in SMALL_FILES:
            self.write(f"model/{name}", (files / name).read_bytes())
        lines = (files / "weights.txt").read_text().splitlines()
        self.write("model/model.safetensors", random_weights(lines))
        shutil.copy(PARITY / "tokenizers/unigram_xlm_roberta/tokenizer.json", self.work / "model")
        self.model = str(self.work / "model")

    def vector(self, *options, **others):
        done = self.check("embed", "--hf-model-name", self.model, *options, stdin=b'"oil market"',
                          **others)
        return done.stdout

    def test_chosen(self):
        of_task = {task: self.vector("--task", task) for task in
                   ("retrieval.query", "retrieval.passage", "text-matching")}
        self.assertEqual(3, len(set(of_task.values())))
        self.assertEqual(of_task["text-matching"], self.vector("--task", "text-matching"))

    def test_refused(self):
        names = "retrieval.query, retrieval.passage, text-matching"
        self.vector(status=78, stderr=f"(?s)none is chosen.*hint: .*{names}")
        self.vector("--task", "retrieval", status=78, stderr=f'(?s)"retrieval".*hint: .*{names}')
        self.model = tiny_model.write(self.work / "other")
        self.vector("--task", "retrieval.query", status=78, stderr="no adapters")

    def test_looked_at(self):
        self.check("model", "show", self.model, "--task", "text-matching",
                   stdout="adapter to task +text-matching")
        self.check("tokenize", "--hf-model-name", self.model, stdin=b'"oil"', stdout="ids")

    def test_is_part_of_the_model_id(self):
        def backfill(task, **options):
            self.check("backfill", "--hf-model-name", self.model, "--as-of", "2025-12-31",
                       "--task", task, **options)

        self.check("init", "--quiet")
        self.check("import", self.write_lines("a.jsonl", [
            {"article_id": 1, "published_at": "2025-01-01", "language": "en",
             "headline": "oil", "body": "market"}]))
        backfill("retrieval.passage")
        backfill("retrieval.passage")
        backfill("text-matching", status=78,
                 stderr="prompt task retrieval.passage: none, now task text-matching: none")
        self.check("search", "oil", "--hf-model-name", self.model, "--task", "retrieval.query",
                   stdout="cosine")


if __name__ == "__main__":
    unittest.main()
