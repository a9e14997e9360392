"""The books' own look at webhooks: what it would complain of, so that its silence says something."""

from collections.abc import Iterator

import pytest
import requests

from portal import clock
from portal.models import AcquirerAccount, DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookEvent
from portal.outbox import signing
from tests.crash.backend import AWAY, BREAKS_OFF, REFUSES, TAKES, Backend
from tests.crash.books import everything_was_told
from tests.factories import AcquirerAccountFactory


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def account(db: None) -> AcquirerAccount:
    found: AcquirerAccount = AcquirerAccountFactory()
    return found


def written(account: AcquirerAccount, backend: Backend, count: int) -> list[WebhookEvent]:
    """Events of one wallet, each delivered as far as the portal believes."""
    endpoint = WebhookEndpoint.objects.create(name="The shop", account=account, url=backend.url, secret=backend.secret)
    events = []
    for number in range(1, count + 1):
        event = WebhookEvent.objects.create(
            event_id=f"E{number}",
            account=account,
            kind="wallet.bound",
            subject_type="authorizations.WalletAccount",
            subject_id="1",
            subject_label="W1",
            sequence=number,
            body=f'{{"id":"E{number}","kind":"wallet.bound","sequence":{number}}}',
        )
        WebhookDelivery.objects.create(
            event=event,
            endpoint=endpoint,
            subject_id="1",
            sequence=number,
            state=DeliveryState.DELIVERED,
            delivered_at=clock.now(),
            finished_at=clock.now(),
        )
        events.append(event)
    return events


def send(backend: Backend, event: WebhookEvent, *, body: str = "", secret: str = "") -> int | None:
    """Post an event as the portal does; the status, None without an answer."""
    content = (body or event.body).encode()
    headers = signing.headers(event.event_id, content, (secret or backend.secret,), at=clock.now())
    try:
        return requests.post(backend.url, data=content, headers=headers, timeout=5).status_code
    except requests.ConnectionError:
        return None


def test_nothing_to_complain_of_when_all_came_in_order_and_one_twice(
    account: AcquirerAccount, backend: Backend
) -> None:
    first, second = written(account, backend, 2)
    assert [send(backend, one) for one in (first, second, first)] == [204, 204, 204]
    assert everything_was_told(backend) == []


def test_the_moods_of_the_backend(account: AcquirerAccount, backend: Backend) -> None:
    (event,) = written(account, backend, 1)
    answers = []
    for mood in (REFUSES, AWAY, BREAKS_OFF, TAKES):
        backend.is_now(mood)
        answers.append((mood, send(backend, event), len(backend.taken)))
    assert answers == [(REFUSES, 503, 0), (AWAY, None, 0), (BREAKS_OFF, None, 1), (TAKES, 204, 2)]


def test_what_is_missing_invented_out_of_order_changed_or_unsigned_is_a_complaint(
    account: AcquirerAccount, backend: Backend
) -> None:
    first, second, third = written(account, backend, 3)
    send(backend, second)
    send(backend, first, secret=signing.new_secret())
    send(backend, first, body='{"id":"E1","kind":"wallet.bound","sequence":1,"more":1}')
    send(backend, WebhookEvent(event_id="E9", body='{"id":"E9","kind":"order.paid","sequence":1}'))
    WebhookDelivery.objects.filter(event=third).update(state=DeliveryState.WAITING, finished_at=None)
    found = "\n".join(everything_was_told(backend))
    for words in (
        "event 2 of authorizations.WalletAccount W1 came after 0",
        "which is not signed",
        "the shop was told E1",
        "the shop was told E9",
        "wallet.bound W1 was never taken",
        "webhook wallet.bound W1 is WAITING",
    ):
        assert words in found
