"""Asks a broker and its workers what celery-exporter asks for its gauges of queues, in its words, and prints it as JSON.

celery_exporter.py URL [QUEUE...]

Beside the queues that workers name, those of QUEUE are measured: the exporter remembers those that it has seen.
"""

import json
import sys
from collections import defaultdict

from amqp.exceptions import ChannelError
from celery import Celery

url, queues = sys.argv[1], set(sys.argv[2:])
app = Celery(broker=url)


def length_and_consumers(transport, connection, queue):
    if transport in ("redis", "rediss"):
        return connection.default_channel.client.llen(queue), None
    try:
        info = connection.default_channel.queue_declare(queue=queue, passive=True)
    except ChannelError as error:
        if "NOT_FOUND" in error.message:
            return 0, 0
        raise
    return info.message_count, info.consumer_count


with app.connection() as connection:
    transport = connection.info()["transport"]
    stats = app.control.inspect().stats() or {}
    processes = {worker: len(found["pool"].get("processes", [])) for worker, found in stats.items()}
    workers_of, processes_of = defaultdict(int), defaultdict(int)
    for worker, named in (app.control.inspect().active_queues() or {}).items():
        for queue in named:
            queues.add(queue["name"])
            workers_of[queue["name"]] += 1
            processes_of[queue["name"]] += processes.get(worker, 0)
    measured = {}
    for queue in queues:
        length, consumers = length_and_consumers(transport, connection, queue)
        measured[queue] = {
            "length": length,
            "consumers": consumers,
            "workers": workers_of[queue],
            "processes": processes_of[queue],
        }
print(json.dumps(measured))
