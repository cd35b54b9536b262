"""A worker: a program of yours that asks a service for tasks, from anywhere, and runs them."""

import inspect
import json
import logging
import os
import queue
import random
import signal
import socket
import threading
import time
import traceback
import uuid
from typing import Any, Callable, Dict, List, Optional

from .transport import TaskerError, Transport
from .words import LogHandler, Words, keep, to_kept

log = logging.getLogger("tasker")

# Shorter than proxies cut idle connections.
WAIT_SECONDS = 20
# A lease is 10 s at first.
BEAT_SECONDS = 4.0
# Results that come so close to each other are told together.
GATHER_SECONDS = 0.01
# Runs that take less are quick: as many again are leased ahead, so that none waits for the way.
QUICK_SECONDS = 0.2
# Larger results are sent by themselves, up to what the service takes.
MAX_TOLD_BYTES = 1_000_000
MAX_RESULT_BYTES = 25 * 1_048_576
MAX_BYTES = 3_000_000
MAX_RESULTS = 100
MAX_ALIVE = 1_000
# A year.
MAX_DELAY_SECONDS = 31_536_000


def _is_about_content(error: Exception) -> bool:
    """A refusal of what was said, which would be refused again."""
    return isinstance(error, TaskerError) and error.status in (400, 413, 422)


class GiveUp(Exception):
    """Raise it to fail for good, whatever attempts are left."""

    def __init__(self, message: str, code: str = "gave_up") -> None:
        super().__init__(message)
        self.code = code


class RetryLater(Exception):
    """Raise it to be run again after so many seconds; None: by the type's back-off."""

    def __init__(self, seconds: Optional[float] = None, message: str = "Asked to be run again") -> None:
        super().__init__(message)
        self.seconds = seconds


class Snooze(Exception):
    """Raise it to be run later, without using an attempt; at most 100 times in a row."""

    def __init__(self, seconds: float, checkpoint: Any = None) -> None:
        super().__init__(f"Runs again in {seconds} s")
        self.seconds = seconds
        self.checkpoint = checkpoint


class Cancelled(Exception):
    """The task was cancelled, taken back, or is out of time: its result is of no use."""


