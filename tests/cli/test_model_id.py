"""One meaning per model_id, on SQLite and on PostgreSQL: what made the vectors is recorded, another
encoder is refused, vectors that were there before are adopted when they are equal."""
import json
import pathlib
import re
import shutil
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-12-31"]
WORDS = tiny_model.WORDS
N = 30


class Common:
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")
        self.other = tiny_model.write(self.work / "other", seed=2)
        self.check("init", "--quiet")
        self.check("import", self.write_lines("a.jsonl", [
            {"article_id": i, "published_at": f"2025-01-{1 + i % 28:02}", "language": "en",
             "headline": WORDS[i % len(WORDS)], "body": f"{i} {WORDS[i % 7]}"} for i in range(N)]))

    def backfill(self, *arguments, model=None, **options):
        return self.check("backfill", "--hf-model-name", model or self.model, *AS_OF, *arguments,
                          **options)

    def record(self):
        rows = self.database.query("SELECT model, weights_sha256, dimensions, max_seq_length, "
                                   "pooling, long_text FROM text_embedding_models")
        return [tuple(map(str, row)) for row in rows]

    def refuse(self, *arguments, says, model=None):
        before = self.database.vectors()
        self.backfill(*arguments, model=model, status=78,
                      stderr=f"(?s){says}.*hint: .*--model-id.*--replace-model")
        self.assertEqual(self.database.vectors(), before)

    def test_recorded(self):
        self.backfill("--limit", 3)
        rows = self.record()
        self.assertEqual(len(rows), 1)
        self.assertEqual(rows[0][0], self.model)
        self.assertRegex(rows[0][1], "^[0-9a-f]{64}$")
        self.assertEqual(rows[0][2:], ("32", "64", "mean", "truncate"))
        self.backfill()
        self.assertEqual(self.record(), rows)
        self.backfill("--refresh", "all")

    def test_search(self):
        self.backfill("--limit", 3)
        search = ["search", "oil", "--hf-model-name"]
        self.check(*search, self.model, stdout="cosine")
        self.check(*search, self.model, "--max-seq-length", 16, stdout="cosine")
        self.check(*search, self.other, status=78,
                   stderr="(?s)weights of .*/model .*now of .*/other.*hint: .*--hf-model-name")
        self.check(*search, self.other, "--model-id", "none", stderr="no vectors")
        self.database.query("DELETE FROM text_embedding_models")
        self.check(*search, self.other, stdout="cosine")

    def test_another_encoder(self):
        self.backfill("--limit", 3)
        self.refuse(model=self.other, says="weights of .*/model .sha256 .*now of .*/other")
        self.refuse("--max-seq-length", 16, says="longest input 64, now 16")
        self.refuse("--dry-run", model=self.other, says="weights of ")
        self.refuse("--refresh", "all", model=self.other, says="weights of ")
        wide = tiny_model.write(self.work / "wide", hidden=64)
        self.refuse(model=wide, says="dimensions 32, now 64")
        done = self.backfill("--model-id", "second", model=self.other)
        self.assertEqual(self.counts(done)["embedded"], N)
        self.assertEqual(len(self.record()), 2)

    def test_same_files_elsewhere(self):
        """The name of a model is not what makes its vectors."""
        self.backfill("--limit", 3)
        moved = shutil.copytree(self.model, self.work / "moved")
        self.assertEqual(self.counts(self.backfill(model=moved))["embedded"], N - 3)

    def test_refused_when_nothing_is_to_do(self):
        self.backfill()
        self.refuse(model=self.other, says="weights of ")

    def test_replace(self):
        self.backfill()
        old = self.database.vectors()
        self.backfill("--model-id", "reference", model=self.other)
        new = self.database.vectors("reference")
        self.backfill("--replace-model", "--dry-run", model=self.other,
                      stdout=f"^selected={N} to_embed={N} ")
        self.assertEqual(self.database.vectors(), old)
        self.assertIn(self.model, [row[0] for row in self.record()])
        self.backfill("--replace-model", "--refresh", "missing", model=self.other, status=2,
                      stderr="--refresh missing")
        # Stopped on the way, it goes on, with the option or without.
        counts = self.counts(self.backfill("--replace-model", "--limit", 10, model=self.other))
        self.assertEqual((counts["embedded"], counts["remaining"]), (10, N - 10))
        self.refuse(says="weights of ")
        counts = self.counts(self.backfill("--replace-model", "--limit", 10, model=self.other))
        self.assertEqual((counts["embedded"], counts["unchanged"]), (10, 10))
        self.assertEqual(self.counts(self.backfill(model=self.other))["embedded"], N - 20)
        self.assertEqual(self.database.vectors(), new)

    def test_adopted(self):
        self.backfill("--limit", 20)
        self.database.query("DELETE FROM text_embedding_models")
        self.refuse(model=self.other, says="are not by .*/other")
        self.assertEqual(self.record(), [])
        self.backfill("--dry-run", stderr="a run would recompute some")
        done = self.backfill(stderr="are adopted: 8 of them, recomputed, are equal")
        self.assertEqual(self.counts(done)["embedded"], N - 20)
        self.assertEqual(len(self.record()), 1)

    def test_not_adopted_when_nothing_is_to_do(self):
        self.backfill(model=self.other)
        self.database.query("DELETE FROM text_embedding_models")
        self.refuse(says="are not by .*/model")
        self.database.query("DELETE FROM news_articles WHERE article_id > 0")
        self.backfill("--replace-model")
        self.assertEqual(self.record()[0][0], self.model)

    def test_other_dimensions(self):
        self.backfill("--limit", 3, model=tiny_model.write(self.work / "wide", hidden=64))
        self.database.query("DELETE FROM text_embedding_models")
        self.refuse(says="have 64 dimensions, those of .* have 32")

    def test_without_the_table(self):
        self.database.query("DROP TABLE text_embedding_models")
        self.backfill("--limit", 3, stderr="warning: the encoder behind .* is not recorded: there is "
                                           "no table \"text_embedding_models\"; 'vecfill init' makes it")
        self.refuse(model=self.other, says="are not by ")
        counts = self.counts(self.backfill("--replace-model", model=self.other))
        self.assertEqual(counts["embedded"], N)
        self.check("init")
        self.backfill(model=self.other, stderr="are adopted")
        self.assertEqual(self.record()[0][0], self.other)

    def test_status_names_the_encoder(self):
        self.backfill("--limit", 3)
        self.check("status", stdout=r"\n  by \S+/model, 32 dimensions, 64 tokens \(truncate\), mean, ")
        model = json.loads(self.check("status", "--json").stdout)["models"][0]
        self.assertEqual(model["encoder"]["weights_sha256"], self.record()[0][1])
        self.database.query("DELETE FROM text_embedding_models")
        self.check("status", stdout=r"\n  by an encoder that nobody recorded\n")
        self.assertIsNone(json.loads(self.check("status", "--json").stdout)["models"][0]["encoder"])


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    def test_weights_of_the_hub_cache(self):
        """The cache names the weights by their checksum, which is taken as it is."""
        digits = "0123456789abcdef" * 4
        cache = self.work / "cache" / "models--org--tiny"
        snapshot = cache / "snapshots" / ("c" * 40)
        shutil.copytree(self.model, snapshot)
        (cache / "blobs").mkdir()
        (cache / "refs").mkdir()
        (cache / "refs" / "main").write_text("c" * 40)
        weights = snapshot / "model.safetensors"
        weights.rename(cache / "blobs" / digits)
        weights.symlink_to(pathlib.Path("../../blobs") / digits)
        self.backfill(model="org/tiny", env={"HF_HUB_CACHE": str(cache.parent)})
        self.assertEqual(self.record()[0][:2], ("org/tiny", digits))


