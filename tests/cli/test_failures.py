"""Articles that cannot be stored, on SQLite and on PostgreSQL: they keep no others back, are put on
record with the reason, passed over later, and tried again on request."""
import json
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-12-31"]
N = 100


class Common:
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")
        self.check("init", "--quiet")
        self.check("import", self.write_lines("a.jsonl", [
            {"article_id": i, "published_at": f"2025-01-{1 + i % 28:02}", "language": "en",
             "headline": "oil", "body": f"{i}"} for i in range(N)]))

    def backfill(self, *arguments, **options):
        return self.check("backfill", "--hf-model-name", self.model, *AS_OF, *arguments, **options)

    def failures(self):
        """{source_id: (reason, message, attempts)}"""
        rows = self.database.query("SELECT source_id, reason, message, attempts "
                                   "FROM text_embedding_failures ORDER BY source_id")
        return {row[0]: (row[1], row[2], int(row[3])) for row in rows}

    def test_refused_rows(self):
        bad = {"7", "8", "63"}
        self.refuse(bad, r"no\nroom")
        for batch_size in (1, 2, 64, 1000):
            with self.subTest(batch_size=batch_size):
                self.database.query("DELETE FROM text_embeddings")
                self.database.query("DELETE FROM text_embedding_failures")
                done = self.backfill("--batch-size", batch_size, status=1,
                                     stderr=r"warning: 3 articles failed, the first: article "
                                            r"\d+: .*\n.*text_embedding_failures tells why")
                counts = self.counts(done)
                self.assertEqual((counts["embedded"], counts["failed"]), (N - 3, 3))
                self.assertEqual(set(self.database.vectors()), {str(i) for i in range(N)} - bad)
                failures = self.failures()
                self.assertEqual(set(failures), bad)
                for reason, message, attempts in failures.values():
                    self.assertEqual((reason, attempts), ("refused", 1))
                    self.assertRegex(message, r"\bno( room)?\Z")

    def test_later_runs(self):
        self.refuse({"7", "8"}, "no room")
        self.backfill(status=1)
        done = self.backfill("--json", status=1, stderr="(?s)2 articles failed before and are "
                                                        "passed over.*nothing to do")
        report = json.loads(done.stdout)
        self.assertEqual((report["failed"], report["failed_before"], report["unchanged"]),
                         (2, 2, N - 2))
        self.assertEqual([f[2] for f in self.failures().values()], [1, 1])
        self.backfill("--dry-run", stdout=" failed=2 remaining=0 ")
        status = json.loads(self.check("status", "--json").stdout)["models"][0]
        self.assertEqual((status["failed"], status["missing"]), (2, 0))

        self.backfill("--retry-failed", status=1, stderr="2 articles failed, ")
        self.assertEqual([f[2] for f in self.failures().values()], [2, 2])
        self.database.query("UPDATE news_articles SET body = 'new' WHERE article_id = 8")
        self.backfill(status=1, stderr="1 article failed, ")
        self.assertEqual([f[2] for f in self.failures().values()], [2, 3])

        self.allow()
        done = self.backfill("--retry-failed")
        self.assertEqual(self.counts(done)["embedded"], 2)
        self.assertEqual(self.failures(), {})
        self.assertEqual(len(self.database.vectors()), N)

    def test_failures_do_not_block_a_limit(self):
        """They count as tried in their run and do not come first again in the next."""
        self.refuse({"0", "28"}, "no room")
        for failed, embedded in ((2, 3), (2, 5)):
            counts = self.counts(self.backfill("--limit", 5, "--batch-size", 2, status=1))
            self.assertEqual((counts["failed"], counts["embedded"]), (failed, embedded))

    def test_text_that_the_tokenizer_refuses(self):
        """One whose normalised form would be without bounds, between others and twice."""
        path = self.work / "model" / "tokenizer.json"
        tokenizer = json.loads(path.read_text())
        tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [
            {"type": "Replace", "pattern": {"String": "@"}, "content": "oil " * 1000},
            tokenizer["normalizer"]]}
        path.write_text(json.dumps(tokenizer))
        bad = "7", "63"
        self.database.query(f"UPDATE news_articles SET body = '{'@' * 100}' "
                            f"WHERE article_id IN ({', '.join(bad)})")
        self.backfill("--dry-run", stdout=f"to_embed={N - 2} unchanged=0 empty=0 failed=2 ",
                      stderr="2 articles would fail, the first: article 7: the tokenizer")
        done = self.backfill(status=1, stderr="2 articles failed, the first: article 7: the "
                                              "tokenizer's normalizers make a text more than")
        self.assertEqual(self.counts(done)["embedded"], N - 2)
        self.assertEqual(set(self.database.vectors()), {str(i) for i in range(N)} - set(bad))
        self.assertEqual({id: f[0] for id, f in self.failures().items()},
                         {id: "not_tokenized" for id in bad})
        self.backfill(status=1, stderr="2 articles failed before")

    def test_table_at_fault(self):
        """Row after row is refused: the run ends, and the next goes on behind them."""
        n = 1200
        self.check("import", self.write_lines("more.jsonl", [
            {"article_id": i, "published_at": "2025-01-01", "headline": f"oil {i}"}
            for i in range(N, n)]))
        self.refuse({str(i) for i in range(n)}, "no room")
        self.backfill(status=65, stderr="(?s)writing article .* row after row, 1024 by now: .*no "
                                        "room.*--retry-failed")
        self.assertEqual(len(self.failures()), 1024)
        done = self.backfill(status=1)
        self.assertEqual(self.counts(done)["failed"], n)
        self.assertEqual(len(self.failures()), n)
        self.allow()
        self.assertEqual(self.counts(self.backfill("--retry-failed"))["embedded"], n)

    def test_refused_batches_do_not_block_those_after_them(self):
        self.refuse({str(i) for i in range(N) if i % 28 < 14}, "no room")  # the first half
        done = self.backfill("--batch-size", 16, status=1)
        self.assertEqual(self.counts(done)["embedded"], sum(i % 28 >= 14 for i in range(N)))

    def test_without_the_table(self):
        self.database.query("DROP TABLE text_embedding_failures")
        self.refuse({"7"}, "no room")
        for _ in range(2):
            done = self.backfill(status=1, stderr="(?s)warning: 1 article failed, the first: article "
                                                  "7.*every run tries them again.*'vecfill init'")
            self.assertEqual(self.counts(done)["failed"], 1)


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    def refuse(self, ids, message):
        listed = ", ".join(f"'{i}'" for i in ids)
        self.database.query(
            "CREATE TRIGGER refuse BEFORE INSERT ON text_embeddings WHEN NEW.source_id IN "
            f"({listed}) BEGIN SELECT RAISE(ABORT, '{message}'); END".replace(r"\n", "\n"))

    def allow(self):
        self.database.query("DROP TRIGGER refuse")

    def date(self, ids, time):
        self.database.query(f"UPDATE news_articles SET published_at = '{time}' "
                            f"WHERE article_id IN ({', '.join(ids)})")

    def test_time_that_cannot_be_read(self):
        """It keeps no others back; once corrected, the article is embedded."""
        self.date(["7", "63"], "31.01.2025")
        plan = f"selected={N} to_embed={N - 2} unchanged=0 empty=0 failed=2 remaining=0 "
        self.backfill("--dry-run", stdout=plan, stderr="2 articles would fail, the first: article 7")
        done = self.backfill(status=1, stderr="2 articles failed, the first: article 7: its time is "
                                              "'31.01.2025', not one such as 2025-01-31T08:15:00Z")
        self.assertEqual(self.counts(done), {"selected": N, "embedded": N - 2, "unchanged": 0,
                                             "empty": 0, "failed": 2, "remaining": 0})
        self.assertEqual({id: (f[0], f[2]) for id, f in self.failures().items()},
                         {"7": ("no_time", 1), "63": ("no_time", 1)})
        status = json.loads(self.check("status", "--json").stdout)["models"][0]
        self.assertEqual((status["failed"], status["vectors"]), (2, N - 2))
        self.assertEqual([(m["month"], m["failed"]) for m in status["months"]],
                         [(None, 2), ("2025-01", 0)])
        self.check("status", stdout=r"\n  -        en +2 +0 +0 +0 +2 ")

        self.backfill(status=1, stderr="2 articles failed before")
        self.backfill("--retry-failed", status=1, stderr="2 articles failed, ")
        self.assertEqual(self.failures()["7"][2], 2)
        self.date(["7"], "yesterday")  # another fault is another try
        self.backfill(status=1, stderr="1 article failed, the first: article 7: .*yesterday")
        self.date(["7"], "2025-01-31")
        self.assertEqual(self.counts(self.backfill(status=1))["embedded"], 1)
        self.date(["63"], "2026-01-31")  # out of the range
        self.assertEqual(self.counts(self.backfill())["selected"], N - 1)

    def test_time_of_a_stored_article(self):
        """What is done already does not fail, nor is it found by day."""
        self.backfill()
        self.date(["7"], "31.01.2025")
        self.assertEqual(self.counts(self.backfill())["unchanged"], N)
        found = self.check("search", "oil 7", "--hf-model-name", self.model, "-k", N).stdout
        self.assertEqual(len(found.splitlines()), N)  # with a heading
        self.check("verify", "--sample", N, "--hf-model-name", self.model)

    def test_text_like_the_fault(self):
        """Of two articles with the same words one can be embedded."""
        self.date(["7"], "x")
        self.database.query("UPDATE news_articles SET headline = 'its time is ''x'', not one such as', "
                            "body = '2025-01-31T08:15:00Z' WHERE article_id = 8")
        self.assertEqual(self.counts(self.backfill(status=1))["embedded"], N - 1)
        self.assertEqual(list(self.failures()), ["7"])

    def test_no_time_can_be_read(self):
        """Of a few articles: they fail. Of very many: it is rather the wrong column."""
        n = 1200
        self.check("import", self.write_lines("more.jsonl", [
            {"article_id": i, "published_at": "2025-01-01", "headline": f"oil {i}"}
            for i in range(N, n)]))
        self.date(map(str, range(1, n)), "31.01.2025")
        for options in ([], ["--dry-run"]):
            self.assertIn(f"selected={n} ", self.backfill("--limit", 1, *options).stdout)
        self.date("0", "31.01.2025")
        for options in ([], ["--dry-run"]):
            self.backfill(*options, status=65, stderr=r"(?s)no article of .news_articles. has a time "
                          r"in .published_at. that can be read: .*'31\.01\.2025'.*"
                          r"--published-at-column")
        self.assertEqual(self.failures(), {})
        self.database.query("DELETE FROM news_articles WHERE article_id >= 1000")
        self.assertEqual(self.counts(self.backfill(status=1))["failed"], 999)


@unittest.skipUnless(program.has_postgres(), "no PostgreSQL server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)

    def refuse(self, ids, message):
        listed = ", ".join(f"'{i}'" for i in ids)
        self.database.query(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.source_id IN ({listed}) THEN RAISE EXCEPTION USING MESSAGE = E'{message}', "
            "ERRCODE = '23514'; END IF; RETURN NEW; END $$; "
            "CREATE TRIGGER refuse BEFORE INSERT ON text_embeddings FOR EACH ROW "
            "EXECUTE FUNCTION refuse()")

    def allow(self):
        self.database.query("DROP TRIGGER refuse ON text_embeddings")


if __name__ == "__main__":
    program.main()
