"""An endpoint that answers later: SECRET=whsec_… python3 examples/endpoint.py"""

import base64
import hashlib
import hmac
import json
import os
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ.get("SECRET", "").replace("whsec_", ""))
SERVICE = os.environ.get("TASKER_URL", "http://localhost:8787")


def is_signed(headers, body: bytes) -> bool:
    """Whether the type's secret signed it: https://www.standardwebhooks.com"""
    at = headers.get("webhook-timestamp", "0")
    text = f"{headers.get('webhook-id')}.{at}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(KEY, text, hashlib.sha256).digest()).decode()
    fresh = at.isdigit() and abs(time.time() - int(at)) < 300
    return fresh and any(
        hmac.compare_digest(each, wanted) for each in headers.get("webhook-signature", "").split(" ")
    )


def finish(call) -> None:
    """The long work, and its end."""
    time.sleep(1)
    request = urllib.request.Request(
        f"{SERVICE}/runs/complete",
        json.dumps({"result": {"slept": 1}}).encode(),
        {"Authorization": f"Bearer {call['run_token']}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request)


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not is_signed(self.headers, body):
            return self.send_error(401)
        threading.Thread(target=finish, args=(json.loads(body),), daemon=True).start()
        self.send_response(202)
        self.send_header("Tasker-Async", "true")
        self.end_headers()


ThreadingHTTPServer(("", int(os.environ.get("PORT", "9001"))), Endpoint).serve_forever()
