"""What the tests of faults share: a desk of articles, a run that can be disturbed, and the whole of
what it leaves behind, to be compared byte for byte with what an undisturbed run leaves."""
import glob
import json
import os
import pathlib
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))

import program  # noqa: E402
import tiny_model  # noqa: E402

AS_OF = ["--as-of", "2025-12-31"]
MODEL_ID = program.MODEL_ID
WORDS = tiny_model.WORDS

# Whether tests try everything that they know, which takes an hour or more, or a part of it.
LONG = bool(os.environ.get("VECFILL_TORTURE"))

ROWS = ("SELECT source_type, source_id, model_id, {hex}(vector{as_hex}), vector_ref IS NULL, "
        "{hex}(text_hash{as_hex}), token_count, truncated FROM text_embeddings "
        "ORDER BY source_type, source_id, model_id")

# Rows that runs have left in any table.
N_WRITTEN = ("SELECT (SELECT count(*) FROM text_embeddings) + (SELECT count(*) FROM "
             "text_embedding_models) + (SELECT count(*) FROM text_embedding_failures)")


def articles(n):
    """Texts of all lengths, some cut, some equal, some empty."""
    for i in range(n):
        body = " ".join(WORDS[(i * 7 + j * j) % len(WORDS)] for j in range(i * 13 % 90))
        yield {"article_id": i, "published_at": f"2025-01-{1 + i % 28:02}T{i % 24:02}:00:00Z",
               "language": "en", "headline": None if i % 50 == 49 else f"oil {i % (n - 5)}",
               "body": None if i % 50 == 49 else body}


