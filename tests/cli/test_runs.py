"""Runs that do a part of the work, on SQLite and on PostgreSQL: a time budget, a look back, shards."""
import pathlib
import re
import subprocess
import time
import unittest

import program
import tiny_model

WORDS = tiny_model.WORDS
BODY = " ".join(WORDS[i % len(WORDS)] for i in range(60))


class Common:
    def setUp(self):
        super().setUp()
        self.database = self.make_database()
        self.model = tiny_model.write(self.work / "model")

    def fill(self, articles):
        self.check("init", "--quiet")
        self.check("import", self.write_lines("a.jsonl", articles))

    def fill_days(self, n):
        """One article a day at noon, from the 1st of January on."""
        self.fill([{"article_id": i, "published_at": f"2025-{1 + i // 28:02}-{1 + i % 28:02}T12:00:00Z",
                    "headline": f"oil {i}"} for i in range(n)])

    def backfill(self, *arguments, **options):
        return self.check("backfill", "--hf-model-name", self.model, *arguments, **options)

    def test_time_budget(self):
        """However fast the machine: 75 exactly while something remains, and nothing twice."""
        n = 12000
        self.fill([{"article_id": i, "published_at": "2025-01-01", "headline": f"{i}",
                    "body": BODY} for i in range(n)])
        done, status = 0, 75
        while status == 75:
            run = self.run_program("backfill", "--hf-model-name", self.model, "--as-of",
                                   "2025-01-01", "--threads", 1, "--time-budget", "1s")
            status, counts = run.returncode, self.counts(run)
            self.assertEqual(status, 75 if counts["remaining"] else 0, run.stderr)
            self.assertEqual(counts["unchanged"], done)
            done += counts["embedded"]
            self.assertEqual(len(self.database.vectors()), done)
        self.assertEqual(done, n)

    @unittest.skipUnless(pathlib.Path("/proc/self/status").exists(), "needs /proc")
    def test_max_memory(self):
        """A limit holds where there is one, costs nothing else, and is refused when it is too low."""
        if self.is_sanitized():
            self.skipTest("a sanitizer takes memory itself")
        n = 120
        text = " ".join(WORDS) * 3000
        self.fill([{"article_id": i, "published_at": "2025-01-01", "headline": f"{i}",
                    "body": text} for i in range(n)])
        arguments = ["--hf-model-name", self.model, "--as-of", "2025-01-01", "--threads", 1]
        free = self.measure(*arguments, "--model-id", "free")
        self.assertGreater(free, 36 << 20)
        self.assertLess(self.measure(*arguments, "--max-memory", "36M"), 36 << 20)
        self.assertEqual(self.database.vectors(), self.database.vectors("free"))
        self.backfill("--as-of", "2025-01-01", "--model-id", "low", "--max-memory", "8M", status=78,
                      stderr=r"may take \d+ MB of memory, more than --max-memory allows.*\n.*"
                             r"fewer --threads")
        self.assertEqual(self.database.vectors("low"), {})
        for size in ("8", "8X", "", "M", "0M", "-1M", "1.5G"):
            self.backfill("--as-of", "2025-01-01", "--max-memory", size, status=2,
                          stderr="--max-memory")

    @staticmethod
    def is_sanitized():
        return re.search(b"__[at]san_init", (program.BIN / "vecfill").read_bytes())

    def measure(self, *arguments):
        """The most memory of a run in bytes."""
        process = subprocess.Popen([str(program.BIN / "vecfill"), "backfill", "--quiet",
                                    *map(str, arguments)], cwd=self.work, env=self.environment,
                                   stdout=subprocess.DEVNULL)
        peak = 0
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]) * 1024)
            time.sleep(0.001)
        self.assertEqual(process.returncode, 0)
        return peak

    def test_lookback(self):
        self.fill_days(60)
        cases = [("2025-01-20", "3d", {"17", "18", "19"}), ("2025-02-02", "1d", {"29"}),
                 ("2025-01-02", "30d", {"0", "1"}), ("2025-03-01", "2d", {"55", "56"})]
        for i, (day, back, ids) in enumerate(cases):
            for zone in ("UTC", "Europe/Berlin"):
                with self.subTest(day=day, back=back, zone=zone):
                    model_id = f"{i}-{zone[:3]}"
                    self.backfill("--as-of", day, "--lookback", back, "--model-id", model_id,
                                  "--timezone", zone)
                    self.assertEqual(set(self.database.vectors(model_id)), ids)

    def test_usage(self):
        cases = [(["--lookback", "3d"], "one of --as-of and --date-range is needed"),
                 (["--date-range", "2025-01-01", "2025-01-02", "--lookback", "3d"],
                  "--as-of, which is missing")]
        cases += [(["--as-of", "2025-01-01", "--lookback", v], "from 1d to 36500d")
                  for v in ("3", "0d", "-1d", "d", "3h", "99999d", "1000000000d")]
        cases += [(["--as-of", "2025-01-01", "--time-budget", v], "90s, 30m, 2h or 1d")
                  for v in ("30", "0s", "m", "1.5h", "-3s", "123456789s", "3w")]
        cases += [(["--as-of", "2025-01-01", "--shard", v], "I/N")
                  for v in ("0/2", "3/2", "1", "1/0", "/2", "1/", "a/b", "1/2/3", "111111111/2")]
        for arguments, says in cases:
            with self.subTest(arguments=arguments):
                self.backfill(*arguments, status=2, stderr=says)

    def test_shards(self):
        """Every article is in exactly one of the parts."""
        self.fill_days(200)
        for n in (1, 2, 7):
            selected = []
            for i in range(1, n + 1):
                done = self.backfill("--as-of", "2026-01-01", "--shard", f"{i}/{n}", "--model-id",
                                     f"of-{n}")
                counts = self.counts(done)
                self.assertEqual(counts["embedded"], counts["selected"])
                selected.append(counts["selected"])
            self.assertEqual(sum(selected), 200)
            self.assertGreater(min(selected), 200 // n // 3)
            self.assertEqual(len(self.database.vectors(f"of-{n}")), 200)

    def test_many_processes(self):
        """Alone in their shards or all over the same range: no error, and nothing twice."""
        self.fill([{"article_id": i, "published_at": "2025-01-01", "headline": f"{i}",
                    "body": BODY} for i in range(1500)])
        self.backfill("--as-of", "2025-01-01", "--model-id", "alone")
        expected = self.database.vectors("alone")
        for name, shards in (("shards", 4), ("overlap", 0)):
            with self.subTest(name):
                processes = [subprocess.Popen(
                    [program.BIN / "vecfill", "backfill", "--as-of", "2025-01-01", "--threads", "1",
                     "--hf-model-name", self.model, "--model-id", name,
                     *(["--shard", f"{i + 1}/{shards}"] if shards else [])], cwd=self.work,
                    env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    for i in range(4)]
                for process in processes:
                    _, stderr = process.communicate(timeout=300)
                    self.assertEqual(process.returncode, 0, stderr.decode())
                self.assertEqual(self.database.vectors(name), expected)


class Sqlite(Common, program.Case):
    def make_database(self):
        return program.SqliteDatabase(self)


@unittest.skipUnless(program.has_postgres(), "no PostgreSQL server")
class Postgres(Common, program.Case):
    def make_database(self):
        return program.PostgresDatabase(self)


if __name__ == "__main__":
    program.main()
