"""The examples for schedulers: read by the schedulers' own tools, and their command lines by vecfill."""
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest

import program
import tiny_model

FOLDER = program.ROOT / "examples" / "schedule"
AIRFLOW = program.ROOT / "build" / "test-deps" / "airflow"


def command_of(text):
    """The arguments of vecfill in a line of a shell."""
    words = shlex.split(re.search(r"vecfill (backfill [^;|'\n]*)", text)[1])
    return [word for word in words if not word.startswith(">")]


class Schedules(program.Case):
    def check_command(self, arguments):
        """It plans a run: all of its options are known, and go together."""
        arguments = ["2025-01-31" if "date -u" in word else word for word in arguments]
        self.check("init", "--database", "sqlite:news.db")
        self.check(*arguments, "--dry-run", "--max-seq-length", "32", "--hf-model-name",
                   self.model, "--database", "sqlite:news.db", stdout="selected=0 ")

    def setUp(self):
        super().setUp()
        self.model = tiny_model.write(self.work / "model")

    def crontab(self):
        """The program that checks a crontab with -n."""
        tool = shutil.which("crontab")
        said = subprocess.run([tool, "-h"], capture_output=True, text=True) if tool else None
        if not said or "-n" not in said.stdout + said.stderr:
            self.skipTest("no crontab that checks only")
        return tool

    def test_crontab(self):
        path = FOLDER / "vecfill.crontab"
        line = next(l for l in path.read_text().splitlines() if l.startswith("*/15"))
        self.check_command(command_of(line.replace("\\%", "%")))
        done = subprocess.run([self.crontab(), "-n", path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_crontab_check_notices_errors(self):
        path = self.write("broken", (FOLDER / "vecfill.crontab").read_text().replace("*/15", "*/x"))
        self.assertNotEqual(subprocess.run([self.crontab(), "-n", path], capture_output=True).returncode, 0)

    def test_systemd(self):
        service = (FOLDER / "vecfill.service").read_text()
        self.check_command(command_of(service.replace("%%", "%")))
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd")
        for name in ("vecfill.service", "vecfill.timer"):
            shutil.copy(FOLDER / name, self.work)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no",
                               str(self.work / "vecfill.service"), str(self.work / "vecfill.timer")],
                              capture_output=True, text=True)
        said = [l for l in done.stderr.splitlines() if "vecfill" in l]
        self.assertEqual((done.returncode, said), (0, []), done.stderr)

    def airflow(self):
        """An environment in which Python has Airflow: that of scripts/install-test-extensions, else
        its own."""
        env = dict(os.environ, AIRFLOW_HOME=str(self.work), AIRFLOW__CORE__LOAD_EXAMPLES="False")
        if AIRFLOW.is_dir():
            env["PYTHONPATH"] = str(AIRFLOW)
        elif not importlib.util.find_spec("airflow"):
            self.skipTest("no Airflow")
        return env

    def read_dags(self, path):
        """What Airflow finds in a file: its errors, then a line for each DAG."""
        code = ("import sys\n"
                "try:\n"
                "    from airflow.dag_processing.dagbag import DagBag\n"
                "except ImportError:  # before Airflow 3\n"
                "    from airflow.models import DagBag\n"
                "bag = DagBag(sys.argv[1])\n"
                "print(bag.import_errors)\n"
                "for dag in bag.dags.values():\n"
                "    print(dag.dag_id, dag.max_active_runs, dag.catchup, [t.task_id for t in dag.tasks])")
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True,
                              text=True, env=self.airflow())
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_airflow(self):
        self.assertIn("{}\nvecfill 1 False ['backfill']\n",
                      self.read_dags(FOLDER / "vecfill_dag.py"))

    def test_airflow_notices_errors(self):
        broken = (FOLDER / "vecfill_dag.py").read_text().replace("@daily", "at dawn")
        self.assertRegex(self.read_dags(self.write("broken_dag.py", broken)),
                         r"\{.*broken_dag.py.: .AirflowTimetableInvalid")

    def test_airflow_command(self):
        source = (FOLDER / "vecfill_dag.py").read_text()
        compile(source, "vecfill_dag.py", "exec")
        command = eval(re.search(r"COMMAND = (\[.*?\])", source, re.S)[1])
        self.check_command([*command[1:], "--as-of", "2025-01-31"])


if __name__ == "__main__":
    unittest.main()