@unittest.skipUnless(program.has_postgres(), "no PostgreSQL server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)

    def test_role_without_rights(self):
        """A role that may only read articles and write vectors."""
        name = f"desk-{self.database.name}"
        role = f'"{name}"'
        self.database.query(f"CREATE ROLE {role} LOGIN; "
                            f"GRANT SELECT ON news_articles TO {role}; "
                            f"GRANT SELECT, INSERT, UPDATE ON text_embeddings TO {role}")
        self.addCleanup(self.database.psql, "postgres", f"DROP ROLE {role}")
        self.addCleanup(self.database.query, f"DROP OWNED BY {role}")
        as_role = {"PGUSER": name}
        self.grant(self.backfill(env=as_role, status=77, stderr="role .* may not use the sequence"))
        done = self.backfill("--limit", 20, env=as_role, stderr="warning: the encoder behind .* is "
                             "not recorded: role .* may not read and write")
        self.assertEqual(self.counts(done)["embedded"], 20)
        self.check("status", env=as_role, stdout="by an encoder whose record is missing or may not")
        self.database.query(f"GRANT SELECT ON text_embedding_models TO {role}")
        done = self.backfill("--limit", 1, env=as_role, stderr="(?s)adopted.*warning: .*not recorded")
        self.backfill("--replace-model", model=self.other, env=as_role, status=77,
                      stderr="role .* may not read and write \"text_embedding_models\"")
        self.grant(done)
        self.assertNotIn("warning", self.backfill("--limit", 1, env=as_role).stderr)
        self.assertEqual(len(self.record()), 1)

    def grant(self, done):
        """Does what the message says."""
        self.database.query(re.search("let the owner run: (GRANT .*)", done.stderr)[1])


if __name__ == "__main__":
    program.main()
