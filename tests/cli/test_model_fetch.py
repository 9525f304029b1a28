"""`vecfill model fetch`, and the first use of a model's name, against a Hub on loopback that serves,
redirects, cuts, lies and stalls."""
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import program
import tiny_model
from mock_hub import COMMIT, NAME, Cut, IgnoreRange, MockHub, Stall, Status, checksum

TOKEN = "hf_notASecret"
NEXT_COMMIT = "fedcba9876543210fedcba9876543210fedcba98"
WEIGHTS = "model.safetensors"
RETRIES = 4


def model_files(seed=1):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(tiny_model.write(pathlib.Path(folder) / "model", seed=seed))
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


class HubCase(program.Case):
    def setUp(self):
        super().setUp()
        self.hub = MockHub(model_files())
        self.addCleanup(self.hub.stop)
        others = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "TRANSFORMERS_OFFLINE")
        for variable in [k for k in self.environment if k.startswith("HF_") or k in others]:
            del self.environment[variable]
        self.environment.update(HF_HOME=str(self.work / "hf"), HF_ENDPOINT=self.hub.url,
                                HF_TOKEN=TOKEN, no_proxy="127.0.0.1")
        self.root = self.work / "hf" / "hub"
        self.repo = self.root / "models--fictional--tiny"
        self.snapshot = self.repo / "snapshots" / COMMIT

    def check(self, *arguments, **options):
        done = super().check(*arguments, **options)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done

    def fetch(self, *arguments, name=NAME, **options):
        return self.check("model", "fetch", name, *arguments, **options)

    def start_fetch(self, **env):
        process = subprocess.Popen(
            [str(program.BIN / "vecfill"), "model", "fetch", NAME], cwd=self.work,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(self.environment, **env))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in (process.stdout, process.stderr):
            self.addCleanup(stream.close)
        return process

    def wait_for(self, condition, what):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.05)
        self.fail(f"waited in vain for {what}")

    def blob(self, path):
        return self.repo / "blobs" / checksum(path, self.hub.files[path])

    def incomplete(self, path=WEIGHTS):
        blob = self.blob(path)
        return blob.with_name(blob.name + ".incomplete")

    def incomplete_size(self, path=WEIGHTS):
        return self.incomplete(path).stat().st_size if self.incomplete(path).exists() else -1

    def assert_whole(self):
        """The snapshot has every file of the Hub and nothing is left over."""
        for path, content in self.hub.files.items():
            self.assertEqual((self.snapshot / path).read_bytes(), content, path)
        self.assertEqual((self.repo / "refs" / "main").read_text(), COMMIT)
        blobs = {p.name for p in (self.repo / "blobs").iterdir()}
        self.assertEqual(blobs, {checksum(p, c) for p, c in self.hub.files.items()})

    def assert_not_there(self):
        """Neither does the cache say that the model is there, nor is it taken for whole."""
        self.assertFalse((self.repo / "refs" / "main").exists())
        done = self.check("tokenize", "--hf-model-name", NAME, status=66, stdin=b'"oil"',
                          env={"HF_HUB_OFFLINE": "1"})
        self.assertEqual(done.stdout, "")


