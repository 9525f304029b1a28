"""The main job as a desk runs it: 600 news articles, the real model, the commands of the cron file,
and the vectors compared with those that transformers makes. Skipped where the articles or the
model are not on this machine."""
import gzip
import json
import struct
import unittest

import program
from test_texts import read_npy

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
ARTICLES = program.DATA / "reuters-600.jsonl.gz"
BACKFILL = "backfill_text_embeddings"
COMMON = ["--language", "en", "--model-id", "text-fin-general-v1"]
TOLERANCE = 1e-6


class Common:
    def setUp(self):
        super().setUp()
        if not ARTICLES.exists():
            self.skipTest("the articles are not here")
        if self.run_program("model", "show", MODEL).returncode:
            self.skipTest(f"{MODEL} is not in the Hub's cache")
        self.database = self.make_database()
        text = gzip.decompress(ARTICLES.read_bytes())
        self.articles = [json.loads(line) for line in text.splitlines()]
        self.check("init")
        self.check("import", "-", stdin=text, stdout="^imported=600\n$")

    def backfill(self, *arguments):
        return self.counts(self.check(*arguments, *COMMON, name=BACKFILL))

    def compare(self, limit, model_id="text-fin-general-v1"):
        expected = read_npy((program.DATA / f"reuters-600.minilm-l6.{limit}.npy").read_bytes())
        vectors = self.database.vectors(model_id)
        self.assertEqual(len(vectors), 600)
        greatest = 0.0
        for article, row in zip(self.articles, expected):
            blob = vectors[str(article["article_id"])]
            self.assertEqual(len(blob), 1536)
            difference = max(abs(a - b) for a, b in zip(struct.unpack("<384f", blob), row))
            self.assertFalse(difference != difference)
            greatest = max(greatest, difference)
        print(f"{type(self).__name__}: greatest difference at {limit} tokens {greatest:.3g}")
        self.assertLessEqual(greatest, TOLERANCE)

    def test_main_job(self):
        as_of = ["--as-of", "1987-12-31"]
        for unchanged in (0, 200, 400):
            counts = self.backfill(*as_of, "--limit", "200")
            self.assertEqual((counts["selected"], counts["embedded"], counts["unchanged"]),
                             (600, 200, unchanged))
        self.compare(512)
        before = self.database.vectors()

        self.assertEqual(self.backfill(*as_of)["embedded"], 0)
        days = sorted(a["published_at"][:10] for a in self.articles)
        counts = self.backfill("--date-range", days[0], days[-1])
        self.assertEqual((counts["selected"], counts["unchanged"]), (600, 600))
        march = self.backfill("--date-range", "1987-03-01", "1987-03-31")["selected"]
        self.assertEqual(march, sum(d.startswith("1987-03") for d in days))

        edited = str(self.articles[17]["article_id"])
        self.database.query("UPDATE news_articles SET headline = 'OIL RISES AGAIN' "
                            f"WHERE article_id = {edited}")
        counts = self.backfill(*as_of)
        self.assertEqual((counts["embedded"], counts["unchanged"]), (1, 599))
        after = self.database.vectors()
        self.assertEqual([k for k in before if before[k] != after[k]], [edited])

    def test_shorter_input(self):
        self.check("--as-of", "1987-12-31", "--max-seq-length", "256", "--model-id", "short",
                   "--batch-size", "37", name=BACKFILL)
        self.compare(256, "short")


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)


@unittest.skipUnless(program.has_postgres(), "PGHOST leads to no server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)


if __name__ == "__main__":
    program.main()
