"""Runs in which the n-th request for memory, opening, reading, writing, start of a thread or call
of the database fails: no crash, the right exit status, and after the next run the table equals that
of an undisturbed one. In a build with AddressSanitizer: no invalid access and no leak either."""
import os
import shutil
import sqlite3
import unittest

import desk

LIBRARY = os.environ.get("VECFILL_INJECT_LIBRARY")
SHORT = 16  # calls of each kind that the short form lets fail
OPTIONS = ["--threads", "2", "--retries", "2"]

# What the program runs with in a build with AddressSanitizer, which a preloaded library precedes.
SANITIZER = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1:exitcode=99",
             "UBSAN_OPTIONS": "print_stacktrace=1"}
SANITIZED = bool(os.environ.get("VECFILL_INJECT_SANITIZER"))

# Exit statuses that tell the truth about a failure; 0 is one that did not matter or was mended.
STATUSES = {
    "memory": (0, 70),
    "open": (0, 69, 74),
    "read": (0, 69, 70, 74),
    "write": (0, 69, 74),
    "thread": (0, 70),
    "sql": (0, 69, 70, 74),
}


class Common:
    N = 24

    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.environment.update(SANITIZER)
        self.prepare()
        self.renew()
        self.check(*self.command(*OPTIONS))
        self.expected = self.rows()
        self.renew()
        counts = self.work / "counts"
        self.inject(VECFILL_INJECT_COUNT=str(counts))
        self.n_calls = {kind: int(n) for kind, n in map(str.split, counts.read_text().splitlines())}

    def inject(self, **env):
        return self.run_program(*self.command(*OPTIONS, "--metrics-file", "metrics"),
                                env=dict(env, LD_PRELOAD=LIBRARY), timeout=60)

    def fail_each(self, kind):
        tally = desk.Tally()
        self.assertGreater(self.n_calls[kind], 0)
        for n in desk.spread(self.n_calls[kind], SHORT):
            self.fail_call(tally, kind, n)
        looked = ", leaks looked for" if SANITIZED else ""
        tally.check(self, f"{self.NAME}, {kind} fails{looked}")

    def fail_call(self, tally, kind, n):
        self.renew()
        done = self.inject(VECFILL_INJECT=f"{kind}:{n}")
        what = f"{kind} {n} of {self.n_calls[kind]}"
        allowed = STATUSES[kind] + self.MORE_STATUSES.get(kind, ())
        tally.status(done.returncode, allowed, f"{what}: {done.stderr}")
        if done.returncode and self.is_untouched():  # the next run is the undisturbed one
            tally.rows(self.expected, self.expected, what)
            return
        if done.returncode:
            done = self.run_program(*self.command(*OPTIONS))
            tally.status(done.returncode, (0,), f"after {what}: {done.stderr}")
        tally.rows(self.expected, self.rows(), what)

    def test_memory(self):
        self.fail_each("memory")

    def test_open(self):
        self.fail_each("open")

    def test_read(self):
        self.fail_each("read")

    def test_write(self):
        self.fail_each("write")

    def test_thread(self):
        self.fail_each("thread")

    def test_sql(self):
        self.fail_each("sql")


@unittest.skipUnless(LIBRARY, "VECFILL_INJECT_LIBRARY names no library")
class Sqlite(Common, desk.Desk):
    NAME = "SQLite"
    # SQLite calls what it cannot read malformed, and what it cannot open forbidden.
    MORE_STATUSES = {"read": (65,), "open": (77,)}

    def prepare(self):
        self.file = self.work / "vecfill.db"
        self.fill()
        self.filled = self.work / "filled.db"
        shutil.copy(self.file, self.filled)

    def renew(self):
        for path in self.work.glob("vecfill.db*"):
            path.unlink()
        shutil.copy(self.filled, self.file)

    def rows(self):
        return desk.sqlite_rows(self, self.file)

    def is_untouched(self):
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute(desk.N_WRITTEN).fetchall() == [(0,)]
        finally:
            connection.close()


@unittest.skipUnless(LIBRARY, "VECFILL_INJECT_LIBRARY names no library")
class Postgres(Common, desk.Desk):
    NAME = "PostgreSQL"
    MORE_STATUSES = {}

    @classmethod
    def setUpClass(cls):
        cls.server = desk.Server()
        cls.addClassCleanup(cls.server.close)

    def prepare(self):
        name = self.id().rsplit(".", 1)[1]
        self.server.sql("postgres", f"CREATE DATABASE {name}")
        self.environment.update(self.server.environment(name))
        self.database = name
        self.fill()

    def renew(self):
        self.server.sql(self.database, "TRUNCATE text_embeddings, text_embedding_models")

    def rows(self):
        return self.server.rows(self.database)

    def is_untouched(self):
        return self.server.sql(self.database, desk.N_WRITTEN) == "0\n"


if __name__ == "__main__":
    desk.program.main()
