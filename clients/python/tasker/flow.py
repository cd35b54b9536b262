"""Flows: tasks that wait for tasks."""

from typing import Any, Dict, List, Optional, Sequence, Union

__all__ = ["Flow", "Node", "item", "literal"]

Value = Dict[str, str]


def _path(path: Sequence[Union[str, int]]) -> str:
    return "".join(f".{part}" for part in path)


def item(*path: Union[str, int]) -> Value:
    """The item of a node with `for_each`, or what is at a path of it."""
    return {"$from": f"item{_path(path)}"}


def literal(value: Any) -> Dict[str, Any]:
    """A value as it stands, also where it looks like one of another node."""
    return {"$literal": value}


class Node:
    """A node of a flow that is being built."""

    def __init__(self, name: str) -> None:
        self.name = name

    def result(self, *path: Union[str, int]) -> Value:
        """Its result, or what is at a path of it, as a value of another node."""
        return {"$from": f"{self.name}.result{_path(path)}"}


class Flow:
    """Builds a flow for `Tasker.submit_flow`.

    >>> orders = Flow("Orders")
    >>> listed = orders.task("list", "list_orders")
    >>> checked = orders.task("check", "check_order", {"id": item("id")}, for_each=listed.result())
    >>> orders.task("report", "report", {"checked": checked.result()})
    """

    def __init__(
        self,
        name: Optional[str] = None,
        *,
        on_failure: str = "stop",
        callback_url: Optional[str] = None,
    ) -> None:
        self._body: Dict[str, Any] = {"name": name, "on_failure": on_failure, "tasks": {}}
        if callback_url is not None:
            self._body["callback_url"] = callback_url

    def task(
        self,
        name: str,
        type: str,
        params: Optional[Dict[str, Any]] = None,
        *,
        after: Sequence[Union[Node, str]] = (),
        for_each: Optional[Value] = None,
        **options: Any,
    ) -> Node:
        """Adds a node. A value of another one in its parameters makes it wait for that.

        `options` are those of `POST /tasks`: priority, delay_seconds, max_attempts, …
        """
        tasks = self._body["tasks"]
        if name in tasks:
            raise ValueError(f'The flow has a task "{name}" already')
        node: Dict[str, Any] = {"type": type, "params": params or {}, **options}
        names: List[str] = [each.name if isinstance(each, Node) else each for each in after]
        if names:
            node["after"] = names
        if for_each is not None:
            node["for_each"] = for_each
        tasks[name] = node
        return Node(name)

    def body(self) -> Dict[str, Any]:
        """The flow as `POST /flows` takes it."""
        return self._body
