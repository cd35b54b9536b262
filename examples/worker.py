"""A worker that resizes pictures (it only says so): python -m tasker worker examples.worker:worker"""

from tasker import GiveUp, Worker

worker = Worker()


@worker.task(
    "resize",
    description="Resizes a picture",
    params={
        "type": "object",
        "properties": {"url": {"type": "string"}, "width": {"type": "integer", "minimum": 1}},
        "required": ["url", "width"],
        "additionalProperties": False,
    },
    example={"url": "https://example.com/cat.png", "width": 200},
    timeout_seconds=120,
)
def resize(url, width, context):
    if width > 10_000:
        raise GiveUp("Too wide", "too_wide")
    context.progress(0.5, "half")
    return {"url": url, "width": width}
