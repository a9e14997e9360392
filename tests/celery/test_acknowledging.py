"""A message whose broker is gone by the time its rows are done: nothing is left to tell, and the worker goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.worker.request import Request
from django.conf import settings
from kombu import Connection, Consumer, Queue

from tests.celery.brokers import Redis
from tests.celery.conftest import must_be_here


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    must_be_here(Redis)
    with Redis(tmp_path) as redis:
        yield redis


@pytest.fixture
def celery(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The portal's app. It is imported with any broker's name and here only words messages."""
    if not settings.CELERY_BROKER_URL:
        monkeypatch.setattr(settings, "CELERY_BROKER_URL", redis.url)
    from portal import celery  # noqa: PLC0415 - a broker is known only now

    return celery


def in_hand(celery: Any, redis: Redis, kind: type[Request]) -> tuple[Request, Any]:
    """A message as a worker holds it, and the channel by which it came; then Redis dies and the worker notices."""
    connection, messages = Connection(redis.url), []
    held_until = "2026-01-01T00:00:00+00:00"
    celery.work_on.apply_async(("payments", [1], held_until), connection=connection, queue=Queue(redis.queue))
    channel = connection.channel()
    with Consumer(channel, [Queue(redis.queue)], callbacks=[lambda _, message: messages.append(message)]):
        connection.drain_events(timeout=5)
    (message,) = messages
    redis.dies()
    with pytest.raises(connection.connection_errors):
        connection.drain_events(timeout=5)
    connection.collect()
    channel._disconnect_pools()
    request = kind(
        message,
        app=celery.app,
        task=celery.work_on,
        on_ack=message.ack_log_error,
        on_reject=message.reject_log_error,
        connection_errors=connection.connection_errors,
    )
    return request, channel


def test_the_worker_outlives_an_acknowledgement_that_nobody_takes(celery: Any, redis: Redis) -> None:
    request, _ = in_hand(celery, redis, celery.work_on.Request)
    request.acknowledge()
    assert request.acknowledged


def test_the_worker_outlives_a_message_that_it_cannot_give_back(celery: Any, redis: Redis) -> None:
    request, _ = in_hand(celery, redis, celery.work_on.Request)
    request.reject(requeue=True)
    assert request.acknowledged


def test_without_it_the_worker_would_end(celery: Any, redis: Redis) -> None:
    """The day kombu keeps its word, this fails, and portal.celery.RowRequest can go."""
    request, _ = in_hand(celery, redis, Request)
    with pytest.raises(AttributeError):
        request.acknowledge()


def test_another_mistake_is_not_hidden(celery: Any, redis: Redis) -> None:
    request, channel = in_hand(celery, redis, celery.work_on.Request)
    channel.connection.client = object()
    with pytest.raises(AttributeError):
        request.acknowledge()
