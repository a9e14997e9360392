"""What every history of a row must look like, and a line on which nothing is ever heard."""

from typing import Any

import requests
from requests.adapters import BaseAdapter

from portal.models import Stateful


class SilentLine(requests.Session):
    """The acquirer may have heard; nobody answers. What it says later comes by the record functions, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("http://", _Silence())


class _Silence(BaseAdapter):
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        raise requests.ReadTimeout


def assert_history(row: Stateful, born: str) -> None:
    """The row came to be what it is by the table's own steps, each from where the one before had led, none twice."""
    status, seen = born, []
    allowed = {(source, str(event)): target for source, event, target in row.machine}
    for change in row.changes.order_by("pk"):
        assert change.source == status, f"{row}: {change.source} after {status}"
        assert allowed[change.source, change.event] == change.target, f"{row}: {change.event}"
        status = change.target
        seen.append(change.target)
    assert row.status == status, f"{row} is {row.status} after {status}"
    assert len(seen) == len(set(seen)), f"{row} came to the same twice: {seen}"