class Fetching(HubCase):
    def test_fills_the_cache_in_its_own_layout(self):
        done = self.fetch()
        self.assertEqual(done.stdout, f"{self.snapshot}\n")
        self.assertIn(f"fetching {NAME} from {self.hub.url}\n", done.stderr)
        self.assert_whole()
        for path, content in self.hub.files.items():
            up = "../" * (2 + path.count("/"))
            self.assertEqual(os.readlink(self.snapshot / path),
                             f"{up}blobs/{checksum(path, content)}")
        for path in ("special_tokens_map.json", "config_sentence_transformers.json",
                     "2_Normalize/config.json"):
            mark = self.repo / ".no_exist" / COMMIT / path
            self.assertEqual(mark.read_bytes(), b"", path)
        self.assertTrue((self.root / "CACHEDIR.TAG").read_bytes().startswith(
            b"Signature: 8a477f597d28d172789f06886806bc55"))
        self.assertEqual({p.suffix for p in (self.root / ".locks").rglob("*") if p.is_file()},
                         {".lock"})

    def test_json(self):
        said = json.loads(self.fetch("--json").stdout)
        self.assertEqual(said, {"name": NAME, "directory": str(self.snapshot),
                                "revision": COMMIT})

    def test_second_fetch_asks_only_for_the_commit(self):
        self.fetch()
        self.hub.seen.clear()
        self.fetch()
        self.assertEqual({"/resolve/main/config.json"},
                         {r.path[len("/" + NAME):] for r in self.hub.seen if "/resolve/" in r.path})
        self.assertEqual([], self.hub.requests(method="GET"))

    def test_all_files_come_from_one_commit(self):
        self.fetch()
        by_branch = [r.path for r in self.hub.seen if "/resolve/main/" in r.path]
        self.assertEqual([f"/{NAME}/resolve/main/config.json"], by_branch)

    def test_update_shares_what_has_not_changed(self):
        self.fetch()
        self.hub.commit = NEXT_COMMIT
        self.hub.files["config.json"] += b"\n"
        self.hub.served.clear()
        self.fetch(stdout=NEXT_COMMIT)
        self.assertEqual([path for path, _, _ in self.hub.served], ["config.json"])
        self.assertEqual((self.repo / "refs" / "main").read_text(), NEXT_COMMIT)
        self.assertTrue((self.snapshot / WEIGHTS).is_file())

    def test_revisions(self):
        self.hub.revisions |= {"v1.0", "pr%2F2"}
        for revision in ("v1.0", "pr/2"):
            with self.subTest(revision):
                self.fetch("--revision", revision)
                self.assertEqual((self.repo / "refs" / revision).read_text(), COMMIT)
        shutil.rmtree(self.repo / "refs")
        self.fetch("--revision", COMMIT)
        self.assertFalse((self.repo / "refs").exists())

    def test_renamed_model(self):
        self.hub.former_name = "former/name"
        self.fetch(name="former/name")
        refs = self.root / "models--former--name" / "refs" / "main"
        self.assertEqual(refs.read_text(), COMMIT)
        self.assertEqual({"Bearer " + TOKEN}, {r.token for r in self.hub.requests(self.hub.hub)})

    def test_shards(self):
        names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        whole = self.hub.files.pop(WEIGHTS)
        self.hub.files.update({names[0]: whole[:1000], names[1]: whole[1000:]})
        index = {"weight_map": {f"tensor.{i}": names[i % 2] for i in range(10)}}
        self.hub.files["model.safetensors.index.json"] = json.dumps(index).encode()
        self.fetch()
        self.assert_whole()

    def test_modules_with_weights(self):
        modules = json.loads(self.hub.files["modules.json"])
        modules.insert(2, {"idx": 2, "name": "2", "path": "2_Dense",
                           "type": "sentence_transformers.models.Dense"})
        self.hub.files["modules.json"] = json.dumps(modules).encode()
        self.hub.files["2_Dense/config.json"] = b"{}"
        self.hub.files["2_Dense/model.safetensors"] = b"dense"
        self.fetch()
        self.assert_whole()

    def test_vocabulary_instead_of_a_tokenizer(self):
        del self.hub.files["tokenizer.json"]
        self.hub.files["vocab.txt"] = b"[PAD]\n"
        self.fetch()
        self.assert_whole()

    def test_settings_under_an_older_name(self):
        self.hub.files["sentence_roberta_config.json"] = \
            self.hub.files.pop("sentence_bert_config.json")
        self.fetch()
        self.assert_whole()

    def test_without_links(self):
        self.fetch(env={"HF_HUB_DISABLE_SYMLINKS": "1"})
        for path, content in self.hub.files.items():
            self.assertFalse((self.snapshot / path).is_symlink(), path)
            self.assertEqual((self.snapshot / path).read_bytes(), content, path)
        self.fetch(env={"HF_HUB_OFFLINE": "1"})

    def test_what_is_missing_is_fetched_again(self):
        self.fetch()
        self.blob("tokenizer.json").unlink()
        (self.snapshot / "1_Pooling" / "config.json").unlink()
        self.hub.served.clear()
        self.fetch()
        self.assertEqual([path for path, _, _ in self.hub.served], ["tokenizer.json"])
        self.assert_whole()

    def test_progress_is_said_where_it_takes_a_while(self):
        self.hub.files[WEIGHTS] = bytes(3_000_000)
        self.hub.faults[WEIGHTS] = [Stall(2_000_000)]
        process = self.start_fetch()
        self.wait_for(lambda: self.incomplete_size() == 2_000_000, "2 MB")
        time.sleep(6)
        self.hub.released.set()
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, said)
        self.assertRegex(said, r"67%  2/3 MB of model\.safetensors  .* bytes/s")


