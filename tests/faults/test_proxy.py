"""A network between vecfill and PostgreSQL that fails at each boundary between two messages of a
run, from the first of the login to the last of the writing. The run goes on, or ends with 69 in
time when the fault lasts, and after the next run the table equals that of an undisturbed one."""
import concurrent.futures
import time
import unittest

import desk
import proxy

WORKERS = 4  # runs at once: they mostly wait
SHORT = 8    # boundaries of each kind that the short form tries

# Shorter than a user's, and longer than a busy machine takes for anything here.
OPTIONS = ["--database-timeout", "2s"]
PATIENCE = {"PGCONNECT_TIMEOUT": "4"}
LONGEST = 60  # seconds that a run may take, whatever happens


class Network(desk.Desk):
    N = 48
    expected = None  # what an undisturbed run leaves
    n_messages = 0   # of an undisturbed run

    @classmethod
    def setUpClass(cls):
        cls.server = desk.Server()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        super().setUp()
        self.tally = desk.Tally()
        if not Network.expected:
            self.prepare()

    def prepare(self):
        env = self.server.environment("worker_0")
        self.server.sql("postgres", "CREATE DATABASE worker_0")
        self.fill(env=env)
        for i in range(1, WORKERS):
            self.server.sql("postgres", f"CREATE DATABASE worker_{i} TEMPLATE worker_0")
        self.check(*self.command(), env=env)
        Network.expected = self.server.rows("worker_0")
        Network.n_messages = self.run_once("worker_0", None, None, "--retries", "0")[2]

    def run_once(self, database, fault, at, *options):
        """A run from an empty table through a network with this fault. Its status and messages, how
        many messages there were, and the seconds that it took."""
        self.server.sql(database, "TRUNCATE text_embeddings, text_embedding_models")
        between = proxy.Proxy(self.server.port, fault, at)
        env = dict(PATIENCE, **self.server.network(database, between.port))
        begin = time.monotonic()
        process = self.start(*OPTIONS, *options, env=env)
        try:
            _, stderr = process.communicate(timeout=LONGEST)
        except desk.subprocess.TimeoutExpired:
            process.kill()
            _, stderr = process.communicate()
        finally:
            between.close()
        return process.returncode, stderr.decode(), between.n, time.monotonic() - begin

    def disturb(self, worker, fault, at, status, *options):
        database = f"worker_{worker}"
        got, stderr, _, took = self.run_once(database, fault, at, *options)
        where = f"{fault} at message {at}"
        self.tally.status(got, status, f"{where}, {took:.1f} s: {stderr}")
        if got:
            done = self.run_program(*self.command(), env=self.server.environment(database))
            self.tally.status(done.returncode, (0,), f"after {where}: {done.stderr}")
        self.tally.rows(self.expected, self.server.rows(database), where)

    def disturb_all(self, fault, status, *options):
        boundaries = desk.spread(self.n_messages, SHORT)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            done = [pool.submit(self.take_share, worker, boundaries, fault, status, options)
                    for worker in range(WORKERS)]
            for future in done:
                future.result()
        self.tally.check(self, f"network, {fault}")

    def take_share(self, worker, boundaries, fault, status, options):
        for at in boundaries[worker::WORKERS]:
            self.disturb(worker, fault, at, status, *options)

    def test_cut(self):
        self.disturb_all("cut", (0,))

    def test_torn_message(self):
        self.disturb_all("tear", (0,))

    def test_delay(self):
        self.disturb_all("delay", (0,), "--retries", "0")

    def test_stall(self):
        self.disturb_all("stall", (0,))

    # A fault of the last messages comes when all is done.

    def test_cut_for_good(self):
        self.disturb_all("gone", (0, 69), "--retries", "1")

    def test_stall_for_good(self):
        self.disturb_all("mute", (0, 69), "--retries", "1")


if __name__ == "__main__":
    desk.program.main()
