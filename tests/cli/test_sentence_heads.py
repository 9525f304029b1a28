"""The vectors of every form that sentence-transformers' files have: poolings, Dense modules,
prompts, dimensions, and the forms of the weights, against those of sentence-transformers."""
import base64
import json
import pathlib
import shutil
import unittest

import program
import tiny_model

CASES = pathlib.Path(__file__).parent.parent / "parity/sentence_heads.json"
LARGEST_DIFFERENCE = 2e-6  # of a component, times the greatest of its vector where that is over 1


def write_files(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            path.write_bytes(base64.b64decode(content["base64"]))
        else:
            path.write_text(content, encoding="utf-8")


class SentenceHeads(program.Case):
    def setUp(self):
        super().setUp()
        self.golden = json.loads(CASES.read_text(encoding="utf-8"))

    def write_model(self, name):
        case, folder = self.golden["cases"][name], self.work / name
        write_files(folder, {n: c for n, c in self.golden["network"].items()
                             if n not in case["without"]})
        write_files(folder, case["files"])
        return folder

    def embed(self, folder, *options, **others):
        texts = "\n".join(json.dumps(text) for text in self.golden["texts"])
        return self.check("embed", "--hf-model-name", folder, *options, stdin=texts.encode(),
                          **others)

    def difference(self, case, output):
        made = [json.loads(line)["vector"] for line in output.splitlines()]
        self.assertEqual([len(v) for v in case["vectors"]], [len(v) for v in made])
        return max(abs(a - b) / max(1, max(map(abs, v)))
                   for v, w in zip(case["vectors"], made) for a, b in zip(v, w))

    def test_vectors(self):
        for name, case in self.golden["cases"].items():
            with self.subTest(name):
                folder = self.write_model(name)
                done = self.embed(folder, *case["options"])
                difference = self.difference(case, done.stdout)
                print(f"{name:40} {difference:.1e}")
                self.assertLess(difference, LARGEST_DIFFERENCE)


class Options(program.Case):
    """--prompt, --prompt-name and --dimensions, and what is said about them."""

    def setUp(self):
        super().setUp()
        self.model = tiny_model.write(self.work / "model")

    def set_prompts(self, prompts, default=None, cut=None):
        self.write("model/config_sentence_transformers.json", json.dumps(
            {"prompts": prompts, "default_prompt_name": default, "truncate_dim": cut}))

    def vector(self, text, *options, model=None, **others):
        done = self.check("embed", "--hf-model-name", model or self.model, *options,
                          stdin=json.dumps(text).encode(), **others)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def test_prompt_is_put_before(self):
        plain = self.vector("oil market up")
        self.assertEqual(plain, self.vector("up", "--prompt", "oil market ",
                                            stderr='stands "oil market "'))
        self.set_prompts({"query": "oil ", "passage": "oil market "})
        self.assertEqual(plain, self.vector("up", stderr='the model.s prompt "passage"'))
        self.assertEqual(plain, self.vector("market up", "--prompt-name", "query"))
        self.assertNotEqual(plain, self.vector("up", "--prompt", ""))
        self.assertEqual(6, plain["tokens"] + 1)

    def test_empty_prompts_of_the_files(self):
        """An empty prompt is meant where the other use has one, and else a place to fill in."""
        plain = self.vector("oil")
        for prompts, default, same in (({"query": "up ", "document": ""}, None, True),
                                       ({"query": "up ", "document": ""}, "query", True),
                                       ({"query": "", "document": "", "x": "up "}, "x", False)):
            with self.subTest(prompts=prompts):
                self.set_prompts(prompts, default)
                self.assertEqual(same, plain == self.vector("oil"))

    def test_prompt_missing(self):
        self.set_prompts({"classification": "oil "})
        warning = "warning: .*prompts, but none for this use.*--prompt-name"
        self.vector("up", stderr=warning)
        for option in (["--prompt", ""], ["--prompt-name", "classification"]):
            done = self.check("embed", "--hf-model-name", self.model, *option, stdin=b'"up"')
            self.assertNotIn("warning", done.stderr)

    def test_refused(self):
        self.set_prompts({"query": "oil ", "vote": "vote "})
        self.vector("up", "--prompt-name", "passage", status=2,
                    stderr="(?s)no prompt \"passage\".*hint: its prompts are: query, vote")
        self.vector("up", "--prompt", "x", "--prompt-name", "query", status=2, stderr="one of them")
        self.vector("up", "--prompt", "oil " * 70, status=78, stderr="no room")
        self.vector("up", "--dimensions", 33, status=78, stderr="(?s)33 dimensions.*at most 32")
        self.vector("up", "--dimensions", 0, status=2, stderr="--dimensions")

    def test_families_that_need_a_prompt(self):
        for name, options, status in (
                ("e5-small-v2", [], 78), ("multilingual-E5-base", [], 78),
                ("e5-small-v2", ["--prompt", ""], 0), ("e5-small-v2", ["--prompt", "oil "], 0),
                ("multilingual-e5-large-instruct", [], 0), ("oe5-small", [], 0),
                ("nomic-embed-text-v1.5", [], 78)):
            with self.subTest(name=name, options=options):
                folder = self.work / name
                if not folder.exists():
                    shutil.copytree(self.model, folder)
                self.vector("up", *options, model=folder, status=status,
                            stderr="hint: give the prompt" if status else None)

    def test_dimensions(self):
        whole = self.vector("oil market")["vector"]
        norm = sum(x * x for x in whole[:5]) ** 0.5
        cut = self.vector("oil market", "--dimensions", 5, stderr="5 of 32 dimensions")["vector"]
        for a, b in zip(whole, cut):
            self.assertAlmostEqual(a / norm, b, places=6)
        self.set_prompts({}, cut=5)
        self.assertEqual(cut, self.vector("oil market")["vector"])
        self.assertEqual(7, len(self.vector("oil market", "--dimensions", 7)["vector"]))

    def test_one_meaning(self):
        """The prompt and the dimensions are parts of what a model_id means; queries have theirs."""
        self.set_prompts({"query": "oil ", "document": "market "})
        self.write_lines("a.jsonl", [{"article_id": str(i), "published_at": "2025-01-01T00:00:00Z",
                                      "language": "en", "headline": text, "body": ""}
                                     for i, text in enumerate(("up", "oil up", "ship vote"))])
        self.check("init")
        self.check("import", "a.jsonl")
        fill = ["backfill", "--as-of", "2025-01-01", "--hf-model-name", self.model]
        self.check(*fill, stderr='prompt "document"')
        self.check(*fill, "--prompt", "", status=78, stderr="prompt market , now none")
        self.check(*fill, "--dimensions", 5, status=78, stderr="dimensions 32, now 5")
        found = json.loads(self.check("search", "up", "--hf-model-name", self.model,
                                      "--json").stdout)
        plain = json.loads(self.check("search", "oil up", "--hf-model-name", self.model,
                                      "--prompt", "", "--json").stdout)
        self.assertEqual(found, plain)

    def test_pooling_in_words(self):
        cases = json.loads(CASES.read_text(encoding="utf-8"))
        words = {}
        for name in ("pickle", "shards", "dense_Tanh", "dense_two"):
            case, folder = cases["cases"][name], self.work / name
            write_files(folder, {n: c for n, c in cases["network"].items()
                                 if n not in case["without"]})
            write_files(folder, case["files"])
            shown = json.loads(self.check("model", "show", folder, "--json").stdout)
            words[name] = shown["pooling"]
        self.assertEqual(words["dense_Tanh"], "mean, dense 6 Tanh")
        self.assertEqual(words["dense_two"], "mean, dense 64 Identity, dense 8 Identity")
        self.assertEqual(words["pickle"], "mean")


if __name__ == "__main__":
    unittest.main()