class FirstUse(HubCase):
    def tokenize(self, **options):
        return self.check("tokenize", "--hf-model-name", NAME, stdin=b'"oil market"', **options)

    def test_fetches_once(self):
        self.tokenize(stdout=r'"oil","market"', stderr=f"fetching {NAME} from {self.hub.url}")
        self.assert_whole()
        self.hub.seen.clear()
        done = self.tokenize(stdout=r'"oil","market"')
        self.assertNotIn("fetching", done.stderr)
        self.assertEqual([], self.hub.seen)

    def test_asks_without_fetching(self):
        """Only what is fetched is said to be."""
        self.fetch()
        for command in (["model", "fetch", NAME], ["model", "show", NAME]):
            done = self.check(*command)
            self.assertNotIn("fetching", done.stderr)
        for mark in self.repo.glob(".no_exist/**/2_Normalize/config.json"):
            mark.unlink()  # as if nobody had asked
        done = self.tokenize(stderr=f"asking {self.hub.url} about {NAME}\n")
        self.assertNotIn("fetching", done.stderr)

    def test_quiet(self):
        self.assertEqual("", self.check("embed", "--quiet", "--hf-model-name", NAME,
                                        stdin=b'"oil"').stderr)

    def test_what_the_cache_has_is_not_updated(self):
        self.tokenize()
        self.hub.commit = NEXT_COMMIT
        self.hub.seen.clear()
        self.tokenize()
        self.assertEqual([], self.hub.seen)

    def test_partial_snapshot_is_completed(self):
        """As other tools leave it that have looked at the configuration alone."""
        self.fetch()
        shutil.rmtree(self.repo / ".no_exist")
        for path in (WEIGHTS, "modules.json"):
            (self.snapshot / path).unlink()
            self.blob(path).unlink()
        self.check("tokenize", "--hf-model-name", NAME, status=65, stdin=b'"oil"',
                   stderr=f"not fetched whole into {self.snapshot}: {NAME} has no {WEIGHTS}",
                   env={"HF_HUB_OFFLINE": "1"})
        self.tokenize()
        self.assert_whole()

    def test_snapshot_of_another_tool_serves_without_the_hub(self):
        """Its files are all there, but nobody has noted which others the Hub does not have."""
        self.fetch()
        shutil.rmtree(self.repo / ".no_exist")
        for row, env in (("offline", {"HF_HUB_OFFLINE": "1"}),
                         ("unreachable", {"HF_ENDPOINT": "http://127.0.0.1:9"})):
            with self.subTest(row):
                self.tokenize(env=env, stdout='"oil"')

    def test_offline(self):
        for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            for value in ("1", "on", "Yes", "TRUE"):
                with self.subTest(variable, value=value):
                    self.tokenize(status=66, stderr=f"Hub cache: .*\n.*{variable} forbids",
                                  env={variable: value})
        self.assertEqual([], self.hub.seen)
        self.tokenize(env={"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"})
        self.fetch(env={"HF_HUB_OFFLINE": "1"}, stdout=str(self.snapshot))

    def test_message_says_where_it_looked(self):
        hub = f"{NAME} is neither a directory nor whole in the Hub cache {self.root}: "
        self.tokenize(env={"HF_ENDPOINT": "http://127.0.0.1:9"}, status=69,
                      stderr=hub + "cannot reach http://127.0.0.1:9: .*\n.*HF_ENDPOINT")
        self.tokenize(env={"HF_ENDPOINT": "http://hub.invalid"}, status=69,
                      stderr=hub + "cannot reach http://hub.invalid: Could not resolve")
        self.hub.name = "fictional/other"
        self.tokenize(status=66, stderr=hub + f"there is no model {NAME}")


