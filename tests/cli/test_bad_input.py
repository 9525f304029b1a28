"""What may be wrong with a model, a database or an article: each with its status and its message,
and nothing stored that should not be."""
import json
import os
import socket
import struct
import threading
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-12-31"]
NAN = struct.pack("<f", float("nan"))


def good_header():
    tensors, data = tiny_model.weights()
    return tensors, data


def with_entry(name, **changes):
    """The tiny model's weights with one entry of the header changed."""
    tensors, data = good_header()
    tensors[name] = dict(tensors[name], **changes)
    return tiny_model.safetensors(tensors, data)


def header_length(n):
    tensors, data = good_header()
    whole = tiny_model.safetensors(tensors, data)
    return struct.pack("<Q", n) + whole[8:]


def refuse_logins(server, state):
    """A server that speaks Russian and lets nobody in."""
    fields = f"SВАЖНО\0VFATAL\0C{state}\0Mне пущу\0\0".encode()
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(b"E" + struct.pack("!I", 4 + len(fields)) + fields)


WORD = "embeddings.word_embeddings.weight"
LAST = "encoder.layer.1.output.LayerNorm.bias"

# name, bytes of model.safetensors, message
WEIGHTS = [
    ("empty", b"", "model.safetensors"),
    ("seven bytes", b"\0" * 7, "model.safetensors"),
    ("header longer than the file", header_length(10 ** 7), "header"),
    ("header of 2^63 bytes", header_length(2 ** 63), "header"),
    ("header that is no JSON", struct.pack("<Q", 8) + b"nonsense", "JSON"),
    ("cut off", tiny_model.safetensors(*good_header())[:-1], "model.safetensors"),
    ("longer than it says", tiny_model.safetensors(*good_header()) + b"\0", "model.safetensors"),
    ("offsets behind the end", with_entry(LAST, data_offsets=[10 ** 9, 10 ** 9 + 128]), LAST),
    ("offsets that overlap", with_entry(LAST, data_offsets=[0, 128]), "model.safetensors"),
    ("offsets that run backwards", with_entry(LAST, data_offsets=[128, 0]), LAST),
    ("shape that overflows", with_entry(WORD, shape=[2 ** 40, 2 ** 40]), WORD),
    ("shape of another size", with_entry(WORD, shape=[3, 3]), WORD),
    ("unknown dtype", with_entry(WORD, dtype="F33"), "F33"),
    ("dtype that is none", with_entry(WORD, dtype=7), "model.safetensors"),
]

# name, file, content, message
FILES = [
    ("tokenizer.json is no JSON", "tokenizer.json", "hello", "tokenizer.json: not valid JSON"),
    ("tokenizer.json is none", "tokenizer.json", "{}", "tokenizer.json"),
    ("tokenizer.json is a list", "tokenizer.json", "[1]", "tokenizer.json"),
    ("unknown tokenizer", "tokenizer.json",
     json.dumps(dict(tiny_model.tokenizer(), model={"type": "Runes", "vocab": {}})), "Runes"),
    ("config.json is no JSON", "config.json", "{", "config.json: not valid JSON"),
    ("unknown architecture", "config.json", '{"model_type": "abacus"}', "abacus"),
    ("unknown module", "modules.json",
     json.dumps([{"idx": i, "name": str(i), "path": path,
                  "type": f"sentence_transformers.models.{kind}"} for i, (path, kind) in
                 enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Abacus", "Abacus")])
                 ]), "Abacus"),
    ("no modules", "modules.json", "[]", "modules.json"),
]


