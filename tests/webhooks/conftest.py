"""A merchant's system that listens, on the loopback."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from portal import clock, outbox
from portal.actor import Actor
from portal.models import WebhookEndpoint
from tests.story import Shop
from tests.webhooks.receiver import Receiver

STAFF = Actor.command("story")

Listens = Callable[..., WebhookEndpoint]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """The merchant's system; the sandbox may tell this machine."""
    settings.PORTAL_WEBHOOKS_ALLOW_PRIVATE = True
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def listens(shop: Shop) -> Listens:
    """Add an endpoint for a receiver; its secret is kept on the receiver."""

    def add(receiver: Receiver, name: str = "Shop backend", **facts: Any) -> WebhookEndpoint:
        wanted = {"name": name, "account": None, "url": receiver.url, "kinds": [], **facts}
        endpoint, receiver.secret = outbox.add(wanted, by=STAFF)  # type: ignore[attr-defined]
        return endpoint

    return add


@pytest.fixture
def passes(shop: Shop) -> Callable[..., None]:
    """Let time pass, everything done at the moment it falls due."""

    def let(**span: float) -> None:
        shop.clock_moves_to(clock.now() + timedelta(**span))

    return let
