"""Another session in the way of a run: locks that are held too long, a deadlock, a transaction that
cannot be serialized. The run tries again, and the table is right."""
import subprocess
import time
import unittest

import desk

TIMES = 10 if desk.LONG else 2
WAITING = ("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vecfill' "
           "AND wait_event_type = 'Lock' AND state = 'active'")


class Session:
    """A psql that stays connected."""

    def __init__(self, case):
        self.process = subprocess.Popen(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=case.environment)

    def run(self, sql):
        self.process.stdin.write(f"{sql};\n\\echo done\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "done\n":
            raise RuntimeError(self.process.communicate()[1])

    def close(self):
        self.process.kill()
        self.process.communicate()


class Locks(desk.Desk):
    N = 100

    @classmethod
    def setUpClass(cls):
        cls.server = desk.Server()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        super().setUp()
        self.name = self.id().rsplit(".", 1)[1]
        self.server.sql("postgres", f"CREATE DATABASE {self.name}")
        self.environment.update(self.server.environment(self.name))
        self.fill()
        self.check(*self.command())
        self.expected = self.server.rows(self.name)
        self.tally = desk.Tally()

    def setting(self, setting):
        self.server.sql(self.name, f"ALTER DATABASE {self.name} SET {setting}")

    def wait_for_lock(self, process):
        """Until vecfill waits for a lock that the other session holds."""
        end = time.monotonic() + 60
        while int(self.server.sql(self.name, WAITING)) == 0:
            if process.poll() is not None or time.monotonic() > end:
                self.fail(f"vecfill never waited: {process.communicate()[1].decode()}")
            time.sleep(0.01)

    def disturb(self, what, before, then):
        """A run that renews all rows; the other session runs `before`, waits until the run is held
        up, and calls `then`."""
        for i in range(TIMES):
            other = Session(self)
            self.addCleanup(other.close)
            other.run(before)
            process = self.start("--refresh", "all")
            self.wait_for_lock(process)
            then(other)
            stderr = process.communicate(timeout=120)[1].decode()
            self.tally.status(process.returncode, (0,), f"{what} {i}: {stderr}")
            self.tally.rows(self.expected, self.server.rows(self.name), what)
            self.assertRegex(stderr, "tried again|trying again")
        self.tally.check(self, what)

    @staticmethod
    def hold_for_a_while(other):
        time.sleep(1)
        other.run("COMMIT")

    def test_lock_timeout(self):
        self.setting("lock_timeout = '300ms'")
        self.disturb("lock time-out", "BEGIN; LOCK TABLE text_embeddings", self.hold_for_a_while)

    def test_statement_timeout(self):
        self.setting("statement_timeout = '500ms'")
        self.disturb("statement time-out",
                     "SET statement_timeout = 0; BEGIN; LOCK TABLE text_embeddings",
                     self.hold_for_a_while)

    def test_deadlock(self):
        """The other session asks for a row of the first batch that vecfill has written, and never
        gives way itself."""
        self.setting("deadlock_timeout = '2s'")
        first, last = self.server.sql(
            self.name, "SELECT min(source_id) || ' ' || max(source_id) FROM (SELECT source_id FROM "
            "text_embeddings JOIN news_articles ON article_id::text = source_id "
            "ORDER BY published_at, article_id LIMIT 16) b").split()
        touch = "UPDATE text_embeddings SET truncated = truncated WHERE source_id = '{}'"

        def ask_for_more(other):
            other.run(touch.format(first) + "; COMMIT")

        self.disturb("deadlock", f"SET deadlock_timeout = '60s'; BEGIN; {touch.format(last)}",
                     ask_for_more)
        self.server.wait_until(self.name, "SELECT deadlocks FROM pg_stat_database "
                                          "WHERE datname = current_database()")

    def serialization(self, level):
        self.setting(f"default_transaction_isolation = '{level}'")
        self.disturb(level, "BEGIN; UPDATE text_embeddings SET truncated = truncated",
                     lambda other: other.run("COMMIT"))

    def test_repeatable_read(self):
        self.serialization("repeatable read")

    def test_serializable(self):
        self.serialization("serializable")


if __name__ == "__main__":
    desk.program.main()
