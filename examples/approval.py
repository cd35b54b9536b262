"""Asks a person, and waits: python3 examples/approval.py; then open the task and say Complete."""

from tasker import Tasker

tasker = Tasker()
tasker.register_type(
    "approval",
    description="Somebody says yes or no",
    run={"manual": {}},
    result={
        "type": "object",
        "properties": {"approved": {"type": "boolean"}},
        "required": ["approved"],
    },
)
task = tasker.submit("approval", {"amount": 5_000}, title="Pay 5 000 to ACME")
print("waiting for", task["task_id"])
ended = tasker.wait(task["task_id"])
print(ended["status"], ended["result"])
