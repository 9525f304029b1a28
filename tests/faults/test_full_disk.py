"""Disks that are full: under an SQLite file, a PostgreSQL database, its log, the cache of models and
the file of metrics. The message says so, nothing is lost, and it goes on when there is room.

Each disk is a small file system in memory, which only root may mount.
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import desk
from desk import program

import mock_hub


BLOCK = 4096


class Disk:
    """A small file system, filled up except for `room` bytes."""

    def __init__(self, case, size, owner=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="vecfill-disk-"))
        case.addCleanup(self.path.rmdir)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.path],
                                 capture_output=True, text=True)
        if mounted.returncode:
            case.skipTest(f"no file system can be mounted: {mounted.stderr.strip()}")
        case.addCleanup(subprocess.run, ["umount", "-l", self.path], check=True)
        self.path.chmod(0o777)
        if owner:
            shutil.chown(self.path, owner)
            self.path.chmod(0o700)
        self.ballast = self.path / "ballast"

    def fill(self, room):
        """Leaves `room` bytes free, or less when others write, too."""
        status = os.statvfs(self.path)
        n = status.f_bavail * status.f_bsize - room
        with contextlib.suppress(OSError), open(self.ballast, "wb", buffering=0) as file:
            for _ in range(0, n, BLOCK):
                file.write(bytes(BLOCK))

    def clear(self):
        self.ballast.unlink()


def use_up_log(server, log, room=32 * 1024):
    """Writes to the log until all of its files but so many bytes is used up."""
    segment = 16 * 1024 * 1024
    last = max(path.name for path in log.iterdir() if len(path.name) == 24)
    name, used = server.sql("postgres", "SELECT * FROM pg_walfile_name_offset("
                            "pg_current_wal_insert_lsn())").split()
    files = int(last[8:16] + last[22:], 16) - int(name[8:16] + name[22:], 16) + 1
    size = files * segment - int(used) - room
    server.sql("postgres", f"SELECT pg_logical_emit_message(false, 'fill', repeat('x', {size}))")


@unittest.skipUnless(sys.platform == "linux", "needs tmpfs")
class FullDisk(desk.Desk):
    N = 2000
    ROOMS = [i << 16 for i in range(1, 11 if desk.LONG else 3)]

    def setUp(self):
        super().setUp()
        self.tally = desk.Tally()

    def disturb(self, disk, room, rows, statuses, message, then=lambda: None):
        """A run with `room` bytes left, and one when there is more."""
        disk.fill(room)
        done = self.run_program(*self.command())
        self.tally.status(done.returncode, statuses, f"{room} bytes: {done.stderr}")
        self.assertRegex(done.stderr, message)
        disk.clear()
        then()
        missing = set(rows().splitlines()) - set(self.expected.splitlines())
        self.assertEqual(missing, set())
        done = self.run_program(*self.command())
        self.tally.status(done.returncode, (0,), f"after {room} bytes: {done.stderr}")
        self.tally.rows(self.expected, rows(), f"{room} bytes")

    def test_sqlite(self):
        disk = Disk(self, "16m")
        file = disk.path / "vecfill.db"
        self.environment["VECFILL_DATABASE_URL"] = f"sqlite:{file}"
        self.fill()
        filled = self.work / "filled.db"
        shutil.copy(file, filled)
        self.check(*self.command())
        self.expected = desk.sqlite_rows(self, file)
        for room in [0, *self.ROOMS]:
            for path in disk.path.glob("vecfill.db*"):
                path.unlink()
            shutil.copy(filled, file)
            self.disturb(disk, room, lambda: desk.sqlite_rows(self, file), (74,),
                         "(full|No space left on device).*\n.*hint: free disk space")
        self.tally.check(self, "full disk, SQLite")

    def server(self):
        server = desk.Server()
        self.addCleanup(server.close)
        return server

    def test_postgres(self):
        server = self.server()
        disk = Disk(self, "32m", server.user)
        server.sql("postgres", f"CREATE TABLESPACE small LOCATION '{disk.path}'")
        server.sql("postgres", "CREATE DATABASE desk TABLESPACE small")
        self.addCleanup(server.sql, "postgres",
                        "DROP DATABASE desk WITH (FORCE)")
        self.environment.update(server.environment("desk"))
        self.fill()
        self.check(*self.command())
        self.expected = server.rows("desk")
        for room in [0, *self.ROOMS]:
            server.sql("desk", "TRUNCATE text_embeddings, text_embedding_models")
            self.disturb(disk, room, lambda: server.rows("desk"), (74,),
                         "No space left on device.*\n.*hint: free disk space on the server")
        self.tally.check(self, "full disk, PostgreSQL's data")

    def test_postgres_log(self):
        """The server panics, and the run cannot reach it any more."""
        server = self.server()
        server.control("stop")
        disk = Disk(self, "40m", server.user)
        log = disk.path / "log"
        subprocess.run(["cp", "-a", server.data / "pg_wal", log], check=True)
        shutil.rmtree(server.data / "pg_wal")
        (server.data / "pg_wal").symlink_to(log)
        with open(server.data / "postgresql.auto.conf", "a", encoding="utf-8") as settings:
            settings.write("max_wal_size = '32MB'\nmin_wal_size = '32MB'\nwal_recycle = off\n"
                           "wal_init_zero = on\n")
        server.control("start")
        server.sql("postgres", "CREATE DATABASE desk")
        self.environment.update(server.environment("desk"))
        self.fill()
        self.check(*self.command())
        self.expected = server.rows("desk")
        server.sql("desk", "TRUNCATE text_embeddings, text_embedding_models; CHECKPOINT")
        disk.fill(0)
        use_up_log(server, log)
        process = self.start("--retries", "2", "--refresh", "all")
        stderr = process.communicate(timeout=120)[1].decode()
        self.tally.status(process.returncode, (69, 74), stderr)
        disk.clear()
        if not server.is_running():
            server.control("start")
        done = self.run_program(*self.command())
        self.tally.status(done.returncode, (0,), done.stderr)
        self.tally.rows(self.expected, server.rows("desk"), "log")
        self.tally.check(self, "full disk, PostgreSQL's log")

    def test_metrics(self):
        self.fill()
        disk = Disk(self, "1m")
        metrics = disk.path / "metrics"
        self.check(*self.command("--metrics-file", metrics))
        before = metrics.read_bytes()
        self.expected = desk.sqlite_rows(self, self.work / "vecfill.db")
        disk.fill(0)
        self.check(*self.command("--metrics-file", metrics, "--refresh", "all"), status=74,
                   stderr="metrics: No space left on device")
        self.assertEqual(metrics.read_bytes(), before)
        self.tally.rows(self.expected, desk.sqlite_rows(self, self.work / "vecfill.db"), "metrics")
        self.assertEqual(sorted(p.name for p in disk.path.iterdir()), ["ballast", "metrics"])
        disk.clear()
        self.check(*self.command("--metrics-file", metrics))
        self.assertNotEqual(metrics.read_bytes(), before)
        self.tally.check(self, "full disk, metrics")

    def test_cache(self):
        disk = Disk(self, "1m")
        files = {str(p.relative_to(self.model)): p.read_bytes()
                 for p in pathlib.Path(self.model).rglob("*") if p.is_file()}
        hub = mock_hub.MockHub(files)
        self.addCleanup(hub.stop)
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            self.environment.pop(name, None)
        self.environment.update(HF_HOME=str(disk.path / "hf"), HF_ENDPOINT=hub.url,
                                no_proxy="127.0.0.1")
        for room in range(0, len(files["model.safetensors"]) // 2, 8 << 10):
            with self.subTest(room=room):
                shutil.rmtree(disk.path / "hf", ignore_errors=True)
                disk.fill(room)
                done = self.run_program("model", "fetch", mock_hub.NAME)
                self.tally.status(done.returncode, (74,), f"{room} bytes: {done.stderr}")
                self.tally.rows("", "", f"{room} bytes")
                self.assertRegex(done.stderr,
                                 "(the disk is full|does not have)\n.*hint: free some space")
                disk.clear()
                self.check("model", "fetch", mock_hub.NAME)
                done = self.check("embed", "--hf-model-name", mock_hub.NAME, stdin=b'"oil"\n')
                self.assertEqual(done.stdout, self.check(
                    "embed", "--hf-model-name", self.model, stdin=b'"oil"\n').stdout)
        self.tally.check(self, "full disk, cache of models")


if __name__ == "__main__":
    program.main()
