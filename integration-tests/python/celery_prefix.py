"""With kombu's global_keyprefix: pings the nodes, hears one heartbeat and takes one message of the queue `celery`; prints
the three as JSON.

celery_prefix.py URL PREFIX
"""

import json
import sys

from celery import Celery

url, prefix = sys.argv[1:]
app = Celery(broker=url)
app.conf.broker_transport_options = {"global_keyprefix": prefix}

nodes = None
while not nodes:
    nodes = app.control.inspect(timeout=2.0).ping()

heard = []


def hear(event):
    heard.append(event)
    receiver.should_stop = True


with app.connection() as connection:
    receiver = app.events.Receiver(connection, handlers={"worker-heartbeat": hear})
    receiver.capture(limit=None, timeout=60, wakeup=False)

with app.connection() as connection:
    queue = connection.SimpleQueue("celery")
    message = queue.get(timeout=60)
    message.ack()
    queue.close()

print(json.dumps({"nodes": nodes, "heard": heard[0]["hostname"], "task": message.payload[0]}))
