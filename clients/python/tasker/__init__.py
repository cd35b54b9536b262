"""Client and worker of a Tasker service. Standard library only; Python 3.9 or later."""

from .client import Tasker, TaskerError
from .flow import Flow, item, literal
from .worker import Context, GiveUp, RetryLater, Snooze, Worker

__version__ = "0.1.0"
__all__ = [
    "Context",
    "Flow",
    "GiveUp",
    "RetryLater",
    "Snooze",
    "Tasker",
    "TaskerError",
    "Worker",
    "item",
    "literal",
]
