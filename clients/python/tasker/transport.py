"""HTTP with JSON over one connection that is kept open."""

import http.client
import json
import ssl
import threading
import time
from typing import Any, Dict, Optional, Tuple
from urllib.parse import urlsplit


# A connection that was idle for longer is opened anew.
IDLE_SECONDS = 2.0


class TaskerError(Exception):
    """An answer that is no success. `code` is a stable word, such as `task_not_found`."""

    def __init__(self, status: int, problem: Dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or f"The service answered {status}"))
        self.status = status
        self.code = str(problem.get("code") or "unexpected_answer")
        self.errors = problem.get("errors") or []
        self.problem = problem

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status >= 500 or self.status in (408, 429)


class Transport:
    """Sends requests to one service; every thread has a connection of its own."""

    def __init__(self, base_url: str, api_key: Optional[str], timeout: float) -> None:
        url = urlsplit(base_url if "://" in base_url else f"http://{base_url}")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"Not the address of a service: {base_url!r}")
        self._scheme, self._host, self._port = url.scheme, url.hostname, url.port
        self._path = url.path.rstrip("/")
        self._api_key = api_key
        self._timeout = timeout
        self._local = threading.local()

    def _connect(self) -> http.client.HTTPConnection:
        if self._scheme == "http":
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout, context=context
        )

    def close(self) -> None:
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _exchange(
        self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str]
    ) -> Tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        # The other side may have closed what was idle; a request that fails for it would have to be
        # sent twice, and not every request may be.
        if connection is not None and time.monotonic() - self._local.used_at > IDLE_SECONDS:
            self.close()
            connection = None
        if connection is None:
            connection = self._local.connection = self._connect()
        try:
            connection.request(method, self._path + path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (http.client.HTTPException, OSError) as error:
            self.close()
            if isinstance(error, OSError):
                raise
            raise ConnectionError(f"The answer broke off: {error!r}") from error
        self._local.used_at = time.monotonic()
        return response.status, content

    def request(
        self,
        method: str,
        path: str,
        value: Any = None,
        *,
        body: Optional[bytes] = None,
        headers: Optional[Dict[str, str]] = None,
        token: Optional[str] = None,
    ) -> Any:
        """The JSON of the answer; raises `TaskerError` for a refusal, `OSError` for none at all."""
        sent = {"Accept": "application/json", "User-Agent": "tasker-python"}
        if value is not None:
            body = json.dumps(value, allow_nan=False).encode()
            sent["Content-Type"] = "application/json"
        bearer = token or self._api_key
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        sent.update(headers or {})
        status, content = self._exchange(method, path, body, sent)
        try:
            answer = json.loads(content) if content else None
        except ValueError:
            answer = None
        if 200 <= status < 300:
            return answer
        raise TaskerError(status, answer if isinstance(answer, dict) else {})
