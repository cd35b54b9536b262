"""What one run says and keeps."""

import json
import logging
import threading
import time
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional

from .transport import TaskerError

log = logging.getLogger("tasker")

STORE_SECONDS = 30.0
"""The log of a run is stored this often while it runs; and once more at its end."""
SHOW_SECONDS = {True: 1.0, False: 3.0}
"""How often lines are shown meanwhile: to somebody who reads along, and to find out whether."""
MAX_LINES = 1_000
MAX_BYTES = 65_536
MAX_FIELDS_BYTES = 4_096
MAX_LINES_OF_CALL = 500
MAX_MESSAGE_CHARS = 8_000
MAX_TEXT_CHARS = 65_000
MAX_KEPT_BYTES = 16_384
AGAIN_AFTER_SECONDS = (0.2, 1.0, 3.0)
TEXT_SECONDS = {True: 0.25, False: 1.0}
"""How often output is sent: to somebody who reads along, and to find out whether."""

Send = Callable[..., Any]

_LEVELS = (
    (logging.ERROR, "error"),
    (logging.WARNING, "warn"),
    (logging.INFO, "info"),
    (0, "debug"),
)


def _to_utf8(text: str) -> str:
    # A lone surrogate has no UTF-8.
    return text.encode("utf-8", "replace").decode()


def _to_fields(fields: Dict[str, Any]) -> Dict[str, Any]:
    """As JSON has them; not those that are large."""
    try:
        text = _to_utf8(json.dumps(fields, default=str, allow_nan=False))
        known: Dict[str, Any] = json.loads(text)
    except (TypeError, ValueError):
        return {"fields": "no JSON"}
    return known if len(text) <= MAX_FIELDS_BYTES else {"cut": True}


def to_kept(value: Any, what: str) -> Any:
    """JSON that fits; raises `ValueError`."""
    size = len(json.dumps(value, allow_nan=False).encode())
    if size > MAX_KEPT_BYTES:
        raise ValueError(f"The {what} has {size} bytes, more than the {MAX_KEPT_BYTES} that fit")
    return value


class Words:
    """Lines and text of one run, told to the service in as few calls as will do. Best effort."""

    def __init__(self, run: str, send: Send, wake: Callable[[], None]) -> None:
        self._run = run
        self._send = send
        self._wake = wake
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        self._lines: List[Dict[str, Any]] = []
        self._added = self._stored = self._shown = self._told_cut = 0
        self._bytes = 0
        self._text = ""
        # Until it is known, somebody reads along.
        self._is_watched = True
        self._stored_at = self._shown_at = self._sent_at = time.monotonic()

    def write(self, level: str, message: str, fields: Optional[Dict[str, Any]] = None) -> None:
        with self._lock:
            self._added += 1
            # Full: nothing more is even looked at.
            if len(self._lines) >= MAX_LINES or self._bytes >= MAX_BYTES:
                return
        at = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
        line: Dict[str, Any] = {"level": level, "at": at}
        line["message"] = _to_utf8(message[:MAX_MESSAGE_CHARS])
        if fields:
            line["fields"] = _to_fields(fields)
        size = len(json.dumps(line).encode())
        with self._lock:
            # What does not fit ends the log.
            fits = self._bytes + size <= MAX_BYTES
            self._bytes = self._bytes + size if fits else MAX_BYTES
            if fits:
                self._lines.append(line)
        self._wake()

    def output(self, text: str) -> None:
        with self._lock:
            # What nobody took yet is shown from its last 64 KB on.
            self._text = (self._text + _to_utf8(text))[-MAX_TEXT_CHARS:]
        self._wake()

    def has_news(self) -> bool:
        return bool(self._text) or self._stored < len(self._lines)

    def _tell(self, path: str, body: Dict[str, Any]) -> bool:
        """Whether it was taken, or refused for good."""
        try:
            self._is_watched = bool(self._send(path, body, self._run).get("watched"))
            return True
        except (TaskerError, OSError, ValueError, TypeError) as error:
            log.warning("what a run said was not taken: %s", error)
            return not isinstance(error, OSError) and not getattr(error, "is_passing", False)

    def tick(self) -> None:
        """Tells what is due; called a few times a second."""
        with self._telling:
            now = time.monotonic()
            if now - self._sent_at >= TEXT_SECONDS[self._is_watched]:
                self._send_text()
            if self._stored == len(self._lines):
                return
            if now - self._stored_at >= STORE_SECONDS:
                self._store()
            elif now - self._shown_at >= SHOW_SECONDS[self._is_watched]:
                self._shown_at = now
                part = self._lines[self._shown :][:MAX_LINES_OF_CALL] if self._is_watched else []
                self._tell("/runs/logs", {"lines": part, "first": self._shown, "live": True})
                self._shown += len(part)

    def finish(self) -> None:
        """The run is over: returns when all that it said is told."""
        with self._telling:
            self._send_text()
            for seconds in (*AGAIN_AFTER_SECONDS, None):
                # A result is worth more than its words.
                if self._store() or seconds is None:
                    return
                time.sleep(seconds)

    def _send_text(self) -> None:
        with self._lock:
            text, self._text = self._text, ""
        if text:
            self._sent_at = time.monotonic()
            self._tell("/runs/output", {"text": text})

    def _store(self) -> bool:
        with self._lock:
            lines, cut = list(self._lines), self._added - len(self._lines)
        while self._stored < len(lines) or cut > self._told_cut:
            part = lines[self._stored :][:MAX_LINES_OF_CALL]
            body: Dict[str, Any] = {"lines": part, "first": self._stored}
            if self._stored + len(part) == len(lines):
                body["cut"] = cut - self._told_cut
            self._stored_at = time.monotonic()
            if not self._tell("/runs/logs", body):
                return False
            self._stored += len(part)
            self._told_cut = cut if "cut" in body else self._told_cut
            self._shown = max(self._shown, self._stored)
        return True


def keep(send: Callable[[], Any]) -> Any:
    """Sends until the service has it, or refuses it."""
    for seconds in (*AGAIN_AFTER_SECONDS, None):
        try:
            return send()
        except (TaskerError, OSError) as error:
            may_pass = not isinstance(error, TaskerError) or error.is_passing
            if not may_pass or seconds is None:
                raise
            time.sleep(seconds)


class LogHandler(logging.Handler):
    """Puts what `logging` is told inside a task into the log of its run, by the thread."""

    def __init__(self, find: Callable[[], Optional[Words]]) -> None:
        super().__init__()
        self._find = find

    def emit(self, record: logging.LogRecord) -> None:
        words = self._find()
        # What the worker itself says is for whoever runs it.
        if words is None or record.name.split(".")[0] == "tasker":
            return
        level = next(name for least, name in _LEVELS if record.levelno >= least)
        try:
            message = record.getMessage()
            if record.exc_info:
                message += "\n" + logging.Formatter().formatException(record.exc_info)
            words.write(level, message, {"logger": record.name})
        except Exception:
            self.handleError(record)
