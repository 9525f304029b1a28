"""Command lines that are wrong, and what is said about them; help, man pages and completions."""
import os
import pathlib
import socket
import subprocess

import program

AS_OF = ["--as-of", "2025-01-31"]
COMMANDS = ["backfill", "init", "import", "status", "verify", "search", "embed", "tokenize", "model show",
            "model fetch", "bench"]

# name, arguments, status, message
BAD = [
    ("no command", [], 2, "error: no command\n.*hint: 'vecfill --help'"),
    ("unknown command", ["backfil"], 2, "unknown command 'backfil'\n.*did you mean 'backfill'"),
    ("far from all commands", ["frobnicate"], 2, "unknown command 'frobnicate'"),
    ("half a command", ["model"], 2, "unknown command 'model'\n.*did you mean 'model show'"),
    ("option without command", ["--limit", "3"], 2, "unknown option '--limit'"),
    ("neither day nor range", ["backfill"], 2,
     "one of --as-of and --date-range is needed\n.*hint: --as-of 2025-01-31"),
    ("day and range", ["backfill", *AS_OF, "--date-range", "2025-01-01", "2025-01-02"], 2,
     "--as-of and --date-range exclude each other"),
    ("end before start", ["backfill", "--date-range", "2025-01-02", "2025-01-01"], 2,
     "--date-range ends before it starts\n.*earlier day first"),
    ("no such day", ["backfill", "--as-of", "2025-02-30"], 2,
     "--as-of expects a day of the calendar as YYYY-MM-DD, not '2025-02-30'"),
    ("no such day in a range", ["backfill", "--date-range", "2025-01-01", "2025-13-01"], 2,
     "--date-range expects a day .* not '2025-13-01'"),
    ("day in words", ["backfill", "--as-of", "today"], 2, "not 'today'"),
    ("day with time", ["backfill", "--as-of", "2025-01-31T00:00"], 2, "not '2025-01-31T00:00'"),
    ("half a range", ["backfill", "--date-range", "2025-01-01"], 2, "--date-range needs two values"),
    ("unknown zone", ["backfill", *AS_OF, "--timezone", "Mars/Olympus"], 2,
     "time zone database has no zone 'Mars/Olympus'\n.*Europe/Berlin"),
    ("limit 0", ["backfill", *AS_OF, "--limit", "0"], 2,
     "--limit expects a whole number from 1 to [0-9]+, not '0'"),
    ("limit -1", ["backfill", *AS_OF, "--limit", "-1"], 2, "--limit expects .* not '-1'"),
    ("limit 1e3", ["backfill", *AS_OF, "--limit", "1e3"], 2, "--limit expects .* not '1e3'"),
    ("limit of 20 digits", ["backfill", *AS_OF, "--limit", "99999999999999999999"], 2,
     "not '99999999999999999999'"),
    ("limit of nothing", ["backfill", *AS_OF, "--limit", ""], 2, "--limit expects .* not ''"),
    ("no limit at all", ["backfill", *AS_OF, "--limit"], 2, "--limit needs a value: N"),
    ("batch size 0", ["backfill", *AS_OF, "--batch-size", "0"], 2, "--batch-size expects"),
    ("threads 0", ["embed", "--threads", "0"], 2, "--threads expects"),
    ("unknown option", ["backfill", *AS_OF, "--limitt", "5"], 2,
     "unknown option --limitt\n.*did you mean --limit"),
    ("abbreviated option", ["backfill", "--as", "2025-01-31"], 2,
     "unknown option --as\n.*did you mean --as-of"),
    ("option of another command", ["embed", "--as-of", "2025-01-31"], 2, "unknown option --as-of"),
    ("option that says nothing", ["backfill", *AS_OF, "--json=yes"], 2, "--json takes no value"),
    ("refresh", ["backfill", *AS_OF, "--refresh", "some"], 2,
     "--refresh expects changed, missing or all, not 'some'"),
    ("precision", ["embed", "--precision", "fp8"], 2,
     "--precision expects fp32, bf16 or int8, not 'fp8'"),
    ("no CUDA", ["embed", "--device", "cuda"], 78, "this build of vecfill has no CUDA\n.*cpu"),
    ("no second GPU either", ["backfill", *AS_OF, "--device", "cuda:1"], 78, "no CUDA"),
    ("device", ["embed", "--device", "gpu"], 2, "--device expects auto or cpu, not 'gpu'"),
    ("operand of backfill", ["backfill", "2025-01-31"], 2, "takes options only, not '2025-01-31'"),
    ("search for nothing", ["search"], 2, "search needs TEXT"),
    ("search for an empty text", ["search", ""], 2, "TEXT is empty"),
    ("search without quotes", ["search", "oil", "prices"], 2, "takes one TEXT, not 2\n.*quotes"),
    ("import nothing", ["import"], 2, "import needs FILE"),
    ("show no model", ["model", "show"], 2, "model show needs NAME"),
    ("fetch no model", ["model", "fetch"], 2, "model fetch needs NAME"),
    ("fetch two models", ["model", "fetch", "a", "b"], 2, "model fetch takes one NAME, not 2"),
    ("fetch no name of the Hub", ["model", "fetch", "a/b/c"], 66, "looks like ORG/NAME"),
    ("fetch no revision", ["model", "fetch", "a/b", "--revision", "../c"], 2, "not a revision"),
    ("vector type", ["init", "--vector-type", "json"], 2,
     "--vector-type expects bytea, vector, halfvec or real\\[\\], not 'json'"),
    ("SQL and report", ["init", "--print", "--json"], 2, "give one of them"),
    ("empty model id", ["backfill", *AS_OF, "--model-id", ""], 2, "--model-id expects"),
    ("no such model", ["backfill", *AS_OF, "--hf-model-name", "nobody/nothing"], 66,
     "nobody/nothing"),
    ("no such folder", ["embed", "--hf-model-name", "./nowhere"], 66, "nowhere"),
    ("no such file", ["import", "--database", "sqlite:x.db", "nowhere.jsonl"], 66,
     "cannot read nowhere.jsonl"),
    ("no such database", ["status"], 66, "vecfill.db"),
    ("a folder as database", ["status", "--database", "sqlite:."], None, "error: "),
]