class Context:
    """What a run knows of its task. A handler that has a parameter named `context` is given it."""

    def __init__(
        self, task: Dict[str, Any], send: Callable[..., Any], wake: Callable[[], None]
    ) -> None:
        self.task_id: str = task["task_id"]
        self.type: str = task["type"]
        self.attempt: int = task["attempt"]
        self.params: Dict[str, Any] = task["params"]
        self.tags: List[str] = task["tags"]
        self.checkpoint: Any = task["checkpoint"]
        self.timeout_seconds: float = task["timeout_seconds"]
        self.cancelled = threading.Event()
        self.is_late = False
        self._run: str = task["run"]
        self._send = send
        self._words = Words(self._run, send, wake)
        self._steps: Optional[Dict[str, Any]] = None
        self._children = 0

    def _expire(self) -> None:
        self.is_late = True
        self.cancelled.set()

    def raise_if_cancelled(self) -> None:
        """Ends the handler when its task is over."""
        if self.cancelled.is_set():
            raise Cancelled(f"Task {self.task_id} is over")

    def progress(self, fraction: float, note: Optional[str] = None) -> None:
        """`fraction` 0 to 1, and a short note for people. Ends the handler of a task that is over."""
        self.raise_if_cancelled()
        body = {"fraction": fraction, **({} if note is None else {"note": note[:200]})}
        try:
            if self._send("/runs/progress", body, self._run).get("cancelled"):
                self.cancelled.set()
        except TaskerError as error:
            if error.code == "run_over":
                self.cancelled.set()
            else:
                log.warning("progress was not taken: %s", error)
        except OSError as error:
            log.warning("progress was not sent: %s", error)
        self.raise_if_cancelled()

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        """A line for the owner of the task, as `logging` inside a task writes them, too."""
        self._words.write(level, message, fields)

    def output(self, text: str) -> None:
        """Text as it comes, for those who watch; not stored."""
        self._words.output(text)

    def save_checkpoint(self, data: Any) -> None:
        """Where another run would go on: JSON of at most 16 KB, saved at once."""
        body = {"data": to_kept(data, "checkpoint")}
        keep(lambda: self._send("/runs/checkpoint", body, self._run))

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Calls `work` once for all attempts: returns once its result (JSON, 16 KB) is stored."""
        if self._steps is None:
            found = []
            if self.attempt > 1:
                found = keep(lambda: self._send("/runs/steps", None, self._run, "GET"))["steps"]
            self._steps = {each["name"]: each["result"] for each in found}
        if name not in self._steps:
            body = {"name": name, "result": to_kept(work(), f"result of the step {name!r}")}
            self._steps[name] = keep(lambda: self._send("/runs/steps", body, self._run))["result"]
        return self._steps[name]

    def submit(self, type: str, params: Optional[Dict[str, Any]] = None, **options: Any) -> str:
        """Submits a task of the same owner and returns its id; once, however often this run is repeated."""
        n, self._children = self._children, self._children + 1
        body = {"n": n, "task": {"type": type, "params": params or {}, **options}}
        return str(keep(lambda: self._send("/runs/tasks", body, self._run))["task_id"])


Handler = Callable[..., Any]


class Worker:
    """Runs tasks of registered types, in threads.

    >>> worker = Worker()
    >>> @worker.task("resize")
    ... def resize(url, width):
    ...     return {"width": width}
    >>> worker.run()  # or: python -m tasker worker app:worker
    """

    def __init__(
        self,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        *,
        concurrency: int = 8,
        name: Optional[str] = None,
    ) -> None:
        self.base_url = base_url or os.environ.get("TASKER_URL") or "http://localhost:8787"
        self.api_key = api_key or os.environ.get("TASKER_API_KEY")
        self.concurrency = concurrency
        # Of this process alone: two of one name would end each other's waiting.
        self.name = f"{(name or socket.gethostname())[:80]}-{uuid.uuid4().hex[:8]}"
        self.handlers: Dict[str, Handler] = {}
        self.definitions: Dict[str, Dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._running: Dict[str, Context] = {}
        self._tasks: "queue.SimpleQueue[Optional[Dict[str, Any]]]" = queue.SimpleQueue()
        self._results: List[Dict[str, Any]] = []
        self._has_results = threading.Event()
        self._usual_seconds = float("inf")
        self._busy = 0
        self._senders = threading.local()
        self._has_words = threading.Event()
        self._current = threading.local()

    def task(self, type: str, **definition: Any) -> Callable[[Handler], Handler]:
        """Declares what runs a type. Its parameters are those of the task's `params`.

        With `description=` and whatever else `PUT /task-types/{name}` takes, the worker registers
        the type when it starts.
        """

        def declare(handler: Handler) -> Handler:
            self.handlers[type] = handler
            if definition:
                self.definitions[type] = {"run": {"worker": {}}, **definition}
            return handler

        return declare

    def stop(self) -> None:
        """Takes no more tasks; `run` returns once those that run have ended and are recorded."""
        self._stopping.set()
        self._changed.set()

    def run(self, *, handle_signals: bool = True) -> None:
        """Runs until `stop`, SIGTERM or Ctrl-C; raises when the service refuses this worker."""
        if not self.handlers:
            raise ValueError("A worker needs the types that it runs: @worker.task(\"name\")")
        if handle_signals and threading.current_thread() is threading.main_thread():
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: self._stop_soon())
        transport = self._transport()
        for name, definition in self.definitions.items():
            transport.request("PUT", f"/task-types/{name}", definition)
        threads = [
            threading.Thread(target=self._work, name=f"tasker-{i}", daemon=True)
            for i in range(self.concurrency)
        ]
        helpers = [
            threading.Thread(target=self._tell, name="tasker-results", daemon=True),
            threading.Thread(target=self._beat, name="tasker-beat", daemon=True),
            threading.Thread(target=self._say, name="tasker-words", daemon=True),
        ]
        for thread in threads + helpers:
            thread.start()
        handler = LogHandler(self._find_words)
        logging.getLogger().addHandler(handler)
        log.info("worker %s runs %s", self.name, ", ".join(self.handlers))
        try:
            self._poll(transport)
            # What runs comes to its end, and is told.
            while self._running:
                self._changed.wait(1.0)
                self._changed.clear()
        finally:
            self._over.set()
            self._has_results.set()
            self._has_words.set()
            logging.getLogger().removeHandler(handler)
            for _ in threads:
                self._tasks.put(None)
            for thread in helpers:
                thread.join(timeout=30)
            transport.close()

    def _stop_soon(self) -> None:
        # Not in the handler of a signal: it must not wait for the service.
        threading.Thread(target=self._say_goodbye, daemon=True).start()

    def _say_goodbye(self) -> None:
        self.stop()
        transport = self._transport()
        try:
            # Without types: nothing is given to a request that still waits.
            self._ask(transport, {"types": [], "max": 0}, [])
        except (TaskerError, OSError) as error:
            log.warning("could not say goodbye: %s", error)
        finally:
            transport.close()

    def _transport(self) -> Transport:
        return Transport(self.base_url, self.api_key, WAIT_SECONDS + 15.0)

    def _ask(
        self, transport: Transport, more: Dict[str, Any], done: List[Dict[str, Any]]
    ) -> Dict[str, Any]:
        with self._lock:
            alive = list(self._running)[:MAX_ALIVE]
        body = {
            "worker": self.name,
            "types": list(self.handlers),
            "max": 0,
            "alive": alive,
            **more,
            "done": [{k: v for k, v in each.items() if k != "size"} for each in done],
        }
        answer: Dict[str, Any] = transport.request("POST", "/work", body)
        for run in answer["ended"]:
            with self._lock:
                context = self._running.pop(run, None)
            if context:
                context.cancelled.set()
        return answer

    def _poll(self, transport: Transport) -> None:
        failures = 0
        while not self._stopping.is_set():
            # Quick tasks end at once: their results go along.
            time.sleep(0)
            is_quick = self._usual_seconds < QUICK_SECONDS
            most = min(100, self.concurrency * (2 if is_quick else 1))
            # A thread that does not end, though its task is over, has no room for another one.
            room = most - max(len(self._running), self._busy + self._tasks.qsize())
            if room < max(1, most // 4):
                self._changed.wait(GATHER_SECONDS * 10)
                self._changed.clear()
                continue
            done = self._take_results()
            started = time.monotonic()
            try:
                wish = {"max": room, "wait_seconds": WAIT_SECONDS}
                answer = self._ask(transport, wish, done)
                failures = 0
            except (TaskerError, OSError) as error:
                if done and _is_about_content(error):
                    # One of the results may be what the service does not take.
                    self._tell_each(transport, done)
                    continue
                self._put_back(done)
                if self._stopping.is_set():
                    return
                if isinstance(error, TaskerError) and not error.is_passing:
                    raise
                # One that was cut while it waited says nothing of the service.
                failures = 0 if time.monotonic() - started > 1.0 else failures + 1
                pause = min(30.0, 0.25 * 2**failures) * (0.5 + random.random() / 2)
                log.warning("no answer from %s, again in %.1f s: %s", self.base_url, pause, error)
                self._stopping.wait(pause)
                continue
            for task in answer["tasks"]:
                with self._lock:
                    self._running[task["run"]] = Context(task, self._send, self._has_words.set)
                self._tasks.put(task)

    def _find_words(self) -> Optional[Words]:
        context = getattr(self._current, "context", None)
        return None if context is None else context._words

    def _say(self) -> None:
        """Tells what runs say while they go on."""
        while not self._over.is_set():
            self._has_words.wait()
            self._has_words.clear()
            time.sleep(0.1)
            with self._lock:
                speaking = [each._words for each in self._running.values()]
            for words in speaking:
                words.tick()
            if any(words.has_news() for words in speaking):
                self._has_words.set()
        self._close_sender()

    def _sender(self) -> Transport:
        """This thread's own connection."""
        transport = getattr(self._senders, "transport", None)
        if transport is None:
            transport = self._senders.transport = self._transport()
        return transport

    def _send(self, path: str, body: Any, token: str, method: str = "POST") -> Any:
        return self._sender().request(method, path, body, token=token)

    def _close_sender(self) -> None:
        transport = getattr(self._senders, "transport", None)
        if transport is not None:
            transport.close()

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            if task is None:
                return self._close_sender()
            run = task["run"]
            with self._lock:
                context = self._running.get(run)
            if context is None or (self._stopping.is_set() and self._forget(run)):
                # Taken back before it began; or left to others, by its lease.
                continue
            with self._lock:
                self._busy += 1
            started = time.monotonic()
            self._current.context = context
            try:
                result = self._run_handler(task, context)
            finally:
                self._current.context = None
            # Before its end is known: whoever sees it has all of the log.
            context._words.finish()
            took = time.monotonic() - started
            with self._lock:
                self._busy -= 1
                known = self._usual_seconds
                self._usual_seconds = took if known == float("inf") else 0.9 * known + 0.1 * took
                is_wanted = self._running.pop(run, None) is not None
                if is_wanted and result is not None:
                    self._results.append(result)
            self._has_results.set()
            self._changed.set()

    def _forget(self, run: str) -> bool:
        with self._lock:
            self._running.pop(run, None)
        self._changed.set()
        return True

    def _run_handler(self, task: Dict[str, Any], context: Context) -> Optional[Dict[str, Any]]:
        run, handler = task["run"], self.handlers[task["type"]]
        timer = threading.Timer(context.timeout_seconds, context._expire)
        timer.daemon = True
        if context.timeout_seconds < threading.TIMEOUT_MAX:
            timer.start()
        try:
            body = context.params.get("$body")
            if isinstance(body, dict) and body.get("url") == "/runs/params":
                # Too large for the answer that brought the task.
                context.params = keep(lambda: self._send("/runs/params", None, run, "GET"))
            given = dict(context.params)
            signature = inspect.signature(handler)
            if "context" in signature.parameters:
                given["context"] = context
            try:
                signature.bind(**given)
            except TypeError as error:
                # Another attempt would be given the same.
                raise GiveUp(f"The parameters do not fit: {error}", "bad_params") from None
            return self._to_result(run, handler(**given))
        except GiveUp as error:
            return self._to_failure(run, error, error.code, retry=False)
        except RetryLater as error:
            seconds = error.seconds
            # Neither None nor NaN is within the bounds of a delay.
            is_delay = seconds is not None and 0 <= seconds <= MAX_DELAY_SECONDS
            more = {"retry_after_seconds": seconds} if is_delay else {}
            return self._to_failure(run, error, "handler_error", **more)
        except Snooze as error:
            return self._to_snooze(run, error)
        except Cancelled as error:
            return self._to_failure(run, error, "timeout" if context.is_late else "cancelled")
        except Exception as error:  # Whatever a handler raises is the end of its attempt.
            log.exception("task %s of %s failed", task["task_id"], task["type"])
            failure = self._to_failure(run, error, "handler_error")
            failure["error"]["stack"] = "".join(
                traceback.format_exception(type(error), error, error.__traceback__)
            )[-2_000:].encode("utf-8", "replace").decode()
            return failure
        finally:
            timer.cancel()

    def _to_snooze(self, run: str, error: Snooze) -> Dict[str, Any]:
        try:
            seconds = error.seconds if error.seconds == error.seconds else 0
            snooze: Dict[str, Any] = {"seconds": min(max(seconds, 0), MAX_DELAY_SECONDS)}
            if error.checkpoint is not None:
                snooze["checkpoint"] = to_kept(error.checkpoint, "checkpoint")
            return {"run": run, "snooze": snooze, "size": 20_000}
        except (TypeError, ValueError) as problem:
            return self._to_failure(run, problem, "bad_checkpoint", retry=False)

    def _to_result(self, run: str, value: Any) -> Optional[Dict[str, Any]]:
        text = json.dumps(value, allow_nan=False).encode()
        size = len(text)
        if size <= MAX_TOLD_BYTES:
            return {"run": run, "result": value, "size": size}
        if size <= MAX_RESULT_BYTES:
            return self._send_large(run, text)
        message = f"The result has {size} bytes, more than the {MAX_RESULT_BYTES} that fit: write it to files"
        return self._to_failure(run, ValueError(message), "result_too_large", retry=False)

    def _send_large(self, run: str, text: bytes) -> Optional[Dict[str, Any]]:
        """Ends a run by its result; None: there is nothing left to tell."""
        headers = {"Content-Type": "application/json"}
        path = "/runs/result"
        try:
            keep(lambda: self._sender().request("PUT", path, body=text, headers=headers, token=run))
        except TaskerError as error:
            if error.code != "run_over":
                raise
        return None

    def _to_failure(self, run: str, error: BaseException, code: str, **more: Any) -> Dict[str, Any]:
        message = (str(error) or type(error).__name__)[:2_000]
        # A lone surrogate has no UTF-8.
        message = message.encode("utf-8", "replace").decode()
        return {"run": run, "error": {"code": code, "message": message}, **more, "size": 2_500}

    def _take_results(self) -> List[Dict[str, Any]]:
        with self._lock:
            size = count = 0
            for each in self._results:
                size += each["size"]
                if count and (size > MAX_BYTES or count >= MAX_RESULTS):
                    break
                count += 1
            taken, self._results = self._results[:count], self._results[count:]
            if not self._results:
                self._has_results.clear()
            return taken

    def _put_back(self, results: List[Dict[str, Any]]) -> None:
        with self._lock:
            self._results = results + self._results
            if self._results:
                self._has_results.set()

    def _tell_each(self, transport: Transport, done: List[Dict[str, Any]]) -> None:
        """One by one: what cannot be taken fails its own task, and nobody else's."""
        for i, each in enumerate(done):
            try:
                try:
                    self._ask(transport, {}, [each])
                except TaskerError as error:
                    if not _is_about_content(error):
                        raise
                    message = f"The service did not take this end of the run: {error}"
                    refused = self._to_failure(each["run"], ValueError(message), "bad_result", retry=False)
                    self._ask(transport, {}, [refused])
            except (TaskerError, OSError) as error:
                log.warning("results were not taken: %s", error)
                return self._put_back(done[i:])

    def _tell(self) -> None:
        """Tells results that no request took along: telling one twice does no harm."""
        transport = self._transport()
        failures = 0
        while True:
            if not self._over.is_set():
                self._has_results.wait()
                time.sleep(GATHER_SECONDS)
            done = self._take_results()
            if not done:
                if self._over.is_set():
                    return transport.close()
                continue
            try:
                self._ask(transport, {}, done)
                failures = 0
            except (TaskerError, OSError) as error:
                log.warning("results were not taken: %s", error)
                if _is_about_content(error):
                    self._tell_each(transport, done)
                    continue
                # A key that was refused tells nothing any more.
                is_refused = isinstance(error, TaskerError) and error.status in (401, 403)
                if is_refused or (self._over.is_set() and failures > 5):
                    continue
                self._put_back(done)
                failures += 1
                time.sleep(min(10.0, 0.1 * 2**failures))

    def _beat(self) -> None:
        transport = self._transport()
        while not self._over.wait(BEAT_SECONDS):
            if not self._running:
                continue
            try:
                self._ask(transport, {}, [])
            except (TaskerError, OSError) as error:
                log.warning("no heartbeat: %s", error)
        transport.close()
