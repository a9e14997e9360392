"""Celery as the engine of many machines: beat and workers in the place of ``manage.py worker``.

``CELERY_BROKER_URL`` names a Redis or a RabbitMQ. Beat asks every kind of due work what is due, claims it, and sends it
in batches of row ids; workers take the rows over and do what ``manage.py worker`` does (``portal/work.py`` is the one
code path of both). The row is the job, and the broker is believed in nothing: a message that is lost, delivered twice
or late is only a delay, because its rows fall free again and whoever works on one has proved its claim on the row
(``portal/due.py``). From that follow the settings below:

- **Acknowledged late, rejected when the process is lost, no result kept, JSON only.** A message holds a kind, ids and
  the moment until which they are claimed; nothing in it is secret, and without that moment it does nothing.
- **Kept in memory only.** A message is worth nothing once its claim is over, after a minute; writing it to disk would
  cost more than sending it again.
- **The times fit the lease**: beat's claim lasts CARRIED (60 s), a worker's LEASE (120 s); a process is ended after
  LIMIT (115 s), before its lease is over; Redis delivers again what was not acknowledged after LEASE, later than any
  process can still work on it. A message delivered again finds its proof gone and ends at once.
- **One message in hand** per process: what waits shall wait where everybody can get at it.
- **A broker that dies is noticed.** Workers listen for remote control, and on Redis that is the line on which they hear
  of it: a worker whose processes are all busy listens on no other, cannot acknowledge, and would wait forever. What it
  had in hand counts for nothing afterwards, so it fetches as much as before.
- **What cannot be acknowledged any more** is not: the broker it came from is gone, and a message delivered again does
  nothing.
- **Told to stop, a worker finishes the row in hand** and gives back the rest of its batch, like ``manage.py worker``.
- **At most QUEUED messages wait.** Beat claims no more before there is room: without workers the broker does not fill,
  and what waits there is begun before its claim is over.

Beat keeps no timetable and no file. Two of them do no harm (each row is claimed once), so two may run for safety.
"""

import logging
import mmap
import os
from datetime import datetime
from typing import Any

import django
from celery import Celery, signals
from celery.beat import Scheduler
from celery.exceptions import OperationalError
from kombu.transport import redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.conf import settings  # noqa: E402 - only now there are any
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.db import close_old_connections, connections  # noqa: E402
from django.utils.log import configure_logging  # noqa: E402

from portal import checks, due, work  # noqa: E402
from portal.outage import DATABASE_GONE, said  # noqa: E402

QUEUE = "autodebit"
QUEUED = 100
"""Messages that may wait: with BATCH rows in each, five thousand rows."""
PAUSE = 0.5
"""Seconds between two looks."""
_PATIENCE = 2.0
"""Seconds until the next look when the database or the broker does not answer."""
_TALKATIVE = ("celery.worker.strategy", "celery.app.trace")
"""They tell of every message; a line per row is said already."""

if not settings.CELERY_BROKER_URL:
    raise ImproperlyConfigured("CELERY_BROKER_URL is not set: give a Redis or a RabbitMQ, or run manage.py worker")
for _problem in checks.broker_is_known(None):
    raise ImproperlyConfigured(f"{_problem.msg} {_problem.hint}")

logger = logging.getLogger("portal.worker")
_stopping = mmap.mmap(-1, 1)
"""One byte that a worker shares with its processes: not zero once it was told to stop. Needs no lock, so that a
process killed at any moment leaves none behind."""

app = Celery("autodebit")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"visibility_timeout": due.LEASE.total_seconds(), "socket_connect_timeout": 5},
    task_default_queue=QUEUE,
    task_default_delivery_mode="transient",
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=due.LIMIT.total_seconds(),
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_enable_prefetch_count_reduction=False,
    worker_enable_remote_control=True,
    beat_scheduler="portal.celery:RowScheduler",
)


class RedisChannel(redis.Channel):
    """A channel that says so when the connection it came by was let go."""

    def _connparams(self, asynchronous: bool = False) -> Any:
        # kombu 5.7 stumbles here over what it no longer has, with no error of its own (AttributeError). Whoever
        # acknowledges a message knows only lost connections; the worker's loop, where this happens when rows are done
        # in the moment in which the loss is noticed, would end, and the worker with it.
        if self.connection.client is None:
            raise ConnectionError("the broker that sent the message is gone")
        return super()._connparams(asynchronous)  # type: ignore[no-untyped-call]


# Not as a transport of another name: that would lose what a URL says of TLS, and stand in every line of the log.
redis.Transport.Channel = RedisChannel


@app.task(name="portal.work_on")  # type: ignore[untyped-decorator]
def work_on(kind: str, ids: list[int], held_until: str) -> None:
    """Work on the rows of one message, as far as they are still held as they were claimed."""
    batch = work.Batch(kind, tuple(ids), datetime.fromisoformat(held_until))
    try:
        for _, line in work.work_on(batch, stop=lambda: bool(_stopping[0])):
            logger.info("%s", line)
    except DATABASE_GONE as reason:  # the rows wait: their leases run out
        logger.warning("the database does not answer (%s)", said(reason))


class RowScheduler(Scheduler):  # type: ignore[misc]
    """Beat without a timetable: the rows know when they are due."""

    _broker: Any = None

    def setup_schedule(self) -> None:
        """There is none."""

    def tick(self, *_: Any, **__: Any) -> float:
        """Carry what is due; how many seconds to wait until the next look."""
        broker = self._broker = self._broker or app.connection_for_write()
        try:
            close_old_connections()
            sent = carry(broker)
        except DATABASE_GONE as reason:
            logger.warning("beat: the database does not answer (%s)", said(reason))
            return _PATIENCE
        except (OperationalError, *broker.connection_errors, *broker.channel_errors) as reason:
            logger.warning("beat: the broker does not answer (%s)", said(reason))
            self._broker = None
            broker.release()
            return _PATIENCE
        if sent:
            logger.info("beat: %s sent", "1 batch" if sent == 1 else f"{sent} batches")
        return PAUSE


def carry(broker: Any) -> int:
    """Claim what is due and send it, as far as there is room; how many messages were sent."""
    queue = app.conf.task_default_queue
    with broker.channel() as channel:
        waiting = channel.queue_declare(queue=queue, durable=True, auto_delete=False).message_count
        producer = app.amqp.Producer(channel)

        def send(batch: work.Batch) -> None:
            message = (batch.kind, batch.ids, batch.held_until.isoformat())
            work_on.apply_async(message, producer=producer, retry=False)

        return work.carry(send, room=max(0, QUEUED - waiting))


def _log_as_the_portal_does(**_: Any) -> None:
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _refuse_unready_database(**_: Any) -> None:
    sentence = checks.not_ready()
    connections.close_all()
    if sentence:
        logger.error("%s", sentence)
        raise SystemExit(2)


def _finish_the_row_in_hand(**_: Any) -> None:
    _stopping[0] = 1


signals.setup_logging.connect(_log_as_the_portal_does)
signals.beat_init.connect(_refuse_unready_database)
signals.worker_init.connect(_refuse_unready_database)
signals.worker_shutting_down.connect(_finish_the_row_in_hand)