class BadUsage(program.Case):
    def test_table(self):
        for name, arguments, status, message in BAD:
            with self.subTest(name):
                done = self.run_program(*arguments, env={"HF_HUB_CACHE": str(self.work / "hub")})
                said = f"{done.stdout}\n{done.stderr}"
                if status is None:
                    self.assertNotEqual(done.returncode, 0, said)
                else:
                    self.assertEqual(done.returncode, status, said)
                self.assertRegex(done.stderr, message)
                self.assertLessEqual(len(done.stderr.splitlines()), 5, said)
                self.assertEqual(done.stdout, "")

    def test_second_name(self):
        self.check(status=2, name="backfill_text_embeddings",
                   stderr="^backfill_text_embeddings: error: one of --as-of and --date-range")
        self.check("--help", name="backfill_text_embeddings", stdout="^Usage: vecfill backfill")
        self.check("--version", name="backfill_text_embeddings",
                   stdout=r"^backfill_text_embeddings \d+\.\d+\.\d+\n$")

    def test_bad_settings_file(self):
        self.write(".env", "VECFILL_DATABASE_URL=sqlite:a.db\nnonsense\n")
        self.check("status", status=78, stderr=r"\.env:2: not a setting")
        named = {"stderr": r"warning: \.env:2: not a setting .*; the file is not used"}
        self.check("init", "--database", "sqlite:b.db", **named)
        self.check("init", **named, env={"VECFILL_DATABASE_URL": "sqlite:c.db"})


