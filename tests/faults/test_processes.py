"""Many processes on one table: each ends well, no row is lost or doubled, and what is embedded more
than once is told."""
import shutil
import unittest

import desk


class Common:
    N = 2000

    def together(self, n, shards):
        """`n` runs at once, the rows that they embedded in all."""
        self.renew()
        processes = [self.start("--json", *(["--shard", f"{i + 1}/{n}"] if shards else []))
                     for i in range(n)]
        embedded = 0
        for process in processes:
            stdout, stderr = process.communicate(timeout=500)
            self.tally.status(process.returncode, (0,), stderr.decode())
            if process.returncode == 0:
                embedded += desk.json.loads(stdout)["embedded"]
        return embedded

    def check_together(self, shards):
        self.tally = desk.Tally()
        self.renew()
        self.check(*self.command())
        expected = self.rows()
        n_rows = expected.count("\n")
        shares = []
        for n in (2, 4, 8):
            embedded = self.together(n, shards)
            self.tally.rows(expected, self.rows(), f"{n} processes")
            shares.append(f"{n}: {(embedded - n_rows) / n_rows:.0%}")
            if shards:
                self.assertEqual(embedded, n_rows)
            # The time between reading and claiming decides how much is done twice.
            self.assertLess(embedded, n_rows * 1.5)
        kind = "shards" if shards else "the same range"
        print(f"{self.NAME}, processes on {kind}, rows embedded twice: {', '.join(shares)}")
        self.tally.check(self, f"{self.NAME}, processes on {kind}")

    def test_same_range(self):
        self.check_together(False)

    def test_shards(self):
        self.check_together(True)


class Sqlite(Common, desk.Desk):
    NAME = "SQLite"

    def setUp(self):
        super().setUp()
        self.fill()
        self.file = self.work / "vecfill.db"
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

    def setUp(self):
        super().setUp()
        self.database = self.id().rsplit(".", 1)[1]
        self.server.sql("postgres", f"CREATE DATABASE {self.database}")
        self.environment.update(self.server.environment(self.database))
        self.fill()

    def renew(self):
        self.server.sql(self.database, "TRUNCATE text_embeddings, text_embedding_models")

    def rows(self):
        return self.server.rows(self.database)


if __name__ == "__main__":
    desk.program.main()
