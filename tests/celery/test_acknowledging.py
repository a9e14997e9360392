"""A message whose broker is gone by the time its rows are done: nothing is left to tell, and the worker goes on."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from kombu import Connection, Consumer, Message, Queue
from kombu.asynchronous import Hub
from kombu.transport import redis as kombu_redis
from vine import promise

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


class _AsItComes(kombu_redis.Transport):
    """Redis as kombu has it."""

    Channel = kombu_redis.Channel


def in_hand(celery: Any, redis: Redis, transport: Any = None) -> tuple[Message, tuple[type[Exception], ...]]:
    """A message as a worker holds it, and the losses it expects; then Redis dies and the worker notices."""
    connection, messages = Connection(redis.url, transport=transport), []
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
    return message, connection.connection_errors


@pytest.mark.parametrize("say", ["ack_log_error", "reject_log_error"])
def test_the_loop_outlives_what_it_can_no_longer_say(
    celery: Any, redis: Redis, caplog: pytest.LogCaptureFixture, say: str
) -> None:
    """As in a worker's loop when a row is done in the moment in which the broker's loss is noticed."""
    message, losses = in_hand(celery, redis)
    hub = Hub()
    hub.call_soon(promise(getattr(message, say), (logging.getLogger("worker"), losses)))
    next(hub.create_loop())
    assert "the broker that sent the message is gone" in caplog.text


def test_without_it_the_loop_would_end(celery: Any, redis: Redis) -> None:
    """The day kombu keeps its word, this fails, and portal.celery.RedisChannel can go."""
    message, losses = in_hand(celery, redis, _AsItComes)
    hub = Hub()
    hub.call_soon(promise(message.ack_log_error, (logging.getLogger("worker"), losses)))
    with pytest.raises(AttributeError):
        next(hub.create_loop())


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_every_name_of_redis_is_ours(celery: Any, scheme: str) -> None:
    connection = Connection(f"{scheme}://127.0.0.1", ssl=scheme == "rediss")

    assert connection.transport.Channel is celery.RedisChannel
    assert connection.as_uri().startswith(f"{scheme}://")
