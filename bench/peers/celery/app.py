"""The service that teams build with FastAPI, Celery, Redis and PostgreSQL: a row, a task, a worker that records it."""

import json
import os
import uuid

import asyncpg
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from tasks import add, add_and_tell

pool = None


app = FastAPI()


@app.on_event("startup")
async def connect():
    global pool
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=10)


@app.get("/ping")
async def ping():
    return "pong"


async def insert(body):
    task_id = str(uuid.uuid4())
    await pool.execute(
        "INSERT INTO tasks (id, round, type, params, status) VALUES ($1, $2, $3, $4, 'PENDING')",
        task_id, body["round"], body["type"], json.dumps(body["params"]),
    )
    return task_id


@app.post("/tasks", status_code=202)
async def submit(body: dict):
    task_id = await insert(body)
    await run_in_threadpool(add.apply_async, (task_id, body["params"]["a"], body["params"]["b"]))
    return {"task_id": task_id, "status": "PENDING"}


@app.post("/tasks/wait")
async def submit_and_wait(body: dict):
    task_id = await insert(body)

    def wait():
        return add_and_tell.apply_async((task_id, body["params"]["a"], body["params"]["b"])).get(timeout=10)

    result = await run_in_threadpool(wait)
    return {"task_id": task_id, "status": "COMPLETED", "result": json.loads(result)}


@app.post("/tasks/bulk", status_code=202)
async def submit_many(body: dict):
    rows = [(str(uuid.uuid4()), body["round"], each["type"], json.dumps(each["params"])) for each in body["tasks"]]
    await pool.executemany("INSERT INTO tasks (id, round, type, params, status) VALUES ($1, $2, $3, $4, 'PENDING')", rows)

    def publish():
        with add.app.producer_pool.acquire(block=True) as producer:
            for (task_id, *_), each in zip(rows, body["tasks"]):
                add.apply_async((task_id, each["params"]["a"], each["params"]["b"]), producer=producer)

    await run_in_threadpool(publish)
    return {"accepted": len(rows)}


@app.get("/tasks/{task_id}")
async def get(task_id: str):
    row = await pool.fetchrow("SELECT status, result FROM tasks WHERE id = $1", task_id)
    return {"status": row["status"], "result": row["result"]} if row else {"error": "unknown"}
