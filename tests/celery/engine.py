"""Any story with Celery as its engine: what falls due crosses a real broker, every message twice.

With ``STORIES_BROKER_URL`` set, whoever asks for due work to be done (a story that moves the clock, two workers at
once) claims it as ever, sends each batch through the broker, and waits until this process's own Celery worker has
taken both copies from it. The worker runs in threads, so that it lives in the time of the story and in its mishaps.
"""

import queue
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from celery.contrib.testing.worker import start_worker

from portal import celery, registry, work

COPIES = 2
_HANDS = 8
"""Threads of the worker: while one waits for an answer, what happens meanwhile may ask for due work, too."""
_PATIENCE_SECONDS = 60


class Engine:
    """Claims, sends, waits; and notes what the worker did with each copy."""

    def __init__(self) -> None:
        self._work_on = work.work_on
        self._lock = threading.Lock()
        self._ended: defaultdict[work.Batch, queue.Queue[list[tuple[str, str]] | BaseException]]
        self._ended = defaultdict(queue.Queue)
        self.messages = 0
        """How many copies the worker has taken from the broker."""

    def run_due(self, *, stop: Callable[[], bool] = lambda: False) -> Iterator[tuple[str, str]]:
        """As ``work.run_due``, with a broker between the claim and the work."""
        for name, kind in registry.due_work.items():
            batch = work.claim(name, kind, work.BATCH)
            if batch.ids:
                yield from self._carry(batch)
            if stop():
                return

    def work_on(self, batch: work.Batch, *, stop: Callable[[], bool]) -> Iterator[tuple[str, str]]:
        """As ``work.work_on``, and tell whoever waits."""
        lines: list[tuple[str, str]] = []
        outcome: list[tuple[str, str]] | BaseException = lines
        try:
            for line in self._work_on(batch, stop=stop):
                lines.append(line)
                yield line
        except BaseException as reason:  # also a story's own end of the process
            outcome = reason
        with self._lock:
            self.messages += 1
            ended = self._ended[batch]
        ended.put(outcome)

    def _carry(self, batch: work.Batch) -> list[tuple[str, str]]:
        with self._lock:
            ended = self._ended[batch]
        for _ in range(COPIES):
            celery.work_on.apply_async((batch.kind, batch.ids, batch.held_until.isoformat()))
        outcomes = [ended.get(timeout=_PATIENCE_SECONDS) for _ in range(COPIES)]
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [line for outcome in outcomes if not isinstance(outcome, BaseException) for line in outcome]


@contextmanager
def running() -> Iterator[Engine]:
    """An engine and its worker, on a queue of their own that is gone afterwards."""
    app = celery.app
    app.conf.update(task_default_queue=f"stories-{uuid.uuid4().hex}", worker_hijack_root_logger=False)
    engine = Engine()
    with start_worker(app, pool="threads", concurrency=_HANDS, perform_ping_check=False):
        yield engine
    with app.connection_for_write() as broker:
        broker.default_channel.queue_delete(app.conf.task_default_queue)
