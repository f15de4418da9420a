"""Publishes tasks one after the other and prints how long it took: `publish.py COUNT PAYLOAD_BYTES`."""

import json
import sys
import time

from noop import TUNED, app, noop

COUNT, SIZE = int(sys.argv[1]), int(sys.argv[2])
PAYLOAD = "x" * SIZE


def publish(count):
    """As the guides show it: `delay`; tuned: one producer for all, reprs given instead of made."""
    if not TUNED:
        for _ in range(count):
            noop.delay(payload=PAYLOAD)
        return
    with app.producer_or_acquire() as producer:
        for _ in range(count):
            noop.apply_async(
                kwargs={"payload": PAYLOAD},
                producer=producer,
                ignore_result=True,
                argsrepr="()",
                kwargsrepr="{}",
            )


publish(50)
began = time.perf_counter()
publish(COUNT)
print(json.dumps({"seconds": time.perf_counter() - began}))
