"""One machine of many, as a test starts it: the real app, on a queue of the test's own, and a log of what it did.

``celery -A tests.celery.machine worker|beat``. ``MACHINE_QUEUE`` names the queue, ``MACHINE_LOG`` the file that gets a
line when work on a row begins and when it ends, and while a file of the name in ``MACHINE_TWICE`` exists, every message
is sent twice.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from celery import signals

from portal import celery, registry

app = celery.app
app.conf.update(task_default_queue=os.environ["MACHINE_QUEUE"])
celery.PAUSE = 0.1
celery._PATIENCE = 0.1

from payments import operations  # noqa: E402 - the app has set Django up

_LOG = os.open(os.environ["MACHINE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_TWICE = Path(os.environ.get("MACHINE_TWICE", "/nonexistent"))


def note(**facts: object) -> None:
    """One line in one write: many processes append to the file."""
    os.write(_LOG, (json.dumps({"at": time.monotonic(), "pid": os.getpid(), **facts}) + "\n").encode())


def noted(name: str, work: Callable[[int], str]) -> Callable[[int], str]:
    def begin_and_end(pk: int) -> str:
        note(kind=name, pk=pk, moment="begin")
        try:
            return work(pk)
        finally:
            note(kind=name, pk=pk, moment="end")

    return begin_and_end


def many_noted(name: str, work_on_many: Callable[..., Any]) -> Callable[..., Any]:
    """Work on a row begins with its question, which is noted there, and ends when it is recorded, or left."""

    def end_each(ids: tuple[int, ...], may_go_on: Callable[[], bool]) -> Iterator[tuple[int, str]]:
        try:
            for pk, line in work_on_many(ids, may_go_on):
                _asked.remove(pk)
                note(kind=name, pk=pk, moment="end")
                yield pk, line
        finally:
            while _asked:
                note(kind=name, pk=_asked.pop(), moment="end")

    return end_each


_asked: list[int] = []
_inquire = operations.inquire


def _inquire_noted(payment: Any, *who: Any) -> Any:
    note(kind="payments", pk=payment.pk, moment="begin")
    _asked.append(payment.pk)
    return _inquire(payment, *who)


operations.inquire = _inquire_noted

for _name, (_position, _kind) in list(registry.due_work._entries.items()):
    registry.due_work._entries[_name] = (
        _position,
        replace(
            _kind,
            work=noted(_name, _kind.work),
            work_on_many=_kind.work_on_many and many_noted(_name, _kind.work_on_many),
        ),
    )

# What Celery prints of it comes before the app's own receiver, and so says too little; this one comes after it.
signals.worker_shutting_down.connect(lambda **_: note(moment="stopping"), weak=False)

_send_once = celery.work_on.apply_async


def _send(message: tuple[str, list[int], str], **options: Any) -> None:
    for _ in range(2 if _TWICE.exists() else 1):
        _send_once(message, **options)
        note(moment="sent", message=message)


celery.work_on.apply_async = _send
