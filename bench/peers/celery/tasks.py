import json
import os

import psycopg2
import redis
from celery import Celery
from celery.signals import worker_process_init

REDIS_URL = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}/1"

# Only `add_and_tell` has a result that somebody waits for.
app = Celery("tasks", broker=REDIS_URL, backend=REDIS_URL)
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=16, task_acks_late=False, broker_connection_retry_on_startup=True, broker_pool_limit=10)

db = None
cache = None


@worker_process_init.connect
def connect(**_):
    global db, cache
    db = psycopg2.connect(os.environ["DATABASE_URL"])
    db.autocommit = True
    cache = redis.Redis.from_url(REDIS_URL)


def run(task_id, a, b):
    result = json.dumps({"operation": "sum", "a": a, "b": b, "result": a + b})
    with db.cursor() as cursor:
        cursor.execute("UPDATE tasks SET status = 'COMPLETED', result = %s, completed_at = now() WHERE id = %s", (result, task_id))
    cache.set(f"output:{task_id}", result, ex=3600)
    return result


@app.task(max_retries=3)
def add(task_id, a, b):
    run(task_id, a, b)


@app.task(max_retries=3, ignore_result=False)
def add_and_tell(task_id, a, b):
    return run(task_id, a, b)