class Models(program.Case):
    def setUp(self):
        super().setUp()
        self.model = tiny_model.write(self.work / "model")

    def embed(self, **options):
        return self.check("embed", "--hf-model-name", self.model, stdin=b'"oil"', **options)

    def test_weights(self):
        self.embed()
        for name, content, message in WEIGHTS:
            with self.subTest(name):
                self.write("model/model.safetensors", content)
                done = self.embed(status=65, stderr=f"error: .*{message}")
                self.assertEqual(done.stdout, "")

    def test_files(self):
        for name, file, content, message in FILES:
            with self.subTest(name):
                whole = (self.work / "model" / file).read_bytes()
                self.write(f"model/{file}", content)
                self.embed(status=65, stderr=f"error: .*{message}")
                self.write(f"model/{file}", whole)

    def test_missing_files(self):
        for file in ("config.json", "tokenizer.json", "model.safetensors"):
            with self.subTest(file):
                path = self.work / "model" / file
                path.rename(self.work / "aside")
                self.embed(status=66, stderr=file)
                (self.work / "aside").rename(path)


class Common:
    """Against both databases."""

    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")

    def fill(self, texts):
        self.check("init", "--quiet")
        rows = [{"article_id": i, "published_at": "2025-01-01", "headline": text}
                for i, text in enumerate(texts)]
        self.check("import", self.write_lines("articles.jsonl", rows))

    def backfill(self, *arguments, **options):
        return self.check("backfill", "--hf-model-name", self.model, *AS_OF, *arguments, **options)

    def test_no_table(self):
        self.check("init", "--quiet")
        self.backfill("--articles-table", "stories", status=66, stderr="stories")
        self.backfill("--embeddings-table", "vectors", status=66, stderr="vectors")
        self.check("status", "--embeddings-table", "vectors", status=66, stderr="vectors")

    def test_no_column(self):
        self.check("init", "--quiet")
        for option in ("article-id", "published-at", "language", "headline", "body"):
            with self.subTest(option):
                self.backfill(f"--{option}-column", "nonesuch", status=66, stderr="nonesuch")

    def test_not_finite(self):
        """A vector that is not finite fails its article alone."""
        weights = bytearray((self.work / "model" / "model.safetensors").read_bytes())
        begin = 8 + struct.unpack("<Q", weights[:8])[0]
        row = tiny_model.VOCABULARY.index("storm") * 32 * 4
        weights[begin + row:begin + row + 4] = NAN
        self.write("model/model.safetensors", bytes(weights))
        self.fill(["oil up", "storm up", "bank"])
        done = self.backfill(status=1, stderr="warning: 1 article failed, the first: .*1")
        self.assertEqual(self.counts(done), {"selected": 3, "embedded": 2, "unchanged": 0,
                                             "empty": 0, "failed": 1, "remaining": 0})
        self.assertEqual(set(self.database.vectors()), {"0", "2"})
        self.assertEqual(json.loads(self.backfill("--json", status=1).stdout)["status"], 1)

    def test_long_article(self):
        self.fill(["oil " * 2_500_000, "oil"])
        done = self.backfill(stderr="1 article cut at 64 tokens, 2499938 tokens")
        self.assertEqual(self.counts(done)["embedded"], 2)

    def test_other_length_stored(self):
        self.fill(["oil up"])
        self.backfill()
        wide = tiny_model.write(self.work / "wide", hidden=48)
        self.check("search", "oil", "--hf-model-name", wide, status=78, stderr="48")

    def test_impossible_model(self):
        self.fill(["oil up"])
        self.backfill("--max-seq-length", 1000, status=78, stderr="1000")
        self.assertEqual(self.database.vectors(), {})


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    def test_not_a_database(self):
        self.write("vecfill.db", "It was a dark and stormy night." * 50)
        self.check("status", status=65, stderr="vecfill.db")

    def test_invalid_bytes(self):
        self.fill(["x"])
        self.database.query("UPDATE news_articles SET headline = CAST(x'6f696cff00' AS TEXT)")
        self.assertEqual(self.counts(self.backfill())["embedded"], 1)

    def test_bytes_that_are_no_text_in_json(self):
        self.fill(["oil"])
        self.database.query("UPDATE news_articles SET headline = CAST(x'6f696cff' AS TEXT), "
                            "language = CAST(x'fe' AS TEXT)")
        model_id = os.fsdecode(b"\xff")
        report = json.loads(self.backfill("--model-id", model_id, "--json").stdout)
        self.assertEqual(report["model_id"], "\ufffd")
        status = json.loads(self.check("status", "--json").stdout)["models"][0]
        self.assertEqual((status["model_id"], status["months"][0]["languages"][0]["language"]),
                         ("\ufffd", "\ufffd"))
        found = json.loads(self.check("search", "oil", "--json", "--model-id", model_id,
                                      "--hf-model-name", self.model).stdout)
        self.assertEqual([hit["headline"] for hit in found], ["oil\ufffd"])
        self.check("verify", "--json", "--model-id", model_id, stdout='"good": 1')
        log = self.backfill("--model-id", model_id, "--log-format", "json").stderr
        self.assertEqual(json.loads(log.splitlines()[-1])["model_id"], "\ufffd")

    def test_ids_that_are_not_unique(self):
        """More is read than was counted, as when articles come meanwhile; sums stay right."""
        self.check("init", "--quiet")
        self.database.query("CREATE TABLE feed (article_id INTEGER, published_at, headline, body)")
        self.database.query("INSERT INTO feed VALUES (1, '2025-01-01', 'oil', NULL), "
                            "(1, '2025-01-02', 'gas', NULL)")
        plan = json.loads(self.backfill("--articles-table", "feed", "-n", "--json").stdout)
        self.assertEqual((plan["selected"], plan["to_embed"], plan["remaining"]), (4, 4, 0))
        self.counts(self.backfill("--articles-table", "feed"))

    def test_ids_that_are_blobs(self):
        self.check("init", "--quiet")
        self.database.query("CREATE TABLE feed (article_id BLOB PRIMARY KEY, published_at, headline,"
                            " body)")
        self.database.query("INSERT INTO feed VALUES (x'00ff', '2025-01-01', 'oil', NULL), "
                            "(x'00fe', '2025-01-01', 'gas', NULL)")
        self.database.query("CREATE VIEW hex AS SELECT hex(article_id) AS article_id, published_at, "
                            "headline, body FROM feed")
        self.backfill("--articles-table", "feed", status=78, stderr="(?s)are BLOBs.*let a view give")
        self.backfill("--articles-table", "hex")
        self.assertEqual(set(self.database.vectors()), {"00FF", "00FE"})

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_no_right_to_write(self):
        self.fill(["oil"])
        os.chmod(self.work / "vecfill.db", 0o444)
        self.backfill(status=77)


