"""Runs that are killed with SIGKILL at random moments: what is there at each moment is right, and
after the next run the table equals that of an undisturbed run, byte for byte.

VECFILL_TORTURE_TRIES kills so many times for each database; the seed is printed with a failure and
can be set with VECFILL_TORTURE_SEED.
"""
import os
import random
import shutil
import time
import unittest

import desk

TRIES = int(os.environ.get("VECFILL_TORTURE_TRIES", 6))
SEED = int(os.environ.get("VECFILL_TORTURE_SEED", time.time_ns() % 1000000))
MAX_KILLS = 3  # of one run before it may end


class Common:
    N = 2000

    def setUp(self):
        super().setUp()
        self.prepare()

    def take_time(self):
        """What an undisturbed run leaves, and how long it takes."""
        self.renew()
        begin = time.monotonic()
        process = self.start()
        process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0)
        return self.rows(), time.monotonic() - begin

    def kill_once(self, after, expected):
        """Starts a run and kills it. Whether it was still there to be killed, and whether some of
        the rows were written then."""
        process = self.start()
        time.sleep(after)
        process.kill()
        process.communicate()
        self.assertIn(process.returncode, (0, -9))
        rows = self.rows()
        self.assertEqual(set(rows.splitlines()) - set(expected.splitlines()), set())
        return process.returncode == -9, rows not in ("", expected)

    def test_killed_at_random(self):
        expected, duration = self.take_time()
        dice = random.Random(SEED)
        tally = desk.Tally()
        kills = halves = runs = 0
        while kills < TRIES:
            runs += 1
            with self.subTest(seed=SEED, run=runs):
                self.renew()
                before = kills
                for _ in range(dice.randint(1, MAX_KILLS)):
                    killed, half = self.kill_once(dice.uniform(0, duration), expected)
                    kills += killed
                    halves += killed and half
                done = self.run_program(*self.command())
                tally.status(done.returncode, (0,), f"run {runs} of seed {SEED}: {done.stderr}")
                tally.rows(expected, self.rows(), f"run {runs} of seed {SEED}", kills - before)
        print(f"{self.id()}: {kills} kills ({halves} on the way) in {runs} runs of "
              f"{expected.count(chr(10))} rows, each equal to the undisturbed one", flush=True)
        tally.check(self, f"{self.NAME}, kill -9")


class Sqlite(Common, desk.Desk):
    NAME = "SQLite"

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


class Postgres(Common, desk.Desk):
    NAME = "PostgreSQL"

    @classmethod
    def setUpClass(cls):
        cls.server = desk.Server()
        cls.addClassCleanup(cls.server.close)

    def prepare(self):
        self.server.sql("postgres", "CREATE DATABASE filled")
        self.environment.update(self.server.environment("filled"))
        self.fill()
        self.environment.update(self.server.environment("desk"))

    def renew(self):
        self.server.sql("postgres", "DROP DATABASE IF EXISTS desk WITH (FORCE)")
        self.server.sql("postgres", "CREATE DATABASE desk TEMPLATE filled")

    def rows(self):
        return self.server.rows("desk")


if __name__ == "__main__":
    desk.program.main()
