"""import, init, backfill, status and search against SQLite, and against PostgreSQL where PGHOST
leads to a server, with a tiny model."""
import json
import os
import re
import signal
import struct
import subprocess
import time
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-03-31"]
WORDS = tiny_model.WORDS


def article(i, **changes):
    """One of a series over three months."""
    row = {"article_id": i, "published_at": f"2025-{1 + i % 3:02}-{1 + i % 28:02}T{i % 24:02}:00:00Z",
           "language": "en" if i % 5 else "DE", "headline": WORDS[i % len(WORDS)],
           "body": " ".join(WORDS[j % len(WORDS)] for j in range(i, i + 3 + i % 7))}
    row.update(changes)
    return row


class Common:
    """The tests of both databases."""

    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")

    def fill(self, articles):
        self.check("init", "--quiet")
        path = self.write_lines("articles.jsonl", articles)
        self.check("import", path, stdout=rf"^imported={len(articles)}\n$")

    def backfill(self, *arguments, **options):
        return self.check("backfill", "--hf-model-name", self.model, *arguments, **options)

    def embed(self, text):
        done = self.check("embed", "--hf-model-name", self.model, stdin=json.dumps(text).encode())
        vector = json.loads(done.stdout)["vector"]
        return struct.pack(f"<{len(vector)}f", *vector)

    def test_life(self):
        self.fill([article(i) for i in range(50)])
        done = self.backfill(*AS_OF, "--language", "en", stderr="40 articles selected: 40 without")
        self.assertEqual(self.counts(done), {"selected": 40, "embedded": 40, "unchanged": 0,
                                             "empty": 0, "failed": 0, "remaining": 0})
        vectors = self.database.vectors()
        self.assertEqual(len(vectors), 40)
        for i in (1, 49):
            row = article(i)
            self.assertEqual(vectors[str(i)], self.embed(row["headline"] + " " + row["body"]))

        done = self.backfill(*AS_OF, "--language", "EN", stderr="nothing to do")
        self.assertEqual(self.counts(done)["unchanged"], 40)
        self.assertEqual(self.database.vectors(), vectors)

        self.database.query("UPDATE news_articles SET body = 'storm storm' WHERE article_id = 7")
        self.assertEqual(self.counts(self.backfill(*AS_OF, "--refresh", "missing"))["embedded"], 10)
        done = self.backfill(*AS_OF)
        self.assertEqual(self.counts(done), {"selected": 50, "embedded": 1, "unchanged": 49,
                                             "empty": 0, "failed": 0, "remaining": 0})
        changed = self.database.vectors()
        self.assertEqual([k for k in vectors if changed[k] != vectors[k]], ["7"])
        self.assertEqual(self.counts(self.backfill(*AS_OF, "--refresh", "all"))["embedded"], 50)
        self.assertEqual(self.database.vectors(), changed)

    def test_limit(self):
        self.fill([article(i) for i in range(50)])
        for embedded, unchanged, remaining in ((20, 0, 30), (20, 20, 10), (10, 40, 0), (0, 50, 0)):
            counts = self.counts(self.backfill(*AS_OF, "--limit", 20))
            self.assertEqual((counts["embedded"], counts["unchanged"], counts["remaining"]),
                             (embedded, unchanged, remaining))

    def test_order(self):
        self.fill([article(i, published_at=f"2025-01-{1 + i:02}") for i in range(20)])
        self.backfill(*AS_OF, "--limit", 3)
        self.assertEqual(set(self.database.vectors()), {"0", "1", "2"})
        self.backfill(*AS_OF, "--limit", 2, "--newest-first", "--batch-size", 1)
        self.assertEqual(set(self.database.vectors()), {"0", "1", "2", "18", "19"})

    def test_days(self):
        times = ["2025-01-30T23:59:59.999999Z", "2025-01-31T00:00:00Z", "2025-01-31T22:59:59Z",
                 "2025-01-31T23:00:00Z", "2025-01-31T23:59:59Z", "2025-02-01T00:00:00Z"]
        self.fill([article(i, published_at=t) for i, t in enumerate(times)])
        cases = [
            (["--as-of", "2025-01-31"], "01234"),
            (["--as-of", "2025-01-30"], "0"),
            (["--date-range", "2025-01-31", "2025-01-31"], "1234"),
            (["--date-range", "2025-01-31", "2025-02-01"], "12345"),
            (["--as-of", "2025-01-31", "--timezone", "Europe/Berlin"], "012"),
            (["--date-range", "2025-01-31", "2025-01-31", "--timezone", "Europe/Berlin"], "012"),
            (["--date-range", "2025-02-01", "2025-02-01", "--timezone", "Europe/Berlin"], "345"),
        ]
        for i, (arguments, ids) in enumerate(cases):
            for session in ("UTC", "Asia/Tokyo"):
                with self.subTest(arguments, session=session):
                    model_id = f"days-{i}-{session[:3]}"
                    self.backfill(*arguments, "--model-id", model_id, env={"PGTZ": session})
                    found = self.database.vectors(model_id)
                    self.assertEqual("".join(sorted(found)), ids)

    def test_texts(self):
        rows = [article(1, headline=None), article(2, body=None),
                article(3, headline=None, body=None), article(4, headline="", body=" \n\t"),
                article(5, headline="oil", body=None), article(6, headline=None, body="oil"),
                article(7, headline="oil", body="up " * 100),
                article(8, headline="oil", body=None)]
        self.fill(rows)
        done = self.backfill(*AS_OF, "--json", stderr="1 article cut at 64 tokens, 39 tokens not read")
        report = json.loads(done.stdout)
        expected = {"selected": 8, "embedded": 6, "unchanged": 0, "empty": 2, "failed": 0,
                    "remaining": 0, "duplicates": 3, "truncated": 1, "tokens_lost": 39,
                    "status": 0, "model_id": program.MODEL_ID, "model": self.model,
                    "revision": None, "dimensions": 32, "max_seq_length": 64}
        self.assertEqual({k: report[k] for k in expected}, expected)
        vectors = self.database.vectors()
        self.assertEqual(set(vectors), {"1", "2", "5", "6", "7", "8"})
        self.assertEqual(vectors["5"], self.embed("oil"))
        self.assertEqual(vectors["6"], vectors["5"])

    def test_dry_run(self):
        self.fill([article(i) for i in range(9)] + [article(9, headline=None, body=None)])
        self.backfill("--as-of", "2025-01-05")
        before = self.database.vectors()
        weights = self.work / "model" / "model.safetensors"
        weights.unlink()
        done = self.backfill(*AS_OF, "--dry-run", "--limit", 4, "--json")
        plan = json.loads(done.stdout)
        self.assertEqual((plan["dry_run"], plan["selected"], plan["to_embed"], plan["empty"]),
                         (True, 10, 4, 1))
        self.assertEqual(plan["unchanged"], len(before))
        self.assertEqual(plan["remaining"], 9 - 4 - len(before))
        self.assertGreater(plan["tokens"], 4 * 5)
        self.backfill(*AS_OF, "-n", stdout=r"^selected=10 to_embed=\d+ unchanged=\d+ empty=1 ")
        self.assertEqual(self.database.vectors(), before)

    def test_nothing_to_do_needs_no_weights(self):
        self.fill([])
        (self.work / "model" / "model.safetensors").unlink()
        done = self.backfill(*AS_OF, stderr="nothing to do")
        self.assertEqual(self.counts(done)["selected"], 0)

    def test_second_name(self):
        self.fill([article(1)])
        done = self.check("--as-of", "2025-12-31", "--hf-model-name", self.model,
                          name="backfill_text_embeddings")
        self.assertEqual(self.counts(done)["embedded"], 1)

    def test_status(self):
        self.fill([article(i) for i in range(30)] + [article(30, headline=None, body=None)])
        self.check("status", stdout="31 articles\n$")
        self.backfill("--as-of", "2025-02-28")
        self.database.query("UPDATE news_articles SET body = 'storm' WHERE article_id = 3")
        report = json.loads(self.check("status", "--json").stdout)
        self.assertEqual(report["articles"], 31)
        self.assertEqual([m["model_id"] for m in report["models"]], [program.MODEL_ID])
        model = report["models"][0]
        self.assertEqual({k: model[k] for k in ("articles", "vectors", "missing", "changed",
                                                "empty", "truncated")},
                         {"articles": 31, "vectors": 20, "missing": 10, "changed": 1, "empty": 1,
                          "truncated": 0})
        self.assertEqual([m["month"] for m in model["months"]], ["2025-01", "2025-02", "2025-03"])
        january, german = model["months"][0], {"article_id": 99, "published_at": "2025-01-02",
                                               "language": "DE", "headline": "oil"}
        self.assertEqual([(l["language"], l["articles"]) for l in january["languages"]],
                         [("de", 3), ("en", 8)])
        self.fill([german, dict(german, article_id=98, language=None)])
        months = json.loads(self.check("status", "--json").stdout)["models"][0]["months"]
        self.assertEqual([(l["language"], l["missing"]) for l in months[0]["languages"]],
                         [(None, 1), ("de", 1), ("en", 0)])
        self.assertEqual(months[0]["missing"], january["missing"] + 2)
        self.check("status", stdout=r"(?m)^text-fin-general-v1\n  by .* tokens \(truncate\).*\n"
                                    r" +month +language .*\n +2025-01 +- .*\n +2025-01 +de .*\n")
        other = json.loads(self.check("status", "--json", "--model-id", "other").stdout)
        self.assertEqual([m["missing"] for m in other["models"]], [32])

    def test_without_an_id_or_a_time(self):
        """No run selects such an article, and status says so."""
        self.check("init", "--quiet")
        self.database.query("CREATE TABLE feed (article_id bigint, headline text, "
                            "body text, published_at timestamp)")
        self.database.query("INSERT INTO feed VALUES (1, 'oil', NULL, '2025-01-01 12:00:00'), "
                            "(2, 'gas', NULL, NULL), (NULL, 'coal', NULL, '2025-01-01 12:00:00'), "
                            "(NULL, 'tin', NULL, NULL)")
        feed = ["--articles-table", "feed"]
        self.assertEqual(self.counts(self.backfill(*AS_OF, *feed))["embedded"], 1)
        self.assertEqual(self.counts(self.backfill(*AS_OF, *feed))["unchanged"], 1)
        self.check("status", *feed, stdout=r"\n4 articles\n3 of them without an id or a time, which")
        report = json.loads(self.check("status", "--json", *feed).stdout)
        self.assertEqual((report["articles"], report["never_selected"]), (4, 3))
        self.assertEqual(report["models"][0]["articles"], 1)

    def test_search(self):
        self.fill([article(1, headline="oil up", body=None, language="de"),
                   article(2, headline="crop storm", body=None),
                   article(3, headline="vote of the port", body=None, published_at="2025-05-01")])
        self.check("search", "oil up", "--hf-model-name", self.model, stderr="no vectors under")
        self.backfill("--as-of", "2025-12-31")
        search = ["search", "--hf-model-name", self.model]
        hits = json.loads(self.check(*search, "oil up", "--json").stdout)
        self.assertEqual(len(hits), 3)
        self.assertEqual(hits[0]["article_id"], "1")
        self.assertAlmostEqual(hits[0]["cosine"], 1, places=5)
        self.assertEqual(hits[0]["published_at"], "2025-02-02T01:00:00Z")
        self.assertEqual(sorted(hits, key=lambda h: -h["cosine"]), hits)
        self.assertEqual(len(json.loads(self.check(*search, "oil", "-k", 2, "--json").stdout)), 2)
        for option, ids in ((["--language", "EN"], {"2", "3"}), (["--as-of", "2025-04-30"], {"1", "2"})):
            hits = json.loads(self.check(*search, "oil", *option, "--json").stdout)
            self.assertEqual({h["article_id"] for h in hits}, ids)
        self.check(*search, "oil up", stdout=r"^cosine  date        id  headline\n"
                                             r"1\.0000  2025-02-02  1   oil up\n")

    def test_import(self):
        self.check("init", "--quiet")
        rows = [article(i, headline='a "quoted", ü\nheadline') for i in range(1100)]
        self.check("import", self.write_lines("a.jsonl", rows), stdout="^imported=1100\n$")
        self.check("import", "-", "--json", stdin=json.dumps(article(7, headline="new")).encode(),
                   stdout=r'^{"imported": 1}\n$')
        self.check("import", self.write(
            "b.csv", "article_id,published_at,body\n1100,2025-01-01,\"a\nb\"\n"))
        count = self.database.query("SELECT count(*) FROM news_articles")
        self.assertEqual(int(count[0][0]), 1101)
        got = self.database.query("SELECT headline FROM news_articles WHERE article_id = 7")
        self.assertEqual(got, [("new",)])

    def test_import_leaves_no_half_batch(self):
        self.check("init", "--quiet")
        rows = [article(i) for i in range(700)]
        path = self.write_lines("a.jsonl", rows[:600])
        with open(path, "a", encoding="utf-8") as file:
            file.write('{"article_id": 600}\n')
        self.check("import", path, status=65,
                   stderr=r'a\.jsonl:601: no "published_at"\n.*hint: 512 articles before it')
        count = self.database.query("SELECT count(*) FROM news_articles")
        self.assertEqual(int(count[0][0]), 512)

    def test_init(self):
        first = self.check("init", "--json")
        self.assertGreater(json.loads(first.stdout)["changes"], 0)
        self.assertEqual(self.check("init", stderr="ready already").stdout, "changes=0\n")
        self.check("init", "--print", stdout="CREATE TABLE")

    def test_init_with_rows_that_are_there_twice(self):
        """What helps is said, in words that can be run."""
        self.check("init")
        self.database.query("DROP INDEX idx_text_embeddings_source_model")
        for _ in range(2):
            self.database.query("INSERT INTO text_embeddings (source_type, source_id, model_id) "
                                "VALUES ('NEWS', '1', 'm')")
        said = self.check("init", status=65, stderr="hint: delete rows that are there twice").stderr
        self.assertEqual(self.database.query(re.search("twice: (SELECT .*)", said)[1]),
                         [("NEWS", "1", "m")])

    def test_other_names(self):
        names = ["--articles-table", "Stories; --", "--embeddings-table", 'my "vectors"',
                 "--article-id-column", "Id", "--published-at-column", "when",
                 "--language-column", "lang", "--headline-column", "title", "--body-column", "text"]
        self.check("init", *names)
        self.check("import", *names, self.write_lines("a.jsonl", [article(i) for i in range(3)]))
        self.assertEqual(self.counts(self.backfill(*AS_OF, *names))["embedded"], 3)
        self.check("status", *names, stdout="3 articles")
        self.check("search", "oil", "--hf-model-name", self.model, *names, stdout="cosine")

    def test_metrics(self):
        self.fill([article(i) for i in range(5)])
        model_id = 'a "b"\\c'
        path = self.work / "metrics.prom"
        options = [*AS_OF, "--model-id", model_id, "--metrics-file", path]
        self.backfill(*options)
        text = path.read_text()
        label = r'{model_id="a \"b\"\\c"'
        self.assertIn(f"vecfill_backfill_last_run_success{label}}} 1\n", text)
        self.assertIn(f'vecfill_backfill_last_run_articles{label},state="embedded"}} 5\n', text)
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+{.*} [-+.0-9e]+)$')
        success = re.search(r"last_success_timestamp_seconds.* (\d+)\n", text)[1]
        self.assertLess(abs(int(success) - time.time()), 600)
        self.backfill(*options, "--articles-table", "nowhere", status=66)
        text = path.read_text()
        self.assertIn(f"vecfill_backfill_last_run_success{label}}} 0\n", text)
        self.assertIn(f"vecfill_backfill_last_run_status{label}}} 66\n", text)
        self.assertIn(f"last_success_timestamp_seconds{label}}} {success}\n", text)
        self.assertEqual([p.name for p in self.work.glob("metrics*")], ["metrics.prom"])

    def test_metrics_nowhere(self):
        """Known before hours of work."""
        self.fill([article(0)])
        self.backfill(*AS_OF, "--metrics-file", "no/such/folder", status=66, stderr="no/such/folder")
        self.assertEqual(self.database.vectors(), {})

    def test_progress_and_quiet(self):
        self.fill([article(i) for i in range(5)])
        done = self.backfill(*AS_OF, "--quiet")
        self.assertEqual(done.stderr, "")
        self.assertEqual(self.counts(done)["embedded"], 5)
        self.backfill(*AS_OF, "--verbose", "--refresh", "all", stderr="threads, kernels")

    def test_bar(self):
        self.fill([article(i) for i in range(5)])
        said = self.run_on_terminal("backfill", "--hf-model-name", self.model, *AS_OF)
        self.assertRegex(said, r"\r\[#+\] 100%  5/5 articles  [0-9.]+[kM]? tokens/s  0:00 left")
        said = self.run_on_terminal("backfill", "--hf-model-name", self.model, *AS_OF,
                                    "--refresh", "all", "--quiet")
        self.assertEqual(said, "")

    def test_signal(self):
        """The first signal finishes what is in hand; a second run does the rest."""
        body = " ".join(WORDS[i % len(WORDS)] for i in range(60))
        self.fill([article(i, body=f"{i} {body}") for i in range(6000)])
        process = subprocess.Popen(
            [program.BIN / "vecfill", "backfill", *AS_OF, "--hf-model-name", self.model,
             "--batch-size", "16", "--threads", "1"], cwd=self.work, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.environment, text=True)
        while process.poll() is None and len(self.database.vectors()) == 0:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, stderr)
        done = subprocess.CompletedProcess([], 130, stdout, stderr)
        counts = self.counts(done)
        self.assertEqual(counts["embedded"], len(self.database.vectors()))
        self.assertGreater(counts["embedded"], 0)
        self.assertGreater(counts["remaining"], 0)
        self.assertRegex(stderr, "stopped|run the same command again")
        again = self.counts(self.backfill(*AS_OF))
        self.assertEqual(again["unchanged"], counts["embedded"])
        self.assertEqual(len(self.database.vectors()), 6000)


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    def test_import_creates_the_tables(self):
        path = self.write_lines("a.jsonl", [article(1)])
        self.check("import", "--database", "sqlite:new.db", path, stderr="creating the tables")
        self.check("backfill", *AS_OF, "--hf-model-name", self.model, "--database",
                   "sqlite:new.db", stdout="embedded=1 ")

    def test_dotenv(self):
        self.write(".env", 'VECFILL_DATABASE_URL="sqlite:env.db" # ours\n')
        self.check("init")
        self.assertTrue((self.work / "env.db").exists())
        self.check("init", env={"VECFILL_DATABASE_URL": "sqlite:other.db"})
        self.assertTrue((self.work / "other.db").exists())
        self.assertFalse((self.work / "vecfill.db").exists())


