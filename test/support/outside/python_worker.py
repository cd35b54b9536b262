"""A worker process that tests and the soak start and kill: `python_worker.py <url> <type>`."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "clients" / "python"))

from tasker import Worker  # noqa: E402

url, task_type = sys.argv[1:3]
worker = Worker(url, concurrency=4)


@worker.task(task_type)
def run(context, ms=0, failures=0):
    if context.attempt <= failures:
        raise RuntimeError(f"Attempt {context.attempt} fails on purpose")
    time.sleep(ms / 1_000)
    return {"by": "python", "attempt": context.attempt}


worker.run()
