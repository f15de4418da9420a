"""Submits runs by Celery, and gets their results: a stock application, with a stub of Berth's task.

celery_client.py BROKER BACKEND COUNT FOREIGN_ID

Prints what came of each kind of run as JSON.
"""

import collections
import json
import sys

from celery import Celery
from celery.exceptions import TaskRevokedError
from kombu import Exchange, Queue

broker, backend, count, foreign = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
app = Celery("client", broker=broker, backend=backend)
app.conf.task_track_started = True
# The queue is the identity. Whoever comes first declares it: the control plane or its clients, in the same way.
submit_queue = "berth.submit.ci"
app.conf.task_queues = [
    Queue(submit_queue, Exchange(""), routing_key=submit_queue),
    Queue("links"),
]


@app.task(name="berth.submit", queue=submit_queue)
def submit(project, content, owner="default", name=None):
    raise NotImplementedError("the control plane takes it in")


def job(command):
    container = {"image": "none", "command": ["sh", "-c"], "args": [command]}
    return json.dumps({"kind": "operation", "component": {"run": {"kind": "job", "container": container}}})


def linked(name):
    return app.signature("client." + name, kwargs={"link": name}, queue="links")


links = app.connection().channel()
Queue("links", channel=links).declare()

kinds = ["plain", "fails", "countdown", "priority", "links"]
results = []
for number in range(count):
    kind = kinds[number % len(kinds)]
    if kind == "plain":
        result = submit.delay("default", job("true"))
    elif kind == "fails":
        result = submit.apply_async(("default", job("exit 3")), expires=3600, link_error=linked("failed"))
    elif kind == "countdown":
        result = submit.apply_async(("default", job("true")), countdown=2)
    elif kind == "priority":
        result = app.send_task("berth.submit", ("default", job("true")), queue=submit_queue, priority=5)
    else:
        result = submit.apply_async(("default", job("true")), {"name": "linked"}, link=linked("done"))
    results.append((kind, result))
late = submit.apply_async(("default", job("true")), expires=-5)
wrong = submit.delay("default", job("true"), owner="somebody")
taken = submit.apply_async(("default", job("true")), task_id=foreign)
chained = (submit.si("default", job("true")) | submit.si("default", job("true"))).apply_async()
print("SUBMITTED", flush=True)

outcomes = collections.defaultdict(collections.Counter)


def outcome(result):
    try:
        return "value " + repr(result.get(timeout=120))
    except TaskRevokedError as error:
        return f"revoked {error}"
    except Exception as error:
        return f"{type(error).__name__} {error.args}"


for kind, result in results:
    told = outcome(result)
    outcomes[kind][f"{told} {result.state}"] += 1
    if "Timeout" in told:
        print(f"{kind} {result.id} {told}", file=sys.stderr, flush=True)
for name, result in [("late", late), ("wrong", wrong), ("taken", taken), ("chained", chained.parent)]:
    # RabbitMQ itself drops what has expired, and then nobody answers.
    if name == "late" and broker.startswith("amqp"):
        continue
    outcomes[name][outcome(result)] += 1

seen = collections.Counter()
queue = app.connection().SimpleQueue("links")
while True:
    try:
        message = queue.get(timeout=3)
    except queue.Empty:
        break
    args, kwargs, _ = message.payload
    known = args[0] is None if kwargs["link"] == "done" else args[0] in {result.id for _, result in results}
    seen[f"{kwargs['link']} {known} {message.headers['task']}"] += 1
    message.ack()
first = results[0][1]
if not broker.startswith("amqp"):
    first.forget()
print(json.dumps({"outcomes": outcomes, "links": seen, "forgotten": first.state if not broker.startswith("amqp") else None}))