@unittest.skipUnless(program.has_postgres(), "PGHOST leads to no server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)

    def test_import_asks_for_init(self):
        path = self.write_lines("a.jsonl", [article(1)])
        self.check("import", path, status=66, stderr="no table news_articles.*\n.*vecfill init")

    def test_ways_to_the_database(self):
        self.check("init")
        name, environment = self.database.name, dict(self.environment)
        host, port, user = (os.environ[k] for k in ("PGHOST", "PGPORT", "PGUSER"))
        for key in [k for k in environment if k.startswith("PG")]:
            del self.environment[key]
        self.check("status", status=66, stderr="vecfill.db")
        url = f"postgresql://{user}@127.0.0.1:{port}/{name}"
        self.check("status", "--database", url, stdout=name)
        self.check("status", "--database", f"host={host} port={port} user={user} dbname={name}",
                   stdout=name)
        self.check("status", env={"VECFILL_DATABASE_URL": url}, stdout=name)
        self.check("status", env={"HISTORICAL_DB_HOST": host, "HISTORICAL_DB_PORT": port,
                                  "HISTORICAL_DB_NAME": name, "HISTORICAL_DB_USER": user},
                   stdout=name)
        self.write(".env", f"HISTORICAL_DB_HOST={host}\nHISTORICAL_DB_PORT={port}\n"
                           f"HISTORICAL_DB_NAME='{name}'\nexport HISTORICAL_DB_USER={user}\n")
        self.check("status", stdout=name)
        self.write(".env", f"PGHOST={host}\nPGPORT={port}\nPGUSER={user}\nPGDATABASE={name}\n")
        self.check("status", stdout=name)

    def test_infinite_times(self):
        self.fill([article(i, published_at="2025-01-01") for i in range(3)])
        self.database.query("UPDATE news_articles SET published_at = '-infinity' WHERE article_id "
                            "= 1; UPDATE news_articles SET published_at = 'infinity' WHERE "
                            "article_id = 2")
        self.assertEqual(self.counts(self.backfill(*AS_OF))["embedded"], 2)
        months = json.loads(self.check("status", "--json").stdout)["models"][0]["months"]
        self.assertEqual([(m["month"], m["missing"]) for m in months],
                         [("-infinity", 0), ("2025-01", 0), ("infinity", 1)])
        self.check("search", "oil", "--hf-model-name", self.model, stdout=" -infinity +1 ")

    def test_incumbent_table(self):
        """The tables of the script that vecfill replaces, as they are."""
        self.database.query(
            "CREATE TABLE news_articles (article_id bigserial PRIMARY KEY, timestamp timestamptz "
            "NOT NULL, source varchar(128), language varchar(16), headline text NOT NULL, body "
            "text, metadata jsonb); CREATE TABLE text_embeddings (embedding_id bigserial PRIMARY "
            "KEY, source_type varchar(32) NOT NULL, source_id varchar(64) NOT NULL, model_id "
            "varchar(64) NOT NULL, vector bytea, vector_ref varchar(255), created_at timestamptz "
            "NOT NULL DEFAULT now()); CREATE UNIQUE INDEX idx_text_embeddings_source_model ON "
            "text_embeddings (source_type, source_id, model_id); INSERT INTO news_articles "
            "(timestamp, language, headline, body) SELECT '2025-01-01'::timestamptz + i * interval "
            "'1 hour', 'en', 'oil', 'up ' || i FROM generate_series(1, 20) i")
        done = self.backfill(*AS_OF, stderr="warning: .*no column text_hash.*'vecfill init'")
        self.assertEqual(self.counts(done)["embedded"], 20)
        rows = self.database.query("SELECT source_type, octet_length(vector), vector_ref IS NULL, "
                                   "count(*) FROM text_embeddings GROUP BY 1, 2, 3")
        self.assertEqual(rows, [("NEWS", "128", "t", "20")])
        self.assertEqual(self.counts(self.backfill(*AS_OF))["unchanged"], 20)
        self.check("init", stdout="^changes=[1-9]")
        self.backfill(*AS_OF)


if __name__ == "__main__":
    program.main()
