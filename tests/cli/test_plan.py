"""--dry-run, on SQLite and on PostgreSQL: its figures are those of the run that follows."""
import json
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-12-31"]
N = 300
SAME = ("selected", "unchanged", "empty", "failed", "remaining", "tokens", "truncated",
        "tokens_lost", "duplicates")


class Common:
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")
        self.check("init", "--quiet")
        self.check("import", self.write_lines("a.jsonl", [
            {"article_id": i, "published_at": f"2025-{1 + i % 12:02}-01",
             "language": "en" if i % 3 else "de", "headline": " " if i % 50 == 9 else f"oil {i % 99}",
             "body": None if i % 50 == 9 else "bank rate " * (i % 60)} for i in range(N)]))

    def backfill(self, *arguments, **options):
        return self.check("backfill", "--hf-model-name", self.model, *arguments, **options)

    def test_equal(self):
        """In turn: each run leaves what the next plan finds."""
        self.backfill("--as-of", "2025-04-30")
        self.database.query("UPDATE news_articles SET body = 'storm' WHERE article_id % 10 = 1")
        self.database.query("INSERT INTO text_embedding_failures (model_id, source_id, reason, "
                            f"message) VALUES ('{program.MODEL_ID}', '5', 'refused', 'x')")
        cases = [
            ["--as-of", "2025-06-30", "--limit", 20],
            ["--as-of", "2025-06-30", "--limit", 20, "--newest-first"],
            ["--date-range", "2025-05-01", "2025-07-31", "--language", "de"],
            ["--as-of", "2025-08-31", "--refresh", "missing"],
            [*AS_OF, "--shard", "2/3", "--long-text", "chunk-mean", "--model-id", "chunks"],
            [*AS_OF, "--max-seq-length", 10, "--model-id", "short"],
            AS_OF,
            [*AS_OF, "--refresh", "all", "--limit", 100],
            AS_OF,
        ]
        for arguments in cases:
            with self.subTest(arguments):
                before = self.database.query("SELECT count(*) FROM text_embeddings")
                plan = json.loads(self.backfill(*arguments, "--dry-run", "--json").stdout)
                self.assertEqual(self.database.query("SELECT count(*) FROM text_embeddings"), before)
                status = 1 if plan["failed"] else 0
                run = json.loads(self.backfill(*arguments, "--json", status=status).stdout)
                self.assertEqual({k: plan[k] for k in SAME}, {k: run[k] for k in SAME})
                self.assertEqual(plan["to_embed"], run["embedded"])
                self.assertEqual(plan["missing"] + plan["changed"],
                                 plan["to_embed"] + plan["remaining"])
                after = self.database.query("SELECT count(*) FROM text_embeddings")
                if not plan["remaining"]:
                    self.assertEqual(int(after[0][0]) - int(before[0][0]), plan["missing"])

    def test_line(self):
        self.backfill(*AS_OF, "--dry-run", stdout=r"^selected=300 to_embed=294 unchanged=0 empty=6 "
                      r"failed=0 remaining=0 missing=294 changed=0 truncated=\d+ tokens=\d+\n$",
                      stderr="(?s)would be cut at 64 tokens.*MB would be written.*not known: name")

    def test_weights_are_not_loaded(self):
        (self.work / "model" / "model.safetensors").write_bytes(b"")
        self.assertEqual(json.loads(self.backfill(*AS_OF, "--dry-run", "--json").stdout)["to_embed"],
                         294)

    def test_time(self):
        plan = json.loads(self.backfill(*AS_OF, "--dry-run", "--json").stdout)
        self.assertIsNone(plan["estimated_seconds"])
        self.assertIsNone(plan["estimated_from"])
        plan = json.loads(self.backfill(*AS_OF, "--dry-run", "--json", "--tokens-per-second",
                                        1000).stdout)
        self.assertAlmostEqual(plan["estimated_seconds"], plan["tokens"] / 1000)
        self.assertEqual(plan["estimated_from"], "--tokens-per-second")
        metrics = ["--metrics-file", "run.prom"]
        self.backfill(*AS_OF, "--dry-run", *metrics, stderr="not known")
        self.assertFalse((self.work / "run.prom").exists())
        run = json.loads(self.backfill(*AS_OF, "--json", *metrics).stdout)
        again = [*AS_OF, "--dry-run", "--refresh", "all", *metrics]
        plan = json.loads(self.backfill(*again, "--json").stdout)
        self.assertAlmostEqual(plan["estimated_seconds"], run["seconds"], delta=0.01)
        self.backfill(*again, stderr=r"about \d+:\d\d at \d+ tokens/s \(the last run in --metrics")
        self.assertIsNone(json.loads(self.backfill(*again, "--json", "--model-id", "other").stdout)
                          ["estimated_seconds"])

    def test_bytes(self):
        """Within a third of what the tables grow by."""
        self.check("import", self.write_lines("b.jsonl", [
            {"article_id": i, "published_at": "2025-01-01", "headline": "oil"}
            for i in range(N, 5000)]))
        before = self.database_bytes()
        plan = json.loads(self.backfill(*AS_OF, "--dry-run", "--json").stdout)
        self.backfill(*AS_OF)
        grown = self.database_bytes() - before
        self.assertAlmostEqual(plan["estimated_bytes"], grown, delta=grown / 3)
        print(f"{type(self).__name__}: {grown / plan['to_embed']:.0f} bytes a row")


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    def database_bytes(self):
        self.database.query("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.database.path.stat().st_size


@unittest.skipUnless(program.has_postgres(), "no PostgreSQL server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)

    def database_bytes(self):
        return int(self.database.query("SELECT pg_total_relation_size('text_embeddings')")[0][0])


if __name__ == "__main__":
    program.main()