def spread(n, short):
    """The numbers from 0 to n - 1: all of them in the long form, else `short` of them, evenly."""
    if LONG or n <= short:
        return list(range(n))
    return sorted({i * (n - 1) // (short - 1) for i in range(short)})


def count_rows(text):
    """{key: how many rows of text have it}, and {key: what a row of it holds}."""
    counts, values = {}, {}
    for line in text.splitlines():
        key = tuple(line.split("\t")[:3])
        counts[key] = counts.get(key, 0) + 1
        values[key] = line
    return counts, values


class Tally:
    """Counts what faults did to runs and tables. May be used by several threads."""

    def __init__(self):
        self.tries = self.lost = self.doubled = self.wrong = self.statuses = 0
        self.complaints = []
        self.lock = threading.Lock()

    def status(self, got, allowed, what):
        with self.lock:
            if got not in allowed:
                self.statuses += 1
                self.complaints.append(f"status {got}: {what}")

    def rows(self, expected, got, what, tries=1):
        """So many tries are over: compares the table with that of an undisturbed run."""
        wanted, found = count_rows(expected), count_rows(got)
        with self.lock:
            self.tries += tries
            self.lost += len(wanted[0].keys() - found[0].keys())
            self.doubled += sum(n - 1 for n in found[0].values())
            self.wrong += sum(wanted[1].get(key) != value for key, value in found[1].items())
            if got != expected:
                self.complaints.append(f"the table differs: {what}")

    def check(self, case, what):
        print(f"| {what} | {self.tries} | {self.lost} | {self.doubled} | {self.wrong} | "
              f"{self.statuses} |", flush=True)
        if self.complaints:
            case.fail("\n".join(self.complaints))
        case.assertGreater(self.tries, 0)


class Desk(program.Case):
    """A test case with a model and one article each for what a run may meet."""

    N = 600

    def setUp(self):
        super().setUp()
        self.model = tiny_model.write(self.work / "model")

    def fill(self, *options, env=None):
        self.check("init", "--quiet", *options, env=env)
        self.check("import", "--quiet", *options, env=env,
                   *[self.write_lines("articles.jsonl", articles(self.N))])

    def command(self, *arguments):
        return ["backfill", *AS_OF, "--hf-model-name", self.model, "--threads", "1",
                "--batch-size", "16", *arguments]

    def start(self, *arguments, env=None):
        return subprocess.Popen([str(program.BIN / "vecfill"), *self.command(*arguments)],
                                cwd=self.work, env=dict(self.environment, **(env or {})),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def sqlite_rows(case, path):
    connection = sqlite3.connect(path)
    try:
        case.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        rows = connection.execute(ROWS.format(hex="hex", as_hex="")).fetchall()
    finally:
        connection.close()
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


class Server:
    """A PostgreSQL server that a test may kill. As root it runs as the user nobody. On its socket
    it trusts everybody, over the network it wants a password."""

    PASSWORD = "correct horse"

    def __init__(self, shared_buffers="16MB", settings=""):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="vecfill-faults-"))
        self.shared_buffers = shared_buffers
        self.settings = settings
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.root, pwd.getpwnam(self.user).pw_uid, -1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.bin = self.find_programs()
        self.data = self.root / "data"
        self.create()
        self.control("start")

    def create(self):
        password = self.root / "password"
        password.write_text(self.PASSWORD)
        password.chmod(0o644)
        self.run("initdb", "-D", self.data, "-U", "postgres", "--auth-local=trust",
                 "--auth-host=scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C",
                 "-N")

    @staticmethod
    def find_programs():
        patterns = [os.environ.get("VECFILL_TEST_PG_BINDIR") or "/usr/lib/postgresql/*/bin",
                    "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/pgsql/bin",
                    "/usr/bin"]
        for pattern in patterns:
            for folder in sorted(glob.glob(pattern), reverse=True):
                if os.access(f"{folder}/initdb", os.X_OK):
                    return pathlib.Path(folder)
        raise RuntimeError("no PostgreSQL server; set VECFILL_TEST_PG_BINDIR")

    def run(self, name, *arguments):
        done = subprocess.run([self.bin / name, *map(str, arguments)], user=self.user, cwd=self.root,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr}")

    def control(self, action, *arguments):
        options = f"-k {self.root} -p {self.port} -c listen_addresses=127.0.0.1 "
        options += f"-c shared_buffers={self.shared_buffers} {self.settings}"
        with_options = [] if action == "stop" else ["-o", options, "-l", self.root / "log"]
        self.run("pg_ctl", action, "-w", "-D", self.data, *with_options, *arguments)

    def environment(self, database="postgres"):
        return {"PGHOST": str(self.root), "PGPORT": str(self.port), "PGUSER": "postgres",
                "PGDATABASE": database}

    def network(self, database="postgres", port=None):
        return {"PGHOST": "127.0.0.1", "PGPORT": str(port or self.port), "PGUSER": "postgres",
                "PGDATABASE": database, "PGPASSWORD": self.PASSWORD, "PGSSLMODE": "disable",
                "PGGSSENCMODE": "disable"}

    def sql(self, database, sql):
        done = subprocess.run(["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql],
                              env=dict(os.environ, **self.environment(database)),
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def rows(self, database):
        return self.sql(database, ROWS.format(hex="encode", as_hex=", 'hex'"))

    def wait_until(self, database, sql, seconds=60):
        """Waits until a query yields a number over 0."""
        end = time.monotonic() + seconds
        while int(self.sql(database, sql) or 0) <= 0:
            if time.monotonic() > end:
                raise RuntimeError(f"never: {sql}")
            time.sleep(0.01)

    def is_running(self):
        done = subprocess.run([self.bin / "pg_ctl", "status", "-D", self.data], user=self.user,
                              cwd=self.root, capture_output=True)
        return done.returncode == 0

    def close(self):
        try:
            if self.is_running():
                self.control("stop", "-m", "immediate")
        finally:
            shutil.rmtree(self.root, ignore_errors=True)


class Standby(Server):
    """A copy of another server that follows it."""

    def __init__(self, primary):
        self.primary = primary
        super().__init__()

    def create(self):
        self.run("pg_basebackup", "-h", self.primary.root, "-p", self.primary.port, "-U",
                 "postgres", "-D", self.data, "-R", "-X", "stream", "-c", "fast")

    def promote(self):
        self.run("pg_ctl", "promote", "-w", "-D", self.data)
