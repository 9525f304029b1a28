"""Runs the programs of the build in a folder of their own, for tests of the command line."""
import json
import os
import pathlib
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))

BIN = pathlib.Path(os.environ.get("VECFILL_BIN_DIR", ROOT / "build" / "bin")).resolve()
DATA = pathlib.Path(os.environ.get("VECFILL_TEST_DATA", ROOT.parent / "shared" / "data"))
MODEL_ID = "text-fin-general-v1"
LINE = re.compile(r"selected=(\d+) embedded=(\d+) unchanged=(\d+) empty=(\d+) failed=(\d+) "
                  r"remaining=(\d+)\n\Z")


def clean_environment():
    """Without what would name a database or change messages, and without the Hub."""
    names = re.compile(r"VECFILL_(?!BIN|TEST)|HISTORICAL_DB_|PG|NO_COLOR|TZ\Z")
    environment = {k: v for k, v in os.environ.items() if not names.match(k)}
    environment["TERM"] = "xterm"
    environment["HF_HUB_OFFLINE"] = "1"
    return environment


class Case(unittest.TestCase):
    """A test with a working directory of its own, `self.work`."""

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="vecfill-cli-"))
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.environment = clean_environment()

    def write(self, name, content):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")
        return str(path)

    def write_lines(self, name, values):
        return self.write(name, "".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values))

    def run_program(self, *arguments, name="vecfill", stdin=b"", env=None, timeout=300):
        """Standard output and error come back as text."""
        environment = dict(self.environment, **(env or {}))
        done = subprocess.run([str(BIN / name), *map(str, arguments)], cwd=self.work,
                              input=stdin, capture_output=True, env=environment, timeout=timeout)
        done.stdout = done.stdout.decode("utf-8")
        done.stderr = done.stderr.decode("utf-8")
        return done

    def check(self, *arguments, status=0, stderr=None, stdout=None, **options):
        """Runs it and checks the status, and output and messages by regular expressions."""
        done = self.run_program(*arguments, **options)
        said = f"{arguments}\nstdout: {done.stdout[:2000]}\nstderr: {done.stderr[:2000]}"
        self.assertEqual(done.returncode, status, said)
        if stderr:
            self.assertRegex(done.stderr, stderr, said)
        if stdout:
            self.assertRegex(done.stdout, stdout, said)
        if status not in (0, 1, 75):
            lines = done.stderr.splitlines()
            errors = [i for i, line in enumerate(lines) if ": error: " in line]
            self.assertEqual(len(errors), 1, said)
            self.assertLessEqual(len(lines) - errors[0], 3, said)
        return done

    def run_on_terminal(self, *arguments, env=None):
        """What the program writes to standard error when that is a terminal."""
        leader, follower = pty.openpty()
        process = subprocess.Popen([str(BIN / "vecfill"), *map(str, arguments)], cwd=self.work,
                                   stdout=subprocess.DEVNULL, stderr=follower,
                                   env=dict(self.environment, **(env or {})))
        os.close(follower)
        said = b""
        while True:
            try:
                chunk = os.read(leader, 4096)
            except OSError:
                break
            if not chunk:
                break
            said += chunk
        os.close(leader)
        process.wait()
        return said.decode()

    def counts(self, done):
        """The buckets of a backfill's line; each selected article is in exactly one."""
        match = LINE.match(done.stdout)
        self.assertTrue(match, done.stdout)
        selected, *buckets = map(int, match.groups())
        self.assertEqual(selected, sum(buckets))
        return dict(zip(("selected", "embedded", "unchanged", "empty", "failed", "remaining"),
                        (selected, *buckets)))


class SqliteDatabase:
    """What a test needs of a database beside vecfill."""

    def __init__(self, case):
        self.path = case.work / "vecfill.db"
        self.options = []

    def query(self, sql):
        """Rows; a blob comes as bytes."""
        connection = sqlite3.connect(self.path)
        try:
            rows = connection.execute(sql).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    def vectors(self, model_id=MODEL_ID):
        """{source_id: bytes}"""
        return dict(self.query("SELECT source_id, vector FROM text_embeddings "
                               f"WHERE model_id = '{model_id}'"))


class PostgresDatabase:
    """A database of its own on the server that PGHOST leads to."""

    count = 0

    def __init__(self, case, encoding="UTF8"):
        PostgresDatabase.count += 1
        self.name = f"cli_{os.getpid()}_{PostgresDatabase.count}"
        self.psql("postgres", f"CREATE DATABASE {self.name} ENCODING '{encoding}' "
                              "LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        case.environment.update({k: v for k, v in os.environ.items() if k.startswith("PG")})
        case.environment["PGDATABASE"] = self.name
        case.addCleanup(self.psql, "postgres", f"DROP DATABASE {self.name} WITH (FORCE)")

    @staticmethod
    def psql(database, sql):
        done = subprocess.run(["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql],
                              env=dict(os.environ, PGDATABASE=database), capture_output=True,
                              text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def query(self, sql):
        """Rows of strings."""
        return [tuple(line.split("\t")) for line in self.psql(self.name, sql).splitlines()]

    def vectors(self, model_id=MODEL_ID):
        rows = self.query("SELECT source_id, encode(vector, 'hex') FROM text_embeddings "
                          f"WHERE model_id = '{model_id}'")
        return {source_id: bytes.fromhex(vector) for source_id, vector in rows}


def has_postgres():
    return bool(os.environ.get("PGHOST"))


def main():
    unittest.main(verbosity=2)
