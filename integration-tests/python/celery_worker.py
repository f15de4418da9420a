"""A stock Celery worker that prints what it is sent: one JSON object a line on standard output.

    celery_worker.py BROKER_URL QUEUE [KEY_PREFIX]

On Redis, QUEUE is the name without the key prefix: `run.q` under `berth.a.`.
"""

import json
import sys

from celery import Celery

url, queue = sys.argv[1:3]
prefix = sys.argv[3] if len(sys.argv) > 3 else ""

app = Celery("stock", broker=url)
app.conf.task_default_queue = queue
app.conf.task_acks_late = True
app.conf.worker_hijack_root_logger = False
app.conf.worker_redirect_stdouts = False
if prefix:
    app.conf.broker_transport_options = {"global_keyprefix": prefix}


@app.task(name="berth.run", bind=True)
def run(self, *args, **kwargs):
    request = self.request
    shown = {
        "id": request.id,
        "retries": request.retries,
        "timelimit": request.timelimit,
        "expires": request.expires,
        "version": request.get("berth-version"),
        "needs": request.get("berth-needs"),
        "args": args,
        "kwargs": kwargs,
    }
    print("GOT " + json.dumps(shown), flush=True)


print("READY", flush=True)
app.worker_main(["worker", "--pool=solo", "--without-gossip", "--without-mingle", "--loglevel=ERROR", "-Q", queue])
