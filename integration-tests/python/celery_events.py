"""Prints every event that Celery's own receiver gets, as JSON, one a line.

celery_events.py URL
"""

import json
import sys

from celery import Celery

app = Celery(broker=sys.argv[1])
with app.connection() as connection:
    receiver = app.events.Receiver(connection, handlers={"*": lambda event: print(json.dumps(event), flush=True)})
    receiver.capture(limit=None, timeout=None, wakeup=True)
