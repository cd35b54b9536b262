"""The client: submits tasks, reads them, and waits for their results."""

import os
import random
import time
import uuid
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union
from urllib.parse import quote, urlencode

from .flow import Flow
from .transport import TaskerError, Transport

__all__ = ["Tasker", "TaskerError"]

FINAL = ("COMPLETED", "FAILED", "CANCELLED")
Task = Dict[str, Any]


class Tasker:
    """A client of a Tasker service.

    `base_url` and `api_key` come from TASKER_URL and TASKER_API_KEY unless given. Every call raises
    `TaskerError` when it is refused.

    >>> tasker = Tasker("http://localhost:8787")
    >>> task = tasker.submit("sum", {"a": 5, "b": 3})
    >>> tasker.wait(task["task_id"])["result"]
    """

    def __init__(
        self,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        *,
        retries: int = 3,
        timeout: float = 60.0,
    ) -> None:
        url = base_url or os.environ.get("TASKER_URL") or "http://localhost:8787"
        self._transport = Transport(url, api_key or os.environ.get("TASKER_API_KEY"), timeout)
        self._retries = retries

    def request(
        self,
        method: str,
        path: str,
        value: Any = None,
        *,
        is_repeatable: Optional[bool] = None,
        **more: Any,
    ) -> Any:
        """Calls any endpoint. What may be sent twice is repeated while the service is down or busy."""
        may_repeat = method == "GET" if is_repeatable is None else is_repeatable
        for attempt in range(self._retries + 1):
            try:
                return self._transport.request(method, path, value, **more)
            except TaskerError as error:
                if not (may_repeat and error.is_passing and attempt < self._retries):
                    raise
            except OSError:
                if not may_repeat or attempt >= self._retries:
                    raise
            time.sleep(0.25 * 2**attempt * (0.5 + random.random() / 2))
        raise AssertionError("not reached")

    def submit(
        self,
        type: str,
        params: Optional[Dict[str, Any]] = None,
        *,
        idempotency_key: Optional[str] = None,
        wait_seconds: Optional[int] = None,
        **options: Any,
    ) -> Task:
        """Submits a task. `options` are those of `POST /tasks`: priority, delay_seconds, tags, …"""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        if wait_seconds is not None:
            headers["Prefer"] = f"wait={wait_seconds}"
        body = {"type": type, "params": params or {}, **options}
        return self.request("POST", "/tasks", body, headers=headers, is_repeatable=True)

    def submit_many(self, tasks: Sequence[Dict[str, Any]]) -> List[Task]:
        """Submits tasks as `POST /tasks` takes them, 1 000 a request."""
        accepted: List[Task] = []
        for start in range(0, len(tasks), 1_000):
            body = {"tasks": list(tasks[start : start + 1_000])}
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            answer = self.request("POST", "/tasks/bulk", body, headers=headers, is_repeatable=True)
            accepted.extend(answer["tasks"])
        return accepted

    def get(self, task_id: str) -> Task:
        """A task with its attempts."""
        return self.request("GET", f"/tasks/{quote(task_id, safe='')}")

    def result(self, task_id: str) -> Any:
        """The result of a task that has completed, however large."""
        return self.request("GET", f"/tasks/{quote(task_id, safe='')}/result")

    def params(self, task_id: str) -> Any:
        """The parameters of a task, however large."""
        return self.request("GET", f"/tasks/{quote(task_id, safe='')}/params")

    def list(self, **filters: Any) -> Iterator[Task]:
        """All tasks that fit, newest first. Filters are those of `GET /tasks`: status, type, q, …"""
        cursor: Optional[str] = ""
        while cursor is not None:
            query = urlencode({"page_size": 100, **filters, "cursor": cursor}, doseq=True)
            page = self.request("GET", f"/tasks?{query}")
            yield from page["tasks"]
            cursor = page["pagination"]["next_cursor"]

    def wait(self, task_id: str, timeout: Optional[float] = None) -> Task:
        """The task once it is final; raises `TimeoutError` when that takes longer than `timeout` s."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left = 25.0 if until is None else min(25.0, until - time.monotonic())
            headers = {"Prefer": f"wait={max(0, int(left))}"}
            task = self.request("GET", f"/tasks/{quote(task_id, safe='')}", headers=headers)
            if task["status"] in FINAL:
                return task
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"Task {task_id} is {task['status']} after {timeout} s")
            if left < 1:
                time.sleep(0.05)

    def _command(self, task_id: str, verb: str, body: Any = None) -> Task:
        return self.request("POST", f"/tasks/{quote(task_id, safe='')}/{verb}", body)

    def logs(self, task_id: str, attempt: Optional[int] = None) -> Dict[str, Any]:
        """What an attempt wrote down, `lines`; of the newest that wrote something unless told."""
        query = "" if attempt is None else f"?attempt={attempt}"
        return self.request("GET", f"/tasks/{quote(task_id)}/logs{query}")  # type: ignore[no-any-return]

    def cancel(self, task_id: str) -> Task:
        """Cancels a task; one that runs is told so."""
        return self._command(task_id, "cancel")

    def pause(self, task_id: str) -> Task:
        """Pauses a task that waits."""
        return self._command(task_id, "pause")

    def resume(self, task_id: str) -> Task:
        """Resumes a paused task."""
        return self._command(task_id, "resume")

    def retry(self, task_id: str) -> Task:
        """Runs a failed or cancelled task again."""
        return self._command(task_id, "retry")

    def complete(self, task_id: str, result: Any = None) -> Task:
        """Completes a task of a manual type."""
        return self._command(task_id, "complete", {"result": result})

    def fail(self, task_id: str, message: str) -> Task:
        """Fails a task of a manual type."""
        return self._command(task_id, "fail", {"message": message})

    def register_type(self, name: str, **definition: Any) -> Dict[str, Any]:
        """Registers a type: description, run ({"worker": {}} unless given), params, result, …"""
        body = {"run": {"worker": {}}, **definition}
        path = f"/task-types/{quote(name, safe='')}"
        return self.request("PUT", path, body, is_repeatable=True)

    def create_schedule(self, name: str, task: Task, **options: Any) -> Dict[str, Any]:
        """Submits `task` by itself. `options`: cron or every, timezone, overlap, catch_up, …

        >>> tasker.create_schedule(
        ...     "nightly", {"type": "sum", "params": {"a": 5, "b": 3}},
        ...     cron="30 2 * * *", timezone="Europe/Berlin", overlap="skip",
        ... )
        """
        return self.request("POST", "/schedules", {"name": name, "task": task, **options})

    def schedules(self, **filters: Any) -> Iterator[Dict[str, Any]]:
        """All schedules, by name. Filters are those of `GET /schedules`: status, recent."""
        cursor: Optional[str] = ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            page = self.request("GET", f"/schedules?{urlencode({**filters, **more})}")
            yield from page["schedules"]
            cursor = page["pagination"]["next_cursor"]

    def _schedule(self, method: str, name: str, rest: str = "", body: Any = None) -> Any:
        path = f"/schedules/{quote(name, safe='')}{rest}"
        return self.request(method, path, body, is_repeatable=method == "GET" or None)

    def schedule(self, name: str) -> Dict[str, Any]:
        """A schedule, by its name or id, with its newest tasks."""
        return self._schedule("GET", name)

    def update_schedule(self, name: str, /, **change: Any) -> Dict[str, Any]:
        """Changes a schedule; what is left out stays."""
        return self._schedule("PATCH", name, body=change)

    def pause_schedule(self, name: str) -> Dict[str, Any]:
        """Lets a schedule fire no more; moments that pass meanwhile are not made up for."""
        return self._schedule("POST", name, "/pause")

    def resume_schedule(self, name: str) -> Dict[str, Any]:
        """Lets a schedule fire again, from its next moment on."""
        return self._schedule("POST", name, "/resume")

    def delete_schedule(self, name: str) -> None:
        """Deletes a schedule; its tasks stay."""
        self._schedule("DELETE", name)

    def trigger_schedule(self, name: str, *, idempotency_key: Optional[str] = None) -> Task:
        """Submits the task of a schedule now."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        path = f"/schedules/{quote(name, safe='')}/trigger"
        return self.request("POST", path, headers=headers, is_repeatable=True)

    def next_moments(self, name: str, count: int = 10) -> List[Dict[str, str]]:
        """When a schedule fires next: `at` in UTC, and what the clocks of its zone show."""
        return self._schedule("GET", name, f"/next?count={count}")["next"]

    def backfill(
        self, name: str, start: str, end: Optional[str] = None, *, dry_run: bool = False
    ) -> Dict[str, Any]:
        """Submits tasks for moments between two times (ISO 8601), or until now, that have none."""
        body = {"from": start, "dry_run": dry_run, **({} if end is None else {"to": end})}
        return self._schedule("POST", name, "/backfill", body)

    def limits(self) -> Iterator[Dict[str, Any]]:
        """All limits, by key: how many tasks run at once, and how fast they begin."""
        cursor: Optional[str] = ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            page = self.request("GET", f"/limits?{urlencode({'page_size': 100, **more})}")
            yield from page["limits"]
            cursor = page["pagination"]["next_cursor"]

    def _limit(self, method: str, key: str, rest: str = "", body: Any = None) -> Any:
        path = f"/limits/{quote(key, safe='')}{rest}"
        return self.request(method, path, body, is_repeatable=method in ("GET", "PUT") or None)

    def limit(self, key: str) -> Dict[str, Any]:
        """How a limit stands, and whose tasks wait."""
        return self._limit("GET", key)

    def set_limit(self, key: str, /, **settings: Any) -> Dict[str, Any]:
        """Makes a limit, or gives it other numbers; what is left out is not limited.

        >>> tasker.set_limit("openai", max_running=10, rate={"count": 50, "per_seconds": 1})
        """
        return self._limit("PUT", key, body=settings)

    def pause_limit(self, key: str, seconds: Optional[float] = None) -> Dict[str, Any]:
        """Lets nothing under a limit begin; until it is resumed unless told."""
        return self._limit("POST", key, "/pause", {} if seconds is None else {"seconds": seconds})

    def resume_limit(self, key: str) -> Dict[str, Any]:
        """Lets its tasks begin again."""
        return self._limit("POST", key, "/resume")

    def delete_limit(self, key: str) -> None:
        """Deletes a limit: what waits for it is let go."""
        self._limit("DELETE", key)

    def submit_flow(
        self, flow: Union[Flow, Dict[str, Any]], *, idempotency_key: Optional[str] = None
    ) -> Dict[str, Any]:
        """Submits tasks that wait for each other: a `Flow`, or a body of `POST /flows`."""
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        body = flow.body() if isinstance(flow, Flow) else flow
        return self.request("POST", "/flows", body, headers=headers, is_repeatable=True)

    def flows(self, **filters: Any) -> Iterator[Dict[str, Any]]:
        """All flows that fit (`status`, `name`), newest first."""
        query = {"page_size": 100, **filters}
        while True:
            page = self.request("GET", f"/flows?{urlencode(query)}")
            yield from page["flows"]
            if page["pagination"]["next_cursor"] is None:
                return
            query["cursor"] = page["pagination"]["next_cursor"]

    def _flow(self, method: str, flow_id: str, rest: str = "") -> Any:
        path = f"/flows/{quote(flow_id, safe='')}{rest}"
        return self.request(method, path, is_repeatable=method != "DELETE")

    def flow(self, flow_id: str) -> Dict[str, Any]:
        """A flow with its nodes."""
        return self._flow("GET", flow_id)

    def wait_for_flow(self, flow_id: str, timeout: Optional[float] = None) -> Dict[str, Any]:
        """The flow once it is final. Raises `TimeoutError` after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        pause = 0.1
        while True:
            flow = self.flow(flow_id)
            if flow["status"] in FINAL:
                return flow
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"Flow {flow_id} is {flow['status']} after {timeout} s")
            time.sleep(pause if end is None else max(0, min(pause, end - time.monotonic())))
            pause = min(2.0, pause * 1.5)

    def cancel_flow(self, flow_id: str) -> Dict[str, Any]:
        """Cancels all of it that has not ended."""
        return self._flow("POST", flow_id, "/cancel")

    def retry_flow(self, flow_id: str) -> Dict[str, Any]:
        """Runs again what failed, and goes on from there."""
        return self._flow("POST", flow_id, "/retry")

    def delete_flow(self, flow_id: str) -> None:
        """Deletes a flow that has ended, with all of its tasks."""
        self._flow("DELETE", flow_id)

    def types(self) -> List[Dict[str, Any]]:
        """What can be submitted."""
        return self.request("GET", "/task-types")["task_types"]

    def put_file(self, name: str, content: bytes, content_type: str = "text/plain") -> Dict[str, Any]:
        """Uploads a file for `file_processing`."""
        headers = {"Content-Type": content_type}
        path = f"/files/{quote(name, safe='')}"
        return self.request("PUT", path, body=content, headers=headers, is_repeatable=True)
