"""The command line: `python -m tasker --help`."""

import argparse
import importlib
import json
import logging
import os
import sys
from typing import Any, Dict, List, Optional

from .client import Tasker, TaskerError
from .worker import Worker

EXIT = {"ok": 0, "failed": 1, "usage": 2, "unreachable": 3, "timeout": 4}


def _parse_params(pairs: List[str], whole: Optional[str]) -> Dict[str, Any]:
    params: Dict[str, Any] = json.loads(whole) if whole else {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"{pair!r}: parameters are given as name=value")
        try:
            params[name] = json.loads(value)
        except ValueError:
            params[name] = value
    return params


def _load_worker(spec: str) -> Worker:
    module_name, _, name = spec.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        found = getattr(importlib.import_module(module_name), name or "worker")
    except ModuleNotFoundError as error:
        if error.name != module_name.split(".")[0]:
            raise ValueError(f"{module_name} could not be imported: {error}") from error
        raise ValueError(f"There is no module {module_name!r} here") from error
    except AttributeError as error:
        raise ValueError(f"{module_name} has no {name or 'worker'!r}") from error
    if not isinstance(found, Worker):
        raise ValueError(f"{spec} is no tasker.Worker")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tasker",
        description="Submit tasks, read them, and run those of your own types.",
        epilog="Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 no service, 4 timed out",
    )
    parser.add_argument("--url", help="of the service (default TASKER_URL, or localhost:8787)")
    parser.add_argument("--key", help="an API key (default TASKER_API_KEY)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="<command>")
    worker = commands.add_parser("worker", help="run a worker: app:worker is `worker` in app.py")
    worker.add_argument("app", metavar="module:name")
    worker.add_argument("--concurrency", type=int, help="tasks at a time (default 8)")
    worker.add_argument("--name", help="by which people know this worker")
    worker.add_argument("--verbose", action="store_true")
    submit = commands.add_parser("submit", help="submit a task: submit sum a=5 b=3 --wait")
    submit.add_argument("type")
    submit.add_argument("params", nargs="*", metavar="name=value")
    submit.add_argument("--params", dest="whole", metavar="JSON")
    submit.add_argument("--wait", action="store_true", help="for its end")
    submit.add_argument("--timeout", type=float, help="seconds to wait")
    for name, text in (("get", "a task"), ("cancel", "a task"), ("retry", "a task")):
        commands.add_parser(name, help=f"{name} {text}").add_argument("task_id")
    complete = commands.add_parser("complete", help="complete a task of a manual type")
    complete.add_argument("task_id")
    complete.add_argument("result", nargs="?", metavar="JSON")
    fail = commands.add_parser("fail", help="fail a task of a manual type")
    fail.add_argument("task_id")
    fail.add_argument("message")
    commands.add_parser("types", help="what can be submitted")
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.command == "worker":
        level = logging.DEBUG if options.verbose else logging.INFO
        logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        worker = _load_worker(options.app)
        worker.base_url = options.url or worker.base_url
        worker.api_key = options.key or worker.api_key
        worker.concurrency = options.concurrency or worker.concurrency
        if options.name:
            worker.name = f"{options.name[:80]}-{worker.name[-8:]}"
        worker.run()
        return EXIT["ok"]
    tasker = Tasker(options.url, options.key)
    if options.command == "types":
        for each in tasker.types():
            print(f"{each['type']:<30} {each['kind']:<9} {each['description']}")
        return EXIT["ok"]
    if options.command == "submit":
        params = _parse_params(options.params, options.whole)
        # What is light runs at once for a submit that waits.
        quick = min(2, int(options.timeout or 2)) if options.wait else None
        task = tasker.submit(options.type, params, wait_seconds=quick)
        if options.wait:
            task = tasker.wait(task["task_id"], options.timeout)
    elif options.command == "complete":
        result = None if options.result is None else json.loads(options.result)
        task = tasker.complete(options.task_id, result)
    elif options.command == "fail":
        task = tasker.fail(options.task_id, options.message)
    else:
        task = getattr(tasker, options.command)(options.task_id)
    print(json.dumps(task, indent=2, ensure_ascii=False))
    is_bad = options.command == "submit" and task["status"] in ("FAILED", "CANCELLED")
    return EXIT["failed"] if is_bad else EXIT["ok"]


def main() -> int:
    """Runs a command; returns its exit code."""
    options = _parser().parse_args()
    try:
        return _run(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return EXIT["usage"]
    except TaskerError as error:
        print(error, file=sys.stderr)
        for each in error.errors:
            print(f"  {each['path']}: {each['message']}", file=sys.stderr)
        if error.status == 401:
            print("Give a key: --key, or TASKER_API_KEY", file=sys.stderr)
        return EXIT["failed"]
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return EXIT["timeout"]
    except OSError as error:
        url = options.url or os.environ.get("TASKER_URL") or "http://localhost:8787"
        print(f"No service at {url}: {error}", file=sys.stderr)
        print("Start one with npm start, or name it: --url, or TASKER_URL", file=sys.stderr)
        return EXIT["unreachable"]


if __name__ == "__main__":
    sys.exit(main())
