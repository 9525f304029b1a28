"""vecfill verify on SQLite and on PostgreSQL: what is wrong is found, counted and named."""
import json
import struct
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-12-31"]
N = 40
NAN = struct.pack("<f", float("nan"))


class Common:
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")
        self.check("init", "--quiet")
        self.check("import", self.write_lines("a.jsonl", [
            {"article_id": i, "published_at": "2025-01-01", "headline": f"oil {i}"}
            for i in range(N)]))
        self.check("backfill", "--hf-model-name", self.model, *AS_OF)

    def verify(self, *arguments, **options):
        return json.loads(self.check("verify", "--json", *arguments, **options).stdout)

    def set_vector(self, source_id, content):
        value = "NULL" if content is None else self.literal(content)
        self.database.query(f"UPDATE text_embeddings SET vector = {value} "
                            f"WHERE source_id = '{source_id}'")

    def test_good(self):
        expected = {"model_id": program.MODEL_ID, "rows": N, "good": N, "no_vector": 0,
                    "wrong_type": 0, "wrong_length": 0, "not_finite": 0, "wrong_norm": 0,
                    "orphans": 0, "pruned": 0}
        self.assertEqual(self.verify(), expected)
        self.check("verify", stdout=rf"^rows={N} good={N} no_vector=0 .* orphans=0 pruned=0\n$")
        self.check("verify", "--model-id", "other", stderr="no vectors under model_id other",
                   stdout="^rows=0 ")

    def test_faults(self):
        good = self.database.vectors()["3"]
        cases = [("no_vector", None, "there is no vector"),
                 ("wrong_type", b"123", "no row of float32"),
                 ("wrong_type", b"", "no row of float32"),
                 ("wrong_length", good[:-4], "another length"),
                 ("not_finite", NAN + good[4:], "not finite"),
                 ("wrong_norm", bytes(len(good)), "no norm"),
                 ("wrong_norm", struct.pack("<f", 3.0) + good[4:], "norm .* is not 1")]
        for bucket, content, says in cases:
            with self.subTest(bucket, content=content):
                self.set_vector("3", content)
                found = self.verify(status=1, stderr=f"wrong: article 3: .*{says}")
                self.assertEqual((found[bucket], found["good"], found["rows"]), (1, N - 1, N))
        self.set_vector("5", bytes(len(good)))
        self.assertNotIn("article 5", self.check("verify", status=1).stderr)
        self.check("verify", "--verbose", status=1, stderr="(?s)article 3: .*article 5: .* no norm")
        log = self.check("verify", "--log-format", "json", status=1).stderr
        wrong = [e for e in map(json.loads, log.splitlines()) if e["event"] == "row_wrong"]
        self.assertEqual({e["article_id"]: e["reason"] for e in wrong},
                         {"3": "wrong_norm", "5": "wrong_norm"})
        self.database.query("DELETE FROM text_embeddings WHERE source_id IN ('3', '5')")
        self.check("backfill", "--hf-model-name", self.model, *AS_OF)
        self.assertEqual(self.database.vectors()["3"], good)
        self.assertEqual(self.verify()["good"], N)

    def test_orphans(self):
        self.database.query("DELETE FROM news_articles WHERE article_id IN (5, 6)")
        self.database.query("INSERT INTO text_embeddings (source_type, source_id, model_id, vector)"
                            " SELECT 'MACRO', 'x1', model_id, vector FROM text_embeddings"
                            " WHERE source_id = '7'")
        found = self.verify(status=1, stderr="(?s)it is gone, its vector is not.*--prune")
        self.assertEqual((found["orphans"], found["rows"]), (2, N))
        found = self.verify("--prune")
        self.assertEqual((found["orphans"], found["pruned"], found["rows"]), (0, 2, N - 2))
        self.assertEqual(set(self.database.vectors()),
                         {str(i) for i in range(N)} - {"5", "6"} | {"x1"})
        self.assertEqual(self.verify("--prune")["pruned"], 0)
        self.database.query("DELETE FROM news_articles")
        self.check("verify", "--prune", status=78, stderr="every vector would go")
        self.assertEqual(len(self.database.vectors()), N - 1)

    def test_sample(self):
        sample = ["--hf-model-name", self.model, "--sample"]
        found = self.verify(*sample, 100)
        self.assertEqual((found["compared"], found["differing"]), (N, 0))
        self.assertGreater(found["least_cosine"], 0.999999)
        self.assertEqual(self.verify(*sample, 7)["compared"], 7)
        self.set_vector("3", self.database.vectors()["4"])
        found = self.verify(*sample, 100, status=1, stderr="article 3 differs most")
        self.assertEqual((found["differing"], found["good"]), (1, N))
        self.database.query("UPDATE news_articles SET body = 'up'")
        found = self.verify(*sample, 5, stderr="warning: no vector could be computed again")
        self.assertEqual(found["compared"], 0)
        other = tiny_model.write(self.work / "other", seed=2)
        self.check("verify", "--hf-model-name", other, "--sample", 3, status=78,
                   stderr="by another encoder: weights")

    def test_not_recorded(self):
        """Without a record the first vector says how long they are."""
        self.database.query("DELETE FROM text_embedding_models")
        self.set_vector("3", struct.pack("<f", 3.0) * 32)
        self.assertEqual(self.verify()["good"], N)
        self.set_vector("3", self.database.vectors()["4"][:64])
        self.assertIn(self.verify(status=1)["wrong_length"], (1, N - 1))


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    @staticmethod
    def literal(content):
        return f"x'{content.hex()}'"


@unittest.skipUnless(program.has_postgres(), "no PostgreSQL server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)

    @staticmethod
    def literal(content):
        return f"'\\x{content.hex()}'"


if __name__ == "__main__":
    program.main()
