"""A developer connects the shop's backend in a browser, and resends what it did not take."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.models import WebhookDelivery
from portal.roles import DEVELOPER
from tests.factories import PASSWORD, UserFactory
from tests.story import PHP, Customer, Shop
from tests.webhooks.receiver import Receiver, is_signed


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """The shop's backend."""
    settings.PORTAL_WEBHOOKS_ALLOW_PRIVATE = True
    receiver = Receiver()
    yield receiver
    receiver.close()


def test_an_endpoint_is_connected_and_what_it_missed_is_ticked_and_resent(
    page: Page, shop: Shop, buyer: Customer, receiver: Receiver
) -> None:
    developer = UserFactory(roles=(DEVELOPER,))
    page.goto(f"{shop.url}/admin/login/?next=/admin/portal/webhookendpoint/")
    page.fill("[name=login]", developer.username)
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    page.get_by_role("link", name="Add an endpoint…").click()
    page.get_by_label("Name").fill("Shop backend")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_label("Reason").fill("The new shop.")
    page.get_by_role("button", name="Add this endpoint").click()
    secret = page.locator("#new-secret").inner_text()
    page.get_by_role("link", name="I have kept it").click()
    page.get_by_role("link", name="Send a ping").click()
    page.get_by_role("button", name="Send the ping").click()
    expect(page.get_by_text("It took the ping: HTTP 200")).to_be_visible()
    assert is_signed(receiver.messages.pop(), secret)

    receiver.always(500)
    buyer.binds("GCASH")
    for _ in range(2):
        shop.charges(shop.sells("Monthly pass", PHP(499_00), to=buyer))
    shop.comes_to_rest()
    receiver.always(200)
    receiver.messages.clear()
    page.get_by_role("link", name="Deliveries").click()
    page.get_by_role("link", name="Not taken yet").click()
    page.get_by_label("Choose row 1").check()
    page.get_by_label("Choose row 3").check()
    page.get_by_role("button", name="Resend ticked…").click()
    page.get_by_label("Reason").fill("It was asleep.")
    page.get_by_role("button", name="Resend 2 webhooks").click()
    expect(page.get_by_text("2 webhooks are being sent.")).to_be_visible()
    shop.comes_to_rest()
    newest, _, oldest = WebhookDelivery.objects.select_related("event").order_by("-created_at", "-pk")
    assert [message.id for message in receiver.messages] == [oldest.event.event_id, newest.event.event_id]
