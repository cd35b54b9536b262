"""What `npm run bench:workers` runs on Celery, with Redis as broker and result backend.

A module for the worker; as a program, `enqueue N` adds tasks, `drain N` waits for them and prints
how many a second ended, `pick-up N` prints the milliseconds from each submit to its handler.
"""

import json
import os
import sys
import time

from celery import Celery

URL = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/0"
app = Celery("workers", broker=URL, backend=URL)
# A worker that dies loses no task, as with a lease.
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=64)


@app.task
def add(a, b):
    return {"sum": a + b, "at": time.time()}


def list_results():
    client = app.backend.client
    keys = client.keys("celery-task-meta-*")
    return [json.loads(text)["result"]["at"] for text in client.mget(keys)] if keys else []


def drain(count):
    while len(app.backend.client.keys("celery-task-meta-*")) < count:
        time.sleep(0.1)
    moments = sorted(list_results())
    print(json.dumps((count - 1) / (moments[-1] - moments[0])))


def pick_up(count):
    times = []
    for i in range(count):
        sent = time.time()
        times.append((add.delay(i, 1).get()["at"] - sent) * 1000)
        time.sleep(0.02)
    print(json.dumps(times))


if __name__ == "__main__":
    command, count = sys.argv[1], int(sys.argv[2])
    if command == "enqueue":
        for i in range(count):
            add.delay(i, 1)
    else:
        {"drain": drain, "pick-up": pick_up}[command](count)