class Manners(program.Case):
    def test_help(self):
        self.check("--help", stdout="Commands:\n  backfill ")
        self.check("--version", stdout=r"^vecfill \d+\.\d+\.\d+\n$")
        for command in COMMANDS:
            for flag in ("--help", "-h"):
                done = self.check(*command.split(), flag, stdout=f"^Usage: vecfill {command}")
                lines = done.stdout.splitlines()
                self.assertLessEqual(len(lines), 24, command)
                self.assertLessEqual(max(map(len, lines)), 80, command)

    def options_of(self, command):
        done = self.check("complete", *command.split())
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    def test_options_are_documented(self):
        for command in COMMANDS:
            help_text = self.check(*command.split(), "--help").stdout
            page = program.ROOT / "packaging" / "man" / f"vecfill-{command.replace(' ', '-')}.1"
            man = page.read_text(encoding="utf-8")
            for option in self.options_of(command):
                with self.subTest(command=command, option=option):
                    self.assertIn(option, help_text)
                    self.assertRegex(man, rf"Fl (?:[^\n]* )?{option[1:]}(?![\w-])")

    def test_commands_are_completed(self):
        names = [line.split("\t")[0] for line in self.check("complete").stdout.splitlines()]
        self.assertEqual(names, COMMANDS)
        self.check("complete", "nothing", status=2, stderr="no such command")

    def test_bash_completion(self):
        script = program.ROOT / "packaging" / "completions" / "vecfill.bash"
        cases = [
            (["vecfill", "ba"], ["backfill"]),
            (["vecfill", "model", "s"], ["show"]),
            (["vecfill", "model", "show", "--rev"], ["--revision"]),
            (["vecfill", "backfill", "--date-r"], ["--date-range"]),
            (["vecfill", "init", "--vec"], ["--vector-type"]),
            (["backfill_text_embeddings", "--as"], ["--as-of"]),
        ]
        for words, expected in cases:
            with self.subTest(words):
                quoted = " ".join(f"'{w}'" for w in words)
                code = (f". '{script}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
                        "_vecfill; printf '%s\\n' \"${COMPREPLY[@]}\"")
                path = f"{program.BIN}:{os.environ['PATH']}"
                done = subprocess.run(["bash", "-c", code], capture_output=True, text=True,
                                      env=dict(self.environment, PATH=path))
                self.assertEqual(done.stdout.split(), expected, done.stderr)

    def test_full_disk(self):
        if not pathlib.Path("/dev/full").exists():
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([str(program.BIN / "vecfill"), "--help"], stdout=full,
                                  stderr=subprocess.PIPE, env=self.environment)
        self.assertEqual(done.returncode, 74)
        self.assertIn(b"cannot write to standard output", done.stderr)

    def test_colour(self):
        self.assertIn("\x1b[31merror: \x1b[0m", self.run_on_terminal("status"))
        self.assertNotIn("\x1b", self.run_on_terminal("status", "--no-color"))
        self.assertNotIn("\x1b", self.run_on_terminal("status", env={"NO_COLOR": "1"}))
        self.assertNotIn("\x1b", self.run_on_terminal("status", env={"TERM": "dumb"}))
        self.assertNotIn("\x1b", self.run_program("status").stderr)

    def test_password_is_never_told(self):
        url = "postgresql://me:s3cret@127.0.0.1:1/news"
        done = self.check("status", "--database", url, status=69)
        self.assertNotIn("s3cret", done.stderr)
        self.assertIn("warning: a password on the command line", done.stderr)
        for env in ({"VECFILL_DATABASE_URL": url},
                    {"HISTORICAL_DB_HOST": "127.0.0.1", "HISTORICAL_DB_PORT": "1",
                     "HISTORICAL_DB_PASSWORD": "s3cret"}):
            done = self.check("status", env=env, status=69)
            self.assertNotIn("s3cret", done.stderr)
            self.assertNotIn("warning", done.stderr)

    def test_password_is_wiped_from_the_arguments(self):
        arguments = pathlib.Path("/proc/self/cmdline")
        if not arguments.exists():
            self.skipTest("no /proc")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"postgresql://me:s3cret@127.0.0.1:{silent.getsockname()[1]}/news"
            process = subprocess.Popen([program.BIN / "vecfill", "status", "--database", url],
                                       cwd=self.work, stderr=subprocess.DEVNULL,
                                       env=self.environment)
            try:
                connection, _ = silent.accept()
                seen = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
                connection.close()
            finally:
                process.kill()
                process.wait()
        self.assertNotIn(b"s3cret", seen)
        self.assertIn(b"****", seen)


if __name__ == "__main__":
    program.main()
