"""The client and the worker against a running service: TASKER_URL says where it is."""

import subprocess
import sys
import logging
import threading
import time
import unittest
import uuid
from datetime import datetime

from tasker import Flow, GiveUp, RetryLater, Snooze, Tasker, TaskerError, Worker, item, literal


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.tasker = Tasker()

    def test_submits_and_waits(self):
        task = self.tasker.submit("sum", {"a": 5, "b": 3})
        self.assertEqual(self.tasker.wait(task["task_id"], 20)["result"]["result"], 8)

    def test_submits_many_and_lists_them(self):
        tag = uuid.uuid4().hex
        self.tasker.submit_many(
            [{"type": "sum", "params": {"a": i, "b": 1}, "tags": [tag]} for i in range(150)]
        )
        self.assertEqual(len(list(self.tasker.list(tag=tag))), 150)

    def test_the_same_key_gives_the_same_task(self):
        key = uuid.uuid4().hex
        ids = {
            self.tasker.submit("sum", {"a": 1, "b": 1}, idempotency_key=key)["task_id"]
            for _ in range(2)
        }
        self.assertEqual(len(ids), 1)

    def test_says_what_is_wrong(self):
        with self.assertRaises(TaskerError) as caught:
            self.tasker.submit("sum", {"a": "x"})
        self.assertEqual((caught.exception.status, caught.exception.code), (422, "invalid_request"))
        self.assertIn("params.a", [each["path"] for each in caught.exception.errors])
        with self.assertRaises(ValueError):
            Tasker("nonsense://x")
        with self.assertRaises(OSError):
            Tasker("http://127.0.0.1:9", retries=0).types()

    def test_steers_tasks(self):
        task_id = self.tasker.submit("sum", {"a": 1, "b": 1}, delay_seconds=600)["task_id"]
        self.assertEqual(self.tasker.pause(task_id)["status"], "PAUSED")
        self.assertEqual(self.tasker.resume(task_id)["status"], "NEW")
        self.assertEqual(self.tasker.cancel(task_id)["status"], "CANCELLED")

    def test_runs_flows(self):
        name = f"flow-{uuid.uuid4().hex[:8]}"
        flow = Flow(name)
        first = flow.task("list", "data_processing", {"data": [1, 2, {"$from": 3}][:2]})
        each = flow.task(
            "each", "sum", {"a": item(), "b": 10}, for_each=first.result("data", "data")
        )
        flow.task("kept", "data_processing", {"data": literal({"$from": "x"})}, after=[each])
        flow_id = self.tasker.submit_flow(flow)["flow_id"]
        ended = self.tasker.wait_for_flow(flow_id, 20)
        self.assertEqual((ended["status"], ended["tasks"]["total"]), ("COMPLETED", 5))
        nodes = {node["node"]: node for node in ended["nodes"]}
        self.assertEqual([len(nodes["each"]["items"]), nodes["kept"]["after"]], [2, ["each"]])
        kept = self.tasker.get(nodes["kept"]["task_id"])
        self.assertEqual(kept["params"], {"data": {"$from": "x"}})
        self.assertEqual([each["flow_id"] for each in self.tasker.flows(name=name)], [flow_id])
        self.tasker.delete_flow(flow_id)
        with self.assertRaises(TaskerError) as gone:
            self.tasker.flow(flow_id)
        self.assertEqual(gone.exception.code, "flow_not_found")

    def test_cancels_and_retries_flows(self):
        flow = Flow(on_failure="stop")
        flow.task("slow", "simulate", {"duration": 60})
        flow.task("after", "sum", {"a": 1, "b": 1}, after=["slow"])
        with self.assertRaises(ValueError):
            flow.task("slow", "sum")
        flow_id = self.tasker.submit_flow(flow)["flow_id"]
        self.assertEqual(self.tasker.cancel_flow(flow_id)["status"], "CANCELLED")
        self.assertEqual(self.tasker.retry_flow(flow_id)["status"], "IN_PROGRESS")
        self.assertEqual(self.tasker.cancel_flow(flow_id)["tasks"]["ended"], 2)

    def test_plants_schedules(self):
        name = f"nightly-{uuid.uuid4().hex[:8]}"
        task = {"type": "sum", "params": {"a": 5, "b": 3}, "title": "Of {{scheduled_for}}"}
        made = self.tasker.create_schedule(name, task, cron="30 2 * * *", timezone="Europe/Berlin")
        self.assertEqual(made["words"], "At 02:30")
        self.assertIn(name, [each["name"] for each in self.tasker.schedules(status="active")])
        self.assertEqual(len(self.tasker.next_moments(name, 3)), 3)
        key = uuid.uuid4().hex
        ids = {self.tasker.trigger_schedule(name, idempotency_key=key)["task_id"] for _ in range(2)}
        self.assertEqual(len(ids), 1)
        done = self.tasker.backfill(name, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z")
        self.assertEqual(done["moments"][1]["at"], "2026-03-29T01:00:00.000Z")
        self.assertEqual(self.tasker.update_schedule(name, overlap="skip")["overlap"], "skip")
        self.assertEqual(self.tasker.pause_schedule(name)["status"], "paused")
        self.assertEqual(self.tasker.resume_schedule(name)["status"], "active")
        self.assertEqual(len(self.tasker.schedule(name)["recent"]), 3)
        self.assertEqual(self.tasker.update_schedule(name, name=name + "-b")["name"], name + "-b")
        self.assertIsNone(self.tasker.delete_schedule(name + "-b"))

    def test_limits_and_unique_tasks(self):
        key = f"py-{uuid.uuid4().hex[:8]}"
        made = self.tasker.set_limit(key, max_running=1, rate={"count": 100})
        self.assertEqual((made["max_running"], made["rate"]["count"]), (1, 100))
        self.assertIsNotNone(self.tasker.pause_limit(key, 60)["paused_until"])
        limit = {"key": key, "sub_key": "acme"}
        task = self.tasker.submit("sum", {"a": 5, "b": 3}, limit=limit, unique={"key": key})
        again = self.tasker.submit("sum", {"a": 5, "b": 3}, limit=limit, unique={"key": key})
        self.assertEqual(task["task_id"], again["task_id"])
        waiting = self.tasker.get(task["task_id"])["waiting_for"]
        self.assertEqual(waiting["limit"]["position"], 1)
        self.assertEqual(self.tasker.limit(key)["top_waiting"][0]["sub_key"], "acme")
        self.assertIn(key, [each["key"] for each in self.tasker.limits()])
        self.assertIsNone(self.tasker.resume_limit(key)["paused_until"])
        self.assertEqual(self.tasker.wait(task["task_id"], 10)["result"]["result"], 8)
        self.assertIsNone(self.tasker.delete_limit(key))

    def test_a_person_ends_a_task(self):
        self.tasker.register_type("py_approval", description="Yes or no", run={"manual": {}})
        task_id = self.tasker.submit("py_approval")["task_id"]
        self.assertEqual(self.tasker.complete(task_id, {"yes": True})["status"], "COMPLETED")
        task_id = self.tasker.submit("py_approval")["task_id"]
        self.assertEqual(self.tasker.fail(task_id, "No")["error"]["message"], "No")


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.tasker = Tasker()
        self.worker = Worker(concurrency=4)
        calls = []

        @self.worker.task("py_work", description="For a test", base_seconds=0)
        def work(context, how="ok"):
            if how == "give up":
                raise GiveUp("No such thing", "not_there")
            if how == "retry" and context.attempt == 1:
                raise RetryLater(0, "Not yet")
            if how == "surrogate":
                raise RuntimeError("\ud800")
            if how == "large":
                return "x" * 26_300_000
            if how == "huge number":
                return 2**70 + 1
            if how == "bad code":
                raise GiveUp("x", "no code at all")
            if how == "talk":
                logging.getLogger("app").warning("by logging: %d", 7)
                context.log("by context", pages=10)
                context.output("text")
                if context.attempt == 1:
                    context.save_checkpoint({"page": 3})
                    calls.append(context.step("once", lambda: len(calls)))
                    calls.append(context.submit("sum", {"a": 1, "b": 2}))
                    raise Snooze(0)
                return {
                    "checkpoint": context.checkpoint,
                    "step": context.step("once", lambda: "again"),
                    "same_child": context.submit("sum", {"a": 1, "b": 2}) == calls[1],
                }
            if how == "log much":
                for i in range(20_000):
                    context.log("x" * 10_000, big="y" * 100_000, when=object())
                context.log("last")
                return None
            if how == "snooze badly":
                raise Snooze(60, "x" * 20_000)
            if how == "snooze for nan":
                if context.attempt == 1:
                    raise Snooze(float("nan"))
                return None
            if how == "raise":
                raise RuntimeError("with a stack")
            if how == "nan":
                raise RetryLater(float("nan"))
            if how == "no json":
                return object()
            if how == "wait":
                while True:
                    time.sleep(0.05)
                    context.progress(0.5, "half")
            return {"attempt": context.attempt, "how": how}

        self.thread = threading.Thread(
            target=self.worker.run, kwargs={"handle_signals": False}, daemon=True
        )
        self.thread.start()
        while "py_work" not in {each["type"] for each in self.tasker.types()}:
            time.sleep(0.05)

    def tearDown(self):
        self.worker._say_goodbye()
        self.thread.join(20)
        self.assertFalse(self.thread.is_alive())

    def run_task(self, how, **more):
        task = self.tasker.submit("py_work", {"how": how}, **more)
        return self.tasker.wait(task["task_id"], 30)

    def test_says_and_keeps(self):
        ended = self.run_task("talk", max_attempts=1)
        self.assertEqual(
            ended["result"], {"checkpoint": {"page": 3}, "step": 0, "same_child": True}
        )
        logs = self.tasker.logs(ended["task_id"], attempt=1)
        self.assertEqual(
            [(line["level"], line["message"], line["fields"]) for line in logs["lines"]],
            [
                ("warn", "by logging: 7", {"logger": "app"}),
                ("info", "by context", {"pages": 10}),
            ],
        )
        outcomes = [each["outcome"] for each in self.tasker.get(ended["task_id"])["attempts"]]
        self.assertEqual(outcomes, ["snoozed", "completed"])

    def test_keeps_64_kb_of_a_log(self):
        ended = self.run_task("log much")
        self.assertEqual(ended["status"], "COMPLETED")
        logs = self.tasker.logs(ended["task_id"])
        self.assertEqual(len(logs["lines"]) + logs["cut"], 20_001)
        self.assertGreater(len(logs["lines"]), 3)

    def test_survives_a_bad_snooze(self):
        self.assertEqual(self.run_task("snooze badly")["error"]["code"], "bad_checkpoint")
        self.assertEqual(self.run_task("snooze for nan")["status"], "COMPLETED")

    def test_tells_where_it_was_raised(self):
        ended = self.run_task("raise", max_attempts=1)
        (attempt,) = self.tasker.get(ended["task_id"])["attempts"]
        self.assertIn('raise RuntimeError("with a stack")', attempt["stack"])

    def test_does_not_repeat_what_does_not_fit(self):
        task = self.tasker.submit("py_work", {"nope": 1})
        ended = self.tasker.wait(task["task_id"], 30)
        self.assertEqual((ended["error"]["code"], ended["attempt"]), ("bad_params", 1))

    def test_runs_tasks(self):
        self.assertEqual(self.run_task("ok")["result"], {"attempt": 1, "how": "ok"})
        self.assertEqual(self.run_task("retry")["result"]["attempt"], 2)
        failed = self.run_task("give up")
        self.assertEqual(failed["error"]["code"], "not_there")
        self.assertEqual(failed["attempt"], 1)
        self.assertEqual(self.run_task("large")["error"]["code"], "result_too_large")
        self.assertIn("JSON", self.run_task("no json", max_attempts=1)["error"]["message"])
        self.assertEqual(self.run_task("surrogate", max_attempts=1)["error"]["message"], "?")
        # What the service does not take fails its own task, and leaves the worker alone.
        self.assertEqual(self.run_task("huge number")["error"]["code"], "bad_result")
        self.assertEqual(self.run_task("bad code")["error"]["code"], "bad_result")
        self.assertEqual(self.run_task("nan", max_attempts=1)["error"]["code"], "handler_error")
        self.assertEqual(self.run_task("ok")["status"], "COMPLETED")
        unknown = self.tasker.submit("py_work", {"nonsense": 1}, max_attempts=1)
        self.assertIn("nonsense", self.tasker.wait(unknown["task_id"], 30)["error"]["message"])

    def test_runs_many(self):
        tag = uuid.uuid4().hex
        self.tasker.submit_many([{"type": "py_work", "tags": [tag]} for _ in range(300)])
        until = time.monotonic() + 30
        while time.monotonic() < until:
            tasks = list(self.tasker.list(tag=tag))
            if all(task["status"] == "COMPLETED" for task in tasks):
                break
            time.sleep(0.1)
        self.assertEqual({task["attempt"] for task in tasks}, {1})

    def test_ends_a_run_that_was_cancelled(self):
        task_id = self.tasker.submit("py_work", {"how": "wait"})["task_id"]
        while (self.tasker.get(task_id)["progress"] or {}).get("note") != "half":
            time.sleep(0.05)
        self.tasker.cancel(task_id)
        until = time.monotonic() + 15
        while self.worker._running and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(self.worker._running, {})


class StuckTest(unittest.TestCase):
    def test_a_thread_that_does_not_end_has_no_room(self):
        tasker, worker, ended = Tasker(), Worker(concurrency=1), []

        @worker.task("py_stuck", description="For a test")
        def stuck(how="ok"):
            if how == "stuck":
                # It does not look whether its task is over.
                time.sleep(6)
                ended.append(time.time())
            return how

        run = {"handle_signals": False}
        thread = threading.Thread(target=worker.run, kwargs=run, daemon=True)
        thread.start()
        while "py_stuck" not in {each["type"] for each in tasker.types()}:
            time.sleep(0.05)
        task_id = tasker.submit("py_stuck", {"how": "stuck"})["task_id"]
        while tasker.get(task_id)["status"] != "IN_PROGRESS":
            time.sleep(0.05)
        tasker.cancel(task_id)
        while worker._running:
            time.sleep(0.05)
        waiting = tasker.submit("py_stuck")
        task = tasker.wait(waiting["task_id"], 30)
        started_at = datetime.fromisoformat(task["started_at"].replace("Z", "+00:00"))
        self.assertEqual(task["status"], "COMPLETED")
        # Another worker could have had it meanwhile.
        self.assertGreaterEqual(started_at.timestamp(), ended[0] - 0.1)
        worker._say_goodbye()
        thread.join(20)


class CommandTest(unittest.TestCase):
    def run_command(self, *args):
        command = [sys.executable, "-m", "tasker", *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def test_has_exit_codes(self):
        self.assertEqual(self.run_command("submit", "sum", "a=5", "b=3", "--wait").returncode, 0)
        self.assertEqual(self.run_command("submit", "sum", "a").returncode, 2)
        self.assertEqual(self.run_command("submit", "sum", "a=x").returncode, 1)
        self.assertEqual(self.run_command("--url", "http://127.0.0.1:9", "types").returncode, 3)
        self.assertEqual(self.run_command("worker", "nowhere:worker").returncode, 2)
        self.assertIn("sum", self.run_command("types").stdout)
        self.assertIn("worker", self.run_command("--help").stdout)


if __name__ == "__main__":
    unittest.main()