class Refusals(HubCase):
    # name, answer to every question for a file, status, message
    STATUSES = [
        ("unknown or private", Status(401, X_Error_Code="RepoNotFound"), 66,
         f"there is no model {NAME} on .*, or it is private .*401.*\n.*HF_TOKEN"),
        ("gated", Status(401, X_Error_Code="GatedRepo"), 77,
         f"{NAME} is gated.*\n.*accept them at .*/{NAME}, and set HF_TOKEN"),
        ("gated for this account", Status(403, X_Error_Code="GatedRepo"), 77, "is gated"),
        ("forbidden", Status(403), 77, "does not let this account read.*403.*\n.*HF_TOKEN"),
        ("no such model", Status(404, X_Error_Code="RepoNotFound"), 66,
         f"there is no model {NAME} at revision main on .*404"),
        ("no such revision", Status(404, X_Error_Code="RevisionNotFound"), 66,
         f"{NAME} has no revision main"),
        ("flood, seconds", Status(429, Retry_After="37"), 69,
         "too many requests.*429.*\n.*try again in 37 seconds"),
        ("flood, date", Status(429, Retry_After="Mon, 23 Nov 2026 08:00:00 GMT"), 69,
         "\n.*try again after Mon, 23 Nov 2026 08:00:00 GMT"),
        ("flood", Status(429), 69, "\n.*try again later"),
        ("broken", Status(500), 69, "status 500.*\n.*try again later"),
        ("down", Status(503), 69, "status 503.*\n.*try again later"),
        ("teapot", Status(418), 69, "status 418.*\n.*HF_ENDPOINT"),
        ("login page", Status(200), 69, "does not answer as a Hub does.*\n.*proxy or login page"),
        ("redirects in a circle", Status(302, Location=f"/{NAME}/resolve/main/config.json"), 69,
         "redirects without end"),
        ("redirect to nowhere", Status(302, Location="http://"), 69, "no address"),
    ]

    def test_statuses(self):
        for row, status, code, message in self.STATUSES:
            with self.subTest(row):
                self.hub.statuses = {"/": status}
                self.hub.seen.clear()
                self.fetch(status=code, stderr=message)
                if "redirect" not in row:
                    self.assertEqual(len(self.hub.seen), 1)
                self.assert_not_there()

    def test_flood_is_not_answered_with_more(self):
        self.hub.faults[WEIGHTS] = [Status(429, Retry_After="60")]
        self.fetch(status=69, stderr="429.*\n.*in 60 seconds")
        self.assertEqual(len([r for r in self.hub.requests(self.hub.storage)]), 1)
        self.assert_not_there()
        self.fetch()
        self.assert_whole()

    def test_trouble_in_the_middle_is_tried_again(self):
        self.hub.faults[WEIGHTS] = [Status(502), Status(503)]
        self.fetch()
        self.assert_whole()

    def test_missing_files(self):
        rows = [("config.json", "has no config.json"), ("tokenizer.json", "has no tokenizer.json"),
                (WEIGHTS, f"has no {WEIGHTS} and no pytorch_model.bin\n.*safetensors")]
        for path, message in rows:
            with self.subTest(path):
                content = self.hub.files.pop(path)
                self.fetch(status=66, stderr=message)
                self.assert_not_there()
                self.hub.files[path] = content
                shutil.rmtree(self.root)

    def test_paths_that_leave_the_directory(self):
        for folder in ("../../evil", "/etc", "1_Pooling/../../..", ".git", "a//b", "a/", "a b",
                       "a\\b", "1_Pooling/.hidden"):
            with self.subTest(folder):
                modules = [{"idx": 0, "path": "", "type": "m.Transformer"},
                           {"idx": 1, "path": folder, "type": "m.Pooling"}]
                self.hub.files["modules.json"] = json.dumps(modules).encode()
                self.fetch(status=65, stderr="not the path of a file in it.*\n.*do not trust")
                self.assert_not_there()
                shutil.rmtree(self.root)
        del self.hub.files["modules.json"], self.hub.files[WEIGHTS]
        for shard in ("../../../evil.safetensors", "/tmp/evil", 5, None):
            with self.subTest(shard):
                index = {"weight_map": {"a": shard}}
                self.hub.files["model.safetensors.index.json"] = json.dumps(index).encode()
                self.fetch(status=65, stderr="weight_map|not the path of a file")
                self.assert_not_there()
                shutil.rmtree(self.root)

    def test_endpoints_and_times(self):
        rows = [({"HF_ENDPOINT": "huggingface.co"}, "HF_ENDPOINT is not the http address"),
                ({"HF_ENDPOINT": "file:///etc"}, "HF_ENDPOINT is not the http address"),
                ({"HF_HUB_ETAG_TIMEOUT": "soon"}, "HF_HUB_ETAG_TIMEOUT=soon is not a number"),
                ({"HF_HUB_DOWNLOAD_TIMEOUT": "-1"}, "HF_HUB_DOWNLOAD_TIMEOUT=-1 is not"),
                ({"HF_TOKEN": TOKEN + "\r\nX-Evil: 1"}, "token for the Hub is not one word")]
        for env, message in rows:
            with self.subTest(str(env)):
                self.fetch(status=78, stderr=message, env=env)
        self.assertEqual([], self.hub.seen)

    def test_password_in_the_address_is_not_shown(self):
        self.hub.name = "fictional/other"
        address = self.hub.url.replace("//", "//user:pa55word@")
        done = self.fetch(status=66, env={"HF_ENDPOINT": address})
        self.assertNotIn("pa55word", done.stderr)
        self.assertIn(self.hub.url, done.stderr)


