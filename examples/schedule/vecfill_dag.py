"""Embeds each day's articles, and those of the two days before that came late."""
import subprocess
from datetime import datetime, timedelta

from airflow.exceptions import AirflowException, AirflowFailException

try:
    from airflow.sdk import dag, task
except ImportError:  # before Airflow 3
    from airflow.decorators import dag, task

COMMAND = ["vecfill", "backfill", "--lookback", "3d", "--language", "en",
           "--model-id", "text-fin-general-v1", "--time-budget", "50m", "--log-format", "json"]
DATABASE = "service=news"


@dag(dag_id="vecfill", schedule="@daily", start_date=datetime(2025, 1, 1), catchup=False,
     max_active_runs=1)
def vecfill():
    @task(retries=5, retry_delay=timedelta(minutes=5), execution_timeout=timedelta(hours=1))
    def backfill(ds=None):
        done = subprocess.run([*COMMAND, "--as-of", ds, "--database", DATABASE], check=False)
        if done.returncode == 1:
            raise AirflowFailException("some articles failed: see text_embedding_failures")
        if done.returncode:  # 75: the time budget is over, and the next try goes on
            raise AirflowException(f"vecfill ended with status {done.returncode}")

    backfill()


vecfill()
