"""The cache that vecfill writes, read by huggingface_hub, and the reverse. That library is the one of
scripts/install-test-extensions, else Python's own. Status 77, which is "skipped", without either."""
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import unittest

import program
from mock_hub import COMMIT, NAME
from test_model_fetch import HubCase

ABSENT = "special_tokens_map.json"
LIBRARY = program.ROOT / "build/test-deps/huggingface_hub"

# Each reads {"name", "files"} from standard input.
READ = """
import json, sys
import huggingface_hub as hub
task = json.load(sys.stdin)
folder = hub.snapshot_download(task["name"], local_files_only=True)
files = {path: hub.hf_hub_download(task["name"], path) for path in task["files"]}
absent = hub.try_to_load_from_cache(task["name"], task["absent"])
scan = hub.scan_cache_dir()
print(json.dumps({"folder": folder, "files": files, "known_absent": not isinstance(absent, str) and
                  absent is not None, "warnings": [str(w) for w in scan.warnings],
                  "revisions": [r.commit_hash for repo in scan.repos for r in repo.revisions],
                  "refs": [ref for repo in scan.repos for r in repo.revisions for ref in r.refs]}))
"""
WRITE = """
import json, sys
import huggingface_hub as hub
task = json.load(sys.stdin)
for path in task["files"]:
    hub.hf_hub_download(task["name"], path)
try:
    hub.hf_hub_download(task["name"], task["absent"])
except hub.errors.EntryNotFoundError:
    pass
"""


class Interop(HubCase):
    def setUp(self):
        super().setUp()
        self.environment.update(HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_XET="1",
                                HF_HUB_DISABLE_TELEMETRY="1", PYTHONPATH=str(LIBRARY))

    def start_python(self, script, **env):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=self.work, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=dict(self.environment, **env))
        task = {"name": NAME, "files": sorted(self.hub.files), "absent": ABSENT}
        json.dump(task, process.stdin)
        process.stdin.close()
        process.stdin = None
        return process

    def python(self, script, **env):
        process = self.start_python(script, **env)
        output, said = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, said)
        return output

    def read_by_python(self):
        return json.loads(self.python(READ, HF_HUB_OFFLINE="1"))

    def test_what_vecfill_writes(self):
        self.fetch()
        self.hub.seen.clear()
        read = self.read_by_python()
        self.assertEqual(self.hub.seen, [])
        self.assertEqual(read["folder"], str(self.snapshot))
        for path, file in read["files"].items():
            self.assertEqual(file, str(self.snapshot / path))
        self.assertTrue(read["known_absent"])
        self.assertEqual((read["warnings"], read["revisions"], read["refs"]), ([], [COMMIT], ["main"]))
        self.python(WRITE)
        self.assertEqual([], self.hub.requests(method="GET"))

    def test_what_python_writes(self):
        self.python(WRITE)
        self.hub.seen.clear()
        self.check("embed", "--hf-model-name", NAME, stdin=b'"oil"', stdout="vector",
                   env={"HF_HUB_OFFLINE": "1"})
        self.assertEqual(self.hub.seen, [])
        self.fetch()
        self.assertEqual([], self.hub.requests(method="GET"))
        self.assert_whole()

    def test_both_at_once(self):
        for turn in range(3):
            process = self.start_python(WRITE)
            self.fetch()
            _, said = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, said)
            self.assert_whole()
            self.assertEqual(self.read_by_python()["warnings"], [])
            shutil.rmtree(self.root)


if __name__ == "__main__":
    sys.path.append(str(LIBRARY))
    if importlib.util.find_spec("huggingface_hub") is None:
        print("huggingface_hub is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
