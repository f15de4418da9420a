"""Asks workers by Celery's own remote control, and prints what they answered, as JSON.

celery_tools.py URL COUNT CALLS

CALLS is a JSON list of [KIND, METHOD, KEYWORDS], KIND being `inspect` or `control`; COUNT replies are waited for, for
four seconds at most.
"""

import json
import sys

from celery import Celery

url, count, calls = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
app = Celery(broker=url, backend=None)
answers = []
for kind, method, keywords in calls:
    destination = keywords.pop("destination", None)
    if kind == "inspect":
        limit = len(destination) if destination else count
        inspect = app.control.inspect(destination=destination, timeout=4.0, limit=limit)
        if method == "query_task":
            answer = inspect.query_task(*keywords["ids"])
        else:
            answer = getattr(inspect, method)(**keywords)
    elif method == "broadcast":
        answer = app.control.broadcast(
            keywords["command"], arguments=keywords.get("arguments", {}), reply=True, limit=count, timeout=4.0
        )
    else:
        options = {"destination": destination} if destination else {}
        answer = getattr(app.control, method)(**keywords, **options, reply=True, limit=count, timeout=4.0)
    if isinstance(answer, list):
        answer = {node: reply for one in answer for node, reply in one.items()}
    answers.append(answer)
print(json.dumps(answers))
