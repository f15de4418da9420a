"""A stock Celery producer: sends one task and prints its id.

    celery_producer.py BROKER_URL QUEUE TASK ARGS_JSON KWARGS_JSON [PRIORITY]
"""

import json
import sys

from celery import Celery
from kombu import Exchange, Queue

url, queue, task, args, kwargs = sys.argv[1:6]
priority = int(sys.argv[6]) if len(sys.argv) > 6 else None

app = Celery("stock", broker=url)
# The queue belongs to somebody else: it is published to, not declared.
app.conf.task_queues = [Queue(queue, Exchange(""), routing_key=queue, no_declare=True)]
sent = app.send_task(
    task, args=json.loads(args), kwargs=json.loads(kwargs), queue=queue, priority=priority, expires=3600
)
print(sent.id, flush=True)