@unittest.skipUnless(program.has_postgres(), "PGHOST leads to no server")
class Postgres(Common, program.Case):
    def make_database(self, encoding="UTF8"):
        return program.PostgresDatabase(self, encoding)

    def test_time_column(self):
        self.fill(["oil up"])
        self.database.query("ALTER TABLE news_articles ALTER published_at TYPE text")
        self.backfill(status=78, stderr="(?s)of type text, not timestamptz.*let a view cast it")
        self.database.query("CREATE VIEW dated AS SELECT article_id, headline, body, language, "
                            "published_at::timestamptz FROM news_articles")
        self.assertEqual(self.counts(self.backfill("--articles-table", "dated"))["embedded"], 1)

    def test_long_model_id(self):
        self.fill(["oil up"])
        self.backfill("--model-id", "m" * 64)
        self.backfill("--model-id", "m" * 65, status=78, stderr="longer than the 64 characters")

    def test_vector_column(self):
        self.fill(["oil up"])
        for kind in ("text", "jsonb", "double precision[]", "integer"):
            with self.subTest(kind):
                self.database.query("ALTER TABLE text_embeddings DROP COLUMN vector; "
                                    f"ALTER TABLE text_embeddings ADD COLUMN vector {kind}")
                self.backfill(status=78, stderr="vector")
        self.database.query("ALTER TABLE text_embeddings DROP COLUMN vector; "
                            "ALTER TABLE text_embeddings ADD COLUMN vector real[]")
        self.assertEqual(self.counts(self.backfill())["embedded"], 1)

    def test_pgvector(self):
        if not self.database.query("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
            self.skipTest("the server has no pgvector")
        self.database.query("CREATE EXTENSION vector")
        for kind, n in (("vector", 32), ("halfvec", 32)):
            with self.subTest(kind):
                self.database.query("DROP TABLE IF EXISTS text_embeddings")
                self.check("init", "--vector-type", kind, "--dimensions", n)
                self.fill(["oil up"])
                self.assertEqual(self.counts(self.backfill())["embedded"], 1)
                self.check("search", "oil up", "--hf-model-name", self.model, stdout="1.0000")
        wide = tiny_model.write(self.work / "wide", hidden=48)
        self.check("backfill", *AS_OF, "--hf-model-name", wide, "--model-id", "wide", status=78,
                   stderr="48")

    def test_no_right_to_write(self):
        self.fill(["oil up"])
        role = self.database.name + "_reader"
        self.database.query(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA "
                            f"public TO {role}")
        self.addCleanup(program.PostgresDatabase.psql, "postgres", f"DROP ROLE {role}")
        self.addCleanup(self.database.query, f"DROP OWNED BY {role}")
        reader = {"PGUSER": role}
        self.backfill(status=77, stderr="(?s)text_embeddings.*hint", env=reader)
        self.check("import", self.work / "articles.jsonl", status=77, env=reader)
        self.check("status", env=reader)
        self.backfill("--dry-run", env=reader)

    def test_server_down(self):
        for env in ({"PGPORT": "1"}, {"PGHOST": "127.0.0.1", "PGPORT": "1"},
                    {"PGHOST": "no-such-host.invalid"}):
            self.backfill("--retries", "0", status=69, env=env)

    def test_wrong_password(self):
        role = "needs_password"
        self.database.query(f"DROP ROLE IF EXISTS {role}; "
                            f"CREATE ROLE {role} LOGIN PASSWORD 'right horse'")
        self.addCleanup(self.database.query, f"DROP ROLE {role}")
        self.fill([])
        env = {"PGHOST": "127.0.0.1", "PGUSER": role, "PGPASSWORD": "wr0ng horse"}
        done = self.check("status", status=69, stderr="password", env=env)
        self.assertNotIn("wr0ng", done.stderr)
        self.database.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        self.addCleanup(self.database.query, f"DROP OWNED BY {role}")
        self.check("status", env=dict(env, PGPASSWORD="right horse"))

    def test_no_database(self):
        self.backfill(status=66, stderr="nonesuch", env={"PGDATABASE": "nonesuch"})

    def test_refused_in_another_language(self):
        """What a refusal means is told by its SQLSTATE, not by its words."""
        for state, status in (("3D000", 66), ("28P01", 69), ("57P03", 69), ("42501", 77)):
            with self.subTest(state), socket.create_server(("127.0.0.1", 0)) as server:
                threading.Thread(target=refuse_logins, args=(server, state), daemon=True).start()
                url = f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/новости?sslmode=disable"
                self.check("status", "--database", url, status=status, stderr="ВАЖНО")
                server.shutdown(socket.SHUT_RDWR)

    def test_sql_ascii(self):
        """A database that checks no encoding, with bytes that are none."""
        self.database = self.make_database("SQL_ASCII")
        self.fill(["x"])
        self.database.query("SET client_encoding = 'SQL_ASCII'; "
                            r"UPDATE news_articles SET headline = E'oil\xff\xc3 up'")
        self.assertEqual(self.counts(self.backfill())["embedded"], 1)
        line = json.dumps("oil\ufffd\ufffd up").encode()
        done = self.check("embed", "--hf-model-name", self.model, stdin=line)
        vector = json.loads(done.stdout)["vector"]
        self.assertEqual(self.database.vectors()["0"], struct.pack(f"<{len(vector)}f", *vector))
        self.assertEqual(self.counts(self.backfill())["unchanged"], 1)


if __name__ == "__main__":
    program.main()