class Tokens(HubCase):
    def test_token_stays_with_the_hub(self):
        self.fetch()
        self.assertEqual({"Bearer " + TOKEN}, {r.token for r in self.hub.requests(self.hub.hub)})
        self.assertTrue(self.hub.requests(self.hub.storage))
        self.assertEqual({None}, {r.token for r in self.hub.requests(self.hub.storage)})

    def test_where_it_comes_from(self):
        self.write("hf/token", "hf_fromHome\nsecond line\n")
        elsewhere = self.write("elsewhere", " hf_fromPath \n")
        rows = [("the variable", {"HF_TOKEN": " hf_a\n"}, "Bearer hf_a"),
                ("its older name", {"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": "hf_b"},
                 "Bearer hf_b"),
                ("a file", {"HF_TOKEN": "", "HF_TOKEN_PATH": elsewhere}, "Bearer hf_fromPath"),
                ("the file in HF_HOME", {"HF_TOKEN": ""}, "Bearer hf_fromHome"),
                ("no such file", {"HF_TOKEN": "", "HF_TOKEN_PATH": "/nowhere/token"}, None),
                ("none wanted", {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, None)]
        for row, env, token in rows:
            with self.subTest(row):
                self.hub.seen.clear()
                done = self.fetch(env=env)
                self.assertEqual({token}, {r.token for r in self.hub.requests(self.hub.hub)})
                self.assertNotIn("hf_", done.stderr)


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate")
class Tls(HubCase):
    def start(self, **options):
        """A Hub with a certificate of its own; returns the path of that."""
        self.hub.stop()
        certificate, key = self.work / "certificate.pem", self.work / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                        "/CN=fictional", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self.hub = MockHub(model_files(), tls=tls, **options)
        self.addCleanup(self.hub.stop)
        self.environment["HF_ENDPOINT"] = self.hub.url
        return str(certificate)

    def test_certificates(self):
        certificate = self.start()
        self.fetch(status=69, stderr=f"cannot reach {self.hub.url}: .*certificate")
        self.assertEqual([], self.hub.seen)
        self.fetch(env={"SSL_CERT_FILE": certificate})
        self.assert_whole()
        shutil.rmtree(self.root)
        self.fetch(env={"CURL_CA_BUNDLE": certificate, "SSL_CERT_FILE": "/nowhere"})

    def test_no_way_back_to_plain_http(self):
        certificate = self.start(plain_storage=True)
        self.fetch(status=69, stderr="without TLS", env={"SSL_CERT_FILE": certificate})
        self.assertEqual([], self.hub.requests(self.hub.storage))
        self.assert_not_there()


class Interruptions(HubCase):
    def test_every_tenth_cut_and_finished_by_a_second_run(self):
        size = len(self.hub.files[WEIGHTS])
        for tenth in range(10):
            with self.subTest(tenth=tenth):
                n = size * tenth // 10
                self.hub.faults[WEIGHTS] = [Cut(n), Status(429)]
                self.fetch(status=69)
                self.assertEqual(self.incomplete_size(), n)
                self.assertFalse(self.blob(WEIGHTS).exists())
                self.assert_not_there()
                self.hub.served.clear()
                self.fetch()
                self.assertEqual(self.hub.served, [(WEIGHTS, n, size - n)])
                self.assert_whole()
                shutil.rmtree(self.root)

    def test_every_tenth_killed_and_finished_by_a_second_run(self):
        size = len(self.hub.files[WEIGHTS])
        for tenth in range(1, 10):
            with self.subTest(tenth=tenth):
                n = size * tenth // 10
                self.hub.faults[WEIGHTS] = [Stall(n)]
                process = self.start_fetch()
                self.wait_for(lambda: self.incomplete_size() == n, f"{n} bytes")
                process.kill()
                process.wait()
                self.assert_not_there()
                self.hub.served.clear()
                self.fetch()
                self.assertEqual(self.hub.served, [(WEIGHTS, n, size - n)])
                self.assert_whole()
                shutil.rmtree(self.root)

    def test_cuts_are_taken_up_within_a_run(self):
        size = len(self.hub.files[WEIGHTS])
        self.hub.faults[WEIGHTS] = [Cut(1000), Cut(2000), Cut(3000)]
        self.fetch()
        self.assertEqual(self.hub.served[-1], (WEIGHTS, 6000, size - 6000))
        self.assert_whole()

    def test_not_without_end(self):
        self.hub.faults[WEIGHTS] = [Cut(1)] * 100
        self.fetch(status=69, stderr=f"lost the connection to {self.hub.url}: ")
        requests = self.hub.requests(self.hub.storage)
        self.assertEqual(len(requests), RETRIES + 1)
        pauses = [b.time - a.time for a, b in zip(requests, requests[1:])]
        for i, pause in enumerate(pauses):
            self.assertGreaterEqual(pause, 0.5 * 2 ** i)
        self.assertEqual(self.incomplete_size(), RETRIES + 1)
        self.assert_not_there()

    def test_stall(self):
        self.hub.faults[WEIGHTS] = [Stall(1000)]
        self.fetch(env={"HF_HUB_DOWNLOAD_TIMEOUT": "1"})
        self.assertEqual(self.hub.served[-1][1], 1000)
        self.assert_whole()

    def test_silence(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = "http://127.0.0.1:%d" % silent.getsockname()[1]
            self.fetch(status=69, stderr=f"cannot reach {address}: .*timed out",
                       env={"HF_ENDPOINT": address, "HF_HUB_ETAG_TIMEOUT": "1"})

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.hub.faults[WEIGHTS] = [Stall(1000)]
                process = self.start_fetch()
                self.wait_for(lambda: self.incomplete_size() == 1000, "1000 bytes")
                process.send_signal(number)
                output, said = process.communicate(timeout=30)
                self.assertEqual(process.returncode, 128 + number, said)
                self.assertEqual(output, "")
                self.assert_not_there()
                self.fetch()
                self.assert_whole()
                shutil.rmtree(self.root)

    def test_server_without_ranges(self):
        self.hub.faults[WEIGHTS] = [Cut(5000), IgnoreRange()]
        self.fetch()
        self.assert_whole()

    def test_old_cache_works_until_the_new_one_is_whole(self):
        self.fetch()
        self.hub.commit = NEXT_COMMIT
        self.hub.files.update(model_files(seed=2))
        self.hub.faults[WEIGHTS] = [Status(429)]
        self.fetch(status=69)
        self.check("embed", "--hf-model-name", NAME, stdin=b'"oil"', env={"HF_HUB_OFFLINE": "1"},
                   stderr=COMMIT, stdout="vector")
        self.fetch(stdout=NEXT_COMMIT)


class Lies(HubCase):
    def test_wrong_content(self):
        for path in (WEIGHTS, "tokenizer.json"):
            with self.subTest(path):
                content = bytearray(self.hub.files[path])
                content[10] ^= 1
                self.hub.bodies = {path: bytes(content)}
                self.fetch(status=65, stderr=f"{path} of {NAME} arrived with the checksum "
                                             f"[0-9a-f]+, not the {checksum(path, self.hub.files[path])}")
                self.assertFalse(self.blob(path).exists())
                self.assertFalse(self.incomplete(path).exists())
                self.assert_not_there()
                self.hub.bodies = {}
                self.fetch()
                self.assert_whole()
                shutil.rmtree(self.root)

    def test_no_checksum(self):
        for value in ("abc", "0" * 41, "../../evil", "A" * 64):
            with self.subTest(value):
                self.hub.checksums = {WEIGHTS: value}
                self.fetch(status=69, stderr="gives no checksum")
                self.assert_not_there()

    def test_longer_than_announced(self):
        self.hub.sizes = {WEIGHTS: 100}
        self.fetch(status=65, stderr="longer than the 100 bytes")
        self.assertFalse(self.incomplete().exists())
        self.assert_not_there()

    def test_shorter_than_announced(self):
        self.hub.sizes = {WEIGHTS: len(self.hub.files[WEIGHTS]) + 1}
        self.fetch(status=69, stderr=f"answers {WEIGHTS} with status 416|after .* bytes")
        self.assertFalse(self.blob(WEIGHTS).exists())
        self.assert_not_there()

    def test_another_commit_in_the_middle(self):
        self.hub.statuses = {f"/{NAME}/resolve/{COMMIT}/tokenizer.json":
                             Status(200, X_Repo_Commit=NEXT_COMMIT, ETag='"%s"' % ("0" * 40))}
        self.fetch(status=69, stderr="another commit")
        self.assert_not_there()

    def test_damaged_beginning_of_an_earlier_run(self):
        rows = [("wrong bytes", b"x" * 1000), ("as long", b"x" * len(self.hub.files[WEIGHTS])),
                ("too long", b"x" * (len(self.hub.files[WEIGHTS]) + 1))]
        for row, left in rows:
            with self.subTest(row):
                self.incomplete().parent.mkdir(parents=True)
                self.incomplete().write_bytes(left)
                self.fetch()
                self.assert_whole()
                shutil.rmtree(self.root)

    def test_blob_cut_short(self):
        self.blob(WEIGHTS).parent.mkdir(parents=True)
        self.blob(WEIGHTS).write_bytes(self.hub.files[WEIGHTS][:-1])
        self.fetch()
        self.assert_whole()


class Processes(HubCase):
    def test_four_at_once(self):
        self.hub.faults[WEIGHTS] = [Stall(1000)]
        processes = [self.start_fetch(HF_HUB_DOWNLOAD_TIMEOUT="3") for _ in range(4)]
        for process in processes:
            output, said = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, said)
            self.assertEqual(output, f"{self.snapshot}\n")
        whole = sorted(path for path, _, _ in self.hub.served)
        self.assertEqual(whole, sorted(self.hub.files))
        self.assert_whole()

    def test_waits_for_a_lock(self):
        """Which another tool holds by flock() on the same file."""
        lock = (self.root / ".locks" / self.repo.name /
                (checksum(WEIGHTS, self.hub.files[WEIGHTS]) + ".lock"))
        lock.parent.mkdir(parents=True)
        with open(lock, "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            process = self.start_fetch()
            self.wait_for(lambda: any(WEIGHTS in r.path for r in self.hub.seen), "the question")
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            self.assertEqual([], self.hub.requests(self.hub.storage))
        self.assertEqual(process.wait(timeout=60), 0)
        self.assert_whole()

    def test_stopped_while_it_waits_for_a_lock(self):
        lock = (self.root / ".locks" / self.repo.name /
                (checksum(WEIGHTS, self.hub.files[WEIGHTS]) + ".lock"))
        lock.parent.mkdir(parents=True)
        with open(lock, "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            process = self.start_fetch()
            self.wait_for(lambda: any(WEIGHTS in r.path for r in self.hub.seen), "the question")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=60), 130)


@unittest.skipUnless(hasattr(os, "geteuid") and os.geteuid() == 0, "only root mounts a small disk")
class FullDisk(HubCase):
    SIZE = 96 * 1024

    def setUp(self):
        super().setUp()
        self.root.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE}", "none", self.root],
                              capture_output=True, text=True)
        if done.returncode:
            self.skipTest(done.stderr)
        self.addCleanup(subprocess.run, ["umount", self.root], check=True)

    def test_file_that_cannot_fit(self):
        self.hub.files[WEIGHTS] = bytes(10_000_000)
        self.fetch(status=74, stderr=f"{WEIGHTS} of {NAME} takes 11 MB more.*\n.*HF_HUB_CACHE")
        self.assertEqual([], self.hub.requests(self.hub.storage))
        self.assert_not_there()

    def test_disk_that_another_fills(self):
        self.hub.files[WEIGHTS] = self.hub.files[WEIGHTS][:60_000]
        self.hub.faults[WEIGHTS] = [Stall(1000)]
        process = self.start_fetch()
        self.wait_for(lambda: self.incomplete_size() == 1000, "1000 bytes")
        filler = self.root / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        self.hub.released.set()
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 74, said)
        self.assertRegex(said, r"cannot write .*\.incomplete: the disk is full\n.*is kept")
        self.assert_not_there()
        filler.unlink()
        kept = self.incomplete_size()
        self.assertGreaterEqual(kept, 1000)
        self.fetch()
        self.assertEqual(self.hub.served[-1], (WEIGHTS, kept, 60_000 - kept))
        self.assert_whole()


class Rights(HubCase):
    def test_cache_that_must_not_be_written(self):
        user = {}
        if os.geteuid() == 0:
            user = {"user": 65534, "group": 65534, "extra_groups": []}
        self.root.mkdir(parents=True)
        for folder in (self.work, self.work / "hf", self.root):
            folder.chmod(0o555)
        try:
            done = subprocess.run([str(program.BIN / "vecfill"), "model", "fetch", NAME],
                                  env=self.environment, cwd="/", capture_output=True, text=True,
                                  timeout=60, **user)
        except PermissionError as error:
            self.skipTest(str(error))
        finally:
            self.work.chmod(0o755)
            (self.work / "hf").chmod(0o755)
        self.assertEqual(done.returncode, 77, done.stderr)
        self.assertRegex(done.stderr, r"cannot make the directory .*\n.*HF_HUB_CACHE")


if __name__ == "__main__":
    program.main()
