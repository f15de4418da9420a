"""A Celery application with one task that does nothing, as shipped or tuned.

Settings come from the environment: BENCH_BROKER, BENCH_QUEUE, BENCH_QUEUE_TYPE, BENCH_TUNED.
"""

import os

from celery import Celery
from kombu import Queue

QUEUE = os.environ["BENCH_QUEUE"]
TUNED = os.environ.get("BENCH_TUNED") == "1"
BROKER = os.environ["BENCH_BROKER"]
AMQP = BROKER.startswith("amqp")

app = Celery("noop", broker=BROKER)
# The queue exists already; its type is named so that Celery picks the right kind of prefetch.
arguments = {"x-queue-type": os.environ.get("BENCH_QUEUE_TYPE", "classic")} if AMQP else None
# The default exchange routes by the queue's name.
app.conf.task_queues = [
    Queue(QUEUE, exchange="", routing_key=QUEUE, queue_arguments=arguments, no_declare=AMQP)
]
app.conf.task_default_queue = QUEUE
app.conf.task_default_exchange = ""
app.conf.task_default_routing_key = QUEUE
app.conf.broker_connection_retry_on_startup = True
if AMQP:
    app.conf.broker_transport_options = {"confirm_publish": True}
if TUNED:
    # From the guide "Optimizing": large prefetch for short tasks, no results, no rate limits.
    app.conf.worker_prefetch_multiplier = 128
    app.conf.task_ignore_result = True
    app.conf.worker_disable_rate_limits = True


@app.task(name="bench.noop")
def noop(**payload):
    """Does nothing."""
