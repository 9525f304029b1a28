"""Passwords and tokens appear nowhere: not among the arguments that others see, in messages, reports,
figures or a core file, whether a run ends well or not."""
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import unittest

import desk
from desk import program

import mock_hub

TOKEN = "hf_topsecrettoken"
WRONG = "wrong-battery-staple"


class Secrets(desk.Desk):
    N = 3000

    @classmethod
    def setUpClass(cls):
        cls.server = desk.Server()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        super().setUp()
        self.server.sql("postgres", "DROP DATABASE IF EXISTS desk WITH (FORCE)")
        self.server.sql("postgres", "CREATE DATABASE desk")
        self.fill(env=self.server.environment("desk"))
        self.environment["HF_TOKEN"] = TOKEN
        # How a run learns the password: options and environment.
        password, port = desk.Server.PASSWORD, self.server.port
        self.ways = {
            "PGPASSWORD": ([], self.server.network("desk")),
            "--database": (["--database", self.url(password)], {}),
            "VECFILL_DATABASE_URL": ([], {"VECFILL_DATABASE_URL": self.url(password)}),
            "connection string": (["--database", f"host=127.0.0.1 port={port} dbname=desk "
                                                 f"user=postgres password='{password}'"], {}),
        }

    def url(self, password, port=None, database="desk"):
        quoted = password.replace(" ", "%20")
        return f"postgresql://postgres:{quoted}@127.0.0.1:{port or self.server.port}/{database}"

    def assert_clean(self, text, where):
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        password = desk.Server.PASSWORD
        for secret in (password, password.replace(" ", "%20"), WRONG, TOKEN):
            self.assertNotIn(secret, text, where)

    def check_run(self, name, options, env):
        """The outcome of a run whose every word is clean."""
        done = self.run_program(*self.command("--verbose", "--retries", "0", "--json", "--refresh",
                                              "all", "--metrics-file", "metrics", *options), env=env)
        self.assert_clean(done.stdout + done.stderr, name)
        self.assert_clean((self.work / "metrics").read_bytes(), name)
        return done

    def test_messages_and_reports(self):
        for way, (options, env) in self.ways.items():
            with self.subTest(way=way):
                done = self.check_run(way, options, env)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout)["embedded"], self.N - self.N // 50)

    def test_errors(self):
        cases = {
            "wrong password": self.url(WRONG),
            "no server": self.url(WRONG, port=1),
            "no database": self.url(desk.Server.PASSWORD, database="nowhere"),
        }
        for name, url in cases.items():
            for options, env in ((["--database", url], {}), ([], {"VECFILL_DATABASE_URL": url})):
                with self.subTest(name=name, options=bool(options)):
                    self.assertIn(self.check_run(name, options, env).returncode, (66, 69))

    def test_token(self):
        hub = mock_hub.MockHub({})
        self.addCleanup(hub.stop)
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            self.environment.pop(name, None)
        env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(self.work / "hf"), "no_proxy": "127.0.0.1"}
        done = self.run_program("model", "fetch", mock_hub.NAME, "--verbose", env=env)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(hub.seen[0].token, f"Bearer {TOKEN}")
        self.assert_clean(done.stdout + done.stderr, "Hub")

    def in_flight(self, options, env):
        """A run that has written something, and may leave a core file as far as limits go."""
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        process = subprocess.Popen(
            [str(program.BIN / "vecfill"), *self.command(*options)], cwd=self.work,
            env=dict(self.environment, **env), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)))
        self.server.wait_until("desk", "SELECT count(*) FROM text_embeddings")
        return process

    @unittest.skipUnless(sys.platform == "linux", "needs /proc")
    def test_arguments(self):
        for way, (options, env) in self.ways.items():
            with self.subTest(way=way):
                self.server.sql("desk", "TRUNCATE text_embeddings")
                process = self.in_flight(options, env)
                seen = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
                shown = subprocess.run(["ps", "-o", "args=", "-p", str(process.pid)],
                                       capture_output=True).stdout
                process.kill()
                process.wait()
                self.assertIn(b"backfill", seen)
                self.assert_clean(seen + shown, way)

    @unittest.skipIf(os.environ.get("VECFILL_DEBUG_BUILD"), "for released programs")
    @unittest.skipUnless(sys.platform == "linux", "needs PR_SET_DUMPABLE")
    def test_core(self):
        process = self.in_flight(*self.ways["PGPASSWORD"])
        process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
        self.assertEqual(os.WTERMSIG(status), signal.SIGABRT)
        self.assertFalse(os.WCOREDUMP(status))
        self.assertEqual([p.name for p in self.work.glob("*core*")], [])


if __name__ == "__main__":
    program.main()
