"""--log-format json, on SQLite and on PostgreSQL: every line on standard error is an object with a
time, a level and an event, and the events tell what happened."""
import datetime
import json
import os
import signal
import subprocess
import unittest

import program
import tiny_model

AS_OF = ["--as-of", "2025-12-31"]
JSON = ["--log-format", "json"]
N = 40
LEVELS = {"error", "warning", "info", "debug"}


class Common:
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")
        self.check("init", "--quiet")
        self.check("import", self.write_lines("a.jsonl", [
            {"article_id": i, "published_at": f"2025-01-{1 + i % 28:02}", "language": "en",
             "headline": "oil " * (100 if i == 3 else 1), "body": f"{i}"} for i in range(N)]))

    def log(self, *arguments, command="backfill", **options):
        """The events, each checked for its form."""
        done = self.run_program(command, *arguments, *JSON, **options)
        events = [json.loads(line) for line in done.stderr.splitlines()]
        before = None
        for event in events:
            self.assertEqual(list(event)[:3], ["time", "level", "event"])
            self.assertIn(event["level"], LEVELS)
            self.assertRegex(event["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
            time = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
            self.assertGreaterEqual(time, before or time)
            before = time
        return done, events

    def backfill(self, *arguments, status=0, **options):
        done, events = self.log("--hf-model-name", self.model, *AS_OF, *arguments, **options)
        self.assertEqual(done.returncode, status, done.stderr)
        return events

    @staticmethod
    def of_kind(events, kind):
        return [e for e in events if e["event"] == kind]

    def one(self, events, kind):
        found = self.of_kind(events, kind)
        self.assertEqual(len(found), 1, (kind, events))
        return found[0]

    def test_run(self):
        events = self.backfill()
        names = [e["event"] for e in events if e["event"] != "message"]
        self.assertEqual(names, ["started", "model", "connected", "selected", "progress", "cut",
                                 "finished"])
        self.assertEqual(events[0]["command"], "backfill")
        self.assertIn("version", events[0])
        self.assertEqual(self.one(events, "model")["model"], self.model)
        selected = self.one(events, "selected")
        self.assertEqual((selected["selected"], selected["missing"]), (N, N))
        progress = self.one(events, "progress")
        self.assertEqual((progress["done"], progress["total"], progress["unit"]),
                         (N, N, "articles"))
        self.assertEqual(self.one(events, "cut")["truncated"], 1)
        finished = events[-1]
        self.assertEqual((finished["embedded"], finished["status"], finished["truncated"]),
                         (N, 0, 1))
        self.assertEqual(finished["tokens"], progress["tokens"])

    def test_nothing_to_do(self):
        self.backfill()
        finished = self.backfill()[-1]
        self.assertEqual((finished["event"], finished["unchanged"]), ("finished", N))

    def test_quiet_and_verbose(self):
        self.assertEqual(self.backfill("--quiet"), [])
        events = self.backfill("--verbose", "--refresh", "all")
        self.assertTrue([e for e in events if e["level"] == "debug"])
        self.assertFalse([e for e in self.backfill() if e["level"] == "debug"])

    def test_failures(self):
        self.refuse({"7", "8"}, "no room")
        events = self.backfill("--quiet", status=1)
        rows = {e["article_id"]: e for e in self.of_kind(events, "row_failed")}
        self.assertEqual(set(rows), {"7", "8"})
        for row in rows.values():
            self.assertEqual((row["reason"], row["level"]), ("refused", "warning"))
            self.assertIn("no room", row["message"])
        batches = self.of_kind(events, "batch_failed")
        self.assertEqual(batches[0]["rows"], N)
        self.database.query("DELETE FROM text_embedding_failures")
        self.assertEqual(self.backfill("--refresh", "missing", status=1)[-1]["failed"], 2)

    def test_error(self):
        events = self.backfill("--articles-table", "nowhere", status=66)
        error = self.one(events, "error")
        self.assertEqual((error["level"], events[-1]["status"]), ("error", 66))
        self.assertIn("nowhere", error["message"])
        self.assertIn("hint", error)

    def test_interrupted(self):
        process = subprocess.Popen(
            [str(program.BIN / "vecfill"), "backfill", "--hf-model-name", self.model, *AS_OF, *JSON],
            cwd=self.work, env=self.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        lines = [process.stderr.readline()]
        while b'"selected"' not in lines[-1]:
            lines.append(process.stderr.readline())
        os.kill(process.pid, signal.SIGTERM)
        _, rest = process.communicate()
        events = [json.loads(line) for line in b"".join(lines).splitlines() + rest.splitlines()]
        # The run may have been over before the signal came, or not yet have listened.
        self.assertIn(process.returncode, (0, 143, -15))
        if process.returncode == 143:
            self.assertEqual(events[-1]["status"], 143)
            self.assertEqual(self.one(events, "error")["message"][:7], "stopped")


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)

    def refuse(self, ids, message):
        ids = ", ".join(f"'{i}'" for i in ids)
        self.database.query("CREATE TRIGGER refuse BEFORE INSERT ON text_embeddings "
                            f"WHEN NEW.source_id IN ({ids}) "
                            f"BEGIN SELECT RAISE(ABORT, '{message}'); END")

    def test_usage(self):
        done = self.run_program("status", *JSON, "--bogus")
        error, finished = map(json.loads, done.stderr.splitlines())
        self.assertEqual((done.returncode, error["event"], finished["status"]), (2, "error", 2))
        self.check("status", "--log-format", "xml", status=2, stderr="text or json")
        done, events = self.log(command="status")
        self.assertEqual([e["event"] for e in events], ["started", "finished"])


@unittest.skipUnless(program.has_postgres(), "no PostgreSQL server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)

    def refuse(self, ids, message):
        ids = ", ".join(f"'{i}'" for i in ids)
        self.database.query(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.source_id IN ({ids}) THEN RAISE EXCEPTION check_violation "
            f"USING message = '{message}'; END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON text_embeddings FOR EACH ROW "
            "EXECUTE FUNCTION refuse()")

    def test_retry(self):
        events = self.backfill("--retries", 2, status=69, env={"PGHOST": str(self.work)})
        retries = self.of_kind(events, "retry")
        self.assertEqual([(e["try"], e["level"]) for e in retries], [(1, "warning"), (2, "warning")])
        self.assertGreater(retries[0]["wait_seconds"], 0)
        self.assertEqual(events[-1]["status"], 69)


if __name__ == "__main__":
    program.main()
