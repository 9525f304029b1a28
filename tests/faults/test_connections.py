"""Runs whose connection to PostgreSQL is lost: the table equals that of an undisturbed run."""
import time
import unittest

import desk

TERMINATE = ("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
             "WHERE application_name = 'vecfill'")
STORED = "SELECT count(*) FROM text_embeddings"


class Connections(desk.Desk):
    N = 4000

    @classmethod
    def setUpClass(cls):
        cls.server = desk.Server()
        cls.addClassCleanup(cls.server.close)
        cls.expected = None

    def setUp(self):
        super().setUp()
        self.name = self.id().rsplit(".", 1)[1]
        self.server.sql("postgres", f"CREATE DATABASE {self.name}")
        self.environment.update(self.server.environment(self.name))
        self.fill()

    def undisturbed(self):
        """What a run leaves that nothing happens to; made once."""
        if not Connections.expected:
            done = self.check(*self.command())
            self.assertEqual(self.counts(done)["embedded"], self.N - self.N // 50)
            Connections.expected = self.server.rows(self.name)
            self.server.sql(self.name, "TRUNCATE text_embeddings, text_embedding_models")
        return Connections.expected

    def disturbed(self, disturb, times, env=None, gap=0.0):
        """A run to which `disturb` is done every few hundred rows: how often, its status, what it
        says."""
        process = self.start("--json", env=env)
        done = 0
        for i in range(times):
            goal = (i + 1) * self.N // (times + 2)
            while process.poll() is None:
                try:
                    if int(self.server.sql(self.name, STORED)) >= goal:
                        break
                except RuntimeError:
                    pass
                time.sleep(0.01)
            if process.poll() is not None:
                break
            disturb()
            done += 1
            time.sleep(gap)
        stdout, stderr = process.communicate(timeout=300)
        self.assertGreater(done, 0, stderr)
        return done, process.returncode, stderr.decode()

    def survive(self, what, disturb, times, **options):
        expected = self.undisturbed()
        n, status, stderr = self.disturbed(disturb, times, **options)
        self.assertRegex(stderr, r"tried again \d+ time")
        self.settle(what, n, status, (0,), stderr, expected, self.server)

    def settle(self, what, n, status, statuses, stderr, expected, server):
        tally = desk.Tally()
        tally.status(status, statuses, stderr)
        tally.rows(expected, server.rows(self.name), what, n)
        tally.check(self, what)

    def test_backends_are_ended(self):
        self.survive("backends are ended", lambda: self.server.sql(self.name, TERMINATE), 5)

    def test_server_restarts(self):
        self.survive("server restarts at once",
                     lambda: self.server.control("restart", "-m", "immediate"),
                     10 if desk.LONG else 3)

    def test_server_is_away_for_seconds(self):
        def away():
            self.server.control("stop", "-m", "fast")
            time.sleep(4)
            self.server.control("start")
        self.survive("server away for seconds", away, 1)

    def test_failover(self):
        """The server dies, and the one that followed it takes over: a URL that names both."""
        expected = self.undisturbed()
        primary = desk.Server(settings="-c synchronous_standby_names=*")
        self.addCleanup(primary.close)
        standby = desk.Standby(primary)
        self.addCleanup(standby.close)
        self.server, self.name = primary, "postgres"
        env = dict(primary.environment(), PGHOST=f"{primary.root},{standby.root}",
                   PGPORT=f"{primary.port},{standby.port}", PGTARGETSESSIONATTRS="read-write")
        self.fill(env=env)

        def fail_over():
            primary.control("stop", "-m", "immediate")
            standby.promote()
        n, status, stderr = self.disturbed(fail_over, 1, env=env)
        self.assertRegex(stderr, r"tried again \d+ time")
        self.settle("failover to a standby", n, status, (0,), stderr, expected, standby)

    def test_server_stays_away(self):
        """Status 69, what was finished is kept, and the next run does the rest."""
        expected = self.undisturbed()
        begin = time.monotonic()
        n, status, stderr = self.disturbed(
            lambda: self.server.control("stop", "-m", "immediate"), 1)
        took = time.monotonic() - begin
        self.server.control("start")
        self.assertRegex(stderr, "error: .*\n.*hint: ")
        self.assertLess(took, 90)
        self.assertGreater(int(self.server.sql(self.name, STORED)), 0)
        self.check(*self.command())
        self.settle("server away for good", n, status, (69,), stderr, expected, self.server)


if __name__ == "__main__":
    desk.program.main()
