"""Webhooks at the desk: who listens is added and changed, what was not taken is found and resent."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.models import Order
from portal import clock
from portal.models import (
    DeliveryState,
    EndpointState,
    JournalEntry,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.roles import AUDITOR, DEVELOPER, OPERATOR, PURPOSES, SUPPORT
from tests import factories
from tests.desk.conftest import Desk, act_url, list_url, page_url
from tests.story import PHP, Customer, Shop
from tests.webhooks.conftest import Listens
from tests.webhooks.receiver import Receiver, is_signed

ADD = "/admin/portal/webhookendpoint/acts/add/"
RESEND = "/admin/portal/webhookdelivery/acts/resend_chosen/"


@pytest.fixture
def chief(db: None) -> Desk:
    """Somebody who may do everything, since they hold every role."""
    return Desk(*PURPOSES)


@pytest.fixture
def person() -> Callable[..., Desk]:
    """Somebody of these roles."""
    return Desk


def test_an_endpoint_is_added_pinged_hears_of_an_order_and_gets_a_new_secret(
    chief: Desk, shop: Shop, buyer: Customer, receiver: Receiver
) -> None:
    assert "Nobody listens yet" in chief.reads(list_url(WebhookEndpoint))
    page = chief.begins(ADD).sends(name="Shop backend", url=receiver.url, kinds=["order.paid"], note="New shop.")
    secret = re.findall(r"whsec_\S+", page)[0]
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.secret, endpoint.kinds, endpoint.account) == (secret, ["order.paid"], None)

    assert "It took the ping: HTTP 200" in chief.begins(act_url(endpoint, "ping")).sends()
    assert receiver.kinds() == ["ping"]
    assert is_signed(receiver.messages[0], secret)
    receiver.says(401, b"who are you? " + secret.encode())
    refused = chief.begins(act_url(endpoint, "ping")).sends()
    assert "It did not take the ping: HTTP 401. It said: who are you? ••••" in refused

    buyer.binds("GCASH")
    order = shop.sells("Monthly pass", PHP(499_00), to=buyer)
    shop.charges(order)
    assert "Webhook order.paid" in chief.reads(page_url(order))
    shop.comes_to_rest()
    assert "Shop backend: delivered" in chief.reads(page_url(order))
    (event,) = WebhookEvent.objects.all()
    assert "Taken" in chief.reads(page_url(event))
    assert order.number in chief.reads(page_url(event))
    delivery = WebhookDelivery.objects.get()
    told = chief.reads(page_url(delivery))
    assert "Taken: HTTP 200" in told
    assert "at 127.0.0.1" in told
    found = chief.client.get("/admin/search/", {"q": event.event_id})
    assert found.headers["Location"] == page_url(event)

    rotated = chief.begins(act_url(endpoint, "rotate")).sends(hours="24", note="Every spring.")
    newer = re.findall(r"whsec_\S+", rotated)[0]
    endpoint.refresh_from_db()
    assert (endpoint.secret, endpoint.previous_secret) == (newer, secret)
    assert endpoint.previous_secret_until == clock.now() + timedelta(hours=24)

    for url in (page_url(endpoint), list_url(WebhookEndpoint), page_url(delivery), list_url(JournalEntry)):
        assert "whsec_" not in chief.opens(url)
    assert [entry.act for entry in JournalEntry.objects.order_by("pk")] == [
        "add webhook endpoint",
        "ping webhook endpoint",
        "ping webhook endpoint",
        "rotate webhook secret",
    ]
    assert not any("whsec_" in str(entry.after) for entry in JournalEntry.objects.all())


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "This field is required."),
        ("http://shop.example/hooks", "Use https://."),
        ("https://127.0.0.1/hooks", "leads to 127.0.0.1, which is no public address."),
        ("https://[::1]/hooks", "leads to ::1, which is no public address."),
        ("https://169.254.169.254/latest/meta-data/", "which is no public address."),
        ("https://someone:word@93.184.216.34/hooks", "no user name or password"),
        ("https://93.184.216.34:8443/hooks", "Port 8443 is not allowed here; allowed: 443."),
        ("https://nowhere.invalid/hooks", "leads to no address."),
        ("javascript:alert(1)", "Use https://."),
    ],
)
def test_an_address_webhooks_must_not_go_to_is_refused_by_a_sentence(chief: Desk, url: str, sentence: str) -> None:
    assert sentence in chief.begins(ADD).sends(name="Shop backend", url=url, note="New shop.")
    assert (WebhookEndpoint.objects.count(), JournalEntry.objects.count()) == (0, 0)


def test_an_endpoint_is_changed_with_both_versions_in_the_journal(chief: Desk) -> None:
    endpoint = factories.WebhookEndpointFactory(url="https://93.184.216.34/old")
    factories.WebhookEndpointFactory(name="Books")
    taken = chief.begins(act_url(endpoint, "change")).sends(
        name="Books", url="https://93.184.216.34/new", note="New host."
    )
    assert "Another endpoint has this name." in taken
    page = chief.begins(act_url(endpoint, "change")).sends(
        name="Shop", url="https://93.184.216.34/new", kinds=["order.paid"], note="New host."
    )
    assert "The endpoint is saved." in page
    entry = JournalEntry.objects.get()
    assert entry.before == {"name": endpoint.name, "url": "https://93.184.216.34/old", "kinds": []}
    assert entry.after == {"name": "Shop", "url": "https://93.184.216.34/new", "kinds": ["order.paid"]}


def test_an_endpoint_is_paused_resumed_and_disabled(chief: Desk) -> None:
    delivery = factories.WebhookDeliveryFactory(waiting=True)
    endpoint = delivery.endpoint
    assert "Say why, for whoever reads the journal." in chief.begins(act_url(endpoint, "pause")).sends(note="")
    assert "What happens is kept for it." in chief.begins(act_url(endpoint, "pause")).sends(note="Moving house.")
    assert "It is not active." in chief.reads(act_url(endpoint, "pause"))
    assert "is paused. Resume it first." in chief.reads(act_url(delivery, "resend"))
    assert "when its endpoint is active again" in chief.reads(page_url(delivery))
    assert "One event waits for it." in chief.reads(act_url(endpoint, "resume"))
    assert "The endpoint is resumed." in chief.begins(act_url(endpoint, "resume")).sends(note="Moving house.")
    assert "The endpoint is disabled." in chief.begins(act_url(endpoint, "disable")).sends(note="Moving house.")
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.DISABLED
    assert list(JournalEntry.objects.order_by("pk").values_list("act", flat=True)) == [
        "pause webhook endpoint",
        "resume webhook endpoint",
        "disable webhook endpoint",
    ]


def test_what_was_not_taken_is_found_resent_one_by_one_and_ticked(
    chief: Desk, shop: Shop, buyer: Customer, receiver: Receiver, listens: Listens
) -> None:
    listens(receiver)
    buyer.binds("GCASH")
    shop.comes_to_rest()
    receiver.always(500)
    orders = [shop.sells("Cold brew", PHP(180_00), to=buyer) for _ in range(3)]
    for order in orders:
        shop.charges(order)
    shop.comes_to_rest()
    receiver.always(200)
    receiver.messages.clear()

    listed = chief.opens(f"{list_url(WebhookDelivery)}?ask=failing")
    assert "3 in all" in listed
    assert listed.count('name="chosen"') == 3
    first, *others = WebhookDelivery.objects.filter(state=DeliveryState.WAITING).order_by("pk")
    page = chief.reads(page_url(first))
    assert "Not taken: HTTP 500" in page
    assert "It is being sent." in chief.begins(act_url(first, "resend")).sends(note="It was asleep.")
    shop.comes_to_rest()
    assert [message.said["object"] for message in receiver.messages] == [orders[0].number]

    query = "&".join(f"chosen={delivery.pk}" for delivery in others)
    form = chief.begins(f"{RESEND}?{query}")
    assert form.saying == "Resend 2 webhooks"
    chosen = [str(delivery.pk) for delivery in others]
    assert "2 webhooks are being sent." in form.sends(chosen=chosen, note="They were asleep.")
    assert "That was already done with this form" in form.sends(chosen=chosen, note="They were asleep.")
    shop.comes_to_rest()
    assert {message.said["object"] for message in receiver.messages} == {order.number for order in orders}
    assert len(receiver.messages) == 3
    assert JournalEntry.objects.filter(act="resend webhook").count() == 3

    assert "Nothing is ticked." in chief.reads(RESEND)
    assert "Choose again from the list." in chief.begins(f"{RESEND}?chosen={first.pk}").sends(
        "Resend 1 webhook", chosen=["999999"], note="Why not."
    )


def test_an_event_is_sent_to_an_endpoint_that_was_not_there(
    chief: Desk, shop: Shop, receiver: Receiver, listens: Listens
) -> None:
    event = factories.WebhookEventFactory()
    newcomer = listens(receiver, "Newcomer")
    assert "Tick at least one endpoint." in chief.begins(act_url(event, "send")).sends(note="Catch up.")
    assert "It is being sent to Newcomer." in chief.begins(act_url(event, "send")).sends(
        endpoints=[newcomer.pk], note="Catch up."
    )
    shop.comes_to_rest()
    assert [message.body for message in receiver.messages] == [event.body.encode()]
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED


def test_a_delivery_is_let_go(chief: Desk) -> None:
    delivery = factories.WebhookDeliveryFactory(waiting=True)
    page = chief.begins(act_url(delivery, "let_go")).sends(note="Entered by hand.")
    assert "It is not sent any more." in page
    assert "Given up" in page
    assert "It waits no longer." in chief.reads(act_url(delivery, "let_go"))


@pytest.mark.parametrize(
    ("role", "sees", "resends", "manages"),
    [
        (SUPPORT, False, False, False),
        (AUDITOR, True, False, False),
        (OPERATOR, True, True, False),
        (DEVELOPER, True, True, True),
    ],
)
@pytest.mark.django_db
def test_who_may(person: Callable[..., Desk], role: str, sees: bool, resends: bool, manages: bool) -> None:
    delivery = factories.WebhookDeliveryFactory()
    desk = person(role)
    statuses = {True: 200, False: 403}
    assert desk.status(list_url(WebhookEndpoint)) == statuses[sees]
    assert desk.status(page_url(delivery)) == statuses[sees]
    assert desk.status(act_url(delivery, "resend")) == statuses[resends]
    assert desk.status(RESEND) == statuses[resends]
    assert desk.status(ADD) == statuses[manages]
    assert desk.status(act_url(delivery.endpoint, "rotate")) == statuses[manages]
    if sees:
        assert ('name="chosen"' in desk.opens(list_url(WebhookDelivery))) == resends


def test_an_orders_page_costs_the_same_with_one_event_and_with_ten(chief: Desk) -> None:
    order: Order = factories.OrderFactory(paid=True)
    endpoint = factories.WebhookEndpointFactory()
    chief.opens(page_url(order))

    def happens(number: int) -> None:
        event = factories.WebhookEventFactory(subject=order, sequence=number)
        factories.WebhookDeliveryFactory(event=event, endpoint=endpoint)

    happens(1)
    with CaptureQueriesContext(connection) as few:
        chief.opens(page_url(order))
    for number in range(2, 11):
        happens(number)
    with CaptureQueriesContext(connection) as many:
        page = chief.reads(page_url(order))
    assert page.count("Webhook order.paid") == 10
    assert len(many) == len(few)
