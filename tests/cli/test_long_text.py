"""--long-text chunk-mean from end to end, on SQLite and on PostgreSQL: the vectors are the mean of
windows that the test cuts itself, the columns tell the truth, and the identity knows of it."""
import json
import math
import os
import struct
import subprocess
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-12-31"]
CHUNKED = ["--long-text", "chunk-mean"]
LIMIT, OVERLAP = 16, 2  # an eighth
WORDS = tiny_model.WORDS
LENGTHS = [1, 5, 13, 14, 15, 26, 27, 200, 3000]  # words, of one token each


def text_of(n):
    return " ".join(WORDS[(i * i + i // 3) % len(WORDS)] for i in range(n))


class Common:
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")
        self.options = ["--hf-model-name", self.model, "--max-seq-length", LIMIT]
        self.check("init", "--quiet")
        self.import_texts({n: text_of(n) for n in LENGTHS})

    def import_texts(self, texts):
        self.check("import", self.write_lines("a.jsonl", [
            {"article_id": i, "published_at": "2025-01-01", "headline": text}
            for i, text in texts.items()]))

    def backfill(self, *arguments, **options):
        return self.check("backfill", *self.options, *AS_OF, *arguments, **options)

    def embed(self, texts):
        lines = "".join(json.dumps(t) + "\n" for t in texts).encode()
        done = self.check("embed", *self.options, stdin=lines)
        return [json.loads(line)["vector"] for line in done.stdout.splitlines()]

    def mean_of_windows(self, words):
        """Every word is a token, and two tokens are special."""
        room = LIMIT - 2
        begins = range(0, max(len(words) - OVERLAP, 1), room - OVERLAP)
        windows = [words[b:b + room] for b in begins]
        vectors = self.embed([" ".join(w) for w in windows])
        mean = [sum(len(w) * v[d] for w, v in zip(windows, vectors)) for d in range(32)]
        norm = math.sqrt(sum(x * x for x in mean))
        return [x / norm for x in mean]

    def test_vectors(self):
        done = self.backfill(*CHUNKED, "--json", stderr="windows of up to 16 tokens .*share 2")
        report = json.loads(done.stdout)
        self.assertEqual((report["embedded"], report["truncated"], report["tokens_lost"]),
                         (len(LENGTHS), 0, 0))
        self.assertEqual(report["tokens"], sum(n + 2 for n in LENGTHS))
        for n in LENGTHS:
            expected = self.mean_of_windows(text_of(n).split())
            stored = struct.unpack("<32f", self.database.vectors()[str(n)])
            self.assertLess(max(abs(a - b) for a, b in zip(stored, expected)), 1e-6, n)
        rows = self.database.query("SELECT source_id, token_count FROM text_embeddings "
                                   "WHERE NOT truncated")
        self.assertEqual({int(i): int(n) for i, n in rows}, {n: n + 2 for n in LENGTHS})

    def test_same_bits(self):
        self.backfill(*CHUNKED, "--threads", 1)
        self.backfill(*CHUNKED, "--threads", 3, "--batch-size", 2, "--newest-first",
                      "--model-id", "again")
        self.assertEqual(self.database.vectors(), self.database.vectors("again"))

    def test_identity(self):
        self.backfill("--limit", 3, *CHUNKED)
        refused = {"status": 78}
        self.backfill(**refused, stderr="long texts chunk-mean with an overlap of 2, now truncate")
        self.backfill(*CHUNKED, "--chunk-overlap", 0, **refused, stderr="overlap of 2, now .* 0")
        self.backfill(*CHUNKED, "--chunk-overlap", 2)
        sample = ["verify", "--json", *self.options, "--sample", 100]
        found = json.loads(self.check(*sample, *CHUNKED).stdout)
        self.assertEqual((found["compared"], found["differing"]), (len(LENGTHS), 0))
        self.check(*sample, **refused, stderr="now truncate")
        self.backfill("--replace-model", "--quiet")
        self.assertEqual(self.database.query("SELECT count(*) FROM text_embeddings "
                                             "WHERE truncated")[0][0] in (5, "5"), True)
        # Vectors that nobody recorded are adopted when they were made alike.
        self.database.query("DELETE FROM text_embedding_models")
        self.backfill(*CHUNKED, **refused, stderr="are not by")
        self.backfill(stderr="are adopted")

    def test_plan(self):
        plan = json.loads(self.backfill(*CHUNKED, "--dry-run", "--json").stdout)
        self.assertEqual((plan["tokens"], plan["truncated"]), (sum(n + 2 for n in LENGTHS), 0))

    def test_very_long(self):
        """Memory is that of the text and its ids, not of its windows' vectors."""
        words = text_of(1000) + " "
        self.import_texts({999999: words * (10_000_000 // len(words))})
        peaks = []
        for arguments in (["--date-range", "2024-01-01", "2024-01-01"], AS_OF):
            process = subprocess.Popen(
                [str(program.BIN / "vecfill"), "backfill", "--quiet", *map(str, self.options),
                 *CHUNKED, *arguments], cwd=self.work, env=self.environment,
                stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            peaks.append(usage.ru_maxrss // 1024)
        self.assertLess(peaks[1] - peaks[0], 150, "MiB more than a run without articles")
        count, = self.database.query("SELECT token_count, truncated FROM text_embeddings "
                                     "WHERE source_id = '999999'")
        self.assertGreater(int(count[0]), 1_500_000)


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    def test_usage(self):
        self.backfill("--chunk-overlap", 3, status=2, stderr="goes with --long-text chunk-mean")
        self.backfill(*CHUNKED, "--chunk-overlap", "x", status=2, stderr="a number from 0 to")
        self.backfill(*CHUNKED, "--chunk-overlap", 14, status=78, stderr="(?s)hint: .*at most 13")
        self.backfill("--long-text", "mean", status=2, stderr="truncate or chunk-mean|'truncate'")
        done = self.check("tokenize", *self.options, *CHUNKED,
                          stdin=json.dumps(text_of(100)).encode())
        row = json.loads(done.stdout)
        self.assertEqual((len(row["ids"]), row["truncated"]), (102, False))


@unittest.skipUnless(program.has_postgres(), "no PostgreSQL server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)


if __name__ == "__main__":
    program.main()
