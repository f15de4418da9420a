"""A stock Celery worker in the place of an agent: BERTH_BROKER_URL= BERTH_AGENT= BERTH_QUEUE= celery -A agent worker"""

import os
import subprocess

from celery import Celery
from kombu import Queue

URL, AGENT, QUEUE = (os.environ[f"BERTH_{name}"] for name in ("BROKER_URL", "AGENT", "QUEUE"))
LONGEST = int(os.environ.get("BERTH_LONGEST_RUN", "86400"))  # seconds; on Redis, what runs for longer is begun once more

app = Celery("agent", broker=URL, backend="rpc://")
app.conf.task_queues = [Queue(f"run.{QUEUE}" if URL.startswith("redis") else f"berth.{AGENT}.run.{QUEUE}")]
app.conf.broker_transport_options = {"global_keyprefix": f"berth.{AGENT}.", "visibility_timeout": LONGEST}
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1)
app.conf.update(task_track_started=True, result_persistent=True)


@app.task(name="berth.run")
def run(operation, run, attempt, owner, project, queue):
    container = operation["run"]["container"]
    subprocess.run(container["command"] + container.get("args", []), check=True)
    return {"exit_code": 0}
